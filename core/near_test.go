package cascache

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mapNear is the plainest near tier there can be.
type mapNear struct {
	mu      sync.Mutex
	entries map[string]mapNearEntry
	closed  int
}

type mapNearEntry struct {
	value string
	gen   uint64
	ttl   time.Duration
}

func newMapNear() *mapNear { return &mapNear{entries: make(map[string]mapNearEntry)} }

func (n *mapNear) Get(key string) (string, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.entries[key]
	return e.value, e.gen, ok
}

func (n *mapNear) Set(key, value string, gen uint64, ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries[key] = mapNearEntry{value, gen, ttl}
}

func (n *mapNear) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, key)
}

func (n *mapNear) Close() error {
	n.closed++
	return errNearClose
}

var errNearClose = errors.New("near closed")

func (n *mapNear) keys() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.entries))
}

// nearCache is a cache with a near tier in front of a provider, or alone.
func nearCache(t testing.TB, alone bool, change ...func(*Options[string])) (*rig, *mapNear) {
	t.Helper()
	near := newMapNear()
	r := &rig{provider: newMapProvider(), store: newStubStore(), log: &eventLog{}}
	opts := Options[string]{
		Namespace: "n", Near: near, GenStore: bulkStore{r.store}, Hooks: r.log.hooks(),
	}
	if !alone {
		opts.Provider, opts.Codec = bulkProvider{r.provider}, String{}
	}
	for _, f := range change {
		f(&opts)
	}
	h, err := New(opts)
	if err != nil {
		t.Fatalf("these options are valid: %v", err)
	}
	r.Handle = h
	t.Cleanup(func() { _ = h.Close(t.Context()) })
	return r, near
}

func TestNearServesWithoutTheProvider(t *testing.T) {
	r, near := nearCache(t, false)
	gen := fill(t, r.Handle, "k", "v")
	if e := near.entries["k"]; e.value != "v" || e.gen != gen || e.ttl != DefaultTTL {
		t.Errorf("a fill is kept near under its generation and TTL: got %+v", e)
	}
	r.provider.getErr = errors.New("not to be asked")
	r.log.reset()
	wantHit(t, r.Handle, "a near hit asks no provider", "k", "v")
	r.log.want(t, "a near hit is told", HitEvent{Namespace: "n", Key: "k"})
	wantBulk(t, r.Handle, "nor does a bulk that near has whole", []string{"k"}, map[string]string{"k": "v"})
}

func TestNearStandsUnderTheSameCheck(t *testing.T) {
	t.Run("invalidated by another replica", func(t *testing.T) {
		r, near := nearCache(t, false)
		fill(t, r.Handle, "k", "old")
		r.provider.put("single:n:k", nil) // so that the provider cannot serve it either
		bump(t, r.store.local, "single:n:k")
		wantMiss(t, r.Handle, "a near entry dies by the generation check, not by a message", "k")
		if keys := near.keys(); len(keys) != 0 {
			t.Errorf("a dead near entry is dropped: left are %q", keys)
		}
		near.Set("k", "old", 1, time.Hour)
		wantBulk(t, r.Handle, "nor does a bulk read serve it", []string{"k"}, map[string]string{}, "k")
	})
	t.Run("generation not readable", func(t *testing.T) {
		r, near := nearCache(t, false)
		fill(t, r.Handle, "k", "v")
		for name, call := range map[string]genCall{"error": answer(0, errors.New("down")), "none": answer(0, nil)} {
			r.store.replace(GenCurrent, call)
			wantMiss(t, r.Handle, "G2: no generation, no proof: "+name, "k")
			wantBulk(t, r.Handle, "G2: no generation, no proof, in a bulk: "+name, []string{"k"}, map[string]string{}, "k")
		}
		r.store.replace(GenCurrent, nil)
		if keys := near.keys(); len(keys) != 1 {
			t.Error("what cannot be proved stays where it is")
		}
		wantHit(t, r.Handle, "and is served again when it can", "k", "v")
	})
	t.Run("kept under no generation", func(t *testing.T) {
		r, near := nearCache(t, false)
		near.Set("k", "v", 0, time.Hour)
		r.store.replace(GenCurrent, answer(0, nil))
		wantMiss(t, r.Handle, "G2: no generation is no proof, not even of itself", "k")
		wantBulk(t, r.Handle, "nor in a bulk", []string{"k"}, map[string]string{}, "k")
		if _, found, err := r.lookUp(t.Context(), "k", nil); found != foundNothing || err != nil {
			t.Errorf("nor to a loader: got %v, %v", found, err)
		}
	})
	t.Run("suspect", func(t *testing.T) {
		r, _ := nearCache(t, false)
		fill(t, r.Handle, "k", "v")
		r.recovery.suspects.mark("single:n:k", &r.recovery)
		wantMiss(t, r.Handle, "a suspect key is not served from near", "k")
	})
	t.Run("invalidated here", func(t *testing.T) {
		r, near := nearCache(t, false)
		fill(t, r.Handle, "a", "v")
		fill(t, r.Handle, "b", "v")
		if err := errors.Join(r.Invalidate(t.Context(), "a"), r.InvalidateBulk(t.Context(), []string{"b"})); err != nil {
			t.Fatal(err)
		}
		if keys := near.keys(); len(keys) != 0 {
			t.Errorf("an invalidation drops the near entry: left are %q", keys)
		}
	})
}

