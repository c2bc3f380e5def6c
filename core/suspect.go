package cascache

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// maxSuspects bounds the memory that failed invalidations take. Past it, all
// keys of the store are suspect.
const maxSuspects = 1 << 16

// suspects are the generations, by their keys, whose last bump in this process is
// not known to be applied. What they prove is neither served nor filled. All caches
// over one generation store share them: an entry of one cache may depend on a key
// of another one.
type suspects struct {
	any atomic.Bool // whether anything is suspect: all that a healthy cache looks at

	// floor is a generation below which none is taken for proof; see
	// recovery.refuseOld. 0 while there is none.
	floor atomic.Uint64

	clock atomic.Uint64 // counts marks; written under mu

	mu    sync.RWMutex
	marks map[string]suspicion // by the key of the generation
	full  uint64               // the clock when a mark last found no room; 0: all are in marks
}

// suspicion is a mark of one key.
type suspicion struct {
	at uint64    // the clock
	by *recovery // of the cache that marked it last, which retries it
}

// suspectsOf holds the suspects of each generation store that open caches have.
var suspectsOf = struct {
	mu sync.Mutex // guards of
	of map[any]weak.Pointer[suspects]
}{of: make(map[any]weak.Pointer[suspects])}

// sharedSuspects returns the suspects of a generation store: the same for each
// cache that has the store, wrapped or not.
func sharedSuspects(store GenStore) *suspects {
	id := storeID(store)
	if id == nil {
		return new(suspects)
	}
	suspectsOf.mu.Lock()
	defer suspectsOf.mu.Unlock()
	if s := suspectsOf.of[id].Value(); s != nil {
		return s
	}
	s := new(suspects)
	suspectsOf.of[id] = weak.Make(s)
	runtime.AddCleanup(s, forgetSuspects, id)
	return s
}

// forgetSuspects lets go of a store after its last cache is gone.
func forgetSuspects(id any) {
	suspectsOf.mu.Lock()
	defer suspectsOf.mu.Unlock()
	if suspectsOf.of[id].Value() == nil {
		delete(suspectsOf.of, id)
	}
}

// storeID returns what tells a generation store from others, under all wrappers,
// or nil if it cannot be told.
func storeID(store any) any {
	for {
		w, ok := store.(Wrapper)
		if !ok {
			break
		}
		store = w.Unwrap()
	}
	if !reflect.ValueOf(store).Comparable() {
		return nil
	}
	return store
}

// now returns a point in time for clear: what is marked later is after it.
func (s *suspects) now() uint64 { return s.clock.Load() }

// mark makes the key of a generation suspect until a bump succeeds that begins
// from now on.
func (s *suspects) mark(key string, by *recovery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Add(1)
	if _, known := s.marks[key]; !known && len(s.marks) >= maxSuspects {
		s.full = now
	} else {
		if s.marks == nil {
			s.marks = make(map[string]suspicion)
		}
		s.marks[key] = suspicion{now, by}
	}
	s.any.Store(true)
}

// clear ends the suspicion after a bump that began at the point in time
// `began` has succeeded, and reports whether it did. A bump that began before
// the mark proves nothing: it may have drawn its generation before the write
// that the mark stands for.
func (s *suspects) clear(key string, began uint64) bool {
	if !s.any.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	marked, known := s.marks[key]
	if !known || marked.at > began {
		return false
	}
	delete(s.marks, key)
	s.any.Store(s.full > 0 || len(s.marks) > 0)
	return true
}

// list returns the keys that a cache has marked, in no order.
func (s *suspects) list(by *recovery) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]string, 0, len(s.marks))
	for key, marked := range s.marks {
		if marked.by == by {
			keys = append(keys, key)
		}
	}
	return keys
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

// has reports whether the key of a generation is suspect.
func (s *suspects) has(key string) bool {
	if !s.any.Load() {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, known := s.marks[key]
	return known || s.full > 0
}

// raiseFloor makes every generation below gen count as none, for good.
func (s *suspects) raiseFloor(gen uint64) {
	for {
		floor := s.floor.Load()
		if floor >= gen || s.floor.CompareAndSwap(floor, gen) {
			return
		}
	}
}
