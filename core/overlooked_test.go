package cascache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The tests of this file guard what mutants showed that nobody guarded.

func TestSlogHooksTellOfLoads(t *testing.T) {
	for _, test := range []struct {
		what string
		fire func(h *Hooks)
		want slog.Level
	}{
		{"a load", func(h *Hooks) { h.Load(t.Context(), LoadEvent{Namespace: "n", Keys: []string{"a", "b"}}) }, slog.LevelDebug},
		{"a load that failed", func(h *Hooks) { h.Load(t.Context(), LoadEvent{Keys: []string{"a"}, Err: errBroken}) }, slog.LevelWarn},
		{"a load that could not be stored", func(h *Hooks) { h.Load(t.Context(), LoadEvent{Keys: []string{"a"}, StoreErr: errBroken}) }, slog.LevelWarn},
		{"a lease that ended", func(h *Hooks) { h.LeaseEnded(t.Context(), LeaseEndedEvent{Keys: []string{"a"}}) }, slog.LevelWarn},
	} {
		lines := logged(t, slog.LevelDebug, test.fire)
		if len(lines) != 1 || lines[0]["level"] != test.want.String() {
			t.Errorf("%s is one line of level %v: got %v", test.what, test.want, lines)
		}
	}
}

// checkTable holds a table to what it says of itself.
func checkTable(t *testing.T, g *localGens) {
	t.Helper()
	used, live := 0, 0
	if table := g.table.Load(); table != nil {
		if bits.OnesCount(uint(len(table.slots))) != 1 || len(table.slots) < minTableSlots {
			t.Fatalf("the size of a table is a power of two from %d on: got %d", minTableSlots, len(table.slots))
		}
		if 16*g.used > 13*len(table.slots) {
			t.Fatalf("at most 13 slots of 16 are taken: got %d of %d", g.used, len(table.slots))
		}
		for i := range table.slots {
			if table.slots[i].hash.Load() != 0 {
				used++
			}
			if table.slots[i].gen.Load() != 0 {
				live++
			}
		}
	}
	if g.used != used || g.live != live {
		t.Fatalf("a table counts its slots: got %d used and %d live, and has %d and %d", g.used, g.live, used, live)
	}
}

func TestTableGrowsAndShrinksAsItSays(t *testing.T) {
	var g localGens
	hash := func(i int) uint64 { return uint64(i+1) * localShards }
	const most = 1000
	slots := func() int {
		if table := g.table.Load(); table != nil {
			return len(table.slots)
		}
		return 0
	}
	for i := range most {
		before := slots()
		g.put(hash(i), uint64(i+1))
		checkTable(t, &g)
		if after := slots(); before > 0 && after != before && after != 2*before {
			t.Fatalf("a table that is full doubles: from %d to %d", before, after)
		}
		if n := slots(); n > minTableSlots && 4*g.live < n {
			t.Fatalf("a table that only grows is not mostly empty: %d of %d", g.live, n)
		}
	}
	for i := range most {
		g.drop(hash(i))
		before := slots()
		g.shrink()
		checkTable(t, &g)
		switch after := slots(); {
		case g.live == 0:
			if after != 0 {
				t.Fatalf("an empty table is given back: %d slots are left", after)
			}
		case g.live*8 > before:
			if after != before {
				t.Fatalf("a table of which an eighth is in use stays: from %d slots to %d with %d in use", before, after, g.live)
			}
		default:
			want := minTableSlots
			for want*3 < g.live*8 {
				want *= 2
			}
			if after != min(want, before) {
				t.Fatalf("a table shrinks until 3/8 or more are in use: got %d slots for %d, want %d", after, g.live, min(want, before))
			}
		}
	}
	g.put(hash(0), 1)
	checkTable(t, &g)
}

func TestTableThatIsFullOfTheDroppedKeepsItsSize(t *testing.T) {
	var g localGens
	hash := func(i int) uint64 { return uint64(i+1) * localShards }
	const size = 64 // of which 52 slots can be taken
	for i := range 52 {
		g.put(hash(i), uint64(i+1))
	}
	for i := range 6 {
		g.drop(hash(i)) // 46 are left, less than 3/4
	}
	g.put(hash(100), 1)
	checkTable(t, &g)
	if n := len(g.table.Load().slots); n != size || g.used != g.live {
		t.Errorf("a table of which a part was dropped loses that and does not grow: got %d slots, %d used, %d live", n, g.used, g.live)
	}
}

