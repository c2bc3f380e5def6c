package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// spy is a Combined that counts its calls, and can be told to hang in them.
type spy struct {
	joined
	*calls
}

type calls struct {
	mu   sync.Mutex
	made map[string]int
	gate chan struct{} // set: calls wait for it, deaf to their context
	fail error         // of the calls of a Combined
}

// newSpy returns a spy over a new provider and store, which are in the joined.
func newSpy() (spy, *mapProvider, *stubStore) {
	provider, store := newBulkProvider(), bulkStore{newStubStore()}
	return spy{joined{provider, store}, &calls{made: make(map[string]int)}}, provider.mapProvider, store.stubStore
}

func (c *calls) call(name string) error {
	c.mu.Lock()
	c.made[name]++
	gate, err := c.gate, c.fail
	c.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return err
}

// traffic returns how many calls of each kind there were, and begins anew.
func (c *calls) traffic() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made = make(map[string]int)
	return made
}

func (s spy) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.call("Get"); err != nil {
		return nil, false, err
	}
	return s.joined.Get(ctx, key)
}

func (s spy) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	if err := s.call("GetBulk"); err != nil {
		return nil, err
	}
	return s.provider.(BulkProvider).GetBulk(ctx, keys)
}

func (s spy) SetBulk(ctx context.Context, items []Item) ([]bool, error) {
	s.call("SetBulk")
	return s.provider.(BulkProvider).SetBulk(ctx, items)
}

func (s spy) DelBulk(ctx context.Context, keys []string) error {
	s.call("DelBulk")
	return s.provider.(BulkProvider).DelBulk(ctx, keys)
}

func (s spy) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	s.call("Set")
	return s.joined.Set(ctx, key, value, cost, ttl)
}

func (s spy) Del(ctx context.Context, key string) error {
	s.call("Del")
	return s.joined.Del(ctx, key)
}

func (s spy) Current(ctx context.Context, key string) (uint64, error) {
	s.call("Current")
	return s.joined.Current(ctx, key)
}

func (s spy) Snapshot(ctx context.Context, key string) (uint64, error) {
	s.call("Snapshot")
	return s.joined.Snapshot(ctx, key)
}

func (s spy) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.call("SnapshotBulk")
	return s.store.(BulkGenStore).SnapshotBulk(ctx, keys)
}

func (s spy) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.call("CurrentBulk")
	return s.store.(BulkGenStore).CurrentBulk(ctx, keys)
}

func (s spy) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.call("BumpBulk")
	return s.store.(BulkGenStore).BumpBulk(ctx, keys)
}

func (s spy) Bump(ctx context.Context, key string) (uint64, error) {
	s.call("Bump")
	return s.joined.Bump(ctx, key)
}

func (s spy) GetWithGen(ctx context.Context, key string, create bool) ([]byte, uint64, error, error) {
	if err := s.call("GetWithGen"); err != nil {
		return nil, 0, err, err
	}
	return s.joined.GetWithGen(ctx, key, create)
}

func (s spy) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (BulkReading, error) {
	if err := s.call("GetBulkWithGens"); err != nil {
		return BulkReading{GenErr: err}, err
	}
	return s.joined.GetBulkWithGens(ctx, bulk, keys, wanted)
}

func (s spy) SetIfGen(ctx context.Context, item Item, gen uint64) (uint64, bool, error) {
	if err := s.call("SetIfGen"); err != nil {
		return 0, false, err
	}
	return s.joined.SetIfGen(ctx, item, gen)
}

func (s spy) SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) ([]uint64, []bool, error) {
	if err := s.call("SetBulkIfGens"); err != nil {
		return nil, nil, err
	}
	return s.joined.SetBulkIfGens(ctx, items, gens)
}

func (s spy) BumpAndDel(ctx context.Context, keys []string) ([]uint64, error, error) {
	if err := s.call("BumpAndDel"); err != nil {
		return nil, err, err
	}
	return s.joined.BumpAndDel(ctx, keys)
}

func (s spy) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	if err := s.call("DelEqual"); err != nil {
		return err
	}
	return s.joined.DelEqual(ctx, keys, values)
}

// spyWrapper forwards all that a spy has.
type spyWrapper struct{ spy }

