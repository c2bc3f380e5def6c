package cascache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultStripedSlots is the size of a [StripedGenStore] that is asked for
	// none.
	DefaultStripedSlots = 1 << 16

	// MaxStripedSlots is the greatest size of a [StripedGenStore]: 2 GiB.
	MaxStripedSlots = 1 << 28
)

// StripedGenStore keeps generations in this process's memory, in a fixed table:
// every key belongs to one slot, by a hash with a random seed, and the keys of a
// slot share its generation, so that an invalidation of one makes all of them
// miss. Correct for one process only, like [LocalGenStore], and meant for very
// large sets of keys: it takes 8 bytes a slot whatever happens, never prunes,
// and no call waits for another one but around a hold.
//
// With k keys in use and s slots, an invalidation makes about k/s other keys
// miss once. No call looks at its context. All methods may be called
// concurrently.
type StripedGenStore struct {
	hash   keyHash
	clock  genClock
	slots  []atomic.Uint64
	closed atomic.Bool

	mu    sync.Mutex // guards what follows, and writes to slots that are 0
	floor uint64     // the greatest generation that a hold ever replaced
	held  localHolds // by slot
}

// NewStripedGenStore returns a store with that many slots, rounded up to a power
// of two; 0 or below means [DefaultStripedSlots], and more than [MaxStripedSlots]
// means that.
func NewStripedGenStore(slots int) *StripedGenStore {
	return &StripedGenStore{hash: newKeyHash(), clock: newGenClock(), slots: make([]atomic.Uint64, stripedSize(slots))}
}

func stripedSize(slots int) int {
	if slots <= 0 {
		slots = DefaultStripedSlots
	}
	size := 1
	for size < slots && size < MaxStripedSlots {
		size *= 2
	}
	return size
}

func (s *StripedGenStore) slot(hash uint64) uint64 { return hash & uint64(len(s.slots)-1) }

func (s *StripedGenStore) slotOf(key string) uint64 { return s.slot(s.hash.of(key)) }

// Current implements [GenStore].
func (s *StripedGenStore) Current(_ context.Context, key string) (uint64, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	return s.slots[s.slotOf(key)].Load(), nil
}

// CurrentLocal implements [LocalReader].
func (s *StripedGenStore) CurrentLocal(prefix, key string) (gen uint64, ok bool) {
	if s.closed.Load() {
		return 0, false
	}
	gen = s.slots[s.slot(s.hash.ofParts(prefix, key))].Load()
	return gen, gen != 0
}

// CurrentLocalBulk implements [LocalReader].
func (s *StripedGenStore) CurrentLocalBulk(keys []string, gens []uint64) {
	if s.closed.Load() {
		return
	}
	for i, key := range keys {
		gens[i] = s.slots[s.slotOf(key)].Load()
	}
}

// Snapshot implements [GenStore].
func (s *StripedGenStore) Snapshot(_ context.Context, key string) (uint64, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	i := s.slotOf(key)
	if gen := s.slots[i].Load(); gen != 0 {
		return gen, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(i), nil
}

// create returns the generation of a slot, drawn if there is none and nothing
// holds it. s.mu is held.
func (s *StripedGenStore) create(i uint64) uint64 {
	if gen := s.slots[i].Load(); gen != 0 || s.held.has(i) {
		return gen
	}
	return s.replace(i)
}

// replace draws a new generation for a slot that nothing holds. s.mu is held,
// which keeps out all but the bumps of generations other than 0.
func (s *StripedGenStore) replace(i uint64) uint64 {
	for {
		old := s.slots[i].Load()
		gen := s.clock.draw(max(old, s.floor))
		if s.slots[i].CompareAndSwap(old, gen) {
			return gen
		}
	}
}

// Bump implements [GenStore].
func (s *StripedGenStore) Bump(_ context.Context, key string) (uint64, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	i := s.slotOf(key)
	if old := s.slots[i].Load(); old != 0 {
		// Whether this draw is taken or another one came first: the slot has
		// a generation now that came after this call began, which is all
		// that a bump is. Or it is held.
		s.slots[i].CompareAndSwap(old, s.clock.draw(old))
		return s.slots[i].Load(), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held.has(i) {
		return 0, nil
	}
	return s.replace(i), nil
}

// Hold implements [Holder]. Expiries are by the monotonic clock.
func (s *StripedGenStore) Hold(_ context.Context, keys []string, token string, lease time.Duration) error {
	if s.closed.Load() {
		return ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	expiry := time.Now().Add(lease)
	for _, key := range keys {
		i := s.slotOf(key)
		s.held.add(i, token, expiry)
		s.floor = max(s.floor, s.slots[i].Swap(0))
	}
	return nil
}

// Release implements [Holder].
func (s *StripedGenStore) Release(_ context.Context, keys []string, token string) error {
	if s.closed.Load() {
		return ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// All of them first: two keys may share a slot.
	for _, key := range keys {
		delete(s.held.byKey[s.slotOf(key)], token)
	}
	for _, key := range keys {
		if i := s.slotOf(key); !s.held.has(i) {
			s.replace(i)
		}
	}
	return nil
}

// Closed implements [ClosedTeller].
func (s *StripedGenStore) Closed() bool { return s.closed.Load() }

// NonBlocking implements [NonBlocker].
func (s *StripedGenStore) NonBlocking() bool { return true }

// Close implements [GenStore]. From then on the other methods of GenStore and its
// abilities return [ErrClosed]; a further Close does nothing.
func (s *StripedGenStore) Close(context.Context) error {
	s.closed.Store(true)
	return nil
}
