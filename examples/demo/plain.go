package main

import (
	"context"
	"fmt"
	"strconv"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// plain is a cache without generations: get, set and delete, and a read that
// fills it on a miss. Three strategies build on it and differ only in what they
// do after a write.
type plain struct {
	provider cascache.Provider
}

func (s plain) key(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

func (s plain) get(ctx context.Context, id int64) (Product, bool, error) {
	raw, found, err := s.provider.Get(ctx, s.key(id))
	if err != nil || !found {
		return Product{}, false, err
	}
	p, err := codec.Decode(raw)
	if err != nil {
		return Product{}, false, fmt.Errorf("product %d in the cache: %w", id, err)
	}
	return p, true, nil
}

// set stores p and reports whether the provider took it, which it may decline
// when it is busy.
func (s plain) set(ctx context.Context, p Product) (bool, error) {
	raw, err := codec.Encode(p)
	if err != nil {
		return false, err
	}
	return s.provider.Set(ctx, s.key(p.ID), raw, int64(len(raw)), entryTTL)
}

func (s plain) del(ctx context.Context, id int64) error {
	return s.provider.Del(ctx, s.key(id))
}

func (s plain) read(ctx context.Context, id int64, load loader) (Product, bool, error) {
	if p, hit, err := s.get(ctx, id); hit || err != nil {
		return p, hit, err
	}
	p, err := load(ctx, id)
	if err != nil {
		return Product{}, false, err
	}
	// Here is the window: p may have been replaced since it was read, and
	// nothing tells the cache that this set comes too late.
	_, err = s.set(ctx, p)
	return p, false, err
}

func (s plain) close(ctx context.Context) error { return s.provider.Close(ctx) }
