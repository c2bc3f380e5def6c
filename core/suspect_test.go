package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/unkn0wn-root/cascache/wire"
)

func TestSuspicion(t *testing.T) {
	var s suspects
	if s.has("a") {
		t.Error("nothing is suspect at first")
	}
	before := s.now()
	s.mark("a", nil)
	if !s.has("a") || s.has("b") {
		t.Errorf("what is marked is suspect, and nothing else: got %v and %v", s.has("a"), s.has("b"))
	}
	if s.clear("a", before) || !s.has("a") {
		t.Error("a bump that began before the mark proves nothing: it ended the suspicion")
	}
	if s.clear("b", s.now()) {
		t.Error("only what is suspect can be cleared")
	}
	between := s.now()
	s.mark("a", nil)
	if s.clear("a", between) || !s.has("a") {
		t.Error("a bump that began before the latest mark proves nothing: it ended the suspicion")
	}
	if !s.clear("a", s.now()) || s.has("a") {
		t.Error("a bump that began after the mark ends the suspicion: it did not")
	}
	if s.clear("a", s.now()) {
		t.Error("a suspicion ends once")
	}
	if s.any.Load() {
		t.Error("a cache without suspects has to look at one flag only: it says that there are some")
	}
}

func TestAMarkOfOneKeyLeavesOthersClearable(t *testing.T) {
	var s suspects
	s.mark("a", nil)
	began := s.now()
	s.mark("b", nil)
	if !s.clear("a", began) {
		t.Error("the mark of another key is no obstacle: the key stayed suspect")
	}
	if s.has("a") || !s.has("b") {
		t.Errorf("each key is cleared on its own: got %v and %v", s.has("a"), s.has("b"))
	}
}

// The memory of failed invalidations is bounded. What is past the bound is not
// forgotten: then everything is suspect.
func TestMoreSuspectsThanCanBeRemembered(t *testing.T) {
	var s suspects
	for i := range maxSuspects {
		s.mark(fmt.Sprint(i), nil)
	}
	if s.has("other") {
		t.Fatal("within the bound, only what is marked is suspect")
	}
	s.mark("0", nil)
	if s.has("other") {
		t.Error("a key that is known takes no room: all keys became suspect")
	}
	s.mark("one more", nil)
	for _, key := range []string{"0", "one more", "other"} {
		if !s.has(key) {
			t.Errorf("a mark is never forgotten: past the bound, every key is suspect: %q is not", key)
		}
	}
	if got := len(s.marks); got > maxSuspects {
		t.Errorf("the memory is bounded: got %d marks, want at most %d", got, maxSuspects)
	}
	now := s.now()
	for i := range maxSuspects {
		s.clear(fmt.Sprint(i), now)
	}
	if !s.has("one more") {
		t.Error("what was not remembered is not cleared with the rest")
	}
}

func TestSuspectsAreSafeForConcurrentUse(t *testing.T) {
	var s suspects
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			mine := fmt.Sprint("mine", g)
			for range 500 {
				s.mark("shared", nil)
				s.mark(mine, nil)
				if !s.has(mine) {
					t.Error("what is marked is suspect until it is cleared")
				}
				began := s.now()
				s.clear("shared", began)
				if !s.clear(mine, began) || s.has(mine) {
					t.Error("a bump that began after the mark ends the suspicion")
				}
			}
		})
	}
	wg.Wait()
	s.clear("shared", s.now())
	if s.any.Load() || len(s.marks) != 0 {
		t.Errorf("when all is cleared, nothing is suspect: got %v", s.marks)
	}
}

// failedInvalidate leaves "k" and, as part of the bulk, "a" suspect, with their
// entries in place and the bump still broken.
func failedInvalidate(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	fill(t, r.Handle, "k", "old")
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
	r.store.fail(GenBump, errBroken)
	r.provider.delErr = errBroken // so that the entries are there to be served
	for _, key := range []string{"k", "a"} {
		var failed *InvalidateError
		if err := r.Invalidate(t.Context(), key); !errors.As(err, &failed) {
			t.Fatalf("a bump that failed is an *InvalidateError: got %v", err)
		}
	}
	r.provider.delErr = nil
	r.log.reset()
	return r
}

