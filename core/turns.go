package cascache

import "container/list"

// turns bound how many flights run at once. The others wait, without a goroutine
// of their own. Calls that wait take turns, one flight at a time, so that a call
// of many keys doesn't keep all others waiting until it is done. Guarded by
// flights.mu.
type turns[V any] struct {
	free  int       // how many more flights may begin now; 0 while any wait
	queue list.List // of *queued[V]
}

// queued are the flights that one call of the loader wants to begin.
type queued[V any] struct {
	flights []*flight[V] // to begin, in order; some may have begun elsewhere, or been left
	waiting int          // how many of the flights that count this wait for a turn
	in      *list.List
	place   *list.Element
}

// enqueue adds the flights of one call, and begins as many as may be.
func (t *turns[V]) enqueue(q *queued[V], begin func(*flight[V])) {
	q.in, q.place = &t.queue, t.queue.PushBack(q)
	for t.free > 0 {
		f := t.next()
		if f == nil {
			return
		}
		t.free--
		begin(f)
	}
}

// next takes the flight that may begin now, or returns nil.
func (t *turns[V]) next() *flight[V] {
	for place := t.queue.Front(); place != nil; place = t.queue.Front() {
		q := place.Value.(*queued[V])
		if len(q.flights) == 0 {
			t.queue.Remove(place)
			continue
		}
		f := q.flights[0]
		q.flights[0] = nil
		q.flights = q.flights[1:]
		if f.begun || f.ctx.Err() != nil { // or nobody waits for it, or it is out of time
			continue
		}
		f.begin()
		t.queue.MoveToBack(place)
		return f
	}
	return nil
}

// begin notes that the flight has had its turn.
func (f *flight[V]) begin() {
	f.begun = true
	f.unqueue()
}

// unqueue takes the flight out of the count of those that wait for a turn. A call
// none of whose flights waits any more is forgotten, so that flights that
// everybody has left take no memory while loads hang.
func (f *flight[V]) unqueue() {
	q := f.queued
	if q == nil {
		return
	}
	f.queued = nil
	if q.waiting--; q.waiting == 0 {
		q.in.Remove(q.place)
	}
}
