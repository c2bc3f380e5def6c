package genstoreredis

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// The stores in this file do what first comes to mind. Each fault is tried on
// one of them as well, and must make it serve stale values: a test that does
// not would prove nothing.

// counter counts from 0 by INCR, reads by a plain GET, and takes a missing
// counter for 0. (It adds one to all numbers, since the cache accepts no
// generation 0 from anybody.)
type counter struct {
	redis.UniversalClient
	errorsAsMissing bool // an unreadable counter is 0 too
}

func (c counter) Current(ctx context.Context, key string) (uint64, error) {
	n, err := c.Get(ctx, "count:"+key).Uint64()
	if errors.Is(err, redis.Nil) || c.errorsAsMissing {
		err = nil
	}
	return n + 1, err
}

func (c counter) Snapshot(ctx context.Context, key string) (uint64, error) {
	return c.Current(ctx, key)
}

func (c counter) Bump(ctx context.Context, key string) (uint64, error) {
	n, err := c.Incr(ctx, "count:"+key).Uint64()
	return n + 1, err
}

func (c counter) Close(context.Context) error { return nil }

// chooser has the caller choose the new generation, unlike anything before it.
type chooser struct{ counter }

var chosen atomic.Uint64

func (c chooser) Bump(ctx context.Context, key string) (uint64, error) {
	n := chosen.Add(1)
	return n + 1, c.Set(ctx, "count:"+key, n, 0).Err()
}
