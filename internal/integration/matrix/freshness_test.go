package matrix

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestFreshness: after Invalidate has returned, no read that begins later
// returns what was read from the source before that invalidation began.
func TestFreshness(t *testing.T) { runAll(t, freshness) }

// rows are the source: the version of each, and the version whose invalidation
// has returned.
type rows struct {
	mu      sync.RWMutex
	stored  [4]int
	settled [4]atomic.Int64
}

func (r *rows) read(i int) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.stored[i]
}

func (r *rows) write(i int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored[i]++
	return r.stored[i]
}

// tryFreshness has one writer for each row, and readers that fill what they
// miss, one key at a time and all of them.
func (b *bench[V]) tryFreshness(t testing.TB) {
	writes, readers := 30, 3
	if testing.Short() {
		writes = 20
	}
	var source rows
	var hits, stale atomic.Int64
	keys := make([]string, len(source.stored))
	for i := range keys {
		keys[i] = fmt.Sprint("row ", i)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()

	// judge is given what a read returned, and the version that was settled
	// before the read began.
	judge := func(how, key string, got V, floor int64) {
		hits.Add(1)
		version := b.version(got)
		if !b.same(got, b.of(version)) {
			t.Errorf("a value comes back as it was: %s of %q: got %v", how, key, got)
		}
		if int64(version) < floor && stale.Add(1) == 1 {
			t.Errorf("a read that begins after an invalidation returns nothing from before it: %s of %q got version %d, want %d or later", how, key, version, floor)
		}
	}
	var writing, reading sync.WaitGroup
	for range readers {
		reading.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				i := n % len(keys)
				floor := source.settled[i].Load()
				gen := b.cache.SnapshotGen(keys[i])
				if got, ok, err := b.cache.Get(ctx, keys[i]); err == nil && ok {
					judge("Get", keys[i], got, floor)
				} else if err == nil {
					_ = b.cache.SetWithGen(ctx, keys[i], b.of(source.read(i)), gen, 0)
				}
				if i > 0 {
					continue
				}
				var floors [4]int64
				for i := range floors {
					floors[i] = source.settled[i].Load()
				}
				gens := b.cache.SnapshotGens(keys)
				values, missing, err := b.cache.GetBulk(ctx, keys)
				for i, key := range keys {
					if got, ok := values[key]; ok {
						judge("GetBulk", key, got, floors[i])
					}
				}
				if err == nil && len(missing) > 0 {
					items := make(map[string]V)
					for i, key := range keys {
						items[key] = b.of(source.read(i))
					}
					_ = b.cache.SetBulkWithGens(ctx, items, gens, 0)
				}
			}
		})
	}
	for i, key := range keys {
		writing.Go(func() {
			for range writes {
				// So that something is there to become stale: readers may
				// not have had their turn since the last one.
				gen := b.cache.SnapshotGen(key)
				_ = b.cache.SetWithGen(ctx, key, b.of(source.read(i)), gen, 0)
				b.storage.settle()
				floor := source.settled[i].Load()
				if got, ok, err := b.cache.Get(ctx, key); err == nil && ok {
					judge("Get", key, got, floor)
				}
				version := source.write(i)
				if err := b.cache.Invalidate(ctx, key); err != nil {
					t.Errorf("Invalidate succeeds: %v", err)
					return
				}
				source.settled[i].Store(int64(version))
			}
		})
	}
	writing.Wait()
	stop()
	reading.Wait()
	if hits.Load() == 0 {
		t.Error("a cache is not all misses: no read was a hit")
	}
}
