package strategy

import (
	"context"
	"fmt"
	"strconv"
)

// plain is a cache without generations: get, set and delete, and a read that
// fills it on a miss. Three strategies build on it and differ only in what they
// do after a write.
type plain[V any] struct {
	Storage[V]
}

func (s plain[V]) key(id int64) string { return s.Namespace + ":" + strconv.FormatInt(id, 10) }

func (s plain[V]) get(ctx context.Context, id int64) (value V, found bool, err error) {
	raw, found, err := s.Provider.Get(ctx, s.key(id))
	if err != nil || !found {
		return value, false, err
	}
	if value, err = s.Codec.Decode(raw); err != nil {
		return value, false, fmt.Errorf("%s in the cache: %w", s.key(id), err)
	}
	return value, true, nil
}

// set stores value and reports whether the provider took it, which it may
// decline when it is busy.
func (s plain[V]) set(ctx context.Context, id int64, value V) (bool, error) {
	raw, err := s.Codec.Encode(value)
	if err != nil {
		return false, err
	}
	return s.Provider.Set(ctx, s.key(id), raw, int64(len(raw)), s.TTL)
}

func (s plain[V]) del(ctx context.Context, id int64) error {
	return s.Provider.Del(ctx, s.key(id))
}

func (s plain[V]) Read(ctx context.Context, id int64, load Loader[V]) (V, bool, error) {
	if value, hit, err := s.get(ctx, id); hit || err != nil {
		return value, hit, err
	}
	value, err := load(ctx, id)
	if err != nil {
		return value, false, err
	}
	// Here is the window: value may have been replaced since it was read, and
	// nothing tells the cache that this set comes too late.
	_, err = s.set(ctx, id, value)
	return value, false, err
}

func (s plain[V]) Close(ctx context.Context) error { return s.Provider.Close(ctx) }
