package cascache

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

func TestGetAfterFill(t *testing.T) {
	r := newRig(t)
	wantMiss(t, r.Handle, "what was never stored is a miss", "k")
	fill(t, r.Handle, "k", "v")
	wantHit(t, r.Handle, "a fill whose generation has not moved is served", "k", "v")
	wantHit(t, r.Handle, "a hit leaves the entry for the next one", "k", "v")
	wantMiss(t, r.Handle, "each key has an entry of its own", "other")
	if err := r.Invalidate(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, r.Handle, "nothing is served after an invalidation", "k")
	fill(t, r.Handle, "k", "w")
	wantHit(t, r.Handle, "a fill after the invalidation is served", "k", "w")
	fill(t, r.Handle, "empty", "")
	if v, ok, err := r.Get(t.Context(), "empty"); v != "" || !ok || err != nil {
		t.Errorf("an empty value is a value: got %q, %v, %v", v, ok, err)
	}
}

// A read is one call of the provider, and one of the store if there is
// something to prove.
func TestWhatAGetCosts(t *testing.T) {
	r := newRig(t)
	wantMiss(t, r.Handle, "nothing is stored", "k")
	if got := r.store.count("current"); got != 0 {
		t.Errorf("where there is nothing to prove, no generation is read: got %d", got)
	}
	fill(t, r.Handle, "k", "v")
	r.provider.traffic()
	r.store.traffic()
	wantHit(t, r.Handle, "stored", "k", "v")
	if p, s := r.provider.traffic(), r.store.traffic(); len(p) != 1 || p["get"] != 1 || len(s) != 1 || s["current"] != 1 {
		t.Errorf("G3: a read reads the entry and its generation once, and writes nothing: got provider %v, store %v", p, s)
	}
}

// Every sort of bytes that is not a single or absent entry of the wire format.
func TestBytesThatAreNoEntryAreHealed(t *testing.T) {
	single, err := wire.EncodeSingle(1, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	bulk, err := wire.EncodeBulk([]wire.BulkItem{{Key: "k", Gen: 1, Payload: []byte("payload")}})
	if err != nil {
		t.Fatal(err)
	}
	spoilt := func(i int, b byte) []byte {
		s := append([]byte{}, single...)
		s[i] = b
		return s
	}
	for name, raw := range map[string][]byte{
		"nil":                 nil,
		"empty":               {},
		"foreign":             []byte(`{"name":"somebody"}`),
		"another magic":       spoilt(0, 'X'),
		"another version":     spoilt(4, 0x7f),
		"another kind":        spoilt(5, 0x7f),
		"a bulk":              bulk,
		"header alone":        single[:6],
		"truncated":           single[:len(single)-1],
		"a byte too many":     append(append([]byte{}, single...), 0),
		"absent, truncated":   wire.EncodeAbsent(1)[:wire.AbsentSize-1],
		"absent, with a tail": append(wire.EncodeAbsent(1), 0),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.provider.put("single:n:k", raw)
			wantMiss(t, r.Handle, "bytes that are no entry are a miss", "k")
			r.log.want(t, "bytes that are no entry are deleted, and told with the reason",
				SelfHealEvent{Namespace: "n", StorageKey: "single:n:k", Reason: ReasonCorrupt},
				MissEvent{Namespace: "n", Key: "k", Reason: ReasonCorrupt})
			if _, ok := r.provider.entry("single:n:k"); ok {
				t.Error("bytes that are no entry are deleted: they are still there")
			}
			if got := r.store.count("current"); got != 0 {
				t.Errorf("where there is nothing to prove, no generation is read: got %d", got)
			}
		})
	}
}

func TestAStaleEntryIsHealed(t *testing.T) {
	for name, entryGen := range map[string]func(uint64) uint64{
		"older": func(gen uint64) uint64 { return gen - 1 },
		"newer": func(gen uint64) uint64 { return gen + 1 },
		"0":     func(uint64) uint64 { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			gen := r.SnapshotGen("k")
			for kind, raw := range map[string][]byte{
				"single": must2(wire.EncodeSingle(entryGen(gen), []byte("v"))),
				"absent": wire.EncodeAbsent(entryGen(gen)),
			} {
				r.provider.put("single:n:k", raw)
				wantMiss(t, r.Handle, "only the current generation is proof", "k")
				r.log.want(t, "a stale "+kind+" entry is deleted, and told with the reason",
					SelfHealEvent{Namespace: "n", StorageKey: "single:n:k", Reason: ReasonStale},
					MissEvent{Namespace: "n", Key: "k", Reason: ReasonStale})
				if _, ok := r.provider.entry("single:n:k"); ok {
					t.Errorf("a stale %s entry is deleted: it is still there", kind)
				}
			}
		})
	}
}

