package main

import (
	"sync/atomic"
	"time"
)

// A board is the memory that all processes of a run share: the controls, what
// the oracle knows, and the tallies. Nothing on it is lost when a replica is
// killed, and what one process has written the others see at once.
type board struct {
	words    []atomic.Int64
	lanes    int
	slots    int // processes: the lab's own is 0, the replicas count from 1
	products int
	unmap    func() error
}

// The words at the head of a board.
const (
	wordSeq       = iota // the last number that next has returned
	wordStop             // 1 once the run is over
	wordWriteRate        // per second, all writers together
	wordReaders          // per lane and process
	wordLoadDelay        // nanoseconds
	wordLag              // nanoseconds
	wordStall            // Unix time in nanoseconds until which loads do not arrive
	wordWrites           // commits so far
	wordCrash            // the replica that is to crash in its next write, 0 for none
	wordCrashID          // the product that it wrote
	wordCrashVersion
	wordSpareID    // a product that no writer picks for a while
	wordSpareUntil // Unix time in nanoseconds
	headWords      = 64
)

// The words of a tally: what the readers of one lane in one process have seen.
const (
	countReads  = iota
	countLoads  // queries of the database
	countStale  // served, although an invalidation that ended before the read had replaced it
	countOld    // older than that too, but it was the database replica that lagged
	countRefuse // fills that CasCache refused
	countErrors // reads and invalidations that failed
	tallyHead   = 8
	tallyWords  = tallyHead + histogramBuckets
)

func boardWords(lanes, slots, products int) int {
	return headWords + lanes*products*2 + lanes*slots*tallyWords
}

// newBoard returns a board of this process alone.
func newBoard(lanes, slots, products int) *board {
	return &board{words: make([]atomic.Int64, boardWords(lanes, slots, products)), lanes: lanes, slots: slots, products: products}
}

func (b *board) close() error {
	if b.unmap == nil {
		return nil
	}
	return b.unmap()
}

func (b *board) get(word int) int64        { return b.words[word].Load() }
func (b *board) set(word int, value int64) { b.words[word].Store(value) }

func (b *board) duration(word int) time.Duration { return time.Duration(b.get(word)) }

// next returns a number greater than any that a process has got so far: what
// got the lower one happened first.
func (b *board) next() int64 { return b.words[wordSeq].Add(1) }

// floor is what a read must not go below.
type floor struct {
	version int64 // the highest whose invalidation had returned
	began   int64 // when the last invalidation that had returned began, by next
}

// mark returns the two words of a product in a lane.
func (b *board) mark(lane int, id int64) (version, began *atomic.Int64) {
	i := headWords + (lane*b.products+int(id-1))*2
	return &b.words[i], &b.words[i+1]
}

// floor returns what a read of the product that begins now must not go below.
func (b *board) floor(lane int, id int64) floor {
	version, began := b.mark(lane, id)
	return floor{version.Load(), began.Load()}
}

// invalidated notes that the invalidation of version, which began at a number
// of next, has returned.
func (b *board) invalidated(lane int, id, version, at int64) {
	v, began := b.mark(lane, id)
	raise(began, at)
	raise(v, version)
}

// raise sets w to value unless it is higher already.
func raise(w *atomic.Int64, value int64) {
	for old := w.Load(); value > old; old = w.Load() {
		if w.CompareAndSwap(old, value) {
			return
		}
	}
}

// A fault of the database is not the cache's.
type judgement int

const (
	fresh judgement = iota
	old             // as old as the lagging replica that the row was read from
	stale           // served after an invalidation that has replaced it
)

// judge tells what a read of row was, given the floor from before it began.
// The promise is about values that were read from the source before an
// invalidation began. Without lag such a value is one below the floor's
// version, exactly: an invalidation follows its commit, and a query sees what
// had committed. A row from a lagging replica may be below it although it was
// read later, which is the source's doing: it counts as stale only if it was
// read before the last invalidation began.
func (f floor) judge(row Row) judgement {
	switch {
	case row.Version >= f.version:
		return fresh
	case row.Lagged && row.Loaded >= f.began:
		return old
	}
	return stale
}

// A tally is the words of one lane in one process.
type tally []atomic.Int64

func (b *board) tally(lane, slot int) tally {
	i := headWords + b.lanes*b.products*2 + (lane*b.slots+slot)*tallyWords
	return tally(b.words[i : i+tallyWords])
}

func (t tally) add(count int) { t[count].Add(1) }

// took notes how long a read took.
func (t tally) took(d time.Duration) { t[tallyHead+bucketOf(d)].Add(1) }

// A count is the sum of tallies at one moment.
type count struct {
	reads, loads, stale, old, refused, errors int64
	histogram                                 histogram
}

// counted adds up the lane's tallies of all processes.
func (b *board) counted(lane int) count {
	var c count
	for slot := range b.slots {
		t := b.tally(lane, slot)
		// The reads last: whatever comes in between adds to reads only.
		c.stale += t[countStale].Load()
		c.old += t[countOld].Load()
		c.loads += t[countLoads].Load()
		c.refused += t[countRefuse].Load()
		c.errors += t[countErrors].Load()
		for i := range c.histogram {
			c.histogram[i] += t[tallyHead+i].Load()
		}
		c.reads += t[countReads].Load()
	}
	return c
}

// minus returns what was counted since before.
func (c count) minus(before count) count {
	c.reads -= before.reads
	c.loads -= before.loads
	c.stale -= before.stale
	c.old -= before.old
	c.refused -= before.refused
	c.errors -= before.errors
	for i := range c.histogram {
		c.histogram[i] -= before.histogram[i]
	}
	return c
}
