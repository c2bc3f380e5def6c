package writing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// tally is what a stress run has counted.
type tally struct {
	Reads, Hits, Loads, Errors int64
	LateHits                   int64 // when all faults were over
	Stale                      int64
	FirstStale                 string
	Acknowledged, Refused      int64 // writes
	GenErrors                  int64 // generations that could not be read, created or bumped
}

func (t *tally) add(o tally) {
	t.Reads += o.Reads
	t.Hits += o.Hits
	t.Loads += o.Loads
	t.Errors += o.Errors
	t.LateHits += o.LateHits
	t.Stale += o.Stale
	if t.FirstStale == "" {
		t.FirstStale = o.FirstStale
	}
	t.Acknowledged += o.Acknowledged
	t.Refused += o.Refused
	t.GenErrors += o.GenErrors
}

// proves tells whether there was enough for it to prove anything.
func (t *tally) proves() bool {
	return t.Hits > 0 && t.LateHits > 0 && t.Loads > 0 && t.Acknowledged > 0 && t.GenErrors > 0
}

// TestLoaderStress has two processes read through loaders and write, over one
// Redis that is paused and killed meanwhile.
func TestLoaderStress(t *testing.T) {
	t.Parallel()
	duration := 4 * time.Second
	if testing.Short() {
		duration = time.Second
	}
	for name, shared := range map[string]bool{"own values": false, "shared values": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// On a busy machine it takes longer until there has been everything.
			var total tally
			for try := 0; try < 4 && !total.proves(); try++ {
				total.add(runStressChildren(t, shared, false, duration<<try, func(server *redistest.Server, at func(float64)) {
					at(0.1)
					server.Pause()
					at(0.2)
					server.Resume()
					at(0.3)
					server.Kill()
					at(0.4)
					server.Restart()
					at(0.5)
					server.Pause()
					at(0.55)
					server.Resume()
				}))
				t.Logf("%+v", total)
			}
			if total.Stale > 0 {
				t.Errorf("no caller gets what was invalidated before it came\n  got  %d stale of %d reads, the first: %s\n  want none",
					total.Stale, total.Reads, total.FirstStale)
			}
			if !total.proves() {
				t.Errorf("a stress run proves something only with hits, loads, writes and a store that fails\n  got  %+v", total)
			}
		})
	}
}

// TestPlainSingleFlightStress shows that the same stress sees stale reads.
func TestPlainSingleFlightStress(t *testing.T) {
	t.Parallel()
	var total tally
	for try := 0; try < 5 && total.Stale == 0; try++ { // on a busy machine the first may see none
		total = runStressChildren(t, true, true, 700*time.Millisecond, func(*redistest.Server, func(float64)) {})
		t.Logf("%+v", total)
	}
	if total.Stale == 0 {
		t.Errorf("a plain single-flight feeds callers with loads from before: the stress must see that\n  got  0 stale of %d reads\n  want some", total.Reads)
	}
}

// runStressChildren runs two processes, and faults meanwhile, which wait by
// `at` for a share of the time to pass.
func runStressChildren(t *testing.T, shared, plain bool, duration time.Duration, faults func(server *redistest.Server, at func(float64))) (total tally) {
	server := redistest.Start(t)
	s := setup{Redis: server.Addr(), Namespace: "stress", Lease: 100 * time.Millisecond, GenTimeout: 50 * time.Millisecond}
	if shared {
		s.Values = redistest.Start(t).Addr()
	}
	h := newHistory()
	path, _ := newDatabase(t)
	var children []*child
	for i := range 2 {
		s.Near = shared && i == 0
		c := startChild(t, h, task{Run: "stress", Setup: s, Database: path, Plain: plain, Duration: duration})
		c.await("it is ready", func(m message) bool { return m.Kind == "ready" })
		children = append(children, c)
	}
	for _, c := range children {
		c.send(message{Kind: "go"})
	}
	start := time.Now()
	faults(server, func(share float64) {
		time.Sleep(time.Until(start.Add(time.Duration(share * float64(duration)))))
	})
	for _, c := range children {
		total.add(*c.await("its tally", func(m message) bool { return m.Kind == "tally" }).Tally)
	}
	return total
}

// In a stress run every tenth version of a row says that it does not exist.
const absentEvery = 10

