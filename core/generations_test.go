package cascache

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("broken")

func newGens(t testing.TB, store GenStore) *generations {
	t.Helper()
	g := newGenerations(store, newKeySpace("n", ""), new(atomic.Uint64), DefaultGenTimeout)
	t.Cleanup(func() { _ = g.close(context.Background()) })
	return g
}

// nonBlocking says of any store that it never blocks.
type nonBlocking struct{ GenStore }

func (nonBlocking) NonBlocking() bool { return true }

// stores is each way in which a store can be called.
var stores = map[string]func(*stubStore) GenStore{
	"on the pool":             func(s *stubStore) GenStore { return s },
	"on the pool, in batches": func(s *stubStore) GenStore { return bulkStore{s} },
	"directly":                func(s *stubStore) GenStore { return nonBlocking{s} },
	"directly, in batches":    func(s *stubStore) GenStore { return nonBlockingBulk{bulkStore{s}} },
}

type nonBlockingBulk struct{ bulkStore }

func (nonBlockingBulk) NonBlocking() bool { return true }

func TestOnlyAStoreThatMayBlockCostsAPool(t *testing.T) {
	if g := newGens(t, newLocal(t, 0, 0)); g.reads != nil || g.bumps != nil {
		t.Error("no timeout machinery is spent on a local store: it has a pool")
	}
	if g := newGens(t, newStubStore()); g.reads == nil || g.bumps == nil || g.reads == g.bumps {
		t.Error("a store that may block has a pool for look-ups and another one for bumps: it has not")
	}
}

func TestGenerationsAsTheStoreHasThem(t *testing.T) {
	for name, wrap := range stores {
		t.Run(name, func(t *testing.T) {
			stub := newStubStore()
			g := newGens(t, wrap(stub))
			ctx := t.Context()
			if gen, err := g.current(ctx, "a"); gen != 0 || err != nil {
				t.Errorf("G3: a key without a generation has none: got %d, %v", gen, err)
			}
			a := must(t)(g.snapshot(ctx, "a"))
			if err := g.bump(ctx, "b"); err != nil {
				t.Errorf("a bump that worked: %v", err)
			}
			b := current(t, stub.local, "b")
			if got, err := g.currentBulk(ctx, []string{"b", "none", "a"}); !slices.Equal(got, []uint64{b, 0, a}) || err != nil {
				t.Errorf("generations come in the order of the keys: got %v, %v, want %v", got, err, []uint64{b, 0, a})
			}
			got, err := g.snapshotBulk(ctx, []string{"c", "a", "b"})
			if err != nil || len(got) != 3 || got[0] == 0 || got[1] != a || got[2] != b {
				t.Errorf("snapshots come in the order of the keys, the missing ones created: got %v, %v, want [new %d %d]", got, err, a, b)
			}
			if errs := g.bumpBulk(ctx, []string{"a", "b"}); errs != nil {
				t.Errorf("bumps that worked: %v", errs)
			}
			if current(t, stub.local, "a") <= a || current(t, stub.local, "b") <= b {
				t.Error("G1: every key of a batch has a new generation: one has not")
			}
			for _, batch := range []func(context.Context, []string) ([]uint64, error){g.currentBulk, g.snapshotBulk} {
				if got, err := batch(ctx, nil); len(got) != 0 || err != nil {
					t.Errorf("no keys, no generations: got %v, %v", got, err)
				}
			}
			if errs := g.bumpBulk(ctx, nil); errs != nil {
				t.Errorf("no keys, no bumps: got %v", errs)
			}
		})
	}
}

func TestAStoreThatFails(t *testing.T) {
	for name, wrap := range stores {
		t.Run(name, func(t *testing.T) {
			stub := newStubStore()
			g := newGens(t, wrap(stub))
			ctx := t.Context()
			// A number that comes with an error is none.
			for _, op := range []GenOp{GenCurrent, GenSnapshot, GenBump} {
				stub.replace(op, answer(42, errBroken))
			}
			if gen, err := g.current(ctx, "k"); gen != 0 || !errors.Is(err, errBroken) {
				t.Errorf("G2: a generation that comes with an error is none: current: got %d, %v", gen, err)
			}
			if gen, err := g.snapshot(ctx, "k"); gen != 0 || !errors.Is(err, errBroken) {
				t.Errorf("G2: a generation that comes with an error is none: snapshot: got %d, %v", gen, err)
			}
			if err := g.bump(ctx, "k"); !errors.Is(err, errBroken) {
				t.Errorf("G4: a bump that is not known to be applied is an error: got %v", err)
			}
			keys := []string{"a", "b"}
			if gens, err := g.currentBulk(ctx, keys); !slices.Equal(gens, []uint64{0, 0}) || !errors.Is(err, errBroken) {
				t.Errorf("G2: what was not read is 0, beside an error: current of a batch: got %v, %v", gens, err)
			}
			if gens, err := g.snapshotBulk(ctx, keys); !slices.Equal(gens, []uint64{0, 0}) || !errors.Is(err, errBroken) {
				t.Errorf("G2: what was not read is 0, beside an error: snapshot of a batch: got %v, %v", gens, err)
			}
			errs := g.bumpBulk(ctx, keys)
			if len(errs) != 2 || !errors.Is(errs[0], errBroken) || !errors.Is(errs[1], errBroken) {
				t.Errorf("G4: bumps that are not known to be applied are errors: got %v", errs)
			}
		})
	}
}

