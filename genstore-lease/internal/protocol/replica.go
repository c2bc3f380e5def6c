package protocol

import (
	"sync"
	"sync/atomic"
	"time"
)

// An Instant is a time on a monotonic clock of this process, in nanoseconds.
// Only differences mean anything. 0 is before all of them.
type Instant = int64

// A Replica is what one process knows of a namespace's generations, and until
// when it may answer by it. All methods may be called concurrently.
type Replica struct {
	id    string
	lease int64
	clock func() Instant

	// until is when the lease ends. It is read, and the table looked up,
	// without a lock, in this order: see Current.
	until atomic.Int64
	table table

	mu       sync.Mutex // guards what follows, and changes of until and table
	epoch    string     // "" before the first answer
	applied  uint64     // all of the log up to here is in the table
	floors   []uint64   // by hash: the last invalidation of any of these keys that is known
	beats    uint64     // the number of the last heartbeat
	answered uint64     // the number of the last heartbeat whose answer was taken
	stopped  bool
}

// NewReplica returns a replica that knows nothing yet. The id must be of this
// start alone (rule 7). The table holds about as many generations as it is
// told, and at least that many floors.
func NewReplica(id string, lease time.Duration, generations int, clock func() Instant) *Replica {
	r := &Replica{id: id, lease: int64(lease), clock: clock, table: newTable(generations)}
	r.floors = make([]uint64, max(1, min(len(r.table.buckets), 1<<14)))
	return r
}

// A Beat is a heartbeat: what a replica has applied.
type Beat struct {
	ID      string
	Number  uint64 // rises with each beat of a start
	Epoch   string // that Applied is about, "" for none
	Applied uint64

	sent Instant
}

// An Invalidation is an entry of the log. Gen is 0 for a key that is held.
type Invalidation struct {
	Seq uint64
	Key string
	Gen uint64
}

// An Answer is what a heartbeat brings back. Log begins after Beat.Applied if
// Beat.Epoch is the one in force, and may end before Head.
type Answer struct {
	Epoch string
	Head  uint64
	Log   []Invalidation
}

// Beat returns the next heartbeat, to be sent after this call and only once
// (rule 1: the lease that it may win begins now).
func (r *Replica) Beat() Beat {
	sent := r.clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beats++
	return Beat{ID: r.id, Number: r.beats, Epoch: r.epoch, Applied: r.applied, sent: sent}
}

// Receive takes the answer to a heartbeat. It reports whether another beat
// should follow at once: there is more to read, or something to acknowledge.
func (r *Replica) Receive(b Beat, a Answer) (again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Answers come late and in any order. One to a beat from before the epoch
	// was entered could lead back into what was left, or to a head from before
	// a floor that was given up with it.
	if r.stopped || b.Number <= r.answered || b.Epoch != r.epoch {
		return false
	}
	r.answered = b.Number
	if a.Epoch != r.epoch {
		// Another server's past, or a loss: nothing learned before counts,
		// and the log has another beginning (rule 6).
		r.table.clear()
		clear(r.floors)
		r.epoch = a.Epoch
		r.skipTo(a.Head)
	} else if !r.follow(a) {
		r.table.clear()
		r.skipTo(a.Head)
	}
	if r.applied < a.Head {
		return true // rule 3: no lease before all is applied
	}
	r.until.Store(max(r.until.Load(), b.sent+r.lease))
	return r.applied > b.Applied || r.epoch != b.Epoch
}

// skipTo takes the log up to head for applied, by a table that is empty. What
// was read before head must not enter it any more (rule 6). A floor that is
// higher is of a bump of this very process, and stays.
func (r *Replica) skipTo(head uint64) {
	r.applied = head
	for i := range r.floors {
		r.floors[i] = max(r.floors[i], head)
	}
}

// follow applies the log of an answer, and reports false on a gap in it.
func (r *Replica) follow(a Answer) bool {
	before := r.applied
	for _, e := range a.Log {
		switch {
		case e.Seq <= r.applied:
		case e.Seq == r.applied+1:
			r.apply(e)
			r.applied = e.Seq
		default:
			return false
		}
	}
	return r.applied >= a.Head || r.applied > before
}

// apply brings the table to what one invalidation says. The caller has locked
// mu.
func (r *Replica) apply(e Invalidation) {
	hash := r.table.hash("", e.Key)
	floor := r.floor(hash)
	*floor = max(*floor, e.Seq)
	known := r.table.find(hash, "", e.Key)
	switch {
	case known == nil || known.at >= e.Seq:
		// Not of interest here, or read after it.
	case e.Gen == 0:
		r.table.remove(hash, e.Key) // rule 12: never a held one
	default:
		r.table.put(hash, e.Key, newEntry(e.Key, e.Gen, e.Seq))
	}
}

func (r *Replica) floor(hash uint64) *uint64 {
	return &r.floors[(hash>>32)%uint64(len(r.floors))]
}

// Learn offers a generation that was read at this epoch and head. 0 says that
// the key has none or is held.
func (r *Replica) Learn(epoch string, head uint64, key string, gen uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Rule 5. An epoch is never used twice, so the one in force now was in
	// force all along.
	if r.stopped || epoch == "" || epoch != r.epoch {
		return
	}
	hash := r.table.hash("", key)
	if head < *r.floor(hash) {
		return
	}
	known := r.table.find(hash, "", key)
	switch {
	case known != nil && (known.at > head || known.at == head && known.gen > gen && gen != 0):
		// Read before what is known.
	case gen == 0:
		if known != nil {
			r.table.remove(hash, key)
		}
	default:
		r.table.put(hash, key, newEntry(key, gen, head))
	}
}

// Changed takes what this very process has written to the log. When it reports
// true, the replica answers by it from now on, acknowledged or not. It reports
// false when the replica is of another epoch: it may still enter the one of the
// change by an answer from before it.
func (r *Replica) Changed(epoch string, changes []Invalidation) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch != r.epoch {
		return false
	}
	for _, e := range changes {
		r.apply(e)
	}
	return true
}

// Current returns the generation of prefix+key if the lease runs and the table
// has it.
func (r *Replica) Current(prefix, key string) (gen uint64, ok bool) {
	// Rule 4: the lease first. Were the table looked up first, this goroutine
	// could stand still, and go on under a lease that was won by applying what
	// it has not seen.
	if !r.serves() {
		return 0, false
	}
	return r.look(prefix, key)
}

// CurrentBulk writes the generations that Current would return into gens.
func (r *Replica) CurrentBulk(keys []string, gens []uint64) {
	if !r.serves() {
		return
	}
	for i, key := range keys {
		if gen, ok := r.look("", key); ok {
			gens[i] = gen
		}
	}
}

// serves reports whether the lease runs at this very moment (rule 4).
func (r *Replica) serves() bool { return r.clock() < r.until.Load() }

func (r *Replica) look(prefix, key string) (uint64, bool) {
	e := r.table.find(r.table.hash(prefix, key), prefix, key)
	if e == nil {
		return 0, false
	}
	return e.gen, true
}

// Epoch returns the epoch that the replica is in, "" before the first answer.
func (r *Replica) Epoch() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch
}

// Stop ends the lease for good. Only then may the process deregister (rule 10).
func (r *Replica) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.until.Store(0)
}
