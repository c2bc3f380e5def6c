package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newLocal(t testing.TB, interval, retention time.Duration) *LocalGenStore {
	t.Helper()
	s := NewLocalGenStore(interval, retention)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("a local store always closes: %v", err)
		}
	})
	return s
}

func current(t testing.TB, s GenStore, key string) uint64 {
	t.Helper()
	return must(t)(s.Current(t.Context(), key))
}

func snapshot(t testing.TB, s GenStore, key string) uint64 {
	t.Helper()
	return must(t)(s.Snapshot(t.Context(), key))
}

func bump(t testing.TB, s GenStore, key string) uint64 {
	t.Helper()
	return must(t)(s.Bump(t.Context(), key))
}

func must(t testing.TB) func(uint64, error) uint64 {
	return func(gen uint64, err error) uint64 {
		t.Helper()
		if err != nil {
			t.Fatalf("a local store never fails: %v", err)
		}
		return gen
	}
}

// pretend gives key a generation as if it had been drawn under another clock.
func pretend(s *LocalGenStore, key string, gen uint64) {
	sh, h := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.put(sh, h, gen)
}

func TestSnapshotCreatesAndCurrentOnlyReads(t *testing.T) {
	s := newLocal(t, 0, 0)
	for range 3 {
		if got := current(t, s, "k"); got != 0 {
			t.Fatalf("G3: Current of a key without a generation answers 0 and creates none: got %d", got)
		}
	}
	if got := s.Len(); got != 0 {
		t.Errorf("G3: reads never write to the store: it keeps %d generations", got)
	}
	gen := snapshot(t, s, "k")
	if gen == 0 {
		t.Fatal("G3: Snapshot creates a missing generation: got 0")
	}
	if again, now := snapshot(t, s, "k"), current(t, s, "k"); again != gen || now != gen {
		t.Errorf("a generation stands until it is bumped: got %d, then Snapshot %d and Current %d", gen, again, now)
	}
	if got := current(t, s, "other"); got != 0 {
		t.Errorf("every key has a generation of its own: another key has %d", got)
	}
}

func TestABumpIsVisibleAtOnce(t *testing.T) {
	s := newLocal(t, 0, 0)
	for _, key := range []string{"created by the bump", "snapshotted before"} {
		before := uint64(0)
		if key == "snapshotted before" {
			before = snapshot(t, s, key)
		}
		for range 1000 {
			gen := bump(t, s, key)
			if gen <= before {
				t.Fatalf("G1: a bump draws a greater generation: got %d after %d", gen, before)
			}
			if got := current(t, s, key); got != gen {
				t.Fatalf("G4: a bump that returned is visible to every later Current: got %d, want %d", got, gen)
			}
			before = gen
		}
	}
}

// losses are the ways in which a local store forgets the generation of a key.
var losses = map[string]func(s *LocalGenStore, key string){
	"pruned": func(s *LocalGenStore, _ string) { s.Cleanup(0) },
	"evicted": func(s *LocalGenStore, key string) {
		s.SetMaxKeys(1)
		for i := range 50 * localShards {
			if gen, _ := s.Current(context.Background(), key); gen == 0 {
				break
			}
			_, _ = s.Snapshot(context.Background(), fmt.Sprint("another", i))
		}
	},
}

// The generation that is lost lies ahead of the clock, as after a clock step:
// nothing but the store's own memory keeps it from coming back.
func TestALostGenerationNeverComesBack(t *testing.T) {
	for name, lose := range losses {
		for recreated, draw := range map[string]func(testing.TB, GenStore, string) uint64{"snapshot": snapshot, "bump": bump} {
			t.Run(name+"/"+recreated, func(t *testing.T) {
				for offset := -2; offset <= 2; offset++ {
					s := newLocal(t, 0, 0)
					ahead := genAt(time.Now().Add(time.Hour)) + uint64(offset)
					pretend(s, "k", ahead)
					lose(s, "k")
					if got := current(t, s, "k"); got != 0 {
						t.Fatalf("G2: a lost generation is none: got %d", got)
					}
					if got := draw(t, s, "k"); got <= ahead {
						t.Errorf("G1: a generation %s and recreated by a %s is greater than any before, also after a clock step back: got %d, want more than %d",
							name, recreated, got, ahead)
					}
				}
			})
		}
	}
}

