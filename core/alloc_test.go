package cascache

import (
	"context"
	"strings"
	"testing"
	"time"
)

// bareProvider holds its entries in a map without a lock, and allocates for
// nothing: what is counted is the cache's own.
type bareProvider map[string][]byte

func (p bareProvider) Get(_ context.Context, key string) ([]byte, bool, error) {
	value, ok := p[key]
	return value, ok, nil
}

func (p bareProvider) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p[key] = value
	return true, nil
}

// Del keeps the entry: a map that shrinks and grows would allocate.
func (p bareProvider) Del(context.Context, string) error { return nil }

func (p bareProvider) Close(context.Context) error { return nil }

// allocs counts the allocations of f, which must not exceed most.
func allocs(t *testing.T, rule string, most float64, f func()) {
	t.Helper()
	got := testing.AllocsPerRun(1000, f)
	t.Logf("%s: %v", rule, got)
	if got > most {
		t.Errorf("%s: got %v allocations, want at most %v", rule, got, most)
	}
}

func TestAllocationsOverLocalGenerations(t *testing.T) {
	ctx := context.Background()
	h := open(t, Options[[]byte]{Namespace: "namespace", Provider: bareProvider{}, Codec: Bytes{}})
	value := []byte(strings.Repeat("v", 200))
	obs := fill(t, h, "key", value)
	fillBulk(t, h, map[string][]byte{"a": value, "b": value})

	allocs(t, "a hit: its storage key and the caller's own bytes", 2, func() {
		if _, ok, err := h.Get(ctx, "key"); !ok || err != nil {
			t.Fatal("a miss", err)
		}
	})
	allocs(t, "a miss: its storage key", 1, func() {
		if _, ok, err := h.Get(ctx, "nothing"); ok || err != nil {
			t.Fatal("a hit", err)
		}
	})
	allocs(t, "a fill: its storage key and the frame", 2, func() {
		if err := h.SetWithGen(ctx, "key", value, obs, 0); err != nil {
			t.Fatal(err)
		}
	})
	allocs(t, "a fill without a snapshot", 0, func() {
		if err := h.SetWithGen(ctx, "key", value, 0, 0); err != nil {
			t.Fatal(err)
		}
	})
	allocs(t, "a snapshot: its storage key", 1, func() {
		if h.SnapshotGen("key") == 0 {
			t.Fatal("no generation")
		}
	})
	allocs(t, "an invalidation: its storage key", 1, func() {
		if err := h.Invalidate(ctx, "nothing"); err != nil {
			t.Fatal(err)
		}
	})
	keys := []string{"a", "b"}
	got := testing.AllocsPerRun(1000, func() {
		if values, _, err := h.GetBulk(ctx, keys); len(values) != 2 || err != nil {
			t.Fatal("a miss", err)
		}
	})
	t.Logf("a bulk hit of two keys: %v", got)
}

// Local generations by themselves.
func TestAllocationsOfTheLocalStore(t *testing.T) {
	ctx := context.Background()
	s := newLocal(t, 0, 0)
	snapshot(t, s, "key")
	for name, call := range map[string]genCall{"Current": s.Current, "Snapshot": s.Snapshot, "Bump": s.Bump} {
		allocs(t, "local generations of a known key: "+name, 0, func() { _, _ = call(ctx, "key") })
	}
}

// A store that may block costs one context for each look-up, and no goroutine.
func TestAllocationsOnThePool(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops calls at random under the race detector")
	}
	ctx := context.Background()
	store := struct{ GenStore }{newLocal(t, 0, 0)} // does not say that it never blocks
	h := open(t, Options[[]byte]{Namespace: "namespace", Provider: bareProvider{}, Codec: Bytes{}, GenStore: store})
	value := []byte(strings.Repeat("v", 200))
	obs := fill(t, h, "key", value)
	allocs(t, "a hit: one more than over local generations", 3, func() {
		if _, ok, err := h.Get(ctx, "key"); !ok || err != nil {
			t.Fatal("a miss", err)
		}
	})
	allocs(t, "a fill: one more than over local generations", 3, func() {
		if err := h.SetWithGen(ctx, "key", value, obs, 0); err != nil {
			t.Fatal(err)
		}
	})
	allocs(t, "an invalidation: one more than over local generations", 2, func() {
		if err := h.Invalidate(ctx, "nothing"); err != nil {
			t.Fatal(err)
		}
	})
}

// A codec that appends needs no slice for the payload alone.
func TestAllocationsOfAnAppendingCodec(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops buffers at random under the race detector")
	}
	ctx := context.Background()
	value := strings.Repeat("v", 200)
	for name, codec := range map[string]Codec[string]{"String": String{}, "limited": Limit[string]{Codec: String{}, Max: 1000}} {
		h := open(t, Options[string]{Namespace: "namespace", Provider: bareProvider{}, Codec: codec})
		obs := fill(t, h, "key", value)
		allocs(t, "a fill: its storage key, and frame and payload together: "+name, 2, func() {
			if err := h.SetWithGen(ctx, "key", value, obs, 0); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Hooks that are nil cost nothing, and those that are set no allocation.
func TestAllocationsOfHooks(t *testing.T) {
	ctx := context.Background()
	value := []byte("value")
	count := func(hooks *Hooks) float64 {
		h := open(t, Options[[]byte]{Namespace: "n", Provider: bareProvider{}, Codec: Bytes{}, Hooks: hooks})
		fill(t, h, "key", value)
		return testing.AllocsPerRun(1000, func() {
			_, _, _ = h.Get(ctx, "key")
			_, _, _ = h.Get(ctx, "nothing")
			_ = h.SetWithGen(ctx, "key", value, 0, 0)
		})
	}
	events := 0
	none, some := count(nil), count(&Hooks{
		Hit:        func(context.Context, HitEvent) { events++ },
		Miss:       func(context.Context, MissEvent) { events++ },
		SetSkipped: func(context.Context, SetSkippedEvent) { events++ },
	})
	if some != none || events == 0 {
		t.Errorf("an event is no allocation: got %v without hooks and %v with them, %d events", none, some, events)
	}
}
