package main

import (
	"sync/atomic"
	"time"
)

// A tally counts what one reader or writer does. Only that one adds to it;
// the progress line reads it meanwhile.
type tally struct {
	reads, hits, stale, writes atomic.Int64

	worst atomic.Int64 // nanoseconds
	_     [24]byte     // no two tallies share a cache line
}

func (t *tally) read(hit bool) {
	t.reads.Add(1)
	if hit {
		t.hits.Add(1)
	}
}

func (t *tally) staleRead(staleness time.Duration) {
	t.stale.Add(1)
	t.worst.Store(max(t.worst.Load(), int64(staleness)))
}

// A result is what was measured of one cache.
type result struct {
	name     string
	promises bool
	elapsed  time.Duration
	reads    int64
	hits     int64
	stale    int64
	worst    time.Duration // how late the latest stale read was
	writes   int64
}

// sum adds up tallies.
func sum(tallies []tally) result {
	var r result
	for i := range tallies {
		t := &tallies[i]
		// Hits first: what comes in between adds to reads only.
		r.hits += t.hits.Load()
		r.stale += t.stale.Load()
		r.reads += t.reads.Load()
		r.writes += t.writes.Load()
		r.worst = max(r.worst, time.Duration(t.worst.Load()))
	}
	return r
}

// hitRatio is in per cent.
func (r result) hitRatio() float64 {
	if r.reads == 0 {
		return 0
	}
	return 100 * float64(r.hits) / float64(r.reads)
}

func (r result) readsPerSecond() int64 {
	if r.elapsed <= 0 {
		return 0
	}
	return int64(float64(r.reads) / r.elapsed.Seconds())
}

func (r result) worstMilliseconds() float64 {
	return float64(r.worst) / float64(time.Millisecond)
}