// Whatever is dropped for want of room, no number is ever drawn twice for a key.
func TestNoNumberTwiceUnderEviction(t *testing.T) {
	s := newLocal(t, 0, 0)
	s.SetMaxKeys(1)
	latest := make(map[string]uint64)
	lost := 0
	for range 20 {
		for i := range 4 * localShards {
			key := fmt.Sprint(i)
			now := current(t, s, key)
			if now != 0 && now != latest[key] {
				t.Fatalf("G2: a store that lost a generation answers none, never another one: got %d, want 0 or %d", now, latest[key])
			}
			if now == 0 && latest[key] != 0 {
				lost++
			}
			gen := snapshot(t, s, key)
			if now == 0 && gen <= latest[key] {
				t.Fatalf("G1: a generation evicted and recreated is greater than any before: got %d after %d", gen, latest[key])
			}
			latest[key] = gen
			if i%3 == 0 {
				latest[key] = bump(t, s, key)
			}
		}
	}
	if lost == 0 {
		t.Error("this test is about generations that were evicted: none was")
	}
}

func TestAStoreThatIsResetDrawsOnwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := bump(t, newLocal(t, 0, 0), "k")
		time.Sleep(time.Microsecond)
		if got := snapshot(t, newLocal(t, 0, 0), "k"); got <= before {
			t.Errorf("G1: a new process draws greater generations than the one before: got %d after %d", got, before)
		}
	})
}

func TestPruningByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval, retention = time.Minute, 10 * time.Minute
		s := newLocal(t, interval, retention)
		bump(t, s, "idle")
		bump(t, s, "bumped again")
		time.Sleep(5 * time.Minute)
		bump(t, s, "bumped again")
		for i := range 5 {
			snapshot(t, s, "idle") // does not count as use
			if current(t, s, "idle") == 0 {
				t.Fatalf("a generation stays for its retention: gone after %v of %v", time.Duration(5+i)*time.Minute, retention)
			}
			time.Sleep(interval)
		}
		time.Sleep(2 * interval)
		if got := current(t, s, "idle"); got != 0 {
			t.Errorf("a generation is pruned once its last bump is longer ago than the retention: got %d", got)
		}
		if current(t, s, "bumped again") == 0 {
			t.Error("a generation stays for its retention after the last bump: it was pruned after 7 minutes of 10")
		}
		time.Sleep(retention)
		if got := s.Len(); got != 0 {
			t.Errorf("pruning goes on as long as the store is open: %d generations are left", got)
		}
	})
}

func TestCleanupPrunesWhatIsOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLocal(t, math.MaxInt64, math.MaxInt64)
		for i := range 10 {
			bump(t, s, fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		s.Cleanup(math.MaxInt64)
		if got := s.Len(); got != 10 {
			t.Errorf("Cleanup leaves what is younger than its argument: %d of 10 are left", got)
		}
		s.Cleanup(5500 * time.Millisecond)
		for i := range 10 {
			if kept := current(t, s, fmt.Sprint(i)) != 0; kept != (i > 4) {
				t.Errorf("Cleanup prunes what was last bumped longer ago than its argument, and only that: bumped %v ago: kept is %v", time.Duration(10-i)*time.Second, kept)
			}
		}
		s.Cleanup(0)
		if got := s.Len(); got != 0 {
			t.Errorf("Cleanup of 0 prunes all: %d are left", got)
		}
	})
}

func TestCleanupOfOneFullShard(t *testing.T) {
	s := newLocal(t, 0, 0)
	const n = 12_288
	sh := &s.shards[7]
	for i := range n {
		s.put(sh, uint64(i)*localShards+7, genAt(time.Now()))
	}
	s.Cleanup(0)
	if got := s.Len(); got != 0 {
		t.Errorf("Cleanup prunes all of a shard: %d of %d are left", got, n)
	}
}

func TestLocalDefaults(t *testing.T) {
	for _, d := range []time.Duration{0, -1} {
		s := newLocal(t, d, d)
		if s.interval != DefaultCleanupInterval || s.retention != DefaultGenRetention {
			t.Errorf("0 or below means the documented default: got %v and %v", s.interval, s.retention)
		}
		s.SetMaxKeys(int(d))
		if got := s.maxKeys.Load() * localShards; got != DefaultLocalMaxKeys {
			t.Errorf("0 or below means the documented default: got %d, want %d keys", got, DefaultLocalMaxKeys)
		}
	}
}

