package cascache

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// In each group, "raw" is the provider or store by itself: only the ratio to it
// says something.

// benchProvider is a map behind a lock, like the plainest cache one would write.
type benchProvider struct {
	mu      sync.RWMutex
	entries map[string][]byte
}

func newBenchProvider() *benchProvider { return &benchProvider{entries: make(map[string][]byte)} }

func (p *benchProvider) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.RLock()
	value, ok := p.entries[key]
	p.mu.RUnlock()
	return value, ok, nil
}

func (p *benchProvider) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p.mu.Lock()
	p.entries[key] = value
	p.mu.Unlock()
	return true, nil
}

func (p *benchProvider) Del(_ context.Context, key string) error {
	p.mu.Lock()
	delete(p.entries, key)
	p.mu.Unlock()
	return nil
}

func (p *benchProvider) Close(context.Context) error { return nil }

var benchSizes = []int{64, 1024, 65536}

// mayBlock hides that a store never blocks, so that its calls go over the pool.
type mayBlock struct{ GenStore }

func benchCache[V any](b *testing.B, codec Codec[V], store GenStore) (*Handle[V], *benchProvider) {
	b.Helper()
	provider := newBenchProvider()
	return open(b, Options[V]{Namespace: "bench", Provider: provider, Codec: codec, GenStore: store}), provider
}