func TestASuspectKeyIsNotServed(t *testing.T) {
	r := failedInvalidate(t)
	wantMiss(t, r.Handle, "a read of a suspect key misses", "k")
	r.log.want(t, "a read of a suspect key misses, for that reason", MissEvent{Namespace: "n", Key: "k", Reason: ReasonSuspect})
	wantBulk(t, r.Handle, "a bulk with a suspect member is not served, its other members are", []string{"a", "b"}, map[string]string{"b": "2"}, "a")
	if _, ok := r.provider.entry(bulkOfAB); !ok {
		t.Error("a bulk whose generations prove nothing stays where it is: it is gone")
	}
	for _, e := range eventsOf[BulkRejectedEvent](r.log) {
		if e.Reason != ReasonSuspect || e.Write {
			t.Errorf("a bulk with a suspect member is rejected for that reason: got %+v", e)
		}
	}
	if r.provider.len() != 4 {
		t.Errorf("G2: no proof, and the entry stays where it is: got %d entries, want 4", r.provider.len())
	}
}

func TestASuspectKeyIsNotFilled(t *testing.T) {
	r := failedInvalidate(t)
	obs := current(t, r.store.local, "single:n:k")
	if gen, err := r.SnapshotGenContext(t.Context(), "k"); gen != 0 || !errors.Is(err, ErrSuspect) {
		t.Errorf("a suspect key has no generation to fill under: got %d, %v, want 0, %v", gen, err, ErrSuspect)
	}
	if got := r.SnapshotGen("k"); got != 0 {
		t.Errorf("a suspect key has no generation to fill under: got %d, want 0", got)
	}
	gens, err := r.SnapshotGensContext(t.Context(), []string{"k", "b"})
	if gens["k"] != 0 || gens["b"] == 0 || len(gens) != 2 || !errors.Is(err, ErrSuspect) {
		t.Errorf("a suspect key has no generation, and takes none from the others: got %v, %v", gens, err)
	}
	r.log.reset()

	if err := r.SetWithGen(t.Context(), "k", "new", obs, 0); err != nil {
		t.Errorf("a fill of a suspect key is skipped without an error: got %v", err)
	}
	r.log.want(t, "a fill of a suspect key is skipped, for that reason", SetSkippedEvent{Namespace: "n", Key: "k", Reason: ReasonSuspect})

	gens = map[string]uint64{"a": current(t, r.store.local, "single:n:a"), "b": current(t, r.store.local, "single:n:b")}
	if err := r.SetBulkWithGens(t.Context(), map[string]string{"a": "3", "b": "4"}, gens, 0); err != nil {
		t.Errorf("a fill of a suspect key is skipped without an error: got %v", err)
	}
	r.log.want(t, "a suspect member is skipped, and the bulk with it, for that reason",
		SetSkippedEvent{Namespace: "n", Key: "a", Reason: ReasonSuspect},
		BulkRejectedEvent{Namespace: "n", Keys: []string{"a", "b"}, Write: true, Reason: ReasonSuspect})
	wantHit(t, r.Handle, "the other members are filled", "b", "4")
	for entry, want := range map[string]string{"single:n:k": "old", "single:n:a": "1"} {
		e, _ := r.provider.entry(entry)
		var stored wire.Entry
		if _ = openEntry(r.version, e.value, "", "", entry, &stored); string(stored.Payload) != want {
			t.Errorf("a suspect key is not filled: %s holds %q, want %q still", entry, stored.Payload, want)
		}
	}
}