func (w spyWrapper) Unwrap() any { return w.spy }

// providerWrapper is a wrapper of a provider alone, storeWrapper one of a store.
type (
	providerWrapper struct{ Provider }
	storeWrapper    struct{ GenStore }
)

func (w providerWrapper) Unwrap() any { return w.Provider }
func (w storeWrapper) Unwrap() any    { return w.GenStore }

// incomparable is a spy that cannot be compared with another one.
type incomparable struct {
	spy
	_ []int
}

func TestACombinedCostsOneCall(t *testing.T) {
	ctx := t.Context()
	both, provider, store := newSpy()
	h := open(t, Options[string]{Namespace: "n", Provider: both, GenStore: both, Codec: String{}})
	absent := map[string]bool{}
	loader, err := NewLoader(h, LoaderOptions[string]{
		Load: func(_ context.Context, key string) (string, error) {
			if absent[key] {
				return "", ErrNotFound
			}
			return "loaded", nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	obs := h.SnapshotGens([]string{"a", "b"})
	for _, step := range []struct {
		name string
		do   func()
		want map[string]int
	}{
		{"snapshots", func() {}, map[string]int{"SnapshotBulk": 1}},
		{"a miss", func() { _, _, err := h.Get(ctx, "a"); must(err) }, map[string]int{"GetWithGen": 1}},
		{"a set", func() { must(h.SetWithGen(ctx, "a", "1", obs["a"], 0)) }, map[string]int{"SetIfGen": 1}},
		{"a hit", func() {
			if v, ok, err := h.Get(ctx, "a"); v != "1" || !ok || err != nil {
				t.Errorf("what is current is served: got %q, %v, %v", v, ok, err)
			}
		}, map[string]int{"GetWithGen": 1}},
		{"the first bulk read without a bulk entry", func() { _, _, err := h.GetBulk(ctx, []string{"a", "b"}); must(err) },
			map[string]int{"GetBulkWithGens": 1, "GetBulk": 1}},
		{"the next one", func() {
			if v, _, err := h.GetBulk(ctx, []string{"a", "b"}); v["a"] != "1" || err != nil {
				t.Errorf("what is current is served: got %v, %v", v, err)
			}
		}, map[string]int{"GetBulkWithGens": 1}},
		{"a bulk set", func() { must(h.SetBulkWithGens(ctx, ab, obs, 0)) }, map[string]int{"SetBulkIfGens": 1}},
		{"a bulk hit", func() {
			if v, _, err := h.GetBulk(ctx, []string{"a", "b"}); !maps.Equal(v, ab) || err != nil {
				t.Errorf("what is current is served: got %v, %v", v, err)
			}
		}, map[string]int{"GetBulkWithGens": 1}},
		{"an invalidation", func() { must(h.Invalidate(ctx, "a")) }, map[string]int{"BumpAndDel": 1}},
		{"a bulk invalidation", func() { must(h.InvalidateBulk(ctx, []string{"a", "b"})) }, map[string]int{"BumpAndDel": 1}},
		{"a filling miss of a key without a generation", func() { _, err := loader.Get(ctx, "new"); must(err) },
			map[string]int{"GetWithGen": 1, "SetIfGen": 1}},
		{"a hit through the loader", func() { _, err := loader.Get(ctx, "new"); must(err) }, map[string]int{"GetWithGen": 1}},
		{"a filling miss of many keys, with generations", func() { _, err := loader.GetBulk(ctx, []string{"a", "b"}); must(err) },
			map[string]int{"GetBulkWithGens": 1, "GetBulk": 1, "SetIfGen": 2, "DelEqual": 1}}, // of the old bulk entry
	} {
		t.Run(step.name, func(t *testing.T) {
			step.do()
			if got := both.traffic(); !maps.Equal(got, step.want) {
				t.Errorf("what is in one place takes one call: got %v, want %v", got, step.want)
			}
		})
	}
	_, _ = provider, store
}

func TestWhoIsAskedForBoth(t *testing.T) {
	for name, c := range map[string]struct {
		of   func(s spy) (Provider, GenStore)
		want string
	}{
		"one value":         {func(s spy) (Provider, GenStore) { return s, s }, "GetWithGen"},
		"one wrapper":       {func(s spy) (Provider, GenStore) { w := spyWrapper{s}; return w, w }, "GetWithGen"},
		"a provider's":      {func(s spy) (Provider, GenStore) { return providerWrapper{s}, s }, "Get"},
		"a store's":         {func(s spy) (Provider, GenStore) { return s, storeWrapper{s} }, "Get"},
		"a wrapper and not": {func(s spy) (Provider, GenStore) { return spyWrapper{s}, s }, "Get"},
		"two values":        {func(s spy) (Provider, GenStore) { other, _, _ := newSpy(); return s, other }, "Get"},
		"nobody can tell":   {func(s spy) (Provider, GenStore) { v := incomparable{spy: s}; return v, v }, "Get"},
		"a wrapper that lacks": {func(s spy) (Provider, GenStore) {
			w := struct {
				providerWrapper
				GenStore
			}{providerWrapper{s}, s}
			v := lacking{&w.providerWrapper, s}
			return v, v
		}, "Get"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := newSpy()
			provider, store := c.of(s)
			h := open(t, Options[string]{Namespace: "n", Provider: provider, GenStore: store, Codec: String{}})
			if _, ok, err := h.Get(t.Context(), "a"); ok || err != nil {
				t.Fatalf("nothing is there: got %v, %v", ok, err)
			}
			if got := s.traffic(); got[c.want] != 1 || len(got) != 1 {
				t.Errorf("provider and store are asked as one if they are one, and no wrapper is gone around: got %v, want %s", got, c.want)
			}
		})
	}
}

// lacking wraps both sides of a Combined, and forwards nothing but these.
type lacking struct {
	*providerWrapper
	GenStore
}

func (l lacking) Close(ctx context.Context) error { return l.providerWrapper.Close(ctx) }

// hung is a cache over a spy that does not answer.
func hung(t *testing.T) (*Handle[string], spy, *eventLog) {
	both, _, _ := newSpy()
	log := &eventLog{}
	h := open(t, Options[string]{Namespace: "n", Provider: both, GenStore: both, Codec: String{}, Hooks: log.hooks(), GenTimeout: time.Second})
	gate := make(chan struct{})
	both.mu.Lock()
	both.gate = gate
	both.mu.Unlock()
	t.Cleanup(func() {
		both.mu.Lock()
		both.gate = nil
		both.mu.Unlock()
		close(gate)
		synctest.Wait()
	})
	return h, both, log
}

func TestGenTimeoutBoundsACombined(t *testing.T) {
	for name, do := range map[string]func(ctx context.Context, h *Handle[string]) error{
		"Get":        func(ctx context.Context, h *Handle[string]) error { _, _, err := h.Get(ctx, "a"); return err },
		"SetWithGen": func(ctx context.Context, h *Handle[string]) error { return h.SetWithGen(ctx, "a", "1", 7, 0) },
		"GetBulk": func(ctx context.Context, h *Handle[string]) error {
			_, _, err := h.GetBulk(ctx, []string{"a", "b"})
			return err
		},
		"SetBulkWithGens": func(ctx context.Context, h *Handle[string]) error {
			return h.SetBulkWithGens(ctx, ab, map[string]uint64{"a": 7, "b": 7}, 0)
		},
		"the loader": func(ctx context.Context, h *Handle[string]) error {
			l, err := NewLoader(h, LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "", nil }})
			if err == nil {
				_, err = l.Get(ctx, "a")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _, log := hung(t)
				start := time.Now()
				if err := do(t.Context(), h); err != nil {
					t.Errorf("G2: a look-up that is late is a miss, or a fill skipped, and no error: got %v", err)
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("a call is bounded by GenTimeout, once: it took %v, want 1s", took)
				}
				if text := fmt.Sprint(log.all()); !strings.Contains(text, context.DeadlineExceeded.Error()) {
					t.Errorf("that the store did not answer in time is told: got events %s", text)
				}
			})
		})
		t.Run(name+", cancelled", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _, _ := hung(t)
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if err := do(ctx, h); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the caller's own ended context comes back: got %v", err)
				}
			})
		})
	}
}

