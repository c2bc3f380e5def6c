package cascache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// The four rules that the promise rests on, each seen from outside: what would
// be served if it were broken.

// Rule G1: a generation that is lost and drawn again is not one that a dead
// entry carries. The entry outlives the loss, since the provider is another
// place, and it was drawn ahead of the clock, as before a clock step.
func TestRuleG1ADeadEntryIsNotRevived(t *testing.T) {
	const ahead = time.Hour
	for name, lose := range losses {
		for recreated, draw := range map[string]func(context.Context, *rig) uint64{
			"a snapshot":      func(_ context.Context, r *rig) uint64 { return r.SnapshotGen("k") },
			"an invalidation": func(ctx context.Context, r *rig) uint64 { _ = r.Invalidate(ctx, "k"); return r.SnapshotGen("k") },
		} {
			t.Run(name+", then "+recreated, func(t *testing.T) {
				r := newRig(t)
				pretend(r.store.local, "single:n:k", genAt(time.Now().Add(ahead)))
				dead := make(map[uint64]bool)
				for range 15 {
					dead[fill(t, r.Handle, "k", "old")] = true
					entry, _ := r.provider.entry("single:n:k")
					lose(r.store.local, "single:n:k")
					wantMiss(t, r.Handle, "G2: without a generation there is no proof", "k")
					gen := draw(t.Context(), r)
					if dead[gen] || gen == 0 {
						t.Fatalf("G1: a generation is never used twice for a key: drew %d again", gen)
					}
					r.provider.put("single:n:k", entry.value)
					wantMiss(t, r.Handle, "G1: a dead entry does not come back to life", "k")
				}
			})
		}
	}
}

// Rule G1: an entry of an earlier process, whose generations died with it.
func TestRuleG1ValuesThatOutliveTheGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := nonClosingProvider{newMapProvider()}
		items := map[string]string{"a": "old", "b": "old"}
		before := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}})
		fillBulk(t, before, items)
		fill(t, before, "k", "old")
		if err := before.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys := []string{"a", "b"}
		for _, pause := range []time.Duration{time.Microsecond, time.Second, time.Minute} {
			time.Sleep(pause)
			after := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}})
			wantMiss(t, after, "G2: an entry from before a restart is not proved", "k")
			wantBulk(t, after, "G2: a bulk from before a restart is not proved", keys, nil, "a", "b")
			after.SnapshotGen("k")
			after.SnapshotGens(keys)
			if _, ok := provider.entry(bulkOfAB); !ok && pause == time.Microsecond {
				t.Error("G2: without a generation, a bulk stays where it is: it is gone")
			}
			entries := provider.snapshotOfAll()
			wantMiss(t, after, "G1: an entry from before a restart is dead", "k")
			wantBulk(t, after, "G1: a bulk from before a restart is dead", keys, nil, "a", "b")
			provider.restore(entries)
			// The same store, as the process goes on.
			if err := after.InvalidateBulk(t.Context(), []string{"k", "a"}); err != nil {
				t.Fatal(err)
			}
			provider.restore(entries)
			wantMiss(t, after, "G1: an entry from before a restart stays dead", "k")
			wantBulk(t, after, "G1: a bulk from before a restart stays dead", keys, nil, "a", "b")
			provider.restore(entries)
			if err := after.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		fresh := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}})
		fill(t, fresh, "k", "new")
		wantHit(t, fresh, "a fresh cache over a used provider works", "k", "new")
		fillBulk(t, fresh, map[string]string{"a": "new", "b": "new"})
		wantBulk(t, fresh, "a fresh cache over a used provider works", keys, map[string]string{"a": "new", "b": "new"})
	})
}

// nonClosingProvider is a provider for many processes.
type nonClosingProvider struct{ *mapProvider }

func (nonClosingProvider) Close(context.Context) error { return nil }

