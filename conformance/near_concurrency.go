package conformance

import (
	"fmt"
	"sync/atomic"
	"time"
)

func nearConcurrencyRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "ConcurrentPairsAreWhole",
			says: "All methods may be called concurrently: a Get returns a value with the generation that it was set with under that key, or misses.",
			harm: "a stale value under a current generation passes every check that the cache makes, and is served.",
			try:  tryConcurrentPairsAreWhole[V],
		},
		{
			name: "ConcurrentSetIsImmediate",
			says: "When Set has returned, no Get that begins later returns what was set before it, however many are reading meanwhile.",
			harm: "under load, a fill is lost and the dead entry before it is found again at every read.",
			try:  func(a *attempt, s *nearSubject[V]) { tryNearRace(a, s, false) },
		},
		{
			name: "ConcurrentDelIsImmediate",
			says: "When Del has returned, no Get that begins later returns a value set before, however many are reading meanwhile.",
			harm: "a read that overlaps with an invalidation puts the old entry back, and it stays until its time to live is over.",
			try:  func(a *attempt, s *nearSubject[V]) { tryNearRace(a, s, true) },
		},
	}
}

func tryConcurrentPairsAreWhole[V any](a *attempt, s *nearSubject[V]) {
	s.mustReplace(a)
	const workers, rounds = 8, 200
	keys := names("shared", 4)
	var seqs atomic.Uint64
	// The key that a generation was drawn for follows from it.
	draw := func(k int) uint64 { return firstGen + seqs.Add(1)*uint64(len(keys)) + uint64(k) }
	check := func(k int) {
		v, gen, ok := s.get(keys[k])
		if !ok {
			return
		}
		if gen < firstGen || gen > firstGen+seqs.Load()*uint64(len(keys))+uint64(len(keys)) || (gen-firstGen)%uint64(len(keys)) != uint64(k) {
			a.violated("a generation that the key was set with, or a miss", "Get(%s) returned generation %d, which it never had", quote(keys[k]), gen)
		}
		if !s.equal(v, s.value(gen)) {
			a.violated("the value that was set with it, or a miss", "Get(%s) returned generation %d with the value %s; it was set with %s",
				quote(keys[k]), gen, show(v), show(s.value(gen)))
		}
	}
	a.each(workers, func(w int) {
		for i := range rounds {
			k := (w + i) % len(keys)
			gen := draw(k)
			s.n.Set(keys[k], s.value(gen), gen, lasting)
			check(k)
			check((k + 1) % len(keys))
			if i%10 == 9 {
				s.n.Del(keys[k])
			}
		}
	})
}

// tryNearRace has each key set by one goroutine and read by several. What the
// key has behind it, as the writer knows, no later Get may return: the
// generations of a key go up. With del, each value is deleted again.
func tryNearRace[V any](a *attempt, s *nearSubject[V], del bool) {
	const writers, readers, rounds, fewest = 2, 4, 150, 24
	end := time.Now().Add(4 * watchTime)
	did := "Set"
	if del {
		did = "Del"
		s.mustDelete(a)
	}
	s.mustReplace(a)
	keys := names("moving", writers)
	var over [writers]atomic.Uint64 // the newest generation that may not be returned any more
	var left atomic.Int64           // writers that are not done
	left.Store(writers)
	look := func(k int) {
		before := over[k].Load()
		if _, gen, ok := s.get(keys[k]); ok && gen <= before {
			a.violated(fmt.Sprintf("a generation above %d, or a miss", before),
				"Get(%s) began after a %s had done away with generation %d, and returned generation %d", quote(keys[k]), did, before, gen)
		}
	}
	a.each(writers+readers, func(w int) {
		if w < writers {
			// The only one who writes this key.
			defer left.Add(-1)
			var last uint64
			for i := 1; i <= fewest || i <= rounds && time.Now().Before(end); i++ {
				gen := s.set(keys[w], lasting)
				slowly := i%4 == 0
				if slowly {
					sleep(a, 50*time.Microsecond) // for the others to find it
				}
				if del {
					s.n.Del(keys[w])
					last = gen
				}
				over[w].Store(last)
				last = gen
				look(w)
				if slowly {
					sleep(a, 100*time.Microsecond) // for the others to bring it back
					look(w)
				}
			}
			return
		}
		for n := 1; left.Load() > 0; n++ {
			if n%8 == 0 {
				sleep(a, 20*time.Microsecond) // so that the writers get on, on few processors
			}
			look(w % writers)
		}
	})
	watch(a, func() {
		for k := range keys {
			look(k)
		}
	})
}
