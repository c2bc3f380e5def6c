package ristrettoprovider

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2/z"
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
type record struct {
	key   string
	value []byte
	cost  int64

	// lead is the first record of the group, the record itself in a group of
	// one. It never changes once the record is in the queue.
	lead *record

	// latest, in a lead, is the member that was accepted last, nil after Del.
	latest atomic.Pointer[record]

	// accepted, on the provider's clock, and ttl bound the record's life.
	// Ristretto sees to that for the record it stores, but not for a later
	// member of the group.
	accepted, ttl time.Duration

	// stored tells that the value was in Ristretto's map when Set returned.
	stored atomic.Bool

	// unsettled, in a lead, is the number of members that may be in the
	// queue. settled tells that the record is not one of them any more. The
	// mutex of the shard guards both.
	unsettled int
	settled   bool
}

// is reports whether the record's key is prefix+key.
func (r *record) is(prefix, key string) bool {
	return len(r.key) == len(prefix)+len(key) && r.key[:len(prefix)] == prefix && r.key[len(prefix):] == key
}

// A queue knows the groups of the records that may still be in Ristretto's.
type queue struct {
	shards [64]queueShard

	// processing is the record that the worker took up last. Only the worker
	// uses it.
	processing *record
}

type queueShard struct {
	mu    sync.Mutex
	leads map[string]*record
	_     [48]byte
}

func newQueue() *queue {
	q := new(queue)
	for i := range q.shards {
		q.shards[i].leads = make(map[string]*record)
	}
	return q
}

func (q *queue) shard(key string) *queueShard {
	return &q.shards[z.MemHashString(key)%uint64(len(q.shards))]
}

// join makes r the latest of its key. It comes before Ristretto's Set.
func (q *queue) join(r *record) {
	shard := q.shard(r.key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	lead := shard.leads[r.key]
	if lead == nil {
		lead = r
		shard.leads[r.key] = r
	}
	r.lead = lead
	lead.unsettled++
	lead.latest.Store(r)
}

// settle tells that r is not in Ristretto's queue, or not any more, and
// reports whether others of its group may be.
func (q *queue) settle(r *record) bool {
	shard := q.shard(r.key)
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
	if shard.leads[r.key] == lead {
		delete(shard.leads, r.key)
	}
	return false
}

// drop hides what is in the queue under key. It comes before Ristretto's Del.
func (q *queue) drop(key string) {
	shard := q.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if lead := shard.leads[key]; lead != nil {
		lead.latest.Store(nil)
		delete(shard.leads, key)
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
