package main

import (
	"context"
	"strconv"

	"github.com/viccon/sturdyc"
)

type sturdy struct{ client *sturdyc.Client[Row] }

func openSturdyc(surroundings) (cache, error) {
	// As in its README: capacity, shards, TTL, and how much to evict when full.
	// It never is; without continuous evictions no goroutine outlives the run.
	return sturdy{sturdyc.New[Row](10*products, 10, entryTTL, 10, sturdyc.WithNoContinuousEvictions())}, nil
}

func (s sturdy) read(ctx context.Context, id int64, load loader) (Row, error) {
	return s.client.GetOrFetch(ctx, strconv.FormatInt(id, 10), func(ctx context.Context) (Row, error) { return load(ctx, id) })
}

func (s sturdy) invalidate(_ context.Context, row Row) error {
	s.client.Delete(strconv.FormatInt(row.ID, 10))
	return nil
}

func (sturdy) close(context.Context) error { return nil }
