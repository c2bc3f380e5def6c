package cascache

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// flight is one load under way, of one key or many, and those who wait for it.
type flight[V any] struct {
	keys  []string
	gens  []uint64 // of keys; a key with 0 is in nobody else's reach
	whole bool     // keys are all that the caller asked for

	ctx    context.Context
	cancel context.CancelFunc

	waiting int // seats not left; guarded by flights.mu

	done    chan struct{} // closed when results may be read
	results []loaded[V]   // one per key
}

// loaded is what a flight brings for one key.
type loaded[V any] struct {
	value  V
	err    error
	absent bool // err says that the source has no such key
}

func failed[V any](n int, err error) []loaded[V] {
	results := make([]loaded[V], n)
	for i := range results {
		results[i].err = err
	}
	return results
}

// seat is a place in a flight.
type seat[V any] struct {
	flight *flight[V]
	index  int // of the key in flight.keys
}

// flightKey names what can be shared: a load of this key that began while it
// had this generation. A flight keyed by the key alone would serve a caller who
// came after an invalidation with what was read before it.
type flightKey struct {
	key string
	gen uint64
}

// landedStripes is how many counters tell, by key, that a flight has landed.
const landedStripes = 256

// flights are the loads under way.
type flights[V any] struct {
	mu    sync.Mutex
	byKey map[flightKey]seat[V]

	seed   maphash.Seed
	counts [landedStripes]atomic.Uint64
}

// landed returns a number that changes whenever a flight of key lands.
func (f *flights[V]) landed(key string) uint64 { return f.count(key).Load() }

func (f *flights[V]) count(key string) *atomic.Uint64 {
	return &f.counts[maphash.String(f.seed, key)%landedStripes]
}

// join takes a seat in the flight of key under gen, and reports whether that
// flight is new, for the caller to start.
func (f *flights[V]) join(ctx context.Context, key string, gen uint64, timeout time.Duration) (seat[V], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.board(key, gen); ok {
		return s, false
	}
	fl := newFlight[V](ctx, timeout)
	return f.add(fl, key, gen), true
}

// joinMany takes a seat for each key, in order, and returns the flights that
// are new: one for all keys that no flight is under way for, or one for each.
func (f *flights[V]) joinMany(ctx context.Context, keys []string, gens map[string]uint64, timeout time.Duration, together bool) (seats []seat[V], began []*flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seats = make([]seat[V], len(keys))
	for i, key := range keys {
		s, ok := f.board(key, gens[key])
		if !ok {
			if len(began) == 0 || !together {
				began = append(began, newFlight[V](ctx, timeout))
			}
			s = f.add(began[len(began)-1], key, gens[key])
		}
		seats[i] = s
	}
	return seats, began
}

// board takes a seat in a flight that is under way and has time left. f.mu is
// held.
func (f *flights[V]) board(key string, gen uint64) (seat[V], bool) {
	if gen == 0 {
		return seat[V]{}, false
	}
	s, ok := f.byKey[flightKey{key, gen}]
	if !ok || s.flight.ctx.Err() != nil {
		return seat[V]{}, false
	}
	s.flight.waiting++
	return s, true
}

// add puts key on a new flight and takes its first seat. f.mu is held.
func (f *flights[V]) add(fl *flight[V], key string, gen uint64) seat[V] {
	s := seat[V]{flight: fl, index: len(fl.keys)}
	fl.keys = append(fl.keys, key)
	fl.gens = append(fl.gens, gen)
	fl.waiting++
	if gen != 0 {
		if f.byKey == nil {
			f.byKey = make(map[flightKey]seat[V])
		}
		f.byKey[flightKey{key, gen}] = s
	}
	return s
}

func newFlight[V any](ctx context.Context, timeout time.Duration) *flight[V] {
	fl := &flight[V]{done: make(chan struct{})}
	fl.ctx, fl.cancel = context.WithTimeout(context.WithoutCancel(ctx), timeout)
	return fl
}

// leave gives up a seat. When nobody is left, the load's context ends and
// whoever comes next starts anew.
func (f *flights[V]) leave(fl *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.waiting--
	if fl.waiting == 0 {
		f.remove(fl)
		fl.cancel()
	}
}

// land hands results, one per key, to all who wait.
func (f *flights[V]) land(fl *flight[V], results []loaded[V]) {
	fl.results = results
	f.mu.Lock()
	for _, key := range fl.keys {
		f.count(key).Add(1)
	}
	f.remove(fl)
	f.mu.Unlock()
	close(fl.done)
	fl.cancel()
}

// remove lets nobody board any more. f.mu is held.
func (f *flights[V]) remove(fl *flight[V]) {
	for i, key := range fl.keys {
		k := flightKey{key, fl.gens[i]}
		if f.byKey[k].flight == fl {
			delete(f.byKey, k)
		}
	}
}
