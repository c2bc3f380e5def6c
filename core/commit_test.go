package cascache

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// commitStore is a bulkStore that is told of commits.
type commitStore struct{ bulkStore }

func (s commitStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	call := s.counted("toCommit", GenCurrent)
	if call == nil {
		call = s.local.Current
	}
	return call(ctx, key)
}

func (s commitStore) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.batch(ctx, "toCommitBulk", GenCurrent, s.local.Current, keys)
}

// localCommitStore also says that it never blocks, and looks keys up in
// parts, as reads of near entries do.
type localCommitStore struct{ commitStore }

func (localCommitStore) NonBlocking() bool { return true }

func (s localCommitStore) CurrentLocal(prefix, key string) (uint64, bool) {
	s.counted("local", GenCurrent)
	return s.local.CurrentLocal(prefix, key)
}

func (s localCommitStore) CurrentLocalBulk(keys []string, gens []uint64) {
	s.counted("localBulk", GenCurrent)
	s.local.CurrentLocalBulk(keys, gens)
}

// wrappedCommitStore forwards commits, and nothing else.
type wrappedCommitStore struct{ GenStore }

func (s wrappedCommitStore) Unwrap() any { return s.GenStore }

func (s wrappedCommitStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return s.GenStore.(CommitReader).CurrentToCommit(ctx, key)
}

func (s wrappedCommitStore) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.GenStore.(CommitReader).CurrentToCommitBulk(ctx, keys)
}

// silentStore wraps a store and does not forward commits.
type silentStore struct{ GenStore }

func (s silentStore) Unwrap() any { return s.GenStore }

// closingNear is a near tier that closes without an error.
type closingNear struct{ *mapNear }

func (closingNear) Close() error { return nil }

func TestOnlyCommitsAreToldToTheStore(t *testing.T) {
	type calls = map[string]int
	for name, c := range map[string]struct {
		wrap                             func(commitStore) GenStore
		set, setBulk, get, getBulk, near calls
	}{
		"able": {
			func(s commitStore) GenStore { return s },
			calls{"toCommit": 1}, calls{"toCommitBulk": 1}, calls{"current": 1}, calls{"currentBulk": 1}, calls{"toCommit": 1, "current": 1},
		},
		"able, and never blocking": {
			func(s commitStore) GenStore { return localCommitStore{s} },
			calls{"toCommit": 1}, calls{"toCommitBulk": 1}, calls{"local": 1}, calls{"localBulk": 1}, calls{"toCommit": 1, "local": 1},
		},
		"wrapped": {
			func(s commitStore) GenStore { return wrappedCommitStore{s} },
			calls{"toCommit": 1}, calls{"toCommitBulk": 1}, calls{"current": 1}, calls{"current": 2}, calls{"toCommit": 1, "current": 1},
		},
		"without, in a wrapper that could": {
			func(s commitStore) GenStore { return wrappedCommitStore{s.stubStore} },
			calls{"current": 1}, calls{"current": 2}, calls{"current": 1}, calls{"current": 2}, calls{"current": 2},
		},
		"in a wrapper that cannot": {
			func(s commitStore) GenStore { return silentStore{s} },
			calls{"current": 1}, calls{"current": 2}, calls{"current": 1}, calls{"current": 2}, calls{"current": 2},
		},
		"without": {
			func(s commitStore) GenStore { return s.bulkStore },
			calls{"current": 1}, calls{"currentBulk": 1}, calls{"current": 1}, calls{"currentBulk": 1}, calls{"current": 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stub := newStubStore()
			store := c.wrap(commitStore{bulkStore{stub}})
			ctx := t.Context()
			expect := func(op string, want calls) {
				t.Helper()
				if got := stub.traffic(); !maps.Equal(got, want) {
					t.Errorf("a store that wants to know is told of commits, and of nothing else: %s: got calls %v, want %v", op, got, want)
				}
			}
			h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: store})
			obs := h.SnapshotGens([]string{"a", "b"})
			stub.traffic()
			if err := h.SetWithGen(ctx, "a", "1", obs["a"], 0); err != nil {
				t.Fatal(err)
			}
			expect("SetWithGen", c.set)
			if _, ok, err := h.Get(ctx, "a"); !ok || err != nil {
				t.Errorf("what was committed is served: got %v, %v", ok, err)
			}
			expect("Get", c.get)
			if err := h.SetBulkWithGens(ctx, ab, obs, 0); err != nil {
				t.Fatal(err)
			}
			expect("SetBulkWithGens", c.setBulk)
			if values, _, err := h.GetBulk(ctx, []string{"a", "b"}); !maps.Equal(values, ab) || err != nil {
				t.Errorf("what was committed is served: got %v, %v", values, err)
			}
			expect("GetBulk", c.getBulk)

			near := open(t, Options[string]{Namespace: "n", Near: closingNear{newMapNear()}, GenStore: store})
			if err := near.SetWithGen(ctx, "a", "1", obs["a"], 0); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := near.Get(ctx, "a"); !ok || err != nil {
				t.Errorf("what was committed is served: got %v, %v", ok, err)
			}
			expect("SetWithGen and Get of near", c.near)
		})
	}
}