func TestSetMaxKeysBoundsTheStore(t *testing.T) {
	s := newLocal(t, 0, 0)
	s.SetMaxKeys(10 * localShards)
	for i := range 30 * localShards {
		snapshot(t, s, fmt.Sprint(i))
	}
	full := s.Len()
	if full > 10*localShards || full < 9*localShards {
		t.Errorf("the store holds about as many generations as it may, and no more: got %d of %d", full, 10*localShards)
	}
	s.SetMaxKeys(2 * localShards)
	for i := range 30 * localShards {
		bump(t, s, fmt.Sprint("more", i))
	}
	if got := s.Len(); got > 2*localShards {
		t.Errorf("a store above a lowered bound shrinks as keys are added: got %d, want at most %d", got, 2*localShards)
	}
	s.SetMaxKeys(1)
	gen := bump(t, s, "k")
	if got := current(t, s, "k"); got != gen {
		t.Errorf("even the smallest store keeps the latest generation: got %d, want %d", got, gen)
	}
}

// A key that is there already takes no room from others.
func TestBumpsOfKnownKeysEvictNothing(t *testing.T) {
	s := newLocal(t, 0, 0)
	s.SetMaxKeys(localShards)
	for i := range 10 * localShards {
		snapshot(t, s, fmt.Sprint(i))
	}
	before := s.Len()
	for i := range 10 * localShards {
		if key := fmt.Sprint(i); current(t, s, key) != 0 {
			bump(t, s, key)
		}
	}
	if got := s.Len(); got != before {
		t.Errorf("a bump of a known key drops no other: got %d generations, want %d", got, before)
	}
}

// The oldest of a few is dropped: with all but one key bumped recently, that
// one goes first.
func TestEvictionPrefersOlderGenerations(t *testing.T) {
	sh := &localShard{}
	for h, gen := range map[uint64]uint64{1: 100, 2: 50, 3: 200, 4: 75} {
		sh.gens.put(h, gen)
	}
	sh.dropOlder()
	if sh.gens.get(2) != 0 || sh.gens.live != 3 {
		t.Errorf("the oldest of those looked at is dropped: it has generation %d, %d are left", sh.gens.get(2), sh.gens.live)
	}
	if sh.floor != 50 {
		t.Errorf("G1: what was dropped is remembered as a floor: got %d, want 50", sh.floor)
	}
	(&localShard{}).dropOlder()
}

func TestLocalStoreAfterClose(t *testing.T) {
	s := NewLocalGenStore(0, 0)
	bump(t, s, "k")
	for range 2 {
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close is idempotent: %v", err)
		}
	}
	for name, call := range map[string]genCall{"Current": s.Current, "Snapshot": s.Snapshot, "Bump": s.Bump} {
		if gen, err := call(t.Context(), "k"); gen != 0 || !errors.Is(err, ErrClosed) {
			t.Errorf("after Close, %s returns an error: got %d, %v, want 0, %v", name, gen, err, ErrClosed)
		}
	}
	s.tick()
	s.Cleanup(0)
	if s.timer.Stop() {
		t.Error("Close stops the pruning for good: the timer runs again")
	}
}

func TestLocalStoreDoesNotBlock(t *testing.T) {
	if n, ok := AbilityOf[NonBlocker](newLocal(t, 0, 0)); !ok || !n.NonBlocking() {
		t.Error("a local store says that it never blocks, so that no call of it costs a goroutine")
	}
}

// Fillers, bumpers, readers and pruners at once, on few keys, with a bound that
// makes for evictions. Every number that a key ever has is drawn once.
func TestLocalStoreIsSafeForConcurrentUse(t *testing.T) {
	s := newLocal(t, time.Millisecond, time.Nanosecond)
	const goroutines, rounds = 8, 2000
	var mu sync.Mutex
	drawn := make(map[string]map[uint64]bool)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			mine := make(map[string]map[uint64]bool)
			latest := make(map[string]uint64)
			for i := range rounds {
				key := fmt.Sprint("key", i%7)
				before := latest[key]
				gen, err := s.Bump(context.Background(), key)
				if err != nil || gen <= before {
					t.Errorf("G1: each bump draws a greater generation than any before it: got %d, %v after %d", gen, err, before)
					return
				}
				if mine[key] == nil {
					mine[key] = make(map[uint64]bool)
				}
				mine[key][gen] = true
				seen, _ := s.Snapshot(context.Background(), key)
				if seen < gen {
					t.Errorf("G4: no later snapshot is from before a bump that returned: got %d after %d", seen, gen)
					return
				}
				latest[key] = seen
				if now, _ := s.Current(context.Background(), key); now != 0 && now < seen {
					t.Errorf("G4: no later read is from before a generation that was seen: got %d after %d", now, seen)
					return
				}
				_, _ = s.Snapshot(context.Background(), fmt.Sprint("other", g, i))
			}
			mu.Lock()
			defer mu.Unlock()
			for key, gens := range mine {
				if drawn[key] == nil {
					drawn[key] = make(map[uint64]bool)
				}
				for gen := range maps.Keys(gens) {
					if drawn[key][gen] {
						t.Errorf("G1: no two bumps of a key draw the same number: %d twice for %q", gen, key)
					}
					drawn[key][gen] = true
				}
			}
		})
	}
	stop := make(chan struct{})
	var pruners sync.WaitGroup
	pruners.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			s.Cleanup(time.Duration(i%3) * time.Microsecond)
			s.SetMaxKeys(1 + i%3*localShards)
			s.Len()
			runtime.Gosched()
		}
	})
	wg.Wait()
	close(stop)
	pruners.Wait()
}

