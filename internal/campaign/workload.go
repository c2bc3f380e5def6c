package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Most reads go to few rows, some hardly ever get any: an entry of those can be
// old when it comes to light.
const (
	hotRows  = 20
	warmRows = 100
	keptRows = 30
	fewRows  = 8
)

func pickRead(rng *rand.Rand) int {
	switch p := rng.IntN(100); {
	case p < 70:
		return rng.IntN(hotRows)
	case p < 90:
		return hotRows + rng.IntN(warmRows)
	case p < 98:
		return rows - 1 - rng.IntN(keptRows)
	default:
		return hotRows + warmRows + rng.IntN(rows-hotRows-warmRows)
	}
}

// pickWrite leaves the last rows to a few of the writes under a hold, so that
// what becomes of those is not overwritten at once.
func (r *replica) pickWrite(rng *rand.Rand) int {
	if r.FewRows {
		return rng.IntN(fewRows)
	}
	return rng.IntN(rows - keptRows)
}

// pickMutate is pickWrite for a write under a hold.
func (r *replica) pickMutate(rng *rand.Rand) int {
	if rng.IntN(10) == 0 {
		return rows - 1 - rng.IntN(keptRows)
	}
	return r.pickWrite(rng)
}

// pickSome returns a few different rows.
func pickSome(rng *rand.Rand, n int, pick func(*rand.Rand) int) []int {
	seen := map[int]bool{}
	var some []int
	for len(some) < n {
		if row := pick(rng); !seen[row] {
			seen[row] = true
			some = append(some, row)
		}
	}
	return some
}

func keysOf(rows []int) []string {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = keyOf(row)
	}
	return keys
}

// callLimit bounds each call of the workload, as an application would.
const callLimit = 4 * time.Second

// bulkRows is how many rows a bulk read is about. The hot ones are read as the
// same few sets, so that bulk entries are hit.
const bulkRows = 5

func (r *replica) readUntil(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(context.Background(), callLimit)
		switch p := rng.IntN(100); {
		case p < 45:
			r.readLoaded(call, pickRead(rng))
		case p < 60:
			r.readManyLoaded(call, pickSome(rng, bulkRows, pickRead))
		case p < 85:
			r.readByHand(call, pickRead(rng))
		default:
			set := rng.IntN(hotRows / bulkRows)
			some := make([]int, bulkRows)
			for i := range some {
				some[i] = set*bulkRows + i
			}
			r.readBulkByHand(call, some)
		}
		cancel()
		time.Sleep(time.Duration(rng.Int64N(int64(2 * time.Millisecond))))
	}
}

// floors notes what was acknowledged before a read begins.
func (r *replica) floors(some []int) []uint64 {
	floors := make([]uint64, len(some))
	for i, row := range some {
		floors[i] = r.memory.acked(row)
	}
	return floors
}

// judge counts a read, and tells of one that fell behind.
func (r *replica) judge(how string, row int, floor uint64, value string) {
	version := versionOf(row, value)
	if version >= floor && version != 0 {
		return
	}
	r.memory.count(r.Replica, stale, 1)
	r.say("stale", fmt.Sprintf("%v: %s of row %d in replica %d returned %q when version %d was acknowledged before it began", now(), how, row, r.Replica, value, floor))
}

func (r *replica) readLoaded(ctx context.Context, row int) {
	floor, faulty := r.memory.acked(row), r.memory.faulty()
	value, err := r.loader.Get(ctx, keyOf(row))
	r.memory.count(r.Replica, reads, 1)
	r.allowed(err, faulty, whatLoader)
	if err == nil {
		r.judge("Loader.Get", row, floor, value)
	}
}

func (r *replica) readManyLoaded(ctx context.Context, some []int) {
	floors, faulty := r.floors(some), r.memory.faulty()
	values, err := r.loader.GetBulk(ctx, keysOf(some))
	r.memory.count(r.Replica, reads, len(some))
	r.allowed(err, faulty, whatLoader)
	if err != nil {
		return
	}
	for i, row := range some {
		r.judge("Loader.GetMany", row, floors[i], values[keyOf(row)])
	}
}

// readByHand takes the three steps of a fill itself.
func (r *replica) readByHand(ctx context.Context, row int) {
	floor, faulty := r.memory.acked(row), r.memory.faulty()
	value, ok, err := r.cache.Get(ctx, keyOf(row))
	r.memory.count(r.Replica, reads, 1)
	r.allowed(err, faulty, whatRead)
	if ok {
		r.judge("Get", row, floor, value)
		return
	}
	observed := r.cache.SnapshotGen(keyOf(row))
	value = r.load(row)
	faulty = faulty || r.memory.faulty()
	r.allowed(r.cache.SetWithGen(ctx, keyOf(row), value, observed, 0), faulty, whatFill)
}