// bench runs f under a name, and counts what it allocates.
func bench(b *testing.B, name string, f func(ctx context.Context) error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		ctx := b.Context()
		for b.Loop() {
			if err := f(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benchParallel is bench on as many goroutines as there are processors.
func benchParallel(b *testing.B, name string, f func(ctx context.Context) error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		ctx := b.Context()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := f(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkGet(b *testing.B) {
	for _, size := range benchSizes {
		value := []byte(strings.Repeat("v", size))
		h, provider := benchCache(b, Bytes{}, nil)
		fill(b, h, "key", value)
		bench(b, fmt.Sprintf("raw/%d", size), func(ctx context.Context) error {
			_, _, err := provider.Get(ctx, "single:bench:key")
			return err
		})
		bench(b, fmt.Sprintf("bytes/%d", size), func(ctx context.Context) error {
			_, _, err := h.Get(ctx, "key")
			return err
		})
		text, _ := benchCache(b, String{}, nil)
		fill(b, text, "key", string(value))
		bench(b, fmt.Sprintf("string/%d", size), func(ctx context.Context) error {
			_, _, err := text.Get(ctx, "key")
			return err
		})
		pooled, _ := benchCache(b, Bytes{}, mayBlock{newLocal(b, 0, 0)})
		fill(b, pooled, "key", value)
		bench(b, fmt.Sprintf("bytes-pooled/%d", size), func(ctx context.Context) error {
			_, _, err := pooled.Get(ctx, "key")
			return err
		})
	}
	h, provider := benchCache(b, Bytes{}, nil)
	bench(b, "raw/miss", func(ctx context.Context) error {
		_, _, err := provider.Get(ctx, "single:bench:key")
		return err
	})
	bench(b, "bytes/miss", func(ctx context.Context) error {
		_, _, err := h.Get(ctx, "key")
		return err
	})
}

func BenchmarkGetParallel(b *testing.B) {
	h, provider := benchCache(b, Bytes{}, nil)
	fill(b, h, "key", []byte(strings.Repeat("v", 64)))
	benchParallel(b, "raw/64", func(ctx context.Context) error {
		_, _, err := provider.Get(ctx, "single:bench:key")
		return err
	})
	benchParallel(b, "bytes/64", func(ctx context.Context) error {
		_, _, err := h.Get(ctx, "key")
		return err
	})
}

func BenchmarkSet(b *testing.B) {
	for _, size := range benchSizes {
		value := []byte(strings.Repeat("v", size))
		h, provider := benchCache(b, Bytes{}, nil)
		obs := h.SnapshotGen("key")
		bench(b, fmt.Sprintf("raw/%d", size), func(ctx context.Context) error {
			_, err := provider.Set(ctx, "single:bench:key", value, int64(size), time.Minute)
			return err
		})
		bench(b, fmt.Sprintf("bytes/%d", size), func(ctx context.Context) error {
			return h.SetWithGen(ctx, "key", value, obs, 0)
		})
		text, _ := benchCache(b, String{}, nil)
		textObs, textValue := text.SnapshotGen("key"), string(value)
		bench(b, fmt.Sprintf("string/%d", size), func(ctx context.Context) error {
			return text.SetWithGen(ctx, "key", textValue, textObs, 0)
		})
		pooled, _ := benchCache(b, Bytes{}, mayBlock{newLocal(b, 0, 0)})
		pooledObs := pooled.SnapshotGen("key")
		bench(b, fmt.Sprintf("bytes-pooled/%d", size), func(ctx context.Context) error {
			return pooled.SetWithGen(ctx, "key", value, pooledObs, 0)
		})
	}
}

// A fill by the book: snapshot and set.
func BenchmarkFill(b *testing.B) {
	value := []byte(strings.Repeat("v", 1024))
	h, provider := benchCache(b, Bytes{}, nil)
	bench(b, "raw/1024", func(ctx context.Context) error {
		_, err := provider.Set(ctx, "single:bench:key", value, 1024, time.Minute)
		return err
	})
	bench(b, "bytes/1024", func(ctx context.Context) error {
		return h.SetWithGen(ctx, "key", value, h.SnapshotGen("key"), 0)
	})
}

func BenchmarkInvalidate(b *testing.B) {
	h, provider := benchCache(b, Bytes{}, nil)
	bench(b, "raw", func(ctx context.Context) error { return provider.Del(ctx, "single:bench:key") })
	bench(b, "local", func(ctx context.Context) error { return h.Invalidate(ctx, "key") })
	pooled, _ := benchCache(b, Bytes{}, mayBlock{newLocal(b, 0, 0)})
	bench(b, "pooled", func(ctx context.Context) error { return pooled.Invalidate(ctx, "key") })
}

func BenchmarkGetBulk(b *testing.B) {
	const size = 256
	for _, n := range []int{2, 32, 256} {
		h, provider := benchCache(b, Bytes{}, nil)
		keys, entries := make([]string, n), make([]string, n)
		items := make(map[string][]byte, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("product:%06d", i)
			entries[i] = "single:bench:" + keys[i]
			items[keys[i]] = []byte(strings.Repeat("v", size))
		}
		fillBulk(b, h, items)
		bench(b, fmt.Sprintf("raw/%d", n), func(ctx context.Context) error {
			for _, entry := range entries {
				if _, _, err := provider.Get(ctx, entry); err != nil {
					return err
				}
			}
			return nil
		})
		read := func(h *Handle[[]byte]) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				values, _, err := h.GetBulk(ctx, keys)
				if len(values) != n {
					return fmt.Errorf("got %d values of %d, %w", len(values), n, err)
				}
				return err
			}
		}
		bench(b, fmt.Sprintf("bulk/%d", n), read(h))
		h.noBulk = true
		bench(b, fmt.Sprintf("singles/%d", n), read(h))
	}
}

func BenchmarkLocalGenStore(b *testing.B) {
	s := newLocal(b, 0, 0)
	var m sync.Map
	for i := range 10_000 {
		key := fmt.Sprint("single:bench:", i)
		snapshot(b, s, key)
		m.Store(key, uint64(i))
	}
	const key = "single:bench:4711"
	bench(b, "current/raw", func(context.Context) error { m.Load(key); return nil })
	bench(b, "current/local", func(ctx context.Context) error { _, err := s.Current(ctx, key); return err })
	bench(b, "snapshot/local", func(ctx context.Context) error { _, err := s.Snapshot(ctx, key); return err })
	bench(b, "bump/local", func(ctx context.Context) error { _, err := s.Bump(ctx, key); return err })
	benchParallel(b, "current-parallel/raw", func(context.Context) error { m.Load(key); return nil })
	benchParallel(b, "current-parallel/local", func(ctx context.Context) error { _, err := s.Current(ctx, key); return err })
}

// What bounding a call in time costs: not at all, by the pool, and by a
// goroutine and a context for each call.
func BenchmarkCallPool(b *testing.B) {
	store := mayBlock{newLocal(b, 0, 0)}
	g := newGens(b, store)
	direct := func(ctx context.Context) error {
		_, err := store.Current(ctx, "key")
		return err
	}
	pooled := func(ctx context.Context) error {
		_, err := g.current(ctx, "key")
		return err
	}
	goroutine := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, DefaultGenTimeout)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := store.Current(ctx, "key")
			done <- err
		}()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	calls := []struct {
		name string
		f    func(ctx context.Context) error
	}{{"raw", direct}, {"pool", pooled}, {"goroutine", goroutine}}
	for _, call := range calls {
		bench(b, "serial/"+call.name, call.f)
	}
	for _, call := range calls {
		benchParallel(b, "parallel/"+call.name, call.f)
	}
}
