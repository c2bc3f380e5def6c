package cascache

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// Defaults of the local generation store.
const (
	// DefaultCleanupInterval is how often generations are pruned.
	DefaultCleanupInterval = time.Hour

	// DefaultGenRetention is how long after its last bump a generation is
	// pruned.
	DefaultGenRetention = 30 * 24 * time.Hour

	// MinCleanupInterval is the shortest time between two prunings: pruning looks
	// at every generation, so that a shorter one would do nothing else.
	MinCleanupInterval = 100 * time.Millisecond

	// DefaultLocalMaxKeys is how many generations a [LocalGenStore] keeps at
	// the most, at up to 48 bytes each.
	DefaultLocalMaxKeys = 1 << 22
)

// localShards is a power of two: enough that writers rarely meet on a lock, few
// enough that an empty store stays small.
const localShards = 256

// LocalGenStore keeps generations in this process's memory: correct for one
// process only, whatever its provider keeps beyond that process's life.
//
// Keys are kept under a 64-bit hash with a random seed. Two keys that collide
// share a generation, which costs misses and nothing else.
//
// Its memory is bounded: past the limit (see SetMaxKeys) one of the older
// generations is dropped for each new one, and the entries under it become
// misses. Each generation also goes once its last bump is longer ago than the
// retention. Both are safe, since what is drawn next for such a key is greater
// than anything that was dropped (G1).
//
// A store that nobody uses any more need not be closed: the garbage collector
// frees it with its timer.
//
// Reads take no lock. No call blocks or looks at its context. All methods may be
// called concurrently.
type LocalGenStore struct {
	hash      keyHash
	clock     genClock
	maxKeys   atomic.Int64 // per shard
	closed    atomic.Bool
	interval  time.Duration
	retention time.Duration

	timerMu sync.Mutex // guards timer: Close must not miss one being re-armed
	timer   *time.Timer

	shards [localShards]localShard
}

type localShard struct {
	gens  localGens  // by hash of the key; read without the lock
	mu    sync.Mutex // guards what follows, and writes to gens
	floor uint64     // the greatest generation ever dropped from gens
	held  localHolds
	_     [64]byte // two shards share no cache line
}

// NewLocalGenStore returns an empty store that prunes every cleanupInterval
// what was last bumped longer than retention ago. Values of 0 or below mean
// [DefaultCleanupInterval] and [DefaultGenRetention]; a shorter interval than
// [MinCleanupInterval] means that.
func NewLocalGenStore(cleanupInterval, retention time.Duration) *LocalGenStore {
	if cleanupInterval <= 0 {
		cleanupInterval = DefaultCleanupInterval
	}
	cleanupInterval = max(cleanupInterval, MinCleanupInterval)
	if retention <= 0 {
		retention = DefaultGenRetention
	}
	s := &LocalGenStore{hash: newKeyHash(), clock: newGenClock(), interval: cleanupInterval, retention: retention}
	s.SetMaxKeys(0)
	// The timer must not keep a store alive that nobody closes: it fires once
	// more after the store is gone, and does nothing then.
	weakly := weak.Make(s)
	s.timerMu.Lock()
	s.timer = time.AfterFunc(cleanupInterval, func() {
		if s := weakly.Value(); s != nil {
			s.tick()
		}
	})
	s.timerMu.Unlock()
	return s
}

// SetMaxKeys bounds how many generations the store keeps; n of 0 or below
// means [DefaultLocalMaxKeys]. The bound is applied per internal shard, so it
// is met to within a few per cent, and is at least one per shard. A store
// already above the bound shrinks as keys are added.
func (s *LocalGenStore) SetMaxKeys(n int) {
	if n <= 0 {
		n = DefaultLocalMaxKeys
	}
	s.maxKeys.Store(int64(max(n/localShards, 1)))
}

// Len returns how many generations the store keeps now.
func (s *LocalGenStore) Len() int {
	n := 0
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		n += sh.gens.live
		sh.mu.Unlock()
	}
	return n
}

func (s *LocalGenStore) shard(key string) (*localShard, uint64) {
	return s.shardOf(s.hash.of(key))
}

func (s *LocalGenStore) shardOf(h uint64) (*localShard, uint64) {
	if h == 0 {
		h = localShards // 0 is a free slot
	}
	return &s.shards[h%localShards], h
}

