package main

import (
	"context"
	"strconv"

	gocache "github.com/go-redis/cache/v9"
)

// once is go-redis/cache with the local cache of its quickstart.
type once struct {
	cache     *gocache.Cache
	namespace string
}

func openGoRedisCache(s surroundings) (cache, error) {
	return once{gocache.New(&gocache.Options{
		Redis:      s.client,
		LocalCache: gocache.NewTinyLFU(1000, entryTTL),
	}), s.namespace}, nil
}

func (o once) key(id int64) string { return o.namespace + ":" + strconv.FormatInt(id, 10) }

func (o once) read(ctx context.Context, id int64, load loader) (Row, error) {
	var row Row
	err := o.cache.Once(&gocache.Item{
		Ctx:   ctx,
		Key:   o.key(id),
		Value: &row,
		TTL:   entryTTL,
		Do: func(item *gocache.Item) (any, error) {
			row, err := load(item.Context(), id)
			return &row, err
		},
	})
	return row, err
}

func (o once) invalidate(ctx context.Context, row Row) error {
	return o.cache.Delete(ctx, o.key(row.ID))
}

func (once) close(context.Context) error { return nil }
