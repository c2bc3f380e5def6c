package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

// writers is how many goroutines write. They share the database's one writing
// connection, and then invalidate side by side, as the replicas of a service do.
const writers = 4

// errTimeUp ends a run that has lasted as long as it should.
var errTimeUp = errors.New("time is up")

// A workload is the readers and the writers of one run.
type workload struct {
	cfg     config
	ids     []int64 // the most popular first
	store   *shop.Store
	cache   cache
	oracle  *oracle
	tallies []tally // of the readers, then of the writers
}

// measure runs the workload over c before a new database in dir. It calls
// report with what is measured so far, every so often.
func measure(ctx context.Context, cfg config, c contender, dir string, report func(result), every time.Duration) (_ result, err error) {
	// Each run has a folder of its own, for SQLite's other files too.
	if dir, err = os.MkdirTemp(dir, "run-"); err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := shop.Create(ctx, filepath.Join(dir, "products.db"), cfg.seed, cfg.products())
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := c.open()
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()

	w := &workload{
		cfg:     cfg,
		ids:     shop.Popularity(cfg.seed, cfg.products(), cfg.keys),
		store:   db,
		cache:   s,
		oracle:  newOracle(cfg.products()),
		tallies: make([]tally, cfg.readers+writers),
	}
	named := func(r result, elapsed time.Duration) result {
		r.name, r.promises, r.elapsed = c.name, c.promises, elapsed
		return r
	}
	// The last cache's garbage is not this one's to collect.
	runtime.GC()
	elapsed, err := w.run(ctx, every, func(elapsed time.Duration) { report(named(sum(w.tallies), elapsed)) })
	return named(sum(w.tallies), elapsed), err
}

// run runs readers and writers until the time is up, one of them fails, or ctx
// ends, and returns how long that took.
func (w *workload) run(ctx context.Context, every time.Duration, tick func(elapsed time.Duration)) (time.Duration, error) {
	// Ended by a timer rather than by a deadline, which the caches would see:
	// one that heeds it gives up a moment before the context has ended.
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	start := time.Now()
	defer time.AfterFunc(w.cfg.duration, func() { end(errTimeUp) }).Stop()

	var workers sync.WaitGroup
	work := func(f func() error) {
		workers.Go(func() {
			if err := f(); err != nil {
				end(err) // without effect if the end is what it comes of
			}
		})
	}
	for i := range w.cfg.readers {
		work(func() error { return w.read(ctx, i) })
	}
	for i := range writers {
		work(func() error { return w.write(ctx, i, start) })
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			tick(time.Since(start))
		}
	}
	workers.Wait()
	elapsed := time.Since(start)
	if err := context.Cause(ctx); !errors.Is(err, errTimeUp) {
		return elapsed, err
	}
	return elapsed, nil
}

// read is the i-th reader.
func (w *workload) read(ctx context.Context, i int) error {
	pick := shop.NewPicker(w.cfg.seed, shop.StreamReaders+uint64(i), w.ids)
	t := &w.tallies[i]
	for ctx.Err() == nil {
		id := pick.ID()
		floor := w.oracle.floor(id) // before the read begins
		p, hit, err := w.cache.Read(ctx, id, w.load)
		if err != nil {
			return err
		}
		t.read(hit)
		if hit {
			if staleness, stale := w.oracle.judge(id, p.Version, floor); stale {
				t.staleRead(staleness)
			}
		}
		// A reader that only hits never waits. With more readers than cores
		// each would keep its core for a whole time slice, and the writers
		// would wait for all of them.
		runtime.Gosched()
	}
	return nil
}

// load reads a product and has it arrive some time later, as over a network.
func (w *workload) load(ctx context.Context, id int64) (shop.Product, error) {
	p, err := w.store.Product(ctx, id)
	if err != nil {
		return shop.Product{}, err
	}
	return p, pause.For(ctx, w.cfg.loadDelay)
}

// write is the i-th writer. Its n-th write is due at a fixed moment, at once if
// that has passed.
func (w *workload) write(ctx context.Context, i int, start time.Time) error {
	pick := shop.NewPicker(w.cfg.seed, shop.StreamWriters+uint64(i), w.ids)
	t := &w.tallies[w.cfg.readers+i]
	for n := i; ; n += writers {
		due := start.Add(time.Duration(n) * time.Second / time.Duration(w.cfg.writeRate))
		if err := pause.For(ctx, time.Until(due)); err != nil {
			return err
		}
		p, err := w.store.Write(ctx, pick.Change())
		if err != nil {
			return err
		}
		// What has committed is invalidated even as the run ends.
		if err := w.cache.Invalidate(context.WithoutCancel(ctx), p.ID, p); err != nil {
			return err
		}
		w.oracle.invalidated(p.ID, p.Version)
		t.writes.Add(1)
	}
}