func TestWhatAFillLeavesNear(t *testing.T) {
	r, near := nearCache(t, false)
	obs := r.SnapshotGen("k")
	bump(t, r.store.local, "single:n:k")
	if err := r.SetWithGen(t.Context(), "k", "late", obs, 0); err != nil {
		t.Fatal(err)
	}
	if err := r.SetBulkWithGens(t.Context(), map[string]string{"k": "late"}, map[string]uint64{"k": obs}, 0); err != nil {
		t.Fatal(err)
	}
	if keys := near.keys(); len(keys) != 0 {
		t.Errorf("a fill that is refused leaves nothing near: got %q", keys)
	}

	broken := errors.New("broken")
	r.provider.setErr = broken
	obs = r.SnapshotGen("k")
	if err := r.SetWithGen(t.Context(), "k", "v", obs, 0); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if err := r.SetBulkWithGens(t.Context(), map[string]string{"k": "v"}, map[string]uint64{"k": obs}, 0); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if keys := near.keys(); len(keys) != 0 {
		t.Errorf("a provider error leaves nothing near: got %q", keys)
	}

	r.provider.setErr, r.provider.decline = nil, true
	if err := r.SetWithGen(t.Context(), "k", "v", obs, time.Second); err != nil {
		t.Fatal(err)
	}
	if e := near.entries["k"]; e.value != "v" || e.ttl != time.Second {
		t.Errorf("a provider that declines leaves the near entry: got %+v", e)
	}
}

func TestAProviderHitIsKeptNearForABoundedTime(t *testing.T) {
	for _, c := range []struct{ ttl, want time.Duration }{{0, time.Minute}, {time.Hour, time.Minute}, {time.Second, time.Second}} {
		r, near := nearCache(t, false, func(o *Options[string]) { o.DefaultTTL = c.ttl })
		gens := fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
		for name, read := range map[string]func(){
			"single": func() { wantHit(t, r.Handle, "the provider has it", "a", "1") },
			"bulk": func() {
				wantBulk(t, r.Handle, "the provider has it", []string{"a", "b"}, map[string]string{"a": "1", "b": "2"})
			},
			"singles of a bulk": func() {
				wantBulk(t, r.Handle, "the provider has it", []string{"a"}, map[string]string{"a": "1"})
			},
		} {
			clear(near.entries)
			read()
			if e, want := near.entries["a"], (mapNearEntry{"1", gens["a"], c.want}); e != want {
				t.Errorf("%s: what the provider had is kept near for a minute or DefaultTTL: got %+v, want %+v", name, e, want)
			}
		}
	}
}

// The generation is read once; what is stored meanwhile is not believed, and
// not deleted either.
func TestAReadWithAStaleNearEntry(t *testing.T) {
	r, near := nearCache(t, false)
	gen := fill(t, r.Handle, "k", "v")
	r.store.traffic()

	near.Set("k", "dead", gen-1, time.Hour)
	wantHit(t, r.Handle, "the provider has what near has not", "k", "v")
	if n := r.store.traffic()["current"]; n != 1 {
		t.Errorf("the generation is read once for near and provider: got %d", n)
	}
	near.Set("k", "dead", gen-1, time.Hour)
	if value, found, err := r.lookUp(t.Context(), "k", nil); value != "v" || found != foundValue || err != nil {
		t.Errorf("a loader too finds what the provider has: got %q, %v, %v", value, found, err)
	}
	if n := r.store.traffic()["current"]; n != 1 {
		t.Errorf("the generation is read once for a loader as well: got %d", n)
	}

	near.Set("k", "dead", gen-2, time.Hour)
	r.store.replace(GenCurrent, answer(gen-1, nil)) // as it was when the call began
	wantMiss(t, r.Handle, "an entry newer than what this call knows is not proved", "k")
	if _, ok := r.provider.entry("single:n:k"); !ok {
		t.Error("an entry newer than what this call knows is not deleted")
	}
}

