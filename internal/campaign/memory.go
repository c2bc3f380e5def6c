package campaign

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	// rows is how many keys a run is about.
	rows = 200

	// replicas is how many processes share them.
	replicas = 3

	readersPerReplica = 4
	writersPerReplica = 1

	maxRecords = 1 << 17
)

// A counter is a place in memory that a replica counts in.
type counter int

const (
	reads  counter = iota // of keys
	hits                  // as the hooks tell
	misses                // as the hooks tell
	stale
	writes     // acknowledged
	refused    // writes that ended with an error
	errorsOK   // of reads and fills, that the contract allows
	errorsLate // deadlines that passed while nothing was broken
	errorsBad
	loads
	heldOver // writes that were acknowledged once a lease had ended
	counters
)

// memory is what all processes of a run share, in a file that each of them
// maps: the source, the oracle, what was counted and recorded. It outlives any
// of them, so that nothing is lost when one is killed.
//
// All of it is accessed atomically, and so in one order for all processes:
// what was acknowledged before a read began is what that read finds.
type memory struct{ *cells }

type cells struct {
	Source [rows]uint64 // versions; every commit counts up
	Acked  [rows]uint64 // the greatest version whose invalidation has returned

	Clock  uint64           // counts the events of recorded calls
	Faulty uint64           // 1 while errors are allowed
	Strike [replicas]uint64 // what a replica is to do to itself, 0 for nothing

	Counts  [replicas][counters]uint64
	Writing [replicas][writersPerReplica]writing

	NextRecord uint64
	Records    [maxRecords]record
}

// What a replica may be told to do to itself.
const (
	pauseAfterCheck uint64 = iota + 1 // once a call of its generation store has returned
	killAfterCommit                   // once a Mutate of one of the kept rows has committed
)

// struck tells a replica, once, that it is to do that to itself now.
func (m memory) struck(replica int, how uint64) bool {
	s := &m.Strike[replica]
	return atomic.LoadUint64(s) == how && atomic.CompareAndSwapUint64(s, how, 0)
}

// writing is a Mutate under way, for those that outlive its process.
type writing struct {
	Row       uint64
	Version   uint64 // 0 until it is committed
	Began     uint64 // in the time of now, before the hold
	Committed uint64 // in the time of now, after the commit
}

// record is a call of a generation store that has ended, or was never to.
type record struct {
	Row, Op, Call, Return, Gen uint64
}

const memorySize = int(unsafe.Sizeof(cells{}))

func newMemory(path string) (memory, error) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return memory{}, err
	}
	if err := os.Truncate(path, int64(memorySize)); err != nil {
		return memory{}, err
	}
	m, err := mapMemory(path)
	if err != nil {
		return memory{}, err
	}
	for row := range m.Source {
		m.Source[row] = 1
	}
	return m, nil
}

func mapMemory(path string) (memory, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return memory{}, err
	}
	defer file.Close()
	b, err := syscall.Mmap(int(file.Fd()), 0, memorySize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return memory{}, fmt.Errorf("campaign: map %s: %w", path, err)
	}
	return memory{(*cells)(unsafe.Pointer(&b[0]))}, nil
}

func (m memory) unmap() {
	_ = syscall.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(m.cells)), memorySize))
}

func (m memory) read(row int) uint64   { return atomic.LoadUint64(&m.Source[row]) }
func (m memory) commit(row int) uint64 { return atomic.AddUint64(&m.Source[row], 1) }
func (m memory) acked(row int) uint64  { return atomic.LoadUint64(&m.Acked[row]) }

// ack notes that the invalidation of a version has returned.
func (m memory) ack(row int, version uint64) {
	for {
		old := m.acked(row)
		if old >= version || atomic.CompareAndSwapUint64(&m.Acked[row], old, version) {
			return
		}
	}
}

func (m memory) faulty() bool { return atomic.LoadUint64(&m.Faulty) != 0 }

func (m memory) setFaulty(on bool) {
	var v uint64
	if on {
		v = 1
	}
	atomic.StoreUint64(&m.Faulty, v)
}

func (m memory) tick() uint64 { return atomic.AddUint64(&m.Clock, 1) }

func (m memory) count(replica int, c counter, n int) {
	atomic.AddUint64(&m.Counts[replica][c], uint64(n))
}

// total returns what all replicas together have counted.
func (m memory) total(c counter) (n int64) {
	for r := range m.Counts {
		n += int64(atomic.LoadUint64(&m.Counts[r][c]))
	}
	return n
}

// record keeps a call. Beyond what there is room for, nothing is kept.
func (m memory) record(r record) {
	if n := atomic.AddUint64(&m.NextRecord, 1) - 1; n < maxRecords {
		// The orchestrator looks when all processes have ended.
		m.Records[n] = r
	}
}

// now is the time since the machine was started, the same in all processes
// and not set by anybody.
func now() time.Duration {
	var ts syscall.Timespec
	const clockMonotonic = 1
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}