func TestALaterInvalidationEndsTheSuspicion(t *testing.T) {
	for name, invalidate := range map[string]func(context.Context, *Handle[string]) error{
		"Invalidate":     func(ctx context.Context, h *Handle[string]) error { return h.Invalidate(ctx, "k") },
		"InvalidateBulk": func(ctx context.Context, h *Handle[string]) error { return h.InvalidateBulk(ctx, []string{"b", "k"}) },
	} {
		t.Run(name, func(t *testing.T) {
			// In the bubble, time stands still and nothing is retried.
			synctest.Test(t, func(t *testing.T) {
				r := failedInvalidate(t)
				if err := invalidate(t.Context(), r.Handle); err == nil {
					t.Fatal("the bump is still broken")
				}
				wantMiss(t, r.Handle, "another failed invalidation ends no suspicion", "k")
				r.store.fail(GenBump, nil)
				if err := invalidate(t.Context(), r.Handle); err != nil {
					t.Fatal(err)
				}
				want := InvalidateRecoveredEvent{Namespace: "n", Key: "k"}
				if got := eventsOf[InvalidateRecoveredEvent](r.log); !slices.Contains(got, want) {
					t.Errorf("an invalidation that worked after all is told: got %v, want %v among them", got, want)
				}
				wantMiss(t, r.Handle, "what was loaded before the invalidation is gone", "k")
				fill(t, r.Handle, "k", "new")
				wantHit(t, r.Handle, "a key that was invalidated after all works again", "k", "new")
			})
		})
	}
}

// The invalidation that succeeds began before the one that fails, and may have
// drawn its generation before the write that the failed one stands for.
func TestABumpFromBeforeTheMarkEndsNoSuspicion(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v1")
	drawn, proceed := make(chan struct{}), make(chan struct{})
	r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
		gen, err := r.store.local.Bump(ctx, key)
		close(drawn)
		<-proceed
		return gen, err
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Invalidate(context.Background(), "k"); err != nil {
			t.Errorf("this bump works: %v", err)
		}
	})
	<-drawn
	// A fill after the first bump, then a write whose invalidation fails.
	obs := r.SnapshotGen("k")
	if err := r.SetWithGen(t.Context(), "k", "v2", obs, 0); err != nil {
		t.Fatal(err)
	}
	wantHit(t, r.Handle, "this fill is in order", "k", "v2")
	r.store.fail(GenBump, errBroken)
	r.provider.delErr = errBroken
	if err := r.Invalidate(t.Context(), "k"); err == nil {
		t.Fatal("this bump fails")
	}
	close(proceed)
	r.provider.mu.Lock()
	r.provider.delErr = nil
	r.provider.mu.Unlock()
	wg.Wait()
	if got := eventsOf[InvalidateRecoveredEvent](r.log); len(got) != 0 {
		t.Errorf("a bump that began before the mark recovers nothing: got %v", got)
	}
	wantMiss(t, r.Handle, "a bump that began before the key became suspect does not end the suspicion", "k")
	if got := r.SnapshotGens([]string{"k"}); !maps.Equal(got, map[string]uint64{"k": 0}) {
		t.Errorf("a bump that began before the key became suspect does not end the suspicion: got generation %v", got)
	}
}

func TestSuspectsOutliveAnOverflow(t *testing.T) {
	var s suspects
	for i := range maxSuspects + 1 {
		s.mark(fmt.Sprint(i), nil)
	}
	full, began := s.overflowed()
	if !full {
		t.Fatalf("more than %d suspects are all keys", maxSuspects)
	}
	s.clearOverflow(began)
	if !s.has("0") {
		t.Error("a key that is suspect by itself stays so when all others are cleared")
	}
	if s.has("no such") {
		t.Error("a key that is not marked is not suspect any more")
	}
	for _, entry := range s.list(nil) {
		s.clear(entry, s.now())
	}
	if s.any.Load() {
		t.Error("when nothing is suspect, nobody looks for it")
	}
}