func TestACombinedThatHangsMakesAnInvalidationFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, both, _ := hung(t)
		start := time.Now()
		var failed *InvalidateError
		if err := h.Invalidate(t.Context(), "a"); !errors.As(err, &failed) {
			t.Errorf("G4: a bump that is not known done is an error: got %v", err)
		}
		if took := time.Since(start); took != DefaultBumpTimeout {
			t.Errorf("a bump is bounded: it took %v, want %v", took, DefaultBumpTimeout)
		}
		both.traffic()
		if _, ok, err := h.Get(t.Context(), "a"); ok || err != nil {
			t.Errorf("a suspect key misses: got %v, %v", ok, err)
		}
		if got := both.traffic(); got["GetWithGen"] != 0 {
			t.Errorf("nothing is asked about a suspect key: got %v", got)
		}
	})
}

func TestFailuresOfACombined(t *testing.T) {
	ctx := t.Context()
	both, _, _ := newSpy()
	log := &eventLog{}
	h := open(t, Options[string]{Namespace: "n", Provider: both, GenStore: both, Codec: String{}, Hooks: log.hooks()})
	obs := fill(t, h, "a", "1")
	both.fail = errBroken
	if _, ok, err := h.Get(ctx, "a"); ok || !errors.Is(err, errBroken) {
		t.Errorf("a failure of the provider comes back: got %v, %v", ok, err)
	}
	if values, missing, err := h.GetBulk(ctx, []string{"a", "b"}); len(values) != 0 || len(missing) != 2 || !errors.Is(err, errBroken) {
		t.Errorf("a failure of the provider comes back: got %v, %v, %v", values, missing, err)
	}
	log.reset()
	if err := h.SetWithGen(ctx, "a", "2", obs, 0); err != nil {
		t.Errorf("G2: a fill whose generation cannot be read is skipped: got %v", err)
	}
	if text := fmt.Sprint(log.all()); !strings.Contains(text, string(ReasonGenError)) {
		t.Errorf("a fill that is skipped tells why: got events %s, want %s", text, ReasonGenError)
	}
	if err := h.SetBulkWithGens(ctx, ab, map[string]uint64{"a": obs, "b": obs}, 0); err != nil {
		t.Errorf("G2: a fill whose generation cannot be read is skipped: got %v", err)
	}
	var failed *InvalidateError
	if err := h.Invalidate(ctx, "a"); !errors.As(err, &failed) || !errors.Is(failed.BumpErr, errBroken) || !errors.Is(failed.DelErr, errBroken) {
		t.Errorf("G4: a bump that is not known done is an error: got %v", err)
	}
	both.mu.Lock()
	both.fail = nil
	both.mu.Unlock()
}