func TestTableShrinksAsFarAsItMay(t *testing.T) {
	for _, test := range []struct{ live, want int }{{1, 8}, {3, 8}, {4, 16}, {6, 16}, {7, 32}, {12, 32}, {22, 64}, {24, 64}, {25, 128}} {
		var g localGens
		for i := range uint64(1000) {
			g.put((i+1)*localShards, i+1)
		}
		for i := range uint64(1000 - test.live) {
			g.drop((i + 1) * localShards)
		}
		g.shrink()
		checkTable(t, &g)
		if n := len(g.table.Load().slots); n != test.want {
			t.Errorf("a table for %d shrinks until 3/8 or more are in use: got %d slots, want %d", test.live, n, test.want)
		}
	}
}

func TestOlderFindsTheOnlyGeneration(t *testing.T) {
	var g localGens
	for i := range uint64(6) {
		g.put((i+1)*localShards, i+1)
	}
	for i := range uint64(5) {
		g.drop((i + 1) * localShards)
	}
	for range 500 {
		if hash, gen := g.older(); hash != 6*localShards || gen != 6 {
			t.Fatalf("the only generation is found wherever the search begins: got %d, %d", hash, gen)
		}
	}
	g.put(localShards, 1)
	for range 500 {
		if _, gen := g.older(); gen != 1 {
			t.Fatalf("of a few generations the oldest is found: got %d, want 1", gen)
		}
	}
}

func TestALocalStoreKeepsManyKeysByDefault(t *testing.T) {
	s := NewLocalGenStore(0, 0)
	defer s.Close(t.Context())
	const n = 20_000
	for i := range n {
		if _, err := s.Snapshot(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Len(); got != n {
		t.Errorf("by default a store keeps millions of generations: got %d of %d", got, n)
	}
}

func TestStripedReleaseGivesAGeneration(t *testing.T) {
	s := NewStripedGenStore(16)
	keys := []string{"a", "b", "c"}
	before := make(map[string]uint64)
	for _, key := range keys {
		before[key], _ = s.Snapshot(t.Context(), key)
	}
	if err := s.Hold(t.Context(), keys, "token", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), keys, "token"); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if gen, _ := s.Current(t.Context(), key); gen <= before[key] {
			t.Errorf("a key that nobody holds any more has a greater generation: %q has %d after %d", key, gen, before[key])
		}
	}
}

func TestHoldsThatNobodyReleasesAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l localHolds
		for i := range uint64(20 * minHoldSweep) {
			l.add(i+1, "token", time.Now().Add(time.Second))
			time.Sleep(50 * time.Millisecond) // 20 are live at a time
			if n := len(l.byKey); n > minHoldSweep {
				t.Fatalf("holds that have expired are forgotten: %d are kept, and about 20 live", n)
			}
		}
		for i := range uint64(4 * minHoldSweep) {
			l.add(i+1, "live", time.Now().Add(time.Hour))
		}
		if l.sweepAt <= minHoldSweep {
			t.Errorf("holds that live are not looked through at every turn: the next sweep is at %d of %d", l.sweepAt, len(l.byKey))
		}
	})
}

