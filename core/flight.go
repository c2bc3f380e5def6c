package cascache

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// flight is one load, under way or waiting for its turn, of one key or many, and
// those who wait for it.
type flight[V any] struct {
	lineage
	wants []wanted // one per key of lineage.keys; one without a generation is in nobody else's reach
	whole bool     // keys are all that the caller asked for
	count uint64   // of flights.begun

	ctx    context.Context
	cancel context.CancelFunc

	// Guarded by flights.mu.

	waiting int  // seats not left
	begun   bool // it has had its turn
	queued  *queued[V]

	done    chan struct{} // closed when what follows may be read
	results []loaded[V]   // one per key
	hookErr error         // Hooks.Load panicked
}

// wanted is a key to load, and the generation that it is loaded under.
type wanted struct {
	key string
	gen uint64
	why Reason // there is no generation

	tags map[string]uint64 // the generations of tags that it may have, for TagsOf
}

// loaded is what a flight brings for one key.
type loaded[V any] struct {
	value  V
	err    error
	absent bool // err says that the source has no such key

	taken   []wire.Dep // dependencies that were taken during the load
	refused Reason     // it cannot be stored
	derived bool       // the flight has brought what depends on more than was known when it began
	proof   proven     // that it is not older than when boarding was closed
}

func failed[V any](n int, err error) []loaded[V] {
	results := make([]loaded[V], n)
	for i := range results {
		results[i].err = err
	}
	return results
}