// A self-heal compares: an entry stored meanwhile stays.
func TestACombinedHealsOnlyWhatWasRead(t *testing.T) {
	ctx := t.Context()
	for name, read := range map[string]func(h *Handle[string]) error{
		"Get":     func(h *Handle[string]) error { _, _, err := h.Get(ctx, "a"); return err },
		"GetBulk": func(h *Handle[string]) error { _, _, err := h.GetBulk(ctx, []string{"a", "b"}); return err },
	} {
		for what, between := range map[string]func(p *mapProvider){
			"the same":      func(*mapProvider) {},
			"another entry": func(p *mapProvider) { p.put("single:n:a", []byte("newer")) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				both, provider, _ := newSpy()
				healing := &interposed{both, func() { between(provider) }}
				h := open(t, Options[string]{Namespace: "n", Provider: healing, GenStore: healing, Codec: String{}, DisableBulk: true})
				fill(t, h, "a", "1")
				if _, err := both.Bump(ctx, "single:n:a"); err != nil {
					t.Fatal(err)
				}
				if err := read(h); err != nil {
					t.Fatal(err)
				}
				if _, left := provider.entry("single:n:a"); left != (what == "another entry") {
					t.Errorf("a self-heal deletes what it read and nothing else: %s is there: %v", what, left)
				}
			})
		}
	}
}

// interposed has something happen before each delete.
type interposed struct {
	spy
	between func()
}

func (i *interposed) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	i.between()
	return i.spy.DelEqual(ctx, keys, values)
}

