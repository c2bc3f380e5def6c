package main

import (
	"context"
	"strconv"

	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidisaside"
)

// pushed is cache-aside on Redis whose reads go through the client-side cache
// of rueidis.
type pushed struct {
	client    rueidis.Client
	namespace string
}

func openRueidis(s surroundings) (cache, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}})
	if err != nil {
		return nil, err
	}
	return pushed{client, s.namespace}, nil
}

func (p pushed) key(id int64) string { return p.namespace + ":" + strconv.FormatInt(id, 10) }

func (p pushed) read(ctx context.Context, id int64, load loader) (Row, error) {
	raw, err := p.client.DoCache(ctx, p.client.B().Get().Key(p.key(id)).Cache(), entryTTL).AsBytes()
	if err == nil {
		return codec.Decode(raw)
	}
	if !rueidis.IsRedisNil(err) {
		return Row{}, err
	}
	row, err := load(ctx, id)
	if err != nil {
		return Row{}, err
	}
	if raw, err = codec.Encode(row); err != nil {
		return Row{}, err
	}
	return row, p.client.Do(ctx, p.client.B().Set().Key(p.key(id)).Value(rueidis.BinaryString(raw)).Px(entryTTL).Build()).Error()
}

func (p pushed) invalidate(ctx context.Context, row Row) error {
	return p.client.Do(ctx, p.client.B().Del().Key(p.key(row.ID)).Build()).Error()
}

func (p pushed) close(context.Context) error {
	p.client.Close()
	return nil
}

// aside is the cache-aside client of rueidis.
type aside struct {
	client    rueidisaside.CacheAsideClient
	namespace string
}

func openRueidisAside(s surroundings) (cache, error) {
	client, err := rueidisaside.NewClient(rueidisaside.ClientOption{
		ClientOption: rueidis.ClientOption{InitAddress: []string{s.addr}},
	})
	if err != nil {
		return nil, err
	}
	return aside{client, s.namespace}, nil
}

func (a aside) key(id int64) string { return a.namespace + ":" + strconv.FormatInt(id, 10) }

func (a aside) read(ctx context.Context, id int64, load loader) (Row, error) {
	raw, err := a.client.Get(ctx, entryTTL, a.key(id), func(ctx context.Context, _ string) (string, error) {
		row, err := load(ctx, id)
		if err != nil {
			return "", err
		}
		raw, err := codec.Encode(row)
		return string(raw), err
	})
	if err != nil {
		return Row{}, err
	}
	return codec.Decode([]byte(raw))
}

func (a aside) invalidate(ctx context.Context, row Row) error {
	return a.client.Del(ctx, a.key(row.ID))
}

func (a aside) close(context.Context) error {
	a.client.Close()
	return nil
}