func TestSuspectsOutliveAnOverflow(t *testing.T) {
	var s suspects
	for i := range maxSuspects + 1 {
		s.mark(fmt.Sprint(i))
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
	for _, entry := range s.list() {
		s.clear(entry, s.now())
	}
	if s.any.Load() {
		t.Error("when nothing is suspect, nobody looks for it")
	}
}

func TestAnOverflowEndsWithAGenerationOnly(t *testing.T) {
	r := newBatchRig(t)
	r.store.replace(GenBump, answer(0, nil))
	if err := r.recovery.refuseOld(t.Context()); err == nil {
		t.Error("G2: without a generation to refuse older ones by, all keys stay suspect")
	}
}

func TestAClosedRecoveryStartsNothing(t *testing.T) {
	r := newBatchRig(t)
	if err := r.recovery.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.store.fail(GenBump, errBroken)
	r.recovery.mark("single:n:k")
	r.recovery.mu.Lock()
	defer r.recovery.mu.Unlock()
	if r.recovery.running {
		t.Error("after Close nothing is retried in the background")
	}
}

func TestAFloorLeavesTheStoresSliceAlone(t *testing.T) {
	gens := []uint64{5, 15}
	if got := aboveFloor(gens, 10); got[0] != 0 || got[1] != 15 {
		t.Errorf("what is below the floor is none: got %v", got)
	}
	if gens[0] != 5 {
		t.Error("a slice that a store has returned is only read")
	}
}

func TestSnapshotsLeaveOutNoKeyForAnother(t *testing.T) {
	r := newBatchRig(t)
	r.suspects.mark(r.keys.entry("suspect"))
	gens := r.SnapshotGens([]string{"suspect", "", "good"})
	if gens["good"] == 0 || gens["suspect"] != 0 {
		t.Errorf("a key that can be snapshotted is, whatever stands before it: got %v", gens)
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

func TestOneFailureAmongManyIsSuspect(t *testing.T) {
	r := newBatchRig(t)
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
	r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
		if key == r.keys.entry("b") {
			return 0, errBroken
		}
		return r.store.local.Bump(ctx, key)
	})
	if err := r.InvalidateBulk(t.Context(), []string{"a", "b"}); !errors.Is(err, errBroken) {
		t.Errorf("G4: a bump that is not known done is an error: got %v", err)
	}
	if !r.suspects.has(r.keys.entry("b")) || r.suspects.has(r.keys.entry("a")) {
		t.Errorf("the one key whose bump failed is suspect: got %q", r.suspects.list())
	}
}

// snapshotsOnly is a store that can snapshot many keys at once, and no more.
type snapshotsOnly struct{ *stubStore }

func (s snapshotsOnly) SnapshotBatch(ctx context.Context, keys []string) ([]uint64, error) {
	return batchStore(s).SnapshotBatch(ctx, keys)
}

func TestAFloorHoldsForAStoreThatBumpsOneByOne(t *testing.T) {
	store := snapshotsOnly{newStubStore()}
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: store})
	before := h.SnapshotGens([]string{"a", "b"})
	h.gens.raiseFloor(max(before["a"], before["b"]) + 1)
	for key, gen := range h.SnapshotGens([]string{"a", "b"}) {
		if gen <= before[key] {
			t.Errorf("a fill of a key below the floor bumps it: %q has %d after %d", key, gen, before[key])
		}
	}
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

func TestARetryThatSucceedsEndsTheLongPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBatchRig(t)
		r.store.fail(GenBump, errBroken)
		r.recovery.mark(r.keys.entry("a"))
		time.Sleep(time.Minute) // the pauses are at their longest
		r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
			if key == r.keys.entry("b") && r.suspects.has(r.keys.entry("a")) {
				return 0, errBroken
			}
			r.recovery.mark(r.keys.entry("b")) // while the retry of a goes on
			r.store.replace(GenBump, nil)
			return r.store.local.Bump(ctx, key)
		})
		for r.suspects.has(r.keys.entry("a")) {
			time.Sleep(time.Millisecond)
		}
		start := time.Now()
		for r.suspects.any.Load() {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(start); took > 2*retryMin+time.Millisecond {
			t.Errorf("a store that answers again is asked again soon: %v passed", took)
		}
	})
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

func TestABulkOfAbsentKeysIsNone(t *testing.T) {
	r := newBatchRig(t)
	l := newLoader(t, r.Handle, newSource(map[string]string{"a": "1"}), func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
	if values, err := l.GetMany(t.Context(), []string{"a", "none"}); err != nil || len(values) != 1 {
		t.Fatalf("one of two keys is there: got %v, %v", values, err)
	}
	if _, stored := r.provider.entry(r.keys.bulkEntry([]string{"a", "none"})); stored {
		t.Error("a bulk entry has no place for a key that the source does not have")
	}
	wantBulk(t, r.Handle, "a key that the source does not have is no value", []string{"a", "none"}, map[string]string{"a": "1"}, "none")
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

// dividedProvider looks up keys in two parts.
type dividedProvider struct{ *mapProvider }

func (p dividedProvider) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return p.Get(ctx, prefix+key)
}

func TestAChecksumNamesADividedKey(t *testing.T) {
	provider := dividedProvider{newMapProvider()}
	h := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}, Checksum: true})
	fill(t, h, "k", "v")
	wantHit(t, h, "a key that comes in two parts is the one that the entry names", "k", "v")
	other, _ := provider.entry("single:n:k")
	fill(t, h, "j", "w")
	provider.put("single:n:j", other.value)
	wantMiss(t, h, "an entry of another key is none", "j")
}

func TestFlightsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		source := newSource(map[string]string{"a": "1", "b": "2"})
		l := newLoader(t, r.Handle, source)
		known := func() int {
			synctest.Wait()
			l.flights.mu.Lock()
			defer l.flights.mu.Unlock()
			return len(l.flights.byKey)
		}
		if _, err := l.GetMany(t.Context(), []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
		if n := known(); n != 0 {
			t.Errorf("a flight that has landed is forgotten: %d are known", n)
		}
		source.gate = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left := make(chan error)
		// A load that takes no notice of its context.
		deaf := newLoader(t, r.Handle, source, func(o *LoaderOptions[string]) {
			o.Load = func(context.Context, string) (string, error) { <-source.gate; return "late", nil }
		})
		go func() { _, err := deaf.Get(ctx, "c"); left <- err }()
		if err := <-left; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller leaves when its time is up: got %v", err)
		}
		deaf.flights.mu.Lock()
		if n := len(deaf.flights.byKey); n != 0 {
			t.Errorf("a flight that everybody has left is forgotten: %d are known", n)
		}
		deaf.flights.mu.Unlock()
		close(source.gate)
	})
}

func TestABatchOfSnapshotsNamesEachKeyOnce(t *testing.T) {
	r := newBatchRig(t)
	asked := map[string]int{}
	r.store.replace(GenSnapshot, func(ctx context.Context, key string) (uint64, error) {
		asked[key]++
		return r.store.local.Snapshot(ctx, key)
	})
	if gens := r.SnapshotGens([]string{"a", "b", "a"}); len(gens) != 2 || gens["a"] == 0 {
		t.Errorf("each key has its generation: got %v", gens)
	}
	for key, n := range asked {
		if n != 1 {
			t.Errorf("a batch holds no duplicates: %q was asked for %d times", key, n)
		}
	}
}

func TestRetriesOfAStoreThatIsDownStopAfterOneBatch(t *testing.T) {
	r := newBatchRig(t)
	for i := range 2*retryBatch + 1 {
		r.suspects.mark(r.keys.entry(fmt.Sprint(i)))
	}
	r.store.fail(GenBump, errBroken)
	before := r.store.count("bumpBatch")
	err := r.recovery.attempt(t.Context())
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != retryBatch+1 {
		t.Errorf("each key that could not be bumped is told, and that there are more: got %v", err)
	}
	if n := r.store.count("bumpBatch") - before; n != 1 {
		t.Errorf("a store that fails a whole batch is not waited for batch by batch: got %d, want 1", n)
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

func TestABulkReadSaysWhyItMissed(t *testing.T) {
	for _, bulk := range []bool{true, false} {
		checkReasonOfMisses(t, bulk)
	}
}

func checkReasonOfMisses(t *testing.T, bulk bool) {
	t.Helper()
	r := newBatchRig(t, func(o *Options[string]) { o.DisableBulk = !bulk })
	fill(t, r.Handle, "a", "1")
	r.provider.getErr = errBroken
	r.log.reset()
	if _, _, err := r.GetBulk(t.Context(), []string{"a", "b"}); !errors.Is(err, errBroken) {
		t.Errorf("a provider that fails is an error: got %v", err)
	}
	misses := eventsOf[MissEvent](r.log)
	if len(misses) != 2 {
		t.Fatalf("each key is missed once: got %+v", misses)
	}
	for _, e := range misses {
		if e.Reason != ReasonProviderError {
			t.Errorf("%q is missed since the provider failed: got %q", e.Key, e.Reason)
		}
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

// endingSetter fails every set and ends the caller's context.
type endingSetter struct {
	*mapProvider
	end context.CancelFunc
}

func (p endingSetter) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	p.end()
	p.setErr = errBroken
	return p.mapProvider.Set(ctx, key, value, cost, ttl)
}

func TestABulkFillStopsWhenItsCallerHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	provider := endingSetter{newMapProvider(), cancel}
	r := newRig(t, func(o *Options[string]) { o.Provider = provider })
	items := map[string]string{"a": "1", "b": "2", "c": "3"}
	gens := r.SnapshotGens([]string{"a", "b", "c"})
	if err := r.SetBulkWithGens(ctx, items, gens, 0); !errors.Is(err, errBroken) {
		t.Errorf("a provider that fails is an error: got %v", err)
	}
	if n := provider.count("set"); n != 1 {
		t.Errorf("nothing more is stored for a caller that has gone: got %d sets, want 1", n)
	}
}
