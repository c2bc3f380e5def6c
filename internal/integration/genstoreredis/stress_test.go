package genstoreredis

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// hotKeys is how many keys a stress run is about: few, so that reads, fills
// and invalidations of one key meet.
const hotKeys = 8

// oracle is a database of one counter per key, and for each the greatest value
// whose invalidation has returned: a read that begins later must not see a
// smaller one. It may lie in memory that several processes share.
type oracle struct{ cells []uint64 }

const oracleCells = 2 * hotKeys

func (o oracle) row(k int) *uint64  { return &o.cells[k] }
func (o oracle) done(k int) *uint64 { return &o.cells[hotKeys+k] }

// raise makes done at least version.
func (o oracle) raise(k int, version uint64) {
	for {
		old := atomic.LoadUint64(o.done(k))
		if old >= version || atomic.CompareAndSwapUint64(o.done(k), old, version) {
			return
		}
	}
}

// tally is what a stress run has counted.
type tally struct {
	Reads, Hits, Stale, Invalidations, Refused int64

	Foreign int64 // entries that another version of the service had stored
}

func (t *tally) add(o tally) {
	t.Reads += o.Reads
	t.Hits += o.Hits
	t.Stale += o.Stale
	t.Invalidations += o.Invalidations
	t.Refused += o.Refused
	t.Foreign += o.Foreign
}

// stress has readers and writers use the caches until ctx is done.
func stress(ctx context.Context, o oracle, caches ...*cascache.Handle[string]) tally {
	const readers, writers = 4, 1
	var total tally
	var mu sync.Mutex // guards total
	var running sync.WaitGroup
	worker := func(work func(t *tally)) {
		running.Go(func() {
			var t tally
			for ctx.Err() == nil {
				work(&t)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(t)
		})
	}
	for _, cache := range caches {
		for range readers {
			worker(func(t *tally) { readOne(o, cache, t) })
		}
		for range writers {
			worker(func(t *tally) { writeOne(o, cache, t) })
		}
	}
	running.Wait()
	return total
}

func readOne(o oracle, cache *cascache.Handle[string], t *tally) {
	ctx := context.Background()
	k := rand.IntN(hotKeys)
	key := strconv.Itoa(k)
	floor := atomic.LoadUint64(o.done(k))
	value, hit, _ := cache.Get(ctx, key)
	t.Reads++
	if hit {
		t.Hits++
		if version, err := strconv.ParseUint(value, 10, 64); err != nil || version < floor {
			t.Stale++
		}
		return
	}
	observed := cache.SnapshotGen(key)
	version := atomic.LoadUint64(o.row(k))
	time.Sleep(rand.N(time.Millisecond)) // the load takes its time
	_ = cache.SetWithGen(ctx, key, strconv.FormatUint(version, 10), observed, 0)
}

func writeOne(o oracle, cache *cascache.Handle[string], t *tally) {
	k := rand.IntN(hotKeys)
	version := atomic.AddUint64(o.row(k), 1)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if err := cache.Invalidate(ctx, strconv.Itoa(k)); err != nil {
		t.Refused++
	} else {
		o.raise(k, version)
		t.Invalidations++
	}
	time.Sleep(rand.N(4 * time.Millisecond))
}

// startStress runs stress in the background. The returned function ends it.
func startStress(tb testing.TB, o oracle, stores ...cascache.GenStore) (stop func() tally) {
	tb.Helper()
	caches := make([]*cascache.Handle[string], len(stores))
	for i, store := range stores {
		cache, err := cascache.New(cascache.Options[string]{
			Namespace: "stress", Provider: providerFor(store), Codec: cascache.String{}, GenStore: store,
		})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { cache.Close(context.Background()) })
		caches[i] = cache
	}
	ctx, cancel := context.WithCancel(tb.Context())
	result := make(chan tally, 1)
	go func() { result <- stress(ctx, o, caches...) }()
	return func() tally {
		cancel()
		return <-result
	}
}

// hitsAgain waits until some cache over these stores serves what it was filled
// with.
func hitsAgain(tb testing.TB, stores ...cascache.GenStore) time.Duration {
	tb.Helper()
	start := time.Now()
	for _, store := range stores {
		startNode(tb, new(database), store).works("after the fault")
	}
	return time.Since(start)
}

func checkTally(tb testing.TB, t tally) {
	tb.Helper()
	tb.Logf("%d reads, %d hits, %d invalidations, %d refused", t.Reads, t.Hits, t.Invalidations, t.Refused)
	if t.Stale > 0 {
		tb.Errorf("the promise: %d of %d reads returned a value whose invalidation had returned before", t.Stale, t.Reads)
	}
	if t.Hits == 0 || t.Invalidations == 0 {
		tb.Errorf("%d hits and %d invalidations: the test tests nothing", t.Hits, t.Invalidations)
	}
}
