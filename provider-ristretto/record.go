package ristrettoprovider

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A record is one accepted value, and what Ristretto stores.
//
// Ristretto queues the first Set of a key. Until its worker has got there,
// Ristretto by itself breaks the contract of a provider in two ways: a second
// Set of the key is queued as well and thrown away in favour of the first,
// and a Del returns although the worker is still to store, and to show for a
// while, what was queued before it. So the records of one key that may still
// be in the queue form a group that points to its latest member, and a read
// that finds any of them goes by that.
//
// Like Ristretto itself, groups go by the hash of the key: two keys that share
// one push each other out.
type record struct {
	// What a hit reads comes first, so that it mostly lies in one cache line.

	key   string
	value []byte

	// lead is the first record of the group, the record itself in a group of
	// one. It never changes once the record is in the queue.
	lead *record

	// latest, in a lead, is the member that was accepted last, nil after Del.
	latest atomic.Pointer[record]

	cost int64
	hash uint64 // of key

	// expires, on the queue's clock, ends the life of a later member of a
	// group. Ristretto sees to that of the record that it stores, and a lead
	// is never shown in the place of another.
	expires time.Duration

	// stored tells that the value was in Ristretto's map when Set returned.
	stored atomic.Bool

	// unsettled, in a lead, is the number of members that may be in the
	// queue. settled tells that the record is not one of them any more. The
	// mutex of the shard guards both.
	unsettled int32
	settled   bool
}

// is reports whether the record's key is prefix+key.
func (r *record) is(prefix, key string) bool {
	return len(r.key) == len(prefix)+len(key) && r.key[:len(prefix)] == prefix && r.key[len(prefix):] == key
}

// A queue knows the groups of the records that may still be in Ristretto's.
type queue struct {
	shards  [64]queueShard
	started time.Time

	// processing is the record that the worker took up last. Only the worker
	// uses it.
	processing *record
}

// A queueShard has the leads of groups by their hashes: the first outside of the
// map, since the queue is empty most of the time.
type queueShard struct {
	mu    sync.Mutex
	first *record
	rest  map[uint64]*record
	_     [40]byte
}

// now is the queue's clock.
func (q *queue) now() time.Duration { return time.Since(q.started) }

func (q *queue) shard(hash uint64) *queueShard { return &q.shards[hash%uint64(len(q.shards))] }

// lead returns the lead of a hash, or nil.
func (s *queueShard) lead(hash uint64) *record {
	if s.first != nil && s.first.hash == hash {
		return s.first
	}
	return s.rest[hash]
}

// add adds the lead of a hash that has none.
func (s *queueShard) add(r *record) {
	if s.first == nil {
		s.first = r
		return
	}
	if s.rest == nil {
		s.rest = make(map[uint64]*record)
	}
	s.rest[r.hash] = r
}

// remove removes a lead, unless the hash has another one by now.
func (s *queueShard) remove(lead *record) {
	if s.first == lead {
		s.first = nil
	} else if s.rest[lead.hash] == lead {
		delete(s.rest, lead.hash)
	}
}

// join makes r the latest of its key, for ttl. It comes before Ristretto's Set.
func (q *queue) join(r *record, ttl time.Duration) {
	shard := q.shard(r.hash)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	lead := shard.lead(r.hash)
	if lead == nil {
		lead = r
		shard.add(r)
	} else {
		// Not past the end of time.
		now := q.now()
		r.expires = now + min(ttl, math.MaxInt64-now)
	}
	r.lead = lead
	lead.unsettled++
	lead.latest.Store(r)
}

// settle tells that r is not in Ristretto's queue, or not any more, and
// reports whether others of its group may be.
func (q *queue) settle(r *record) bool {
	shard := q.shard(r.hash)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	lead := r.lead
	if !r.settled {
		r.settled = true
		lead.unsettled--
	}
	if lead.unsettled > 0 {
		return true
	}
	// After a Del the key may have another group by now.
	shard.remove(lead)
	return false
}

// drop hides what is in the queue under a hash. It comes before Ristretto's Del.
func (q *queue) drop(hash uint64) {
	shard := q.shard(hash)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if lead := shard.lead(hash); lead != nil {
		lead.latest.Store(nil)
		shard.remove(lead)
	}
}

// takeUp tells that the worker begins with r, and hence is done with the
// record before: there is no call that tells that r itself has been stored.
func (q *queue) takeUp(r *record) {
	if q.processing != nil {
		q.settle(q.processing)
	}
	q.processing = r
}
