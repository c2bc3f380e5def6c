package jsoncodec

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// memory is the least that a provider can be.
type memory struct {
	mu      sync.RWMutex
	entries map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, ok := m.entries[key]
	return value, ok, nil
}

func (m *memory) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[key] = value
	return true, nil
}

func (m *memory) Del(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

func (m *memory) Close(context.Context) error { return nil }

func newCache[V any](t testing.TB, codec cascache.Codec[V]) *cascache.Handle[V] {
	t.Helper()
	cache, _ := newCacheAndProvider(t, codec)
	return cache
}

func newCacheAndProvider[V any](t testing.TB, codec cascache.Codec[V]) (*cascache.Handle[V], *memory) {
	t.Helper()
	provider := &memory{entries: make(map[string][]byte)}
	cache, err := cascache.New(cascache.Options[V]{Namespace: "ns", Provider: provider, Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close(context.Background()) })
	return cache, provider
}

func TestThroughTheCache(t *testing.T) {
	cache := newCache[record](t, JSON[record]{})
	ctx := t.Context()
	want := newRecord(100)
	if err := cache.SetWithGen(ctx, "k", want, cache.SnapshotGen("k"), 0); err != nil {
		t.Fatalf("SetWithGen: %v", err)
	}
	got, ok, err := cache.Get(ctx, "k")
	if !ok || err != nil {
		t.Fatalf("a fill is served: Get = %v, %v", ok, err)
	}
	wantEqual(t, got, want)
	if err := cache.Invalidate(ctx, "k"); err != nil {
		t.Fatalf("Invalidate: %v", err)
	}
	if _, ok, err := cache.Get(ctx, "k"); ok || err != nil {
		t.Fatalf("an invalidated value is a miss: Get = %v, %v", ok, err)
	}
}

func TestWhatCannotBeEncodedIsAnErrorOfTheSet(t *testing.T) {
	ctx := t.Context()
	t.Run("cycle", func(t *testing.T) {
		cache := newCache[*node](t, JSON[*node]{})
		if err := cache.SetWithGen(ctx, "k", cycle(), cache.SnapshotGen("k"), 0); err == nil {
			t.Error("a value that points to itself must be an error")
		}
	})
	t.Run("panic", func(t *testing.T) {
		cache := newCache[panics](t, JSON[panics]{})
		if err := cache.SetWithGen(ctx, "k", panics{}, cache.SnapshotGen("k"), 0); err == nil {
			t.Error("a panic in MarshalJSON must be an error of the set")
		}
	})
}

func TestWhatCannotBeDecodedIsAMiss(t *testing.T) {
	for name, change := range map[string][2]string{
		"another type":     {`"id":123456789`, `"id":"2345678"`},
		"an unknown field": {`"bio":`, `"bia":`},
		"cut short":        {`"}`, `" `},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			cache, provider := newCacheAndProvider[record](t, JSON[record]{DisallowUnknownFields: true})
			if err := cache.SetWithGen(ctx, "k", newRecord(1), cache.SnapshotGen("k"), 0); err != nil {
				t.Fatal(err)
			}
			for key, entry := range provider.entries {
				changed := bytes.Replace(entry, []byte(change[0]), []byte(change[1]), 1)
				if bytes.Equal(changed, entry) {
					t.Fatalf("%q is not in %q", change[0], entry)
				}
				provider.entries[key] = changed
			}
			if got, ok, err := cache.Get(ctx, "k"); ok || err != nil {
				t.Errorf("an entry that does not decode is a miss: Get = %+v, %v, %v", got, ok, err)
			}
			if len(provider.entries) != 0 {
				t.Error("an entry that does not decode is deleted")
			}
		})
	}
}

func TestPanicInUnmarshalJSONIsAMiss(t *testing.T) {
	ctx := t.Context()
	cache := newCache[panicsBack](t, JSON[panicsBack]{})
	if err := cache.SetWithGen(ctx, "k", panicsBack{}, cache.SnapshotGen("k"), 0); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := cache.Get(ctx, "k"); ok || err != nil {
		t.Errorf("a panic in UnmarshalJSON is a miss: Get = %v, %v", ok, err)
	}
}
