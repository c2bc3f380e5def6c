package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// The mixed load: many read a few hot keys through the cache while some write
// them and invalidate, all with one Redis.
const (
	mixedKeys    = 8
	mixedReaders = 32
	mixedWriters = 4
	mixedRate    = 1000 // invalidations a second, of all writers together
	mixedQuery   = 200 * time.Microsecond
)

// A mixedResult is one contender under the mixed load.
type mixedResult struct {
	Contender string  `json:"contender"`
	Reads     spread  `json:"reads"` // a second
	Ratio     spread  `json:"ratio"` // of the reads a second, to plain cache-aside
	Total     int64   `json:"total"`
	Stale     int64   `json:"stale"`   // reads that began after an invalidation had returned, and saw what was before it
	Loads     int64   `json:"loads"`   // reads of the source
	Written   int64   `json:"written"` // invalidations
	Errors    int64   `json:"errors"`  // failed reads: misses by rule, no values
	Hits      float64 `json:"hits"`    // share of the reads that went without a load of their own
}

// source is a database of versions: a read takes as long as a query, and sees
// what was committed when it began.
type source struct {
	committed [mixedKeys]atomic.Int64
	// invalidated is the version that the last invalidation which returned
	// was for: no read that begins later may see an older one.
	invalidated [mixedKeys]atomic.Int64
	loads       atomic.Int64
}

func (s *source) read(i int) product {
	s.loads.Add(1)
	p := newProduct(i)
	p.Price = s.committed[i].Load()
	time.Sleep(mixedQuery)
	return p
}

// mixedContender reads through a cache, and invalidates in it.
type mixedContender struct {
	name string
	open func(e *env) (mixedCache, error)
}

type mixedCache struct {
	read       func(ctx context.Context, i int, s *source) (p product, err error)
	invalidate func(ctx context.Context, i int) error
	close      func()
}

var mixedNames = func() [mixedKeys]string {
	var names [mixedKeys]string
	for i := range names {
		names[i] = fmt.Sprintf("product:%08d", i)
	}
	return names
}()

// cacheAside is what most write by hand: look, else load and set; delete after a
// write.
func cacheAside(name string, batching bool) mixedContender {
	return mixedContender{name, func(e *env) (mixedCache, error) {
		c, err := e.connect(batching)
		if err != nil {
			return mixedCache{}, err
		}
		key := func(i int) string { return name + ":" + mixedNames[i] }
		return mixedCache{
			read: func(ctx context.Context, i int, s *source) (p product, err error) {
				raw, err := c.Get(ctx, key(i)).Bytes()
				if err == nil {
					p, err = codec.Decode(raw)
					return p, err
				}
				if !errors.Is(err, redis.Nil) {
					return p, err
				}
				p = s.read(i)
				if raw, err = codec.Encode(p); err != nil {
					return p, err
				}
				return p, c.Set(ctx, key(i), raw, ttl).Err()
			},
			invalidate: func(ctx context.Context, i int) error { return c.Del(ctx, key(i)).Err() },
			close:      c.shut,
		}, nil
	}}
}

// mixedCas is an assembly of CasCache under the mixed load, read through a loader.
func mixedCas(a assembly) mixedContender {
	return mixedContender{a.name, func(e *env) (mixedCache, error) {
		c, err := a.open(e, newWorkload(mixedKeys, 16))
		if err != nil {
			return mixedCache{}, err
		}
		var from atomic.Pointer[source]
		loader, err := cascache.NewLoader(c.Handle, cascache.LoaderOptions[product]{
			Load: func(_ context.Context, key string) (product, error) {
				i, err := strconv.Atoi(strings.TrimPrefix(key, "product:"))
				return from.Load().read(i), err
			},
		})
		if err != nil {
			c.shut()
			return mixedCache{}, err
		}
		return mixedCache{
			read: func(ctx context.Context, i int, s *source) (product, error) {
				if from.Load() == nil {
					from.Store(s)
				}
				return loader.Get(ctx, mixedNames[i])
			},
			invalidate: func(ctx context.Context, i int) error { return c.Invalidate(ctx, mixedNames[i]) },
			close:      c.shut,
		}, nil
	}}
}

// mixedSlice counts what happened in one slice.
type mixedSlice struct {
	reads, stale, written, errors atomic.Int64
}

// runMixed puts the load on c for a while.
func runMixed(ctx context.Context, c mixedCache, s *source, d time.Duration) (reads float64, slice *mixedSlice) {
	slice = new(mixedSlice)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range mixedReaders {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				i := rand.IntN(mixedKeys)
				floor := s.invalidated[i].Load() // before the read begins
				p, err := c.read(ctx, i, s)
				switch {
				case err != nil:
					slice.errors.Add(1)
				case p.Price < floor:
					slice.stale.Add(1)
				}
				slice.reads.Add(1)
			}
		})
	}
	for range mixedWriters {
		wg.Go(func() {
			tick := time.NewTicker(mixedWriters * time.Second / mixedRate)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				i := rand.IntN(mixedKeys)
				version := s.committed[i].Add(1)
				if c.invalidate(ctx, i) != nil {
					slice.errors.Add(1)
					continue
				}
				slice.written.Add(1)
				raise(&s.invalidated[i], version)
			}
		})
	}
	began := time.Now()
	time.Sleep(d)
	close(stop)
	n := slice.reads.Load()
	took := time.Since(began)
	wg.Wait()
	return float64(n) / took.Seconds(), slice
}

// raise makes v at least n.
func raise(v *atomic.Int64, n int64) {
	for {
		old := v.Load()
		if old >= n || v.CompareAndSwap(old, n) {
			return
		}
	}
}

// measureMixed runs all contenders in rounds; the first is what the others are
// divided by.
func measureMixed(e *env, contenders []mixedContender, rounds int, slice time.Duration) ([]mixedResult, error) {
	n := len(contenders)
	caches, sources := make([]mixedCache, 0, n), make([]*source, n)
	defer func() {
		for _, c := range caches {
			c.close()
		}
	}()
	results := make([]mixedResult, n)
	reads := make([][]float64, n)
	order := make([]int, n)
	for i, c := range contenders {
		cache, err := c.open(e)
		if err != nil {
			return nil, fmt.Errorf("mixed, %s: %w", c.name, err)
		}
		caches = append(caches, cache)
		sources[i], order[i], results[i].Contender = new(source), i, c.name
	}
	for range rounds {
		rand.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			perSecond, s := runMixed(e.ctx, caches[i], sources[i], slice)
			reads[i] = append(reads[i], perSecond)
			r := &results[i]
			r.Total += s.reads.Load()
			r.Stale += s.stale.Load()
			r.Written += s.written.Load()
			r.Errors += s.errors.Load()
		}
	}
	for i := range results {
		r := &results[i]
		r.Reads, r.Ratio = spreadOf(reads[i]), spreadOf(ratios(reads[i], reads[0]))
		r.Loads = sources[i].loads.Load()
		r.Hits = 1 - float64(r.Loads)/float64(max(r.Total, 1))
	}
	return results, nil
}

func mixedContenders() []mixedContender {
	all := []mixedContender{cacheAside("cache-aside", false), cacheAside("cache-aside, autopipelined", true)}
	for _, a := range assemblies {
		all = append(all, mixedCas(a))
	}
	return all
}