func (p nonClosingProvider) snapshotOfAll() map[string]mapEntry {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]mapEntry, len(p.entries))
	for key, e := range p.entries {
		all[key] = e
	}
	return all
}

func (p nonClosingProvider) restore(all map[string]mapEntry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, e := range all {
		p.entries[key] = e
	}
}

// Rule G1 under eviction by ordinary use: a store far too small for its keys.
func TestRuleG1UnderConstantEviction(t *testing.T) {
	provider, store := newMapProvider(), NewLocalGenStore(0, 0)
	store.SetMaxKeys(1)
	h := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}, GenStore: store})
	versions := make(map[string]int)
	hits := 0
	for i := range 20_000 {
		key := fmt.Sprint(i * 7919 % 600)
		switch i % 5 {
		case 0:
			versions[key]++
			if err := h.Invalidate(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		case 1, 2:
			fill(t, h, key, fmt.Sprint(versions[key]))
		}
		if v, ok, _ := h.Get(t.Context(), key); ok {
			hits++
			if v != fmt.Sprint(versions[key]) {
				t.Fatalf("G1: a store may drop any generation, and nothing stale is served: %q has version %s, want %d", key, v, versions[key])
			}
		}
	}
	if hits == 0 {
		t.Error("a store that is too small still serves something: no hits")
	}
}

// Rule G2: a store that errs, answers nothing or hangs proves nothing, in any
// call; and what was stored before is served again when it recovers.
func TestRuleG2NoGenerationNoProof(t *testing.T) {
	for name, current := range map[string]func(r *rig) (restore func()){
		"answers 0": func(r *rig) func() {
			r.store.replace(GenCurrent, answer(0, nil))
			r.store.replace(GenSnapshot, answer(0, nil))
			return func() {}
		},
		"fails": func(r *rig) func() {
			r.store.fail(GenCurrent, errBroken)
			r.store.fail(GenSnapshot, errBroken)
			return func() {}
		},
		"answers beside an error": func(r *rig) func() {
			gen := r.SnapshotGen("k")
			r.store.replace(GenCurrent, answer(gen, errBroken))
			r.store.replace(GenSnapshot, answer(gen, errBroken))
			return func() {}
		},
		"hangs": func(r *rig) func() { return r.store.hang(GenCurrent, GenSnapshot) },
		"answers too late": func(r *rig) func() {
			gen := r.SnapshotGen("k")
			late := func(context.Context, string) (uint64, error) {
				time.Sleep(DefaultGenTimeout + time.Nanosecond)
				return gen, nil
			}
			r.store.replace(GenCurrent, late)
			r.store.replace(GenSnapshot, late)
			return func() { time.Sleep(time.Second) }
		},
	} {
		for kind, newOne := range rigs {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newOne(t)
					obs := fill(t, r.Handle, "k", "old")
					fillBulk(t, r.Handle, map[string]string{"k": "old"})
					entries := r.provider.len()
					restore := current(r)

					wantMiss(t, r.Handle, "G2: no generation, no proof", "k")
					wantBulk(t, r.Handle, "G2: no generation, no proof", []string{"k"}, nil, "k")
					if got := r.SnapshotGen("k"); got != 0 {
						t.Errorf("G2: a snapshot that cannot be had is 0: got %d", got)
					}
					if got := r.SnapshotGens([]string{"k"})["k"]; got != 0 {
						t.Errorf("G2: a snapshot that cannot be had is 0: got %d", got)
					}
					if err := r.SetWithGen(t.Context(), "k", "new", obs, 0); err != nil {
						t.Errorf("G2: a fill without proof is skipped, without an error: got %v", err)
					}
					if err := r.SetBulkWithGens(t.Context(), map[string]string{"k": "new"}, map[string]uint64{"k": obs}, 0); err != nil {
						t.Errorf("G2: a fill without proof is skipped, without an error: got %v", err)
					}
					if got := r.provider.len(); got != entries {
						t.Errorf("G2: without proof, nothing is stored and nothing dropped: got %d entries, want %d", got, entries)
					}

					r.store.replace(GenCurrent, nil)
					r.store.replace(GenSnapshot, nil)
					restore()
					wantHit(t, r.Handle, "a store that works again proves what it proved before", "k", "old")
					wantBulk(t, r.Handle, "a store that works again proves what it proved before", []string{"k"}, map[string]string{"k": "old"})
				})
			})
		}
	}
}