func TestBulkWithAFewNearEntries(t *testing.T) {
	r, near := nearCache(t, false)
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2", "c": "3"})
	near.Del("b")
	clear(r.provider.calls)
	r.store.traffic()
	wantBulk(t, r.Handle, "near and singles", []string{"c", "b", "a", "x"}, map[string]string{"a": "1", "b": "2", "c": "3"}, "x")
	if want := map[string]int{"getBulk": 1}; !maps.Equal(r.provider.calls, want) {
		t.Errorf("only what near has not is asked of the provider, in one batch: got %v", r.provider.calls)
	}
	if got, want := r.store.traffic(), map[string]int{"currentBulk": 1}; !maps.Equal(got, want) {
		t.Errorf("generations are read once for all keys: got %v", got)
	}
}

func TestNearAlone(t *testing.T) {
	r, near := nearCache(t, true)
	fill(t, r.Handle, "k", "v")
	wantHit(t, r.Handle, "near needs no provider", "k", "v")
	wantMiss(t, r.Handle, "what near has not is a miss", "x")
	obs := r.SnapshotGens([]string{"a", "b"})
	if err := r.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "2"}, obs, time.Second); err != nil {
		t.Fatal(err)
	}
	wantBulk(t, r.Handle, "bulks are singles near", []string{"a", "x", "b"}, map[string]string{"a": "1", "b": "2"}, "x")
	if e := near.entries["a"]; e.ttl != time.Second {
		t.Errorf("a TTL given is the TTL near: got %v", e.ttl)
	}
	bump(t, r.store.local, "single:n:k")
	wantMiss(t, r.Handle, "near alone stands under the same check", "k")
	if err := errors.Join(r.Invalidate(t.Context(), "a"), r.InvalidateBulk(t.Context(), []string{"b"})); err != nil {
		t.Errorf("an invalidation needs no provider: got %v", err)
	}
	if keys := near.keys(); len(keys) != 0 {
		t.Errorf("everything was invalidated: left are %q", keys)
	}
	if err := r.Close(t.Context()); !errors.Is(err, errNearClose) || near.closed != 1 {
		t.Errorf("Close closes near, once, and returns its error: got %v, closed %d times", err, near.closed)
	}
}

func TestLoaderOverNearAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := nearCache(t, true)
		s := newSource(map[string]string{"a": "1", "b": "2"})
		l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
		for range 2 {
			got, err := l.GetBulk(t.Context(), []string{"a", "b", "none"})
			if err != nil || !maps.Equal(got, s.rows) {
				t.Fatalf("a loader needs no provider: got %v, %v", got, err)
			}
			if v, err := l.Get(t.Context(), "a"); v != "1" || err != nil {
				t.Fatalf("a loader needs no provider: got %q, %v", v, err)
			}
		}
		if loads := s.loads(); len(loads) != 2 || !slices.Equal(loads[1], []string{"none"}) {
			t.Errorf("what was loaded is kept near; absence has no place there: got %q", loads)
		}
		_ = r.Close(t.Context())
	})
}

func TestABulkReadTellsOfNearKeysWithoutProof(t *testing.T) {
	r, _ := nearCache(t, true)
	fill(t, r.Handle, "k", "v")
	r.store.replace(GenCurrent, answer(0, nil))
	r.log.reset()
	wantBulk(t, r.Handle, "G2: without a generation nothing is served", []string{"k"}, map[string]string{}, "k")
	if misses := eventsOf[MissEvent](r.log); len(misses) != 1 || misses[0].Reason != ReasonNoGen {
		t.Errorf("a near key without a generation is missed once, and why: got %+v", misses)
	}
}

func TestABulkReadHealsNear(t *testing.T) {
	r, near := nearCache(t, false)
	fill(t, r.Handle, "k", "v")
	r.provider.put("single:n:k", nil)
	near.Set("k", "old", 1, time.Hour)
	wantBulk(t, r.Handle, "what is older than its generation is not served", []string{"k"}, map[string]string{}, "k")
	if keys := near.keys(); len(keys) != 0 {
		t.Errorf("a dead near entry is dropped by a bulk read too: left are %q", keys)
	}
}
