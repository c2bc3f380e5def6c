package lease

import (
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"
)

const (
	boardKeys  = 8
	boardSlots = 64 // processes of one run
)

// A board is memory that the processes of a run share: an oracle, and counters
// that outlive a process which is killed.
type board struct {
	// oldest is, for each key, the oldest generation that a read which begins
	// now may return: the greatest that a bump has returned with nil.
	oldest [boardKeys]atomic.Uint64

	counts [boardSlots]counts
}

// counts are those of one process.
type counts struct {
	local   atomic.Uint64 // reads that were answered from memory
	remote  atomic.Uint64 // reads that were answered by Redis
	unknown atomic.Uint64 // reads that were not answered
	stale   atomic.Uint64
	bumps   atomic.Uint64 // bumps and holds that returned nil
	failed  atomic.Uint64 // and those that did not
	_       [2]uint64     // a cache line each
}

// mapBoard maps a file that holds a board.
func mapBoard(path string) *board {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	must(err)
	defer f.Close()
	size := int(unsafe.Sizeof(board{}))
	must(f.Truncate(int64(size)))
	memory, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	must(err)
	return (*board)(unsafe.Pointer(&memory[0]))
}

// raise notes that a bump has returned this generation.
func (b *board) raise(key int, gen uint64) {
	for {
		old := b.oldest[key].Load()
		if old >= gen || b.oldest[key].CompareAndSwap(old, gen) {
			return
		}
	}
}

// A sum is what all processes of a run have counted.
type sum struct{ local, remote, unknown, stale, bumps, failed uint64 }

func (b *board) sum() sum {
	var s sum
	for i := range b.counts {
		c := &b.counts[i]
		s.local += c.local.Load()
		s.remote += c.remote.Load()
		s.unknown += c.unknown.Load()
		s.stale += c.stale.Load()
		s.bumps += c.bumps.Load()
		s.failed += c.failed.Load()
	}
	return s
}

func (s sum) log(tb testing.TB) {
	tb.Helper()
	tb.Logf("%d strict reads from memory, %d from Redis, %d without an answer; %d bumps and holds, %d that failed; %d stale reads",
		s.local, s.remote, s.unknown, s.bumps, s.failed, s.stale)
}
