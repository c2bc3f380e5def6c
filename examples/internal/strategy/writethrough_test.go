package strategy

import (
	"context"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
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
	storage, err := ristrettoprovider.New(ristrettoprovider.Config{})
	if err != nil {
		t.Fatal(err)
	}
	provider := &fullProvider{Provider: storage}
	s := writeThrough[string]{plain[string]{Storage[string]{Provider: provider, Codec: cascache.String{}, Namespace: "test", TTL: time.Minute}}}
	defer s.Close(context.Background())

	if err := s.Invalidate(t.Context(), 1, "first"); err != nil {
		t.Fatal(err)
	}
	storage.Wait()
	if value, hit, err := s.get(t.Context(), 1); err != nil || !hit || value != "first" {
		t.Fatalf("a value that was written is in the cache: got %q, %v, %v", value, hit, err)
	}
	provider.full = true
	if err := s.Invalidate(t.Context(), 1, "second"); err != nil {
		t.Fatal(err)
	}
	if value, hit, err := s.get(t.Context(), 1); err != nil || hit {
		t.Errorf("a declined set must not leave the old value behind: got %q, %v, %v", value, hit, err)
	}
}
