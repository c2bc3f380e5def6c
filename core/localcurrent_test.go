package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
)

// knowingStore is a bulkStore that knows some generations without a call.
type knowingStore struct {
	bulkStore
	known *sync.Map // key: generation
}

func newKnowingStore() knowingStore {
	return knowingStore{bulkStore{newStubStore()}, new(sync.Map)}
}

// learn makes the store know what is current now.
func (s knowingStore) learn(t testing.TB, entries ...string) {
	t.Helper()
	for _, entry := range entries {
		s.known.Store(entry, current(t, s.local, entry))
	}
}

func (s knowingStore) CurrentLocal(prefix, key string) (uint64, bool) {
	s.counted("local", GenCurrent)
	gen, ok := s.known.Load(prefix + key)
	if !ok {
		return 0, false
	}
	return gen.(uint64), true
}

func (s knowingStore) CurrentLocalBulk(keys []string, gens []uint64) {
	s.counted("localBulk", GenCurrent)
	for i, key := range keys {
		if gen, ok := s.known.Load(key); ok {
			gens[i] = gen.(uint64)
		}
	}
}

// wrappedKnowingStore forwards what is known, and nothing else.
type wrappedKnowingStore struct{ GenStore }

func (s wrappedKnowingStore) Unwrap() any { return s.GenStore }

func (s wrappedKnowingStore) CurrentLocal(prefix, key string) (uint64, bool) {
	return s.GenStore.(LocalReader).CurrentLocal(prefix, key)
}

func (s wrappedKnowingStore) CurrentLocalBulk(keys []string, gens []uint64) {
	s.GenStore.(LocalReader).CurrentLocalBulk(keys, gens)
}

func TestWhatTheStoreKnowsIsNotAskedFor(t *testing.T) {
	type calls = map[string]int
	ctx := t.Context()
	for name, wrap := range map[string]func(knowingStore) GenStore{
		"able":    func(s knowingStore) GenStore { return s },
		"wrapped": func(s knowingStore) GenStore { return wrappedKnowingStore{s} },
	} {
		t.Run(name, func(t *testing.T) {
			store := newKnowingStore()
			for _, near := range []*mapNear{nil, newMapNear()} {
				opts := Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: wrap(store)}
				if near != nil {
					opts.Near = closingNear{near}
				}
				h := open(t, opts)
				expect := func(op string, want calls) {
					t.Helper()
					if got := store.traffic(); !maps.Equal(got, want) {
						t.Errorf("what the store knows costs no call that may block: %s, near tier %v: got calls %v, want %v", op, near != nil, got, want)
					}
				}
				obs := h.SnapshotGens([]string{"a", "b"})
				store.learn(t, "single:n:a")
				store.traffic()
				if err := h.SetWithGen(ctx, "a", "1", obs["a"], 0); err != nil {
					t.Fatal(err)
				}
				expect("SetWithGen of a known key", calls{"local": 1})
				if err := h.SetWithGen(ctx, "b", "2", obs["b"], 0); err != nil {
					t.Fatal(err)
				}
				expect("SetWithGen of an unknown key", calls{"local": 1, "current": 1})
				for key, want := range map[string]calls{"a": {"local": 1}, "b": {"local": 1, "current": 1}} {
					if got, ok, err := h.Get(ctx, key); got != ab[key] || !ok || err != nil {
						t.Errorf("what is current is served: got %q, %v, %v, want %q", got, ok, err, ab[key])
					}
					expect("Get of "+key, want)
				}
			}
		})
	}
}

func TestOnlyWhatTheStoreDoesNotKnowIsAskedFor(t *testing.T) {
	ctx := t.Context()
	store := newKnowingStore()
	g := newGens(t, store)
	keys := []string{"a", "b", "c", "d"}
	want, err := g.snapshotBulk(ctx, keys)
	if err != nil {
		t.Fatal(err)
	}
	store.learn(t, "a", "c")
	if got, err := g.currentBulk(ctx, keys); !slices.Equal(got, want) || err != nil {
		t.Errorf("generations come in the order of the keys: got %v, %v, want %v", got, err, want)
	}
	store.fail(GenCurrent, errBroken)
	if got, err := g.currentBulk(ctx, keys); !slices.Equal(got, []uint64{want[0], 0, want[2], 0}) || !errors.Is(err, errBroken) {
		t.Errorf("what is known is known although the rest cannot be read: got %v, %v, want %v, %v", got, err, []uint64{want[0], 0, want[2], 0}, errBroken)
	}
	store.learn(t, "b", "d")
	store.traffic()
	if got, err := g.currentBulk(ctx, keys); !slices.Equal(got, want) || err != nil {
		t.Errorf("a store that knows all is not asked, so cannot fail: got %v, %v, want %v", got, err, want)
	}
	if got, want := store.traffic(), map[string]int{"localBulk": 1}; !maps.Equal(got, want) {
		t.Errorf("what the store knows costs no call that may block: got calls %v, want %v", got, want)
	}
}

// A key that is suspect, or below the floor, is not served by what the store
// knows either.
func TestWhatTheStoreKnowsIsNoWayAround(t *testing.T) {
	ctx := t.Context()
	store := newKnowingStore()
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: store})
	fill := func() {
		t.Helper()
		if err := h.SetWithGen(ctx, "a", "1", h.SnapshotGen("a"), 0); err != nil {
			t.Fatal(err)
		}
		store.learn(t, "single:n:a")
		if _, ok, _ := h.Get(ctx, "a"); !ok {
			t.Fatal("what was filled is served: it is not")
		}
	}
	fill()
	h.suspects.raiseFloor(current(t, store.local, "single:n:a") + 1)
	if got, ok, _ := h.Get(ctx, "a"); ok {
		t.Errorf("a generation below the floor proves nothing, known or not: got %q", got)
	}
	if got, _, _ := h.GetBulk(ctx, []string{"a"}); len(got) > 0 {
		t.Errorf("a generation below the floor proves nothing, known or not: got %v", got)
	}
	fill()
	store.fail(GenBump, errBroken)
	h.recovery.mark("single:n:a") // as a failed invalidation does, without its delete
	if got, ok, _ := h.Get(ctx, "a"); ok {
		t.Errorf("a suspect key is not served, whatever the store knows of it: got %q", got)
	}
	if got, _, _ := h.GetBulk(ctx, []string{"a"}); len(got) > 0 {
		t.Errorf("a suspect key is not served, whatever the store knows of it: got %v", got)
	}
	store.fail(GenBump, nil)
}

// zeroStore claims to know that a key has no generation.
type zeroStore struct{ knowingStore }

func (zeroStore) CurrentLocal(string, string) (uint64, bool) { return 0, true }

func TestAKnownZeroIsNoGeneration(t *testing.T) {
	ctx := t.Context()
	store := zeroStore{newKnowingStore()}
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: store})
	if err := h.SetWithGen(context.WithoutCancel(ctx), "a", "1", h.SnapshotGen("a"), 0); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := h.Get(ctx, "a"); !ok || err != nil {
		t.Errorf("G2: 0 is not a generation, so it is not known: the store is asked, and the key served: got %v, %v", ok, err)
	}
}
