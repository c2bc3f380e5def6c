package strategy

import (
	"context"
	"strconv"

	cascache "github.com/unkn0wn-root/cascache/core"
)

type cas[V any] struct {
	cache cascache.CAS[V]
}

// CAS is CasCache with these generations, nil for local ones: a fill is stored
// and served only under the generation that was current before the database
// was read.
func CAS[V any](s Storage[V], gens cascache.GenStore) (Strategy[V], error) {
	cache, err := cascache.New(cascache.Options[V]{
		Namespace:  s.Namespace,
		Provider:   s.Provider,
		Codec:      s.Codec,
		GenStore:   gens,
		DefaultTTL: s.TTL,
	})
	if err != nil {
		return nil, err
	}
	return cas[V]{cache}, nil
}

func (s cas[V]) Read(ctx context.Context, id int64, load Loader[V]) (V, bool, error) {
	key := strconv.FormatInt(id, 10)
	if value, hit, err := s.cache.Get(ctx, key); hit || err != nil {
		return value, hit, err
	}
	observed := s.cache.SnapshotGen(key) // before the database is read
	value, err := load(ctx, id)
	if err != nil {
		return value, false, err
	}
	return value, false, s.cache.SetWithGen(ctx, key, value, observed, 0)
}

func (s cas[V]) Invalidate(ctx context.Context, id int64, _ V) error {
	return s.cache.Invalidate(ctx, strconv.FormatInt(id, 10))
}

func (s cas[V]) Close(ctx context.Context) error { return s.cache.Close(ctx) }