// Readers and writers while one shard is pruned.
func TestUseDuringALongPrune(t *testing.T) {
	s := newLocal(t, 0, 0)
	s.SetMaxKeys(1 << 30)
	sh, h := s.shard("k")
	for i := range 81_920 {
		s.put(sh, uint64(i)*localShards+h%localShards, 1+uint64(i))
	}
	gen := bump(t, s, "k")
	var wg sync.WaitGroup
	wg.Go(func() { s.Cleanup(time.Hour) })
	for range 2000 {
		if got := current(t, s, "k"); got != gen {
			t.Errorf("a prune leaves what is younger alone: got %d, want %d", got, gen)
			break
		}
		gen = bump(t, s, "k")
	}
	wg.Wait()
	if got := s.Len(); got != 1 {
		t.Errorf("a prune drops all that is older: %d generations are left, want 1", got)
	}
}

// heapOf returns how much the heap grows by what build makes.
func heapOf(build func() any) (bytes uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := build()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	if after.HeapAlloc < before.HeapAlloc {
		return 0
	}
	return after.HeapAlloc - before.HeapAlloc
}

func TestMemoryOfTheLocalStore(t *testing.T) {
	if raceEnabled {
		t.Skip("a million atomics take the race detector a minute")
	}
	const limit = 48.0
	// Just past the sizes at which tables double, where they are emptiest.
	sizes := []int{225_000, 880_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var s *LocalGenStore
			bytes := heapOf(func() any {
				s = newLocal(t, 0, 0)
				putMany(s, 0, n)
				return s
			})
			per := float64(bytes) / float64(s.Len())
			t.Logf("%d generations take %.1f bytes each", s.Len(), per)
			if per > limit {
				t.Errorf("a generation costs at most %v bytes: got %.1f", limit, per)
			}
			s.Cleanup(0)
			if left := heapOf(func() any { return s }); s.Len() != 0 || left > bytes/10 {
				t.Errorf("what was pruned is given back: %d generations are left", s.Len())
			}
		})
	}
	t.Run("bounded", func(t *testing.T) {
		const n = 780 * localShards // the same, for a table with gaps
		var s *LocalGenStore
		bytes := heapOf(func() any {
			s = newLocal(t, 0, 0)
			s.SetMaxKeys(n)
			putMany(s, 0, 4*n)
			return s
		})
		per := float64(bytes) / n
		t.Logf("a bound of %d generations takes %.1f bytes each after 4 times as many", n, per)
		if per > limit {
			t.Errorf("the memory is bounded whatever the number of keys: got %.1f bytes for each of %d, want at most %v", per, n, limit)
		}
	})
	t.Run("pruned", func(t *testing.T) {
		var s *LocalGenStore
		bytes := heapOf(func() any {
			s = newLocal(t, 0, 0)
			putMany(s, 0, 300_000)
			s.Cleanup(0)
			putMany(s, 0, 1000)
			return s
		})
		if bytes > 1<<20 {
			t.Errorf("what was pruned is given back: a store of 1000 generations takes %d bytes after 300 times as many", bytes)
		}
	})
}

// putMany puts generations under hashes that are spread like those of keys.
func putMany(s *LocalGenStore, from, n int) {
	for i := from; i < from+n; i++ {
		h := (uint64(i) + 1) * 0x9e3779b97f4a7c15
		h ^= h >> 29
		sh := &s.shards[h%localShards]
		sh.mu.Lock()
		s.put(sh, h, genAt(time.Now()))
		sh.mu.Unlock()
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