func runStress(t task, parent *parent) {
	const readers, hotRows = 8, 3
	db, err := mapDatabase(t.Database)
	must(err)
	var start time.Time
	var hits, lateHits, loads, genErrors atomic.Int64
	opts := t.Setup.options()
	opts.Hooks = &cascache.Hooks{
		Hit: func(context.Context, cascache.HitEvent) {
			hits.Add(1)
			if time.Since(start) > t.Duration*3/4 {
				lateHits.Add(1)
			}
		},
		GenStoreError: func(context.Context, cascache.GenStoreErrorEvent) { genErrors.Add(1) },
	}
	cache, err := cascache.New(opts)
	must(err)
	f := newFetcher(cache, func(_ context.Context, key string) (string, error) {
		loads.Add(1)
		version := db.read(rowOf(key))
		time.Sleep(rand.N(4 * time.Millisecond)) // the load takes its time
		if version%absentEvery == 0 {
			return "", cascache.ErrNotFound
		}
		return textOf(version), nil
	}, t.Plain, func() {})

	parent.say(message{Kind: "ready"})
	parent.hear()
	start = time.Now()
	var total tally
	var mu sync.Mutex // guards total
	var running sync.WaitGroup
	worker := func(work func(t *tally)) {
		running.Go(func() {
			var part tally
			for time.Since(start) < t.Duration {
				work(&part)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(part)
		})
	}
	for range readers {
		worker(func(t *tally) {
			if many, ok := f.(*cascache.Loader[string]); ok && rand.IntN(4) == 0 {
				fetchMany(db, many, hotRows, t)
				return
			}
			fetchOne(db, f, rand.IntN(hotRows), t)
		})
	}
	worker(func(t *tally) { writeOne(db, cache, rand.IntN(hotRows), t) })
	running.Wait()
	total.Hits, total.LateHits, total.Loads, total.GenErrors = hits.Load(), lateHits.Load(), loads.Load(), genErrors.Load()
	parent.say(message{Kind: "tally", Tally: &total})
}

// fetchOne reads a row, and notes what was acknowledged before that.
func fetchOne(db database, f fetcher, row int, t *tally) {
	floor := db.acknowledged(row)
	text, err := f.Get(context.Background(), keyOf(row))
	t.Reads++
	if err != nil && !errors.Is(err, cascache.ErrNotFound) {
		t.Errors++
		return
	}
	t.judge(db, row, floor, text, err == nil)
}

// fetchMany reads the first n rows at once.
func fetchMany(db database, f *cascache.Loader[string], n int, t *tally) {
	var keys []string
	var floors []uint64
	for row := range n {
		keys = append(keys, keyOf(row))
		floors = append(floors, db.acknowledged(row))
	}
	texts, err := f.GetBulk(context.Background(), keys)
	t.Reads += int64(n)
	if err != nil {
		t.Errors++
		return
	}
	for row, floor := range floors {
		text, found := texts[keys[row]]
		t.judge(db, row, floor, text, found)
	}
}

// judge counts a read that fell behind what was acknowledged before it.
func (t *tally) judge(db database, row int, floor uint64, text string, found bool) {
	var fresh bool
	if found {
		fresh = versionOf(text) >= floor
	} else {
		// Some version from floor on must say that there is none.
		text, fresh = "absence", (floor+absentEvery-1)/absentEvery*absentEvery <= db.read(row)
	}
	if fresh {
		return
	}
	t.Stale++
	if t.FirstStale == "" {
		t.FirstStale = fmt.Sprintf("%s of row %d when version %d was acknowledged", text, row, floor)
	}
}

// writeOne commits and invalidates, in one of the ways there are, and
// acknowledges what succeeded.
func writeOne(db database, cache *cascache.Handle[string], row int, t *tally) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var version uint64
	var err error
	commit := func(context.Context) error {
		version = db.commit(row)
		return nil
	}
	switch rand.IntN(3) {
	case 0:
		err = cache.Mutate(ctx, []string{keyOf(row)}, commit)
	case 1:
		_ = commit(ctx)
		err = cache.InvalidateBulk(ctx, []string{keyOf(row), keyOf(row + 1)})
	default:
		_ = commit(ctx)
		err = cache.Invalidate(ctx, keyOf(row))
	}
	if err != nil {
		t.Refused++
	} else {
		db.acknowledge(row, version)
		t.Acknowledged++
	}
	time.Sleep(rand.N(4 * time.Millisecond))
}
