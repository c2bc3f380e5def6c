package cascache

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

func TestSnapshotsAreTheKeysGenerations(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			r := newOne(t)
			gen := r.SnapshotGen("a")
			if want := current(t, r.store.local, "single:n:a"); gen == 0 || gen != want {
				t.Errorf("G3: a snapshot creates the generation, under the storage key of the single: got %d, want %d", gen, want)
			}
			if again, err := r.SnapshotGenContext(t.Context(), "a"); again != gen || err != nil {
				t.Errorf("a generation stands until it is bumped: got %d, %v, want %d", again, err, gen)
			}
			gens := r.SnapshotGens([]string{"b", "a", "b"})
			want := map[string]uint64{"a": gen, "b": current(t, r.store.local, "single:n:b")}
			if !maps.Equal(gens, want) || want["b"] == 0 {
				t.Errorf("G3: snapshots hold every key asked for: got %v, want %v", gens, want)
			}
			if err := r.Invalidate(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if got := r.SnapshotGen("a"); got <= gen {
				t.Errorf("G1: after an invalidation, the generation is a greater one: got %d after %d", got, gen)
			}
			if got := r.SnapshotGens(nil); got == nil || len(got) != 0 {
				t.Errorf("no keys, no generations: got %v", got)
			}
		})
	}
}

func TestSnapshotsInOneCallOfTheStore(t *testing.T) {
	r := newBulkRig(t)
	r.SnapshotGens([]string{"a", "b", "c", "a"})
	if got := r.store.traffic(); !maps.Equal(got, map[string]int{"snapshotBulk": 1}) {
		t.Errorf("a store with the ability is asked once for all keys: got %v", got)
	}
}

func TestASnapshotThatFailsIsZero(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			r := newOne(t)
			good := r.SnapshotGen("good")
			r.store.replace(GenSnapshot, func(ctx context.Context, key string) (uint64, error) {
				if key == "single:n:bad" {
					return 42, errBroken
				}
				return r.store.local.Snapshot(ctx, key)
			})
			if got := r.SnapshotGen("bad"); got != 0 {
				t.Errorf("G2: a snapshot that failed is 0: got %d", got)
			}
			if got, err := r.SnapshotGenContext(t.Context(), "bad"); got != 0 || !errors.Is(err, errBroken) {
				t.Errorf("the Context form returns the store's error: got %d, %v, want 0, %v", got, err, errBroken)
			}
			keys, want := []string{"bad", "good"}, map[string]uint64{"bad": 0, "good": good}
			if got := r.SnapshotGens(keys); !maps.Equal(got, want) {
				t.Errorf("G2: a snapshot that failed is 0, and takes none from the others: got %v, want %v", got, want)
			}
			if got, err := r.SnapshotGensContext(t.Context(), keys); !maps.Equal(got, want) || !errors.Is(err, errBroken) {
				t.Errorf("the Context form returns the store's error: got %v, %v, want %v, %v", got, err, want, errBroken)
			}
			r.log.reset()
			r.SnapshotGens(keys)
			got := eventsOf[GenStoreErrorEvent](r.log)
			if len(got) != 1 || got[0].Op != GenSnapshot || got[0].Key != "bad" || got[0].Keys != 2 || !errors.Is(got[0].Err, errBroken) {
				t.Errorf("a snapshot that failed is told once: got %+v", got)
			}
		})
	}
}

// SnapshotGen has no context that could end it: GenTimeout does, whatever the
// store does about its own.
func TestASnapshotOfAHungStoreEnds(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = 3 * time.Second
				r := newOne(t, func(o *Options[string]) { o.GenTimeout = timeout })
				release := r.store.hang(GenSnapshot)
				for call, f := range map[string]func() uint64{
					"SnapshotGen":  func() uint64 { return r.SnapshotGen("k") },
					"SnapshotGens": func() uint64 { return r.SnapshotGens([]string{"k", "l"})["k"] },
				} {
					at := time.Now()
					if got := f(); got != 0 || time.Since(at) != timeout {
						t.Errorf("G2: a snapshot that is late is 0, after GenTimeout: %s: got %d after %v", call, got, time.Since(at))
					}
				}
				if err := r.SetWithGen(t.Context(), "k", "v", 0, 0); err != nil || r.provider.len() != 0 {
					t.Errorf("G2: the set after a snapshot of 0 stores nothing, without an error: got %v", err)
				}
				release()
				if got := r.SnapshotGen("k"); got == 0 {
					t.Error("a store that answers again gives generations again: got 0")
				}
			})
		})
	}
}

func TestASnapshotOfAHeldKey(t *testing.T) {
	r := newRig(t)
	r.store.replace(GenSnapshot, answer(0, nil))
	if gen, err := r.SnapshotGenContext(t.Context(), "k"); gen != 0 || err != nil {
		t.Errorf("a held key has generation 0 without an error: got %d, %v", gen, err)
	}
	if len(r.log.all()) != 0 {
		t.Errorf("a held key is no failure of the store: got %v", r.log.all())
	}
}

func TestSnapshotsLeaveOutNoKeyForAnother(t *testing.T) {
	r := newBulkRig(t)
	r.suspects.mark(r.keys.entry("suspect"), &r.recovery)
	gens := r.SnapshotGens([]string{"suspect", "", "good"})
	if gens["good"] == 0 || gens["suspect"] != 0 {
		t.Errorf("a key that can be snapshotted is, whatever stands before it: got %v", gens)
	}
}

func TestABulkOfSnapshotsNamesEachKeyOnce(t *testing.T) {
	r := newBulkRig(t)
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
