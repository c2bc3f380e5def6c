package cascache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSetStoresOnlyUnderTheObservedGeneration(t *testing.T) {
	failed := GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 1, Op: GenCurrent, Err: errBroken}
	for name, c := range map[string]struct {
		observed uint64             // added to what the snapshot gave
		zero     bool               // observed is 0
		then     func(*rig, uint64) // between the snapshot and the set
		want     []any
		stored   bool
	}{
		"current": {stored: true},
		"0":       {zero: true, want: []any{skipped(ReasonNoSnapshot)}},
		"0, and the key has none": {
			zero: true,
			then: func(r *rig, _ uint64) { r.store.local.Cleanup(0) },
			want: []any{skipped(ReasonNoSnapshot)},
		},
		"0, and the store answers 0": {
			zero: true,
			then: func(r *rig, _ uint64) { r.store.replace(GenCurrent, answer(0, nil)) },
			want: []any{skipped(ReasonNoSnapshot)},
		},
		"older": {observed: ^uint64(0), want: []any{skipped(ReasonStale)}},
		"newer": {observed: 1, want: []any{skipped(ReasonStale)}},
		"from before an invalidation": {
			then: func(r *rig, _ uint64) { _ = r.Invalidate(context.Background(), "k") },
			want: []any{skipped(ReasonStale)},
		},
		"from before a loss": {
			then: func(r *rig, _ uint64) { r.store.local.Cleanup(0) },
			want: []any{skipped(ReasonNoGen)},
		},
		"from before a loss and another snapshot": {
			then: func(r *rig, _ uint64) { r.store.local.Cleanup(0); r.SnapshotGen("k") },
			want: []any{skipped(ReasonStale)},
		},
		"current, but the store answers 0": {
			then: func(r *rig, _ uint64) { r.store.replace(GenCurrent, answer(0, nil)) },
			want: []any{skipped(ReasonNoGen)},
		},
		"current, but the store fails": {
			then: func(r *rig, _ uint64) { r.store.fail(GenCurrent, errBroken) },
			want: []any{failed, skipped(ReasonGenError)},
		},
		"current, but beside an error": {
			then: func(r *rig, gen uint64) { r.store.replace(GenCurrent, answer(gen, errBroken)) },
			want: []any{failed, skipped(ReasonGenError)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			observed := r.SnapshotGen("k") + c.observed
			if c.zero {
				observed = 0
			}
			if c.then != nil {
				c.then(r, observed)
			}
			r.log.reset()
			if err := r.SetWithGen(t.Context(), "k", "v", observed, 0); err != nil {
				t.Errorf("a fill that is skipped is no error: got %v", err)
			}
			r.log.want(t, "a fill that is skipped tells why", c.want...)
			if _, stored := r.provider.entry("single:n:k"); stored != c.stored {
				t.Errorf("a fill is stored only while the generation still is the observed one: stored is %v, want %v", stored, c.stored)
			}
		})
	}
}

func skipped(reason Reason) SetSkippedEvent {
	return SetSkippedEvent{Namespace: "n", Key: "k", Reason: reason}
}

// A fill of an observed generation 0 must not touch the store at all.
func TestWhatASetCosts(t *testing.T) {
	r := newRig(t)
	if err := r.SetWithGen(t.Context(), "k", "v", 0, 0); err != nil || len(r.provider.traffic()) != 0 || len(r.store.traffic()) != 0 {
		t.Errorf("G2: a fill without a snapshot asks nobody: got %v", err)
	}
	obs := r.SnapshotGen("k")
	r.store.traffic()
	if err := r.SetWithGen(t.Context(), "k", "v", obs, 0); err != nil {
		t.Fatal(err)
	}
	if p, s := r.provider.traffic(), r.store.traffic(); len(p) != 1 || p["set"] != 1 || len(s) != 1 || s["current"] != 1 {
		t.Errorf("a fill compares once and stores once: got provider %v, store %v", p, s)
	}
}

func TestASetOverAHungStoreIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options[string]) { o.GenTimeout = 7 * time.Second })
		obs := r.SnapshotGen("k")
		release := r.store.hang(GenCurrent)
		defer release()
		at := time.Now()
		if err := r.SetWithGen(t.Context(), "k", "v", obs, 0); err != nil || r.provider.len() != 0 {
			t.Errorf("G2: a fill whose generation is not known in time is skipped, without an error: got %v, %d entries", err, r.provider.len())
		}
		if took := time.Since(at); took != 7*time.Second {
			t.Errorf("a fill is bounded by GenTimeout: took %v", took)
		}
	})
}

func TestAProviderThatDeclines(t *testing.T) {
	r := newRig(t)
	obs := r.SnapshotGen("k")
	r.provider.decline = true
	if err := r.SetWithGen(t.Context(), "k", "v", obs, 0); err != nil {
		t.Errorf("a provider may decline, which is no error: got %v", err)
	}
	r.log.want(t, "a value that the provider declined is told", SetRejectedEvent{Namespace: "n", StorageKey: "single:n:k", Cost: 19})
	wantMiss(t, r.Handle, "what was declined is not there", "k")
}

func TestSetReturnsTheProvidersError(t *testing.T) {
	r := newRig(t)
	obs := r.SnapshotGen("k")
	r.provider.setErr = errBroken
	if err := r.SetWithGen(t.Context(), "k", "v", obs, 0); !errors.Is(err, errBroken) {
		t.Errorf("a failure of the provider comes back: got %v, want %v", err, errBroken)
	}
	r.log.want(t, "an error that comes back is no event")
}

// bumpingProvider has a writer come between the compare and the set.
type bumpingProvider struct {
	*mapProvider
	before func()
}

func (p bumpingProvider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	p.before()
	return p.mapProvider.Set(ctx, key, value, cost, ttl)
}

func TestAnInvalidationBetweenCompareAndSet(t *testing.T) {
	r := newRig(t)
	h := open(t, Options[string]{Namespace: "n", Codec: String{}, GenStore: r.store, Provider: bumpingProvider{r.provider, func() {
		if err := r.Invalidate(context.Background(), "k"); err != nil {
			t.Error(err)
		}
	}}})
	fill(t, h, "k", "old")
	if _, ok := r.provider.entry("single:n:k"); !ok {
		t.Fatal("this test is about an old value that was stored after the invalidation")
	}
	wantMiss(t, h, "an entry carries the observed generation, so that what was stored after an invalidation is not served", "k")
	if err := h.SetWithGen(t.Context(), "k", "v", h.SnapshotGen("k"), -1); !errors.Is(err, ErrInvalidTTL) {
		t.Error(err)
	}
}