// One key fails, the others are what they are.
func TestAStoreThatFailsInPart(t *testing.T) {
	for name, wrap := range stores {
		t.Run(name, func(t *testing.T) {
			stub := newStubStore()
			g := newGens(t, wrap(stub))
			except := func(working genCall) genCall {
				return func(ctx context.Context, key string) (uint64, error) {
					if key == "bad" {
						return 0, errBroken
					}
					return working(ctx, key)
				}
			}
			a, b := bump(t, stub.local, "a"), bump(t, stub.local, "b")
			stub.replace(GenCurrent, except(stub.local.Current))
			stub.replace(GenSnapshot, except(stub.local.Snapshot))
			stub.replace(GenBump, except(stub.local.Bump))
			keys, want := []string{"a", "bad", "b"}, []uint64{a, 0, b}
			if gens, err := g.currentBulk(t.Context(), keys); !slices.Equal(gens, want) || !errors.Is(err, errBroken) {
				t.Errorf("what could be read is read: got %v, %v, want %v", gens, err, want)
			}
			if gens, err := g.snapshotBulk(t.Context(), keys); !slices.Equal(gens, want) || !errors.Is(err, errBroken) {
				t.Errorf("what could be read is read: got %v, %v, want %v", gens, err, want)
			}
			errs := g.bumpBulk(t.Context(), keys)
			if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], errBroken) || errs[2] != nil {
				t.Errorf("every bump is attempted, and each has an outcome of its own: got %v", errs)
			}
			if current(t, stub.local, "b") <= b {
				t.Error("every bump is attempted, also after one has failed: the last one was not")
			}
		})
	}
}

// rudeStore answers bulk calls with whatever the test says.
type rudeStore struct {
	*stubStore
	gens []uint64
	err  error
}

func (s rudeStore) CurrentBulk(context.Context, []string) ([]uint64, error)  { return s.gens, s.err }
func (s rudeStore) SnapshotBulk(context.Context, []string) ([]uint64, error) { return s.gens, s.err }
func (s rudeStore) BumpBulk(context.Context, []string) ([]uint64, error)     { return s.gens, s.err }

// Which key an answer of another length belongs to cannot be known.
func TestABulkOfAnotherLengthProvesNothing(t *testing.T) {
	keys := []string{"a", "b"}
	for name, c := range map[string]rudeStore{
		"none":              {newStubStore(), nil, nil},
		"none, and failed":  {newStubStore(), nil, errBroken},
		"fewer":             {newStubStore(), []uint64{1}, nil},
		"more":              {newStubStore(), []uint64{1, 2, 3}, nil},
		"fewer, and failed": {newStubStore(), []uint64{1}, errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGens(t, c)
			for op, batch := range map[string]func(context.Context, []string) ([]uint64, error){"current": g.currentBulk, "snapshot": g.snapshotBulk} {
				if gens, err := batch(t.Context(), keys); !slices.Equal(gens, []uint64{0, 0}) || err == nil {
					t.Errorf("G2: an answer that fits no key proves nothing: %s: got %v, %v, want [0 0] and an error", op, gens, err)
				}
			}
			if errs := g.bumpBulk(t.Context(), keys); len(errs) != 2 || errs[0] == nil || errs[1] == nil {
				t.Errorf("G4: bumps whose outcome fits no key are not known to be applied: got %v", errs)
			}
		})
	}
}

