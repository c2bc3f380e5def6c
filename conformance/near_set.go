package conformance

func nearSetRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "LastSetWins",
			says: "When Set has returned, what was set before it under the same key is never returned any more, neither value nor generation.",
			harm: "an older value is served as long as its generation stands, or a dead entry hides the one that was filled after it.",
			try:  tryNearLastSetWins[V],
		},
		{
			name: "LastOfManySetsWins",
			says: "Of several Sets of one key in quick succession, only what the last one set is ever returned afterwards.",
			harm: "two fills in a row leave the older one in the tier for its whole time to live.",
			try:  tryNearLastOfManySetsWins[V],
		},
	}
}

func tryNearLastSetWins[V any](a *attempt, s *nearSubject[V]) {
	s.mustPair(a)
	type second struct {
		key   string
		value V
		gen   uint64
	}
	var all []second
	look := func(w second) {
		if v, gen, ok := s.get(w.key); ok && (gen != w.gen || !s.equal(v, w.value)) {
			a.violated("what was set last, or a miss", "%s was set twice, the second time to %s under generation %d; Get returned %s under %d",
				quote(w.key), show(w.value), w.gen, show(v), gen)
		}
	}
	// A generation is drawn at random where two replicas fill one key, or the
	// store has lost its own: the next is not always greater, and a second fill
	// under one generation has the same.
	for name, step := range map[string]int64{"greater": 1, "smaller": -1, "same": 0} {
		for i, key := range names(name, 8) {
			s.mustKeep(a, key)
			first := s.draw()
			s.n.Set(key, s.values[i%len(s.values)], first, lasting)
			s.settle(a)
			s.n.Get(key) // for one that remembers what was read
			w := second{key, s.values[(i+1)%len(s.values)], first + uint64(step)}
			s.n.Set(key, w.value, w.gen, lasting)
			look(w)
			all = append(all, w)
		}
	}
	s.settle(a)
	watch(a, func() {
		for _, w := range all {
			look(w)
		}
	})
}

func tryNearLastOfManySetsWins[V any](a *attempt, s *nearSubject[V]) {
	s.mustReplace(a)
	last := make(map[string]uint64)
	look := func(key string) {
		if v, gen, ok := s.get(key); ok && (gen != last[key] || !s.equal(v, s.value(gen))) {
			a.violated("what was set last, or a miss", "after four Sets of %s in a row, the last under generation %d, Get returned %s under %d",
				quote(key), last[key], show(v), gen)
		}
	}
	for _, key := range names("many", groupSize) {
		for range 4 {
			last[key] = s.set(key, lasting)
		}
		look(key)
		s.settle(a)
		look(key)
	}
	watch(a, func() {
		for key := range last {
			look(key)
		}
	})
}
