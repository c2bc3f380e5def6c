package redisbackend

import (
	"context"
	"slices"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// entries is a provider that keeps each entry in the Cluster slot of its
// generation: under redisgen.ValueKey of the storage key, which is the storage key
// itself unless the cache has a schema.
type entries struct{ *redisprovider.Provider }

func (e *entries) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return e.Provider.Get(ctx, redisgen.ValueKey(key))
}

func (e *entries) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	return e.Provider.Set(ctx, redisgen.ValueKey(key), value, cost, ttl)
}

func (e *entries) Del(ctx context.Context, key string) error {
	return e.Provider.Del(ctx, redisgen.ValueKey(key))
}

func (e *entries) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	return e.Provider.GetBulk(ctx, redisgen.ValueKeys(keys))
}

func (e *entries) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	cloned := false
	for i := range items {
		key := redisgen.ValueKey(items[i].Key)
		if key == items[i].Key {
			continue
		}
		if !cloned {
			items, cloned = slices.Clone(items), true // the slice is the caller's
		}
		items[i].Key = key
	}
	return e.Provider.SetBulk(ctx, items)
}

func (e *entries) DelBulk(ctx context.Context, keys []string) error {
	return e.Provider.DelBulk(ctx, redisgen.ValueKeys(keys))
}