// Rule G2 at a cost that is bounded: a store that never returns.
func TestRuleG2AHungStoreCostsABoundedNumberOfGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fill(t, r.Handle, "k", "v")
		release := r.store.hang(GenCurrent, GenSnapshot)
		before := runtime.NumGoroutine()
		begun := r.store.count("current")
		var wg sync.WaitGroup
		for range 10_000 {
			wg.Go(func() { wantMiss(t, r.Handle, "G2: a generation that is late is none", "k") })
		}
		wg.Wait()
		synctest.Wait()
		if got := runtime.NumGoroutine() - before; got > maxCalls+16 {
			t.Errorf("10,000 reads of a hung store cost a bounded number of goroutines: got %d, want about %d", got, maxCalls)
		}
		if got := r.store.count("current") - begun; got > maxCalls {
			t.Errorf("10,000 reads of a hung store call it a bounded number of times: got %d, want at most %d", got, maxCalls)
		}
		// Of many callers at once, some may have been turned away too early.
		for range maxCalls {
			if _, err := r.SnapshotGenContext(t.Context(), "k"); errors.Is(err, ErrGenStoreStuck) {
				break
			}
		}
		at := time.Now()
		for range 1000 {
			wantMiss(t, r.Handle, "G2: once all calls are stuck, reads miss", "k")
			if got := r.SnapshotGen("k"); got != 0 {
				t.Fatalf("G2: once all calls are stuck, snapshots are 0: got %d", got)
			}
		}
		if took := time.Since(at); took != 0 {
			t.Errorf("once all calls are stuck, reads miss at once: 1000 took %v", took)
		}
		release()
		synctest.Wait()
		wantHit(t, r.Handle, "a store that works again is asked again", "k", "v")
	})
}

// Rule G3: were "missing" a snapshot that could be matched later, a fill that
// began before an invalidation would be stored after it, once the generation
// had been lost.
func TestRuleG3ASnapshotNoticesALoss(t *testing.T) {
	for _, name := range []string{"pruned", "evicted", "reset"} {
		for _, had := range []bool{false, true} {
			for _, again := range []string{"nothing", "a snapshot", "an invalidation", "a read"} {
				t.Run(fmt.Sprintf("%s, generation before: %v, then %s", name, had, again), func(t *testing.T) {
					r := newRig(t)
					if had {
						pretend(r.store.local, "single:n:k", genAt(time.Now().Add(time.Hour)))
					}
					obs := r.SnapshotGen("k") // snapshot
					bulkObs := r.SnapshotGens([]string{"k"})
					if err := r.Invalidate(t.Context(), "k"); err != nil { // invalidate
						t.Fatal(err)
					}
					if lose, ok := losses[name]; ok { // lose
						lose(r.store.local, "single:n:k")
					} else {
						r.store.local = newLocal(t, 0, 0)
					}
					switch again {
					case "a snapshot":
						r.SnapshotGen("k")
					case "an invalidation":
						if err := r.Invalidate(t.Context(), "k"); err != nil {
							t.Fatal(err)
						}
					case "a read":
						wantMiss(t, r.Handle, "nothing is stored", "k")
					}
					if err := r.SetWithGen(t.Context(), "k", "stale", obs, 0); err != nil {
						t.Fatal(err)
					}
					if err := r.SetBulkWithGens(t.Context(), map[string]string{"k": "stale"}, bulkObs, 0); err != nil {
						t.Fatal(err)
					}
					if got := r.provider.len(); got != 0 {
						t.Errorf("G3: a fill that snapshotted before an invalidation and a loss stores nothing: got %d entries", got)
					}
					wantMiss(t, r.Handle, "G3: a fill that snapshotted before a loss is not served", "k")
				})
			}
		}
	}
}

