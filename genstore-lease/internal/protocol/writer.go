package protocol

import "time"

// margin is what a writer waits longer than the lease and its drift, for clocks
// that tick in steps.
const margin = 2 * time.Millisecond

// Stretch returns how long a writer waits for leases of this length to have
// passed: by clocks that differ by 1 % at most (rule 1).
func Stretch(lease time.Duration) time.Duration { return lease + lease/100 + margin }

// A Member is a replica as the others see it.
type Member struct {
	ID      string
	Applied uint64 // as acknowledged
	Number  uint64 // of its last heartbeat
}

// A View is the membership of a namespace at one moment.
type View struct {
	Epoch   string
	Head    uint64
	Members []Member
}

// A Writer is what one process knows of the replicas of a namespace. It is not
// for concurrent use.
type Writer struct {
	self  string
	span  int64
	epoch string
	since Instant
	seen  map[string]sighting
}

// A sighting is since when a member's last heartbeat is known to be that one.
type sighting struct {
	number uint64
	since  Instant
}

// NewWriter returns the writer beside the replica self, among leases of this
// length.
func NewWriter(self string, lease time.Duration) *Writer {
	return &Writer{self: self, span: int64(Stretch(lease)), seen: make(map[string]sighting)}
}

// Saw notes the epoch that an answer brought, received at now.
func (w *Writer) Saw(epoch string, now Instant) {
	if epoch != "" && epoch != w.epoch {
		w.epoch, w.since = epoch, now
		clear(w.seen)
	}
}

// A Change is what the answer to a bump, hold or release says.
type Change struct {
	Epoch  string
	Seq    uint64 // of its last entry in the log
	Others bool   // whether there were members beside the caller
	Self   bool   // whether the caller was one
}

// A Barrier is what one change waits for.
type Barrier struct {
	self    string // "" where the own replica must acknowledge too
	epoch   string
	seq     uint64
	passed  Instant // all leases from before the change have ended
	settled Instant // all leases from before the epoch have ended
	acked   bool
}

// Begin returns the barrier of a change whose answer was received at now (rule
// 2). reflected tells that the own replica answers by the change already.
func (w *Writer) Begin(c Change, reflected bool, now Instant) Barrier {
	w.Saw(c.Epoch, now)
	b := Barrier{
		epoch:   c.Epoch,
		seq:     c.Seq,
		passed:  now + w.span,
		settled: w.since + w.span, // rule 9
		acked:   !c.Others && (reflected || !c.Self),
	}
	if reflected {
		b.self = w.self
	}
	return b
}

// Observe takes a view of the members for what they have acknowledged.
func (b *Barrier) Observe(v View) {
	// A view from before the change says nothing about who has seen it.
	if v.Epoch != b.epoch || v.Head < b.seq {
		return
	}
	for _, m := range v.Members {
		if m.Applied < b.seq && m.ID != b.self {
			return
		}
	}
	b.acked = true
}

// Opens returns when the change may be called done, from what is known.
func (b *Barrier) Opens() Instant {
	if b.acked {
		return min(b.settled, b.passed)
	}
	return b.passed
}

// Acknowledged reports whether nobody is waited for but time.
func (b *Barrier) Acknowledged() bool { return b.acked }

// Silent takes a view received at now, and returns the members that have not
// sent a heartbeat since before a full lease has begun. They may be removed, if
// they have not until then (rule 10).
func (w *Writer) Silent(v View, now Instant) []Member {
	w.Saw(v.Epoch, now)
	var silent []Member
	present := make(map[string]bool, len(v.Members))
	for _, m := range v.Members {
		present[m.ID] = true
		last, known := w.seen[m.ID]
		switch {
		case !known || last.number != m.Number:
			w.seen[m.ID] = sighting{m.Number, now}
		case now-last.since >= w.span && m.ID != w.self:
			silent = append(silent, m)
		}
	}
	for id := range w.seen {
		if !present[id] {
			delete(w.seen, id)
		}
	}
	return silent
}