func must2(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

func TestGetOfACurrentAbsentEntry(t *testing.T) {
	r := newRig(t)
	gen := r.SnapshotGen("k")
	r.provider.put("single:n:k", wire.EncodeAbsent(gen))
	wantMiss(t, r.Handle, "that the source has no such key is a miss", "k")
	r.log.want(t, "that the source has no such key is a miss, for that reason", MissEvent{Namespace: "n", Key: "k", Reason: ReasonAbsent})
	if _, ok := r.provider.entry("single:n:k"); !ok {
		t.Error("a current entry that says so is left: it is gone")
	}
}

// Without a generation there is no proof, and no reason to delete either.
func TestGetWithoutAGenerationLeavesTheEntry(t *testing.T) {
	for name, c := range map[string]struct {
		current genCall
		want    []any
	}{
		"none": {answer(0, nil), []any{MissEvent{Namespace: "n", Key: "k", Reason: ReasonNoGen}}},
		"error": {answer(0, errBroken), []any{
			GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 1, Op: GenCurrent, Err: errBroken},
			MissEvent{Namespace: "n", Key: "k", Reason: ReasonGenError},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			fill(t, r.Handle, "k", "v")
			r.store.replace(GenCurrent, c.current)
			wantMiss(t, r.Handle, "G2: no generation, no proof", "k")
			r.log.want(t, "G2: no generation, no proof, and the reason is told", c.want...)
			r.store.replace(GenCurrent, nil)
			wantHit(t, r.Handle, "G2: without a generation, the entry stays where it is", "k", "v")
		})
	}
}

func TestGetOfAHungStoreEndsAfterGenTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[string]) { o.GenTimeout = 7 * time.Second })
		fill(t, r.Handle, "k", "v")
		release := r.store.hang(GenCurrent)
		at := time.Now()
		wantMiss(t, r.Handle, "G2: a generation that is late is none", "k")
		if took := time.Since(at); took != 7*time.Second {
			t.Errorf("a read is bounded by GenTimeout: took %v", took)
		}
		release()
		wantHit(t, r.Handle, "G2: without a generation, the entry stays where it is", "k", "v")
	})
}

func TestGetReturnsTheProvidersError(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v")
	r.provider.getErr = errBroken
	if v, ok, err := r.Get(t.Context(), "k"); v != "" || ok || !errors.Is(err, errBroken) {
		t.Errorf("a failure of the provider comes back: got %q, %v, %v, want a miss with %v", v, ok, err, errBroken)
	}
	r.log.want(t, "a failure of the provider is a miss, for that reason", MissEvent{Namespace: "n", Key: "k", Reason: ReasonProviderError})
	r.provider.getErr = nil
	wantHit(t, r.Handle, "a provider that works again is asked again", "k", "v")
}

// endingProvider ends a context in the middle of a Get.
type endingProvider struct {
	*mapProvider
	end context.CancelFunc
}

func (p endingProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	raw, ok, err := p.mapProvider.Get(ctx, key)
	p.end()
	return raw, ok, err
}

func TestAContextThatEndsBetweenTheSteps(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v")
	ctx, cancel := context.WithCancel(t.Context())
	h := open(t, Options[string]{Namespace: "n", Provider: endingProvider{r.provider, cancel}, Codec: String{}, GenStore: r.store})
	if v, ok, err := h.Get(ctx, "k"); v != "" || ok || !errors.Is(err, context.Canceled) {
		t.Errorf("the caller's own ended context comes back: got %q, %v, %v, want a miss with %v", v, ok, err, context.Canceled)
	}
	if _, ok := r.provider.entry("single:n:k"); !ok {
		t.Error("G2: without a generation, the entry stays where it is: it is gone")
	}
}

func TestAGivenUpCallIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fill(t, r.Handle, "k", "v")
		told := make(chan error, 1)
		r.store.replace(GenCurrent, func(ctx context.Context, _ string) (uint64, error) {
			<-ctx.Done()
			told <- ctx.Err()
			return 0, ctx.Err()
		})
		wantMiss(t, r.Handle, "a store that waits too long is given up", "k")
		synctest.Wait()
		select {
		case err := <-told:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a store that listens to its context learns that its time is up: got %v", err)
			}
		default:
			t.Error("a store that waits for the end of its context is told when it was given up")
		}
	})
}

func TestAGivenUpCallIsToldAlsoWhenItAsksLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fill(t, r.Handle, "k", "v")
		asked := make(chan context.Context, 1)
		gate := make(chan struct{})
		r.store.replace(GenCurrent, func(ctx context.Context, _ string) (uint64, error) {
			asked <- ctx
			<-gate
			return 0, errBroken
		})
		wantMiss(t, r.Handle, "a store that waits too long is given up", "k")
		select {
		case <-(<-asked).Done():
		default:
			t.Error("a context that has ended says so to whoever asks for the first time")
		}
		close(gate)
	})
}

func TestAStoreThatPanicsIsTold(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v")
	r.store.replace(GenCurrent, func(context.Context, string) (uint64, error) { panic("of the store") })
	r.log.reset()
	wantMiss(t, r.Handle, "a store that panics has failed", "k")
	events := eventsOf[GenStoreErrorEvent](r.log)
	if len(events) != 1 || !strings.Contains(events[0].Err.Error(), "of the store") {
		t.Errorf("what a store panicked with is in the error: got %+v", events)
	}
}

func TestTheContextOfAGenerationCallEndsWithIt(t *testing.T) {
	r := newRig(t)
	var seen context.Context
	r.store.replace(GenCurrent, func(ctx context.Context, key string) (uint64, error) {
		seen = ctx
		return r.store.local.Current(ctx, key)
	})
	fill(t, r.Handle, "k", "v")
	wantHit(t, r.Handle, "a hit asks for the generation", "k", "v")
	if seen.Err() == nil {
		t.Error("what a store has tied to the context of a call is let go when the call has returned")
	}
}
