package conformance

// mustSee ends the case unless a bump is visible in the simplest of cases, to
// every call and on every handle. Where it is not, BumpIsVisible and the cases
// beside it say so.
func mustSee(a *attempt, handles []*genSubject) {
	for i, key := range names("simple", 8*len(handles)) {
		looks := func(least uint64) bool {
			for _, h := range handles {
				answers := []uint64{h.current(a, key), h.snapshot(a, key)}
				if h.bulks != nil {
					answers = append(answers, h.bulk(a, currentBulk, []string{key})...)
					answers = append(answers, h.bulk(a, snapshotBulk, []string{key})...)
				}
				for _, gen := range answers {
					if gen != 0 && gen < least {
						return false
					}
				}
			}
			return true
		}
		looks(0) // for one that remembers what it read
		before := handles[0].current(a, key)
		gen, ok := handles[i%len(handles)].bump(a, key)
		if ok && gen <= before || !looks(gen) {
			a.inconclusive("bumps cannot be seen when nothing else happens; see BumpIsVisible and the cases beside it")
		}
	}
}

// steady reports whether generations stay while nobody bumps them, although
// others are created, which is not asked of a store.
func (s *genSubject) steady(a *attempt) bool {
	keys := names("steady", 128)
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		gens[i] = s.snapshot(a, key)
	}
	for i, key := range keys {
		if s.current(a, key) != gens[i] || s.snapshot(a, key) != gens[i] {
			return false
		}
	}
	return true
}