func (r *replica) readBulkByHand(ctx context.Context, some []int) {
	floors, faulty := r.floors(some), r.memory.faulty()
	values, missing, err := r.cache.GetBulk(ctx, keysOf(some))
	r.allowed(err, faulty, whatRead)
	r.memory.count(r.Replica, reads, len(some))
	for i, row := range some {
		if value, ok := values[keyOf(row)]; ok {
			r.judge("GetBulk", row, floors[i], value)
		}
	}
	if len(missing) == 0 {
		return
	}
	// The whole set is filled, so that the next caller finds its bulk entry.
	observed := r.cache.SnapshotGens(keysOf(some))
	items := map[string]string{}
	for _, row := range some {
		items[keyOf(row)] = r.load(row)
	}
	faulty = faulty || r.memory.faulty()
	r.allowed(r.cache.SetBulkWithGens(ctx, items, observed, 0), faulty, whatFill)
}

func (r *replica) writeUntil(ctx context.Context, worker int, rng *rand.Rand) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(context.Background(), callLimit/2)
		switch p := rng.IntN(100); {
		case p < 40:
			r.write(call, pickSome(rng, 1, r.pickWrite))
		case p < 60:
			r.write(call, pickSome(rng, 1+rng.IntN(4), r.pickWrite))
		default:
			r.mutate(call, worker, r.pickMutate(rng), rng, &waiting)
		}
		cancel()
		time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Millisecond))))
	}
}

// write commits, and then invalidates.
func (r *replica) write(ctx context.Context, some []int) {
	faulty := r.memory.faulty()
	versions := make([]uint64, len(some))
	for i, row := range some {
		versions[i] = r.memory.commit(row)
	}
	var err error
	if len(some) == 1 {
		err = r.cache.Invalidate(ctx, keyOf(some[0]))
	} else {
		err = r.cache.InvalidateBulk(ctx, keysOf(some))
	}
	r.written(err, faulty, whatInvalidate, some, versions)
}

// written acknowledges a write that has succeeded.
func (r *replica) written(err error, faulty bool, what string, some []int, versions []uint64) {
	if err == nil {
		for i, row := range some {
			r.memory.ack(row, versions[i])
		}
		r.memory.count(r.Replica, writes, len(some))
		return
	}
	r.memory.count(r.Replica, refused, len(some))
	r.refuse(err, faulty, what)
}

var errOutcomeUnknown = errors.New("campaign: the reply of the database was lost")

// mutate commits under a hold. Sometimes the reply of the database is late, or
// is lost: the write then counts once the lease has ended.
func (r *replica) mutate(ctx context.Context, worker, row int, rng *rand.Rand, waiting *sync.WaitGroup) {
	faulty := r.memory.faulty()
	late, lost := rng.IntN(4) == 0, rng.IntN(20) == 0 && r.Naive == notNaive
	slot := &r.memory.Writing[r.Replica][worker]
	atomic.StoreUint64(&slot.Version, 0)
	atomic.StoreUint64(&slot.Row, uint64(row))
	atomic.StoreUint64(&slot.Began, uint64(now()))
	var version uint64
	commit := func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		version = r.memory.commit(row)
		atomic.StoreUint64(&slot.Committed, uint64(now()))
		atomic.StoreUint64(&slot.Version, version)
		if row >= rows-keptRows && r.memory.struck(r.Replica, killAfterCommit) {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
			select {}
		}
		if late {
			time.Sleep(5 * time.Millisecond)
		}
		if lost {
			return errOutcomeUnknown
		}
		return nil
	}
	var err error
	if r.Naive == notNaive {
		err = r.cache.Mutate(ctx, []string{keyOf(row)}, commit)
	} else if err = commit(ctx); err == nil {
		err = r.cache.Invalidate(ctx, keyOf(row))
	}
	if errors.Is(err, errOutcomeUnknown) {
		r.memory.count(r.Replica, refused, 1)
		if left := *slot; r.HoldsKept {
			waiting.Go(func() {
				time.Sleep(lease + leaseMargin)
				if left.ack(r.memory) {
					r.memory.count(r.Replica, heldOver, 1)
				}
			})
		}
	} else {
		r.written(err, faulty, whatMutate, []int{row}, []uint64{version})
	}
	atomic.StoreUint64(&slot.Version, 0)
}

// leaseMargin is how long after a lease its end is certain: the hold was there
// before the write began.
const leaseMargin = 100 * time.Millisecond

// ack acknowledges a write whose hold has ended by itself, provided that it was
// committed in time.
func (w writing) ack(m memory) bool {
	if w.Version == 0 || time.Duration(w.Committed-w.Began) > lease*3/4 {
		return false
	}
	m.ack(int(w.Row), w.Version)
	return true
}
