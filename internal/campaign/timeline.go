package campaign

import (
	"sync"
	"time"
)

// timeline is how hits and misses came about over time, and how busy the
// machine was.
type timeline struct {
	memory memory
	stop   chan struct{}
	once   sync.Once // closes stop
	done   sync.WaitGroup

	mu     sync.Mutex // guards points
	points []point
}

type point struct {
	at           time.Duration
	hits, misses int64
	late         time.Duration // by how much the nap before this point was too long
}

const nap = 10 * time.Millisecond

func startTimeline(m memory) *timeline {
	t := &timeline{memory: m, stop: make(chan struct{})}
	t.done.Go(func() {
		for {
			began := now()
			select {
			case <-t.stop:
				return
			case <-time.After(nap):
			}
			p := point{at: now(), hits: m.total(hits), misses: m.total(misses)}
			p.late = p.at - began - nap
			t.mu.Lock()
			t.points = append(t.points, p)
			t.mu.Unlock()
		}
	})
	return t
}

func (t *timeline) end() {
	t.once.Do(func() { close(t.stop) })
	t.done.Wait()
}

// ratio returns the hit ratio from one point in time to another, and of how
// many look-ups.
func (t *timeline) ratio(from, to time.Duration) (ratio float64, lookUps int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first, last point
	for _, p := range t.points {
		if p.at <= from {
			first = p
		}
		if p.at <= to {
			last = p
		}
	}
	return share(first, last)
}

func share(first, last point) (ratio float64, lookUps int64) {
	h, m := last.hits-first.hits, last.misses-first.misses
	if h+m <= 0 {
		return 0, 0
	}
	return float64(h) / float64(h+m), h + m
}

// window is over how long a hit ratio is measured, and enough is how many
// look-ups it takes.
const (
	window = 100 * time.Millisecond
	enough = 50
)

// recovered returns how long after a moment the first window began in which the
// hit ratio was at least that.
func (t *timeline) recovered(after time.Duration, atLeast float64) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, first := range t.points {
		if first.at < after {
			continue
		}
		for _, last := range t.points[i:] {
			if last.at-first.at < window {
				continue
			}
			if ratio, n := share(first, last); n >= enough && ratio >= atLeast {
				return first.at - after, true
			}
			break
		}
	}
	return 0, false
}

// slowdown returns how much longer than wanted naps took since a moment: 1 on
// an idle machine.
func (t *timeline) slowdown(since time.Duration) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var late time.Duration
	n := 0
	for _, p := range t.points {
		if p.at >= since {
			late += p.late
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return 1 + float64(late)/float64(n)/float64(nap)
}
