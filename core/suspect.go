package cascache

import (
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

	mu    sync.RWMutex
	clock uint64            // counts marks
	marks map[string]uint64 // storage key: the clock at its latest mark
	all   bool              // there were more than marks may hold
}

// now returns a point in time for clear: what is marked later is after it.
func (s *suspects) now() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.clock
}

// mark makes entry suspect until a bump succeeds that begins from now on.
func (s *suspects) mark(entry string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	if _, known := s.marks[entry]; !known && len(s.marks) >= maxSuspects {
		s.all = true
	} else {
		if s.marks == nil {
			s.marks = make(map[string]uint64)
		}
		s.marks[entry] = s.clock
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
	s.any.Store(s.all || len(s.marks) > 0)
	return true
}

// has reports whether entry is suspect.
func (s *suspects) has(entry string) bool {
	if !s.any.Load() {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, known := s.marks[entry]
	return known || s.all
}