// Below the floor nothing is proof, and a read for a fill bumps.
func TestTheFloorHoldsForACombined(t *testing.T) {
	ctx := t.Context()
	both, _, store := newSpy()
	h := open(t, Options[string]{Namespace: "n", Provider: both, GenStore: both, Codec: String{}})
	obs := fill(t, h, "a", "1")
	h.suspects.raiseFloor(current(t, store.local, "single:n:a") + 1)
	if got, ok, _ := h.Get(ctx, "a"); ok {
		t.Errorf("a generation below the floor proves nothing: got %q", got)
	}
	if got, _, _ := h.GetBulk(ctx, []string{"a", "b"}); len(got) > 0 {
		t.Errorf("a generation below the floor proves nothing: got %v", got)
	}
	if err := h.SetWithGen(ctx, "a", "2", obs, 0); err != nil {
		t.Fatal(err)
	}
	if got, ok, _ := h.Get(ctx, "a"); ok {
		t.Errorf("a generation below the floor proves nothing: got %q", got)
	}
	l, err := NewLoader(h, LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "3", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := l.Get(ctx, "a"); v != "3" || err != nil {
		t.Fatalf("got %q, %v", v, err)
	}
	if got, ok, err := h.Get(ctx, "a"); got != "3" || !ok || err != nil {
		t.Errorf("a fill of a key below the floor bumps it, and it comes back: got %q, %v, %v", got, ok, err)
	}
}

// What a Combined answers of the wrong length belongs to nobody.
func TestACombinedThatMiscounts(t *testing.T) {
	ctx := t.Context()
	both, _, _ := newSpy()
	h := open(t, Options[string]{Namespace: "n", Provider: miscounting{both}, GenStore: miscounting{both}, Codec: String{}, DisableBulk: true})
	if got, _, err := h.GetBulk(ctx, []string{"a", "b"}); len(got) != 0 || err != nil {
		t.Errorf("G2: an answer of another length proves nothing: got %v, %v", got, err)
	}
	if err := h.SetBulkWithGens(ctx, ab, map[string]uint64{"a": 7, "b": 7}, 0); err != nil {
		t.Errorf("G2: a fill without proof is skipped: got %v", err)
	}
	if err := h.InvalidateBulk(ctx, []string{"a", "b"}); err == nil {
		t.Errorf("G4: bumps that are not known done are an error: got nil")
	}
}

type miscounting struct{ spy }

func (m miscounting) GetBulkWithGens(context.Context, string, []string, bool) (BulkReading, error) {
	return BulkReading{Gens: []uint64{7}, Values: [][]byte{{}}}, nil
}

func (m miscounting) SetBulkIfGens(context.Context, []Item, []uint64) ([]uint64, []bool, error) {
	return []uint64{7}, []bool{true}, nil
}

func (m miscounting) BumpAndDel(context.Context, []string) ([]uint64, error, error) {
	return []uint64{7}, nil, nil
}

func TestACombinedBulkFillTellsWhatItLeavesOut(t *testing.T) {
	both, _, store := newSpy()
	log := &eventLog{}
	near := newMapNear()
	h, err := New(Options[string]{Namespace: "n", Provider: both, GenStore: both, Codec: String{}, Near: near, Hooks: log.hooks()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(t.Context()) })
	keys := []string{"a", "b"}
	gens := h.SnapshotGens(keys)
	bump(t, store.local, "single:n:b")
	log.reset()
	if err := h.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "2"}, gens, 0); err != nil {
		t.Fatal(err)
	}
	skipped, rejected := eventsOf[SetSkippedEvent](log), eventsOf[BulkRejectedEvent](log)
	if len(skipped) != 1 || skipped[0].Key != "b" || skipped[0].Reason != ReasonStale {
		t.Errorf("a key that has moved is told: got %+v", skipped)
	}
	if len(rejected) != 1 || !rejected[0].Write || rejected[0].Reason != ReasonStale {
		t.Errorf("a bulk that is not written is told: got %+v", rejected)
	}
	if got := near.keys(); len(got) != 1 || got[0] != "a" {
		t.Errorf("what was stored is kept near, and nothing else: got %q", got)
	}
}
