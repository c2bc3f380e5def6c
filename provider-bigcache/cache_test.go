package bigcacheprovider

import (
	"errors"
	"maps"
	"slices"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestCacheOverBigCache(t *testing.T) {
	p := newTestProvider(t, Config{})
	cache, err := cascache.New(cascache.Options[string]{Namespace: "ns", Provider: p, Codec: cascache.String{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()

	fill := func(key, value string) {
		t.Helper()
		if err := cache.SetWithGen(ctx, key, value, cache.SnapshotGen(key), 0); err != nil {
			t.Fatalf("SetWithGen: %v", err)
		}
	}
	fill("a", "1")
	if got, ok, err := cache.Get(ctx, "a"); got != "1" || !ok || err != nil {
		t.Fatalf("a fill is served: Get = %q, %v, %v", got, ok, err)
	}

	stale := cache.SnapshotGen("a")
	if err := cache.Invalidate(ctx, "a"); err != nil {
		t.Fatalf("Invalidate: %v", err)
	}
	if err := cache.SetWithGen(ctx, "a", "old", stale, 0); err != nil {
		t.Fatalf("SetWithGen: %v", err)
	}
	if got, ok, err := cache.Get(ctx, "a"); ok || err != nil {
		t.Fatalf("what was read before an invalidation is not served after it: Get = %q, %v, %v", got, ok, err)
	}

	items := map[string]string{"a": "1", "b": "2", "c": "3"}
	keys := slices.Sorted(maps.Keys(items))
	if err := cache.SetBulkWithGens(ctx, items, cache.SnapshotGens(keys), 0); err != nil {
		t.Fatalf("SetBulkWithGens: %v", err)
	}
	got, missing, err := cache.GetBulk(ctx, keys)
	if !maps.Equal(got, items) || len(missing) != 0 || err != nil {
		t.Fatalf("a bulk fill is served: GetBulk = %v, missing %v, %v", got, missing, err)
	}
	if err := cache.Invalidate(ctx, "b"); err != nil {
		t.Fatalf("Invalidate: %v", err)
	}
	got, missing, err = cache.GetBulk(ctx, keys)
	if want := map[string]string{"a": "1", "c": "3"}; !maps.Equal(got, want) || !slices.Equal(missing, []string{"b"}) || err != nil {
		t.Fatalf("an invalidated member is missing, the others are served: GetBulk = %v, missing %v, %v", got, missing, err)
	}

	if err := cache.Close(ctx); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, _, err := p.Get(ctx, "k"); !errors.Is(err, cascache.ErrClosed) {
		t.Errorf("closing the cache closes its provider: Get = %v", err)
	}
}