func TestRuleG3ReadsNeverWrite(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		r.provider.put("single:n:k", must2(wire.EncodeSingle(7, []byte("v"))))
		for range 3 {
			wantMiss(t, r.Handle, "no generation, no proof", "k")
			wantBulk(t, r.Handle, "no generation, no proof", []string{"k", "l"}, nil, "k", "l")
		}
		if err := r.SetWithGen(t.Context(), "k", "v", 7, 0); err != nil {
			t.Fatal(err)
		}
		if got := r.store.local.Len(); got != 0 {
			t.Errorf("G3: neither reads nor the compare of a fill create a generation: got %d", got)
		}
		calls := r.store.traffic()
		if calls["snapshot"]+calls["snapshotBulk"]+calls["bump"]+calls["bumpBulk"] != 0 {
			t.Errorf("G3: reads never write to the generation store: got %v", calls)
		}
	})
}

// Rule G4: nil from an invalidation, and every later read of every cache that
// shares the store misses what was loaded before.
func TestRuleG4AnInvalidationIsSeenByAll(t *testing.T) {
	provider, store := newMapProvider(), newStubStore()
	replicas := make([]*Handle[string], 3)
	for i := range replicas {
		replicas[i] = open(t, Options[string]{Namespace: "n", Provider: nonClosingProvider{provider}, Codec: String{}, GenStore: nonClosing{store}})
	}
	for round := range 30 {
		writer, filler := replicas[round%3], replicas[round/3%3]
		fill(t, filler, "k", "old")
		fillBulk(t, filler, map[string]string{"a": "old", "b": "old"})
		entries := nonClosingProvider{provider}.snapshotOfAll()
		for i, r := range replicas {
			wantHit(t, r, fmt.Sprintf("replica %d is served by what any of them stored", i), "k", "old")
		}
		if err := writer.InvalidateBulk(t.Context(), []string{"k", "a"}); err != nil {
			t.Fatal(err)
		}
		for i, r := range replicas {
			nonClosingProvider{provider}.restore(entries) // the delete was for nothing
			wantMiss(t, r, fmt.Sprintf("G4: a bump is visible to replica %d", i), "k")
			nonClosingProvider{provider}.restore(entries)
			wantBulk(t, r, fmt.Sprintf("G4: a bump is visible to replica %d", i), []string{"a", "b"}, map[string]string{"b": "old"}, "a")
		}
	}
}

// Rule G4: an invalidation never answers nil because the delete happened to
// work.
func TestRuleG4ABumpThatIsNotKnownToBeDone(t *testing.T) {
	for name, bump := range map[string]genCall{
		"fails":                  answer(0, errBroken),
		"fails, with a number":   answer(42, errBroken),
		"panics":                 func(context.Context, string) (uint64, error) { panic("at the disco") },
		"ends its own goroutine": func(context.Context, string) (uint64, error) { runtime.Goexit(); return 1, nil },
		"hangs": func(ctx context.Context, _ string) (uint64, error) {
			<-ctx.Done()
			return 42, nil
		},
	} {
		for kind, newOne := range rigs {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newOne(t)
					fill(t, r.Handle, "k", "v")
					r.store.replace(GenBump, bump)
					if err := r.Invalidate(t.Context(), "k"); err == nil {
						t.Error("G4: an invalidation whose bump is not known to be done is an error: got nil")
					}
					if err := r.InvalidateBulk(t.Context(), []string{"l"}); err == nil {
						t.Error("G4: an invalidation whose bump is not known to be done is an error: got nil")
					}
				})
			})
		}
	}
}