// Current implements [GenStore].
func (s *LocalGenStore) Current(_ context.Context, key string) (uint64, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	sh, h := s.shard(key)
	return sh.gens.get(h), nil
}

// CurrentLocal implements [LocalReader].
func (s *LocalGenStore) CurrentLocal(prefix, key string) (gen uint64, ok bool) {
	if s.closed.Load() {
		return 0, false
	}
	sh, h := s.shardOf(s.hash.ofParts(prefix, key))
	gen = sh.gens.get(h)
	return gen, gen != 0
}

// CurrentLocalBulk implements [LocalReader].
func (s *LocalGenStore) CurrentLocalBulk(keys []string, gens []uint64) {
	if s.closed.Load() {
		return
	}
	for i, key := range keys {
		sh, h := s.shard(key)
		gens[i] = sh.gens.get(h)
	}
}

// Snapshot implements [GenStore].
func (s *LocalGenStore) Snapshot(ctx context.Context, key string) (uint64, error) {
	if gen, err := s.Current(ctx, key); gen != 0 || err != nil {
		return gen, err
	}
	sh, h := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if gen := sh.gens.get(h); gen != 0 || sh.held.has(h) {
		return gen, nil
	}
	gen := s.clock.draw(sh.floor)
	s.put(sh, h, gen)
	return gen, nil
}

// Bump implements [GenStore].
func (s *LocalGenStore) Bump(_ context.Context, key string) (uint64, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	sh, h := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.held.has(h) {
		// There is no generation to replace, and the next one drawn is
		// greater than all before.
		return 0, nil
	}
	gen := s.clock.draw(max(sh.gens.get(h), sh.floor))
	s.put(sh, h, gen)
	return gen, nil
}

// put stores a generation in sh, whose lock the caller holds, and drops older
// ones while the shard is full.
func (s *LocalGenStore) put(sh *localShard, h, gen uint64) {
	if sh.gens.get(h) == 0 {
		// Two at most, so that a store whose bound was lowered shrinks while
		// no single call pays for it.
		for range 2 {
			if int64(sh.gens.live) >= s.maxKeys.Load() {
				sh.dropOlder()
			}
		}
	}
	sh.gens.put(h, gen)
}

// dropOlder drops the oldest of a few generations, chosen at random.
func (sh *localShard) dropOlder() {
	if h, gen := sh.gens.older(); gen != 0 {
		sh.drop(h, gen)
	}
}

// drop forgets a generation but not how far it had come (G1). The floor is
// raised first: nothing greater than it may be forgotten.
func (sh *localShard) drop(h, gen uint64) {
	sh.floor = max(sh.floor, gen)
	sh.gens.drop(h)
}

// Cleanup prunes now every generation whose last bump is longer than retention
// ago; 0 or below prunes all. It may be called at any time, keeps no reader
// waiting, and writers from one shard at a time.
func (s *LocalGenStore) Cleanup(retention time.Duration) {
	// A generation carries the time it was drawn at. One that was pushed ahead
	// of the clock by its predecessor stays that much longer, which is safe.
	cutoff := uint64(math.MaxUint64)
	if retention > 0 {
		cutoff = s.clock.at(-retention)
	}
	for i := range s.shards {
		s.shards[i].prune(cutoff)
	}
}

func (sh *localShard) prune(cutoff uint64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.held.sweep()
	sh.gens.each(func(h, gen uint64) {
		if gen < cutoff {
			sh.drop(h, gen)
		}
	})
	sh.gens.shrink()
}

// tick prunes and arms the timer again unless the store was closed meanwhile.
func (s *LocalGenStore) tick() {
	if s.closed.Load() {
		return
	}
	s.Cleanup(s.retention)
	s.timerMu.Lock()
	defer s.timerMu.Unlock()
	if !s.closed.Load() {
		s.timer.Reset(s.interval)
	}
}

// Closed implements [ClosedTeller].
func (s *LocalGenStore) Closed() bool { return s.closed.Load() }

// NonBlocking implements [NonBlocker].
func (s *LocalGenStore) NonBlocking() bool { return true }

// Close stops the pruning. From then on the other methods of [GenStore] and its
// abilities return [ErrClosed]; a further Close does nothing.
func (s *LocalGenStore) Close(context.Context) error {
	s.timerMu.Lock()
	defer s.timerMu.Unlock()
	s.closed.Store(true)
	s.timer.Stop()
	return nil
}
