package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/shop"
	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
)

// short is a run with few products, so that the hot ones are written often.
func short() config {
	return config{duration: 400 * time.Millisecond, keys: 200, readers: 8, writeRate: 500, loadDelay: 2 * time.Millisecond, seed: 3}
}

func TestEachCacheRunsTheWorkload(t *testing.T) {
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) {
			reports := 0
			r, err := measure(t.Context(), short(), c, t.TempDir(), func(now result) {
				reports++
				if now.name != c.name || now.elapsed <= 0 {
					t.Errorf("a report says of what it is: got %+v", now)
				}
			}, 50*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if r.reads == 0 || r.hits == 0 || r.hits >= r.reads || r.writes == 0 {
				t.Errorf("a run has hits, misses and writes: got %+v", r)
			}
			if reports == 0 {
				t.Error("a run reports its progress")
			}
			if (r.stale == 0) != (r.worst == 0) {
				t.Errorf("staleness is measured of stale reads only: got %+v", r)
			}
			if c.promises && r.stale != 0 {
				t.Errorf("%s served %d stale reads of %d; it promises none", c.name, r.stale, r.reads)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := short()
	cfg.duration = 10 * time.Minute
	_, err := measure(ctx, cfg, contenders()[1], t.TempDir(), func(result) { cancel() }, 10*time.Millisecond)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a run that is interrupted says so: got %v, want context.Canceled", err)
	}
}

// failing fails in whatever the test sets.
type failing struct {
	cache
	readErr, invalidateErr error
}

func (f failing) Read(ctx context.Context, id int64, load strategy.Loader[shop.Product]) (shop.Product, bool, error) {
	if f.readErr != nil {
		return shop.Product{}, false, f.readErr
	}
	return f.cache.Read(ctx, id, load)
}

func (f failing) Invalidate(ctx context.Context, id int64, p shop.Product) error {
	if f.invalidateErr != nil {
		return f.invalidateErr
	}
	return f.cache.Invalidate(ctx, id, p)
}

func TestRunEndsWithAnError(t *testing.T) {
	errBroken := errors.New("broken")
	for name, f := range map[string]failing{
		"read":       {readErr: errBroken},
		"invalidate": {invalidateErr: errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := short()
			cfg.duration = 10 * time.Minute
			c := contender{name: "failing", open: func() (cache, error) {
				s, err := openCAS(nil)
				f.cache = s
				return f, err
			}}
			if _, err := measure(t.Context(), cfg, c, t.TempDir(), func(result) {}, time.Second); !errors.Is(err, errBroken) {
				t.Errorf("a cache that fails ends the run: got %v, want %v", err, errBroken)
			}
		})
	}
	c := contender{name: "unopened", open: func() (cache, error) { return nil, errBroken }}
	if _, err := measure(t.Context(), short(), c, t.TempDir(), nil, time.Second); !errors.Is(err, errBroken) {
		t.Errorf("a cache that cannot be opened is an error: got %v, want %v", err, errBroken)
	}
	if _, err := measure(t.Context(), short(), c, "no such folder", nil, time.Second); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("a folder that does not exist is an error that names it: got %v", err)
	}
}

// probe is a strategy that looks at the workload as it is called.
type probe struct {
	onRead       func() (shop.Product, bool)
	onInvalidate func(shop.Product)
}

func (p probe) Read(context.Context, int64, strategy.Loader[shop.Product]) (shop.Product, bool, error) {
	product, hit := p.onRead()
	return product, hit, nil
}

func (p probe) Invalidate(_ context.Context, _ int64, product shop.Product) error {
	p.onInvalidate(product)
	return nil
}

func (probe) Close(context.Context) error { return nil }

// probed returns a workload of one product before p.
func probed(p probe) *workload {
	return &workload{cfg: config{readers: 1, writeRate: maxWriteRate}, ids: []int64{1}, cache: p,
		oracle: newOracle(1), tallies: make([]tally, 1+writers)}
}

func TestReaderNotesTheFloorBeforeItsReadBegins(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var w *workload
	const reads = 50
	version := int64(1)
	w = probed(probe{onRead: func() (shop.Product, bool) {
		served := shop.Product{ID: 1, Version: version}
		version++
		w.oracle.invalidated(1, version) // while the read is under way
		if version > reads {
			cancel()
		}
		return served, true
	}})
	if err := w.read(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if got := sum(w.tallies); got.reads != reads || got.hits != reads || got.stale != 0 {
		t.Errorf("what is invalidated during a read does not make it stale: got %+v, want %d reads, all hits, none stale", got, reads)
	}
}

func TestReaderCountsStaleHits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := probed(probe{onRead: func() (shop.Product, bool) {
		cancel()
		return shop.Product{ID: 1, Version: 1}, true
	}})
	w.oracle.invalidated(1, 2)
	if err := w.read(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if got := sum(w.tallies); got.stale != 1 || got.worst <= 0 {
		t.Errorf("a hit below the floor is a stale read: got %+v", got)
	}
}

func TestReaderJudgesHitsOnly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := probed(probe{onRead: func() (shop.Product, bool) {
		cancel()
		return shop.Product{ID: 1, Version: 1}, false
	}})
	w.oracle.invalidated(1, 2)
	if err := w.read(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if got := sum(w.tallies); got.reads != 1 || got.hits != 0 || got.stale != 0 {
		t.Errorf("a load is as fresh as the database: got %+v", got)
	}
}

func TestWriterCommitsThenInvalidatesThenTellsTheOracle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var w *workload
	w = probed(probe{onInvalidate: func(p shop.Product) {
		committed, err := w.store.Product(ctx, 1)
		if err != nil || committed != p {
			t.Errorf("an invalidation comes after its commit: in the database is %+v, %v; invalidated is %+v", committed, err, p)
		}
		if floor := w.oracle.floor(1); floor >= p.Version {
			t.Errorf("the oracle learns of an invalidation once it has returned: version %d is retired before", floor)
		}
		if p.Version == 5 {
			cancel()
		}
	}})
	w.store = testStore(t, 1)
	if err := w.write(ctx, 0, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("a writer ends with its context: got %v", err)
	}
	if got := w.oracle.floor(1); got != 5 {
		t.Errorf("the oracle learns of every invalidation: the floor is %d, want 5", got)
	}
	if got := sum(w.tallies).writes; got != 4 {
		t.Errorf("every write counts: got %d, want 4", got)
	}
}