// A commit that the store is told of needs the same proof as any other.
func TestACommitThatTheStoreIsToldOfIsProved(t *testing.T) {
	for name, call := range map[string]genCall{
		"moved":           answer(1, nil),
		"none":            answer(0, nil),
		"failed":          answer(0, errBroken),
		"beside an error": nil, // the observed one
	} {
		t.Run(name, func(t *testing.T) {
			store := commitStore{bulkStore{newStubStore()}}
			r := newRig(t, func(o *Options[string]) { o.GenStore = store })
			obs := r.SnapshotGens([]string{"a", "b"})
			if call == nil {
				call = func(_ context.Context, entry string) (uint64, error) {
					gen, _ := store.local.Current(t.Context(), entry)
					return gen, errBroken
				}
			}
			store.replace(GenCurrent, call)
			if err := r.SetWithGen(t.Context(), "a", "1", obs["a"], 0); err != nil {
				t.Errorf("G2: a fill without proof is skipped without an error: got %v", err)
			}
			r.wantEntries(t, "G2: without proof nothing is stored")
			if name != "beside an error" { // a bulk call may hold what could be read
				if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); err != nil {
					t.Errorf("G2: a fill without proof is skipped without an error: got %v", err)
				}
				r.wantEntries(t, "G2: without proof nothing is stored")
			}
		})
	}
	t.Run("of a suspect key", func(t *testing.T) {
		store := commitStore{bulkStore{newStubStore()}}
		r := newRig(t, func(o *Options[string]) { o.GenStore = store })
		obs := r.SnapshotGen("a")
		store.fail(GenBump, errBroken)
		defer store.replace(GenBump, nil)
		if err := r.Invalidate(t.Context(), "a"); !errors.Is(err, errBroken) {
			t.Fatalf("a bump that failed is an error: got %v", err)
		}
		if err := r.SetWithGen(t.Context(), "a", "1", obs, 0); err != nil {
			t.Errorf("a fill of a suspect key is skipped without an error: got %v", err)
		}
		r.wantEntries(t, "a suspect key is not filled")
		if n := store.count("toCommit"); n != 0 {
			t.Errorf("a suspect key is not looked up: got %d look-ups", n)
		}
	})
	t.Run("below the floor", func(t *testing.T) {
		g := newGens(t, commitStore{bulkStore{newStubStore()}})
		gen := must(t)(g.snapshot(t.Context(), "a"))
		g.floor.Store(gen + 1)
		if got, err := g.currentToCommit(t.Context(), "a"); got != 0 || err != nil {
			t.Errorf("a generation below the floor is no proof: got %d, %v", got, err)
		}
		if got, err := g.currentToCommitBulk(t.Context(), []string{"a"}); len(got) != 1 || got[0] != 0 || err != nil {
			t.Errorf("a generation below the floor is no proof: got %v, %v", got, err)
		}
	})
	t.Run("late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := commitStore{bulkStore{newStubStore()}}
			r := newRig(t, func(o *Options[string]) { o.GenStore = store })
			obs := r.SnapshotGens([]string{"a", "b"})
			release := store.hang(GenCurrent)
			defer release()
			at := time.Now()
			if err := r.SetWithGen(t.Context(), "a", "1", obs["a"], 0); err != nil || time.Since(at) != DefaultGenTimeout {
				t.Errorf("G2: a generation that is late is none, and the fill skipped: got %v after %v", err, time.Since(at))
			}
			at = time.Now()
			if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); err != nil || time.Since(at) != DefaultGenTimeout {
				t.Errorf("G2: generations that are late are none, and fills skipped: got %v after %v", err, time.Since(at))
			}
			r.wantEntries(t, "G2: without proof nothing is stored")
		})
	})
}
