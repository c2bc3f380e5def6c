package cascache

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// maxSuspects bounds the memory that failed invalidations take. Past it, all
// keys of the cache are suspect.
const maxSuspects = 1 << 16

// suspects are the entries whose last invalidation in this process is not
// known to be applied. They are neither served nor filled.
type suspects struct {
	any atomic.Bool // whether anything is suspect: all that a healthy cache looks at

	clock atomic.Uint64 // counts marks; written under mu

	mu    sync.RWMutex
	marks map[string]uint64 // storage key: the clock at its latest mark
	full  uint64            // the clock when a mark last found no room; 0: all are in marks
}

// now returns a point in time for clear: what is marked later is after it.
func (s *suspects) now() uint64 { return s.clock.Load() }

// mark makes entry suspect until a bump succeeds that begins from now on.
func (s *suspects) mark(entry string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Add(1)
	if _, known := s.marks[entry]; !known && len(s.marks) >= maxSuspects {
		s.full = now
	} else {
		if s.marks == nil {
			s.marks = make(map[string]uint64)
		}
		s.marks[entry] = now
	}
	s.any.Store(true)
}

// clear ends the suspicion after a bump that began at the point in time
// `began` has succeeded, and reports whether it did. A bump that began before
// the mark proves nothing: it may have drawn its generation before the write
// that the mark stands for.
func (s *suspects) clear(entry string, began uint64) bool {
	if !s.any.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	marked, known := s.marks[entry]
	if !known || marked > began {
		return false
	}
	delete(s.marks, entry)
	s.any.Store(s.full > 0 || len(s.marks) > 0)
	return true
}

// list returns the entries that are marked, in no order.
func (s *suspects) list() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Keys(s.marks))
}

// overflowed reports whether all keys are suspect, and the point in time for
// clearOverflow.
func (s *suspects) overflowed() (bool, uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.full > 0, s.clock.Load()
}

// clearOverflow ends the suspicion of all keys but those in marks, unless
// another mark found no room after the point in time `began`.
func (s *suspects) clearOverflow(began uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full <= began {
		s.full = 0
	}
	s.any.Store(s.full > 0 || len(s.marks) > 0)
}

// has reports whether entry is suspect.
func (s *suspects) has(entry string) bool {
	if !s.any.Load() {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, known := s.marks[entry]
	return known || s.full > 0
}