func TestBumpsOfHeldKeysAreDone(t *testing.T) {
	stub := newStubStore()
	stub.replace(GenBump, answer(0, nil))
	for name, wrap := range stores {
		g := newGens(t, wrap(stub))
		if err := g.bump(t.Context(), "k"); err != nil {
			t.Errorf("0 without an error means done, and still held: %s: got %v", name, err)
		}
		if errs := g.bumpBulk(t.Context(), []string{"a", "b"}); errs != nil {
			t.Errorf("0 without an error means done, and still held: %s: got %v", name, errs)
		}
	}
	// Beside an error, 0 is not known to be done.
	g := newGens(t, rudeStore{newStubStore(), []uint64{7, 0}, errBroken})
	if errs := g.bumpBulk(t.Context(), []string{"a", "b"}); len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], errBroken) {
		t.Errorf("G4: beside an error, a number is done and 0 is not known to be: got %v", errs)
	}
}

func TestLookUpsEndAtTheirTimeout(t *testing.T) {
	for _, name := range []string{"on the pool", "on the pool, in batches"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stub := newStubStore()
				g := newGens(t, stores[name](stub))
				defer stub.hang(GenCurrent, GenSnapshot, GenBump)()
				keys := []string{"a", "b"}
				for op, call := range map[string]func() ([]uint64, error){
					"current": func() ([]uint64, error) {
						gen, err := g.current(t.Context(), "k")
						return []uint64{gen}, err
					},
					"snapshot": func() ([]uint64, error) {
						gen, err := g.snapshot(t.Context(), "k")
						return []uint64{gen}, err
					},
					"current of a batch":  func() ([]uint64, error) { return g.currentBulk(t.Context(), keys) },
					"snapshot of a batch": func() ([]uint64, error) { return g.snapshotBulk(t.Context(), keys) },
				} {
					at := time.Now()
					gens, err := call()
					if took := time.Since(at); took != DefaultGenTimeout || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("a look-up takes no longer than GenTimeout: %s: took %v, %v", op, took, err)
					}
					if slices.ContainsFunc(gens, func(gen uint64) bool { return gen != 0 }) {
						t.Errorf("G2: what was not read in time is none: %s: got %v", op, gens)
					}
				}
				at := time.Now()
				if err := g.bump(t.Context(), "k"); !errors.Is(err, context.DeadlineExceeded) || time.Since(at) != DefaultBumpTimeout {
					t.Errorf("a bump takes no longer than DefaultBumpTimeout: got %v after %v", err, time.Since(at))
				}
				at = time.Now()
				errs := g.bumpBulk(t.Context(), keys)
				if len(errs) != 2 || !errors.Is(errs[0], context.DeadlineExceeded) || !errors.Is(errs[1], context.DeadlineExceeded) || time.Since(at) != DefaultBumpTimeout {
					t.Errorf("a batch of bumps takes no longer than DefaultBumpTimeout: got %v after %v", errs, time.Since(at))
				}
				for _, timeout := range []time.Duration{time.Second, time.Minute} {
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					at = time.Now()
					if err := g.bump(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) || time.Since(at) != timeout {
						t.Errorf("a bump is bounded by its context: got %v after %v, want %v", err, time.Since(at), timeout)
					}
					cancel()
				}
			})
		})
	}
}

func TestAStoreThatPanics(t *testing.T) {
	for _, name := range []string{"on the pool", "on the pool, in batches"} {
		stub := newStubStore()
		g := newGens(t, stores[name](stub))
		panics := func(context.Context, string) (uint64, error) { panic("at the disco") }
		for _, op := range []GenOp{GenCurrent, GenSnapshot, GenBump} {
			stub.replace(op, panics)
		}
		keys := []string{"a", "b"}
		if gen, err := g.current(t.Context(), "k"); gen != 0 || err == nil {
			t.Errorf("G2: a store that panics proves nothing: %s: got %d, %v", name, gen, err)
		}
		if gens, err := g.currentBulk(t.Context(), keys); !slices.Equal(gens, []uint64{0, 0}) || err == nil {
			t.Errorf("G2: a store that panics proves nothing: %s: got %v, %v", name, gens, err)
		}
		if gens, err := g.snapshotBulk(t.Context(), keys); !slices.Equal(gens, []uint64{0, 0}) || err == nil {
			t.Errorf("G2: a store that panics proves nothing: %s: got %v, %v", name, gens, err)
		}
		if err := g.bump(t.Context(), "k"); err == nil {
			t.Errorf("G4: a bump that panicked is not known to be applied: %s: got nil", name)
		}
		if errs := g.bumpBulk(t.Context(), keys); len(errs) != 2 || errs[0] == nil || errs[1] == nil {
			t.Errorf("G4: bumps that panicked are not known to be applied: %s: got %v", name, errs)
		}
	}
}
