package conformance

import "fmt"

var genKeyRules = func() []rule[*genSubject] {
	var rules []rule[*genSubject]
	for _, family := range keyFamilies {
		rules = append(rules, rule[*genSubject]{
			name: family.name,
			says: "Keys are compared byte for byte; here: " + family.what + ".",
			harm: "each invalidation of one user empties the cache of others, for good.",
			lack: OwnGenerations,
			try:  func(a *attempt, s *genSubject) { tryGenKeys(a, s, family) },
		})
	}
	return append(rules,
		rule[*genSubject]{
			name: "EveryCallMeansTheSameKey",
			says: "All calls understand a key in the same way, whatever bytes it is of.",
			harm: "what some users are called keeps their invalidations from reaching the readers.",
			try:  tryEveryCallMeansTheSameKey,
		},
		rule[*genSubject]{
			name: "KeysAreAllUsable",
			says: "A key of any bytes has generations, without an error.",
			harm: "what some users are called keeps them from being cached, or their invalidations from succeeding.",
			try: func(a *attempt, s *genSubject) {
				tryGenKeysAreUsable(a, s, func(f keyFamily) bool { return f.name != "KeyLong" })
			},
		},
		rule[*genSubject]{
			name: "LongKeysAreUsable",
			says: "A key of up to 65,535 bytes has generations, without an error.",
			harm: "what has a long key is never cached, and its invalidations fail.",
			lack: LongKeys,
			try: func(a *attempt, s *genSubject) {
				tryGenKeysAreUsable(a, s, func(f keyFamily) bool { return f.name == "KeyLong" })
			},
		},
	)
}()

// tryGenKeys looks for two keys that have one generation. A store that keeps
// hashes may have a few such pairs, but others in each instance.
func tryGenKeys(a *attempt, s *genSubject, family keyFamily) {
	for _, pair := range s.sameNumber(a, family.keys) {
		one, other := pair[0], pair[1]
		tied := 0
		const instances = 3
		for range instances {
			if s.another(a).tied(a, one, other) {
				tied++
			}
		}
		if tied == instances {
			a.violated("two generations", "in %d stores out of %d, a Bump of %s gave %s a new generation too",
				tied, instances, describeKey(one), describeKey(other))
		}
	}
}

// sameNumber returns pairs of keys that have the same generation, for which
// there may be no reason but chance.
func (s *genSubject) sameNumber(a *attempt, keys []string) (pairs [][2]string) {
	first := make(map[uint64]string)
	for _, key := range keys {
		s.snapshot(a, key)
	}
	for _, key := range keys {
		gen := s.current(a, key)
		if gen == 0 {
			continue
		}
		if one, ok := first[gen]; ok {
			pairs = append(pairs, [2]string{one, key})
			continue
		}
		first[gen] = key
	}
	return pairs
}

// tied reports whether a bump of one key is a bump of the other, more often
// than chance would have it.
func (s *genSubject) tied(a *attempt, one, other string) bool {
	for range 3 {
		before := s.snapshot(a, other)
		s.bump(a, one)
		if after := s.current(a, other); before == 0 || after == before {
			return false
		}
	}
	return true
}

func tryEveryCallMeansTheSameKey(a *attempt, s *genSubject) {
	mustSee(a, []*genSubject{s})
	for _, family := range keyFamilies {
		for i, key := range family.keys {
			if family.name == "KeyLong" && i%4 != 3 {
				continue // one of each length is enough here
			}
			s.snapshot(a, key)
			gen, ok := s.bump(a, key)
			if !ok {
				continue
			}
			if got := s.current(a, key); got != 0 && got < gen {
				a.violated(fmt.Sprintf("%d or more, or 0", gen), "Bump of %s returned %d, and Current after it %s", describeKey(key), gen, stale(got, gen))
			}
		}
	}
}

func tryGenKeysAreUsable(a *attempt, s *genSubject, which func(keyFamily) bool) {
	ctx := a.Context()
	for _, family := range keyFamilies {
		if !which(family) {
			continue
		}
		for _, key := range family.keys {
			if _, err := s.s.Snapshot(ctx, key); err != nil {
				a.violated("no error", "Snapshot of %s returned %v", describeKey(key), err)
			}
			if _, err := s.s.Current(ctx, key); err != nil {
				a.violated("no error", "Current of %s returned %v", describeKey(key), err)
			}
			if _, err := s.s.Bump(ctx, key); err != nil {
				a.violated("no error", "Bump of %s returned %v", describeKey(key), err)
			}
		}
	}
}
