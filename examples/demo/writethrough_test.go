package main

import (
	"context"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// fullProvider declines every set once it is full.
type fullProvider struct {
	cascache.Provider
	full bool
}

func (p *fullProvider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if p.full {
		return false, nil
	}
	return p.Provider.Set(ctx, key, value, cost, ttl)
}

func TestWriteThroughDropsWhatItCannotReplace(t *testing.T) {
	storage, err := newProvider()
	if err != nil {
		t.Fatal(err)
	}
	provider := &fullProvider{Provider: storage}
	s := writeThrough{plain{provider}}
	defer s.close(context.Background())

	if err := s.invalidate(t.Context(), Product{ID: 1, Version: 1}); err != nil {
		t.Fatal(err)
	}
	storage.Wait()
	if p, hit, err := s.get(t.Context(), 1); err != nil || !hit || p.Version != 1 {
		t.Fatalf("a product that was written is in the cache: got version %d, %v, %v", p.Version, hit, err)
	}
	provider.full = true
	if err := s.invalidate(t.Context(), Product{ID: 1, Version: 2}); err != nil {
		t.Fatal(err)
	}
	if p, hit, err := s.get(t.Context(), 1); err != nil || hit {
		t.Errorf("a declined set must not leave the old value behind: got version %d, %v, %v", p.Version, hit, err)
	}
}
