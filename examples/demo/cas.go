package main

import (
	"context"
	"strconv"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// cas is CasCache: a fill is stored and served only under the generation that
// was current before the database was read.
type cas struct {
	cache cascache.CAS[Product]
}

// newCAS returns a CasCache over provider, with these generations, nil for
// local ones.
func newCAS(provider cascache.Provider, gens cascache.GenStore) (strategy, error) {
	cache, err := cascache.New(cascache.Options[Product]{
		Namespace:  "product",
		Provider:   provider,
		Codec:      codec,
		GenStore:   gens,
		DefaultTTL: entryTTL,
	})
	if err != nil {
		return nil, err
	}
	return cas{cache}, nil
}

func (s cas) read(ctx context.Context, id int64, load loader) (Product, bool, error) {
	key := strconv.FormatInt(id, 10)
	if p, hit, err := s.cache.Get(ctx, key); hit || err != nil {
		return p, hit, err
	}
	observed := s.cache.SnapshotGen(key) // before the database is read
	p, err := load(ctx, id)
	if err != nil {
		return Product{}, false, err
	}
	return p, false, s.cache.SetWithGen(ctx, key, p, observed, 0)
}

func (s cas) invalidate(ctx context.Context, p Product) error {
	return s.cache.Invalidate(ctx, strconv.FormatInt(p.ID, 10))
}

func (s cas) close(ctx context.Context) error { return s.cache.Close(ctx) }
