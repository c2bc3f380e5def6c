package main

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// An oracle knows which versions must not be served any more.
//
// A writer commits version n+1, invalidates, and tells the oracle once the
// invalidation has returned. A reader asks for the floor before its read
// begins. A hit below that floor is stale beyond dispute: whatever the cache
// served had been replaced in the database, and the cache told so, before the
// read began. What is invalidated while the read is under way does not count.
type oracle struct {
	now  func() time.Duration // since some fixed moment
	keys []retired            // by id, beginning with 1
}

// retired is what the oracle knows of one product.
type retired struct {
	// floor is the highest version whose invalidation has returned.
	floor atomic.Int64

	mu   sync.Mutex // guards acks
	acks []ack      // with ascending versions and times
}

// ack tells when a version's invalidation returned.
type ack struct {
	version int64
	at      time.Duration
}

func newOracle(products int) *oracle {
	start := time.Now()
	return &oracle{
		now:  func() time.Duration { return time.Since(start) },
		keys: make([]retired, products),
	}
}

// invalidated notes that the invalidation that followed the commit of version
// has returned. Two writers of one product may come in either order.
func (o *oracle) invalidated(id, version int64) {
	k := &o.keys[id-1]
	k.mu.Lock()
	defer k.mu.Unlock()
	if version <= k.floor.Load() {
		return // a newer version has retired all that this one would
	}
	k.acks = append(k.acks, ack{version, o.now()})
	// Last: whoever sees the floor finds its ack.
	k.floor.Store(version)
}

// floor returns the lowest version that a read which begins now may hit, 0 if
// any will do.
func (o *oracle) floor(id int64) int64 { return o.keys[id-1].floor.Load() }

// judge reports whether a hit of version was stale, given the floor from before
// the read began, and for how long the version had been retired by now.
func (o *oracle) judge(id, version, floor int64) (staleness time.Duration, stale bool) {
	if version >= floor {
		return 0, false
	}
	now := o.now()
	k := &o.keys[id-1]
	k.mu.Lock()
	defer k.mu.Unlock()
	// The first invalidation of a later version should have ended this one.
	first := sort.Search(len(k.acks), func(i int) bool { return k.acks[i].version > version })
	return now - k.acks[first].at, true
}