// seat is a place in a flight, or the reason why there is none.
type seat[V any] struct {
	flight *flight[V]
	index  int // of the key in the flight
	err    error

	boarded bool // the flight was under way already
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

// flights are the loads of one loader.
type flights[V any] struct {
	// Set once.

	fly      func(*flight[V], *turns[V]) // runs a flight to its end, on a goroutine of its own
	atOnce   int
	timeout  time.Duration
	together bool // one flight loads many keys
	tracker  func() *tracker

	mu    sync.Mutex
	byKey map[flightKey]seat[V]
	begun uint64   // how many there have been
	turns turns[V] // of flights that are nested in no other

	seed   maphash.Seed
	counts [landedStripes]atomic.Uint64
}

// landed returns a number that changes whenever a flight of key lands.
func (f *flights[V]) landed(key string) uint64 { return f.count(key).Load() }

func (f *flights[V]) count(key string) *atomic.Uint64 {
	return &f.counts[maphash.String(f.seed, key)%landedStripes]
}

// party is what one call of the loader waits for.
type party[V any] struct {
	seats []seat[V]
	from  *lineage // the load that the call is nested in, or nil
	since uint64   // the flights that had begun before
}

// join takes a seat for each of the keys, in order: in a flight that is under
// way, or in a new one. All that are new are one flight where one load can be of
// many keys. What has been joined begins by itself, at once or when it is its turn,
// so that nothing the caller does or fails to do afterwards leaves a flight that
// nobody flies.
//
// With a landed number, which is for a single key, it joins nothing and returns
// false if it would have to begin a flight and that number has changed: what this
// key's caller missed may be stored by now.
func (f *flights[V]) join(ctx context.Context, wants []wanted, whole bool, landed *uint64) (party[V], bool) {
	// What calls a foreign context comes before the lock.
	p := party[V]{seats: make([]seat[V], len(wants)), from: lineageOf(ctx)}
	base := context.WithoutCancel(ctx)
	deadline := time.Now().Add(f.timeout)

	f.mu.Lock()
	defer f.mu.Unlock()
	p.since = f.begun
	var group *flight[V]     // that takes further keys
	var waiting []*flight[V] // for a turn that this call can give them
	for i, w := range wants {
		s, under, err := f.board(w, p.from)
		switch {
		case err != nil:
			p.seats[i].err = err
			continue
		case under:
			if p.from != nil && !s.flight.begun {
				waiting = append(waiting, s.flight)
			}
		case landed != nil && w.gen != 0 && f.landed(w.key) != *landed:
			return party[V]{}, false
		case group != nil:
			s = f.add(group, w)
		default:
			fl := f.newFlight(base, deadline, p.from)
			s = f.add(fl, w)
			waiting = append(waiting, fl)
			if f.together {
				group = fl
			}
		}
		if !under && p.from != nil {
			p.from.await(&s.flight.lineage)
		}
		p.seats[i] = s
	}
	if len(waiting) == 0 {
		return p, true
	}
	if group != nil {
		group.whole = whole && len(group.keys) == len(wants)
	}
	f.launch(waiting, p.from)
	return p, true
}

// board takes a seat in a flight that is under way and has time left. The error
// says that the caller would wait for itself. f.mu is held.
func (f *flights[V]) board(w wanted, from *lineage) (s seat[V], under bool, err error) {
	if from != nil && from.loads(f, w.key) {
		return s, false, cycle(w.key)
	}
	if w.gen == 0 {
		return s, false, nil
	}
	s, ok := f.byKey[flightKey{w.key, w.gen}]
	if !ok || s.flight.ctx.Err() != nil {
		return seat[V]{}, false, nil
	}
	if from != nil && !from.await(&s.flight.lineage) {
		return seat[V]{}, false, cycle(w.key)
	}
	s.flight.waiting++
	s.boarded = true
	return s, true, nil
}

func cycle(key string) error { return fmt.Errorf("%w: %q", ErrLoadCycle, key) }

// add puts a key on a new flight and takes its first seat. f.mu is held.
func (f *flights[V]) add(fl *flight[V], w wanted) seat[V] {
	s := seat[V]{flight: fl, index: len(fl.keys)}
	fl.keys = append(fl.keys, w.key)
	fl.wants = append(fl.wants, w)
	fl.waiting++
	if w.gen != 0 {
		if f.byKey == nil {
			f.byKey = make(map[flightKey]seat[V])
		}
		f.byKey[flightKey{w.key, w.gen}] = s
	}
	return s
}

func (f *flights[V]) newFlight(base context.Context, deadline time.Time, from *lineage) *flight[V] {
	f.begun++
	fl := &flight[V]{lineage: lineage{loader: f, parent: from, tracker: f.tracker()}, count: f.begun, done: make(chan struct{})}
	fl.ctx, fl.cancel = context.WithDeadline(context.WithValue(base, lineageKey{}, &fl.lineage), deadline)
	return fl
}

// launch begins the flights of one call, or has them wait for their turn. Some
// may wait for a turn in another place already if the call is nested in a load:
// they begin wherever their turn comes first. A nested call that only waited for
// them there would hold up the very loads that they wait for. f.mu is held.
func (f *flights[V]) launch(flights []*flight[V], from *lineage) {
	q, t := &queued[V]{flights: flights}, &f.turns
	if from != nil {
		t = turnsOf(from, f)
	} else {
		q.waiting = len(flights)
		for _, fl := range flights {
			fl.queued = q
		}
	}
	t.enqueue(q, func(fl *flight[V]) { go f.fly(fl, t) })
}

// handOn gives the turn of a flight that has ended to the next one.
func (f *flights[V]) handOn(t *turns[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if next := t.next(); next != nil {
		go f.fly(next, t)
		return
	}
	t.free++
}

// disband ends what the loads that wait for each other know of a call.
func (p party[V]) disband() {
	if p.from == nil {
		return
	}
	for _, s := range p.seats {
		if s.flight != nil {
			p.from.depart(&s.flight.lineage)
		}
	}
}

// leave gives up a seat. When nobody is left, the load's context ends and
// whoever comes next starts anew. It reports whether the flight had its turn.
func (f *flights[V]) leave(fl *flight[V]) (begun bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.giveUp(fl)
	return fl.begun
}

// leaveAll gives up many seats at once: one after the other, the loads whose seats
// come last would begin meanwhile.
func (f *flights[V]) leaveAll(seats []seat[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range seats {
		if s.flight != nil {
			f.giveUp(s.flight)
		}
	}
}

// giveUp gives up a seat. f.mu is held.
func (f *flights[V]) giveUp(fl *flight[V]) {
	fl.waiting--
	if fl.waiting == 0 {
		f.remove(fl)
		fl.unqueue()
		fl.cancel()
	}
}

// close lets nobody board a flight any more.
func (f *flights[V]) close(fl *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(fl)
}

// mayServe reports whether a caller may be served with what the flight of its seat
// has brought. One that boarded a flight under way may have come after something had
// moved that the value depends on, which its generation does not tell: then it takes
// a proof from after boarding was closed, or a flight that began after the caller
// came, which is after as many others as since says.
func (s seat[V]) mayServe(since uint64, r *loaded[V]) bool {
	failed := r.err != nil && !r.absent
	return failed || !s.boarded || !r.derived || r.proof.ok || s.flight.count > since
}

// land hands the results to all who wait.
func (f *flights[V]) land(fl *flight[V]) {
	f.mu.Lock()
	for _, key := range fl.keys {
		f.count(key).Add(1)
	}
	f.remove(fl)
	fl.over.Store(true)
	f.mu.Unlock()
	close(fl.done)
	fl.cancel()
}

// remove lets nobody board any more. f.mu is held.
func (f *flights[V]) remove(fl *flight[V]) {
	for i, key := range fl.keys {
		k := flightKey{key, fl.wants[i].gen}
		if f.byKey[k].flight == fl {
			delete(f.byKey, k)
		}
	}
}
