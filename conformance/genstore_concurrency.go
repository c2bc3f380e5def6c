package conformance

import "fmt"

var genConcurrencyRules = []rule[*genSubject]{
	{
		name:  "ConcurrentBulksKeepTheRules",
		says:  "G4: The bulk calls may be called concurrently too: every answer is 0 or as new as what was known before the call began.",
		harm:  "under load, and never in a test, a list is served what was invalidated.",
		needs: needGenBulk,
		try:   tryConcurrentBulksKeepTheRules,
	},
	{
		name: "InstancesStayApart",
		says: "Stores of their own share nothing: the harness makes one for each case.",
		harm: "two applications invalidate each other's caches; and here, no case can be trusted.",
		try:  tryGenStoresStayApart,
	},
}

func tryConcurrentBulksKeepTheRules(a *attempt, s *genSubject) {
	const workers, rounds = 8, 100
	handles := s.handles(a)
	mustSee(a, handles)
	keys := names("mixed", 2)
	seen := make([]highest, len(keys))
	a.each(workers, func(w int) {
		h := handles[w%len(handles)]
		for i := range rounds {
			k := (w + i/5) % len(keys)
			before := seen[k].gen.Load()
			judge := func(call string, gen uint64) {
				if gen != 0 && gen < before {
					a.violated(fmt.Sprintf("%d or more, or 0", before), "among %d goroutines, %s of %s returned %s, which was known before",
						workers, call, quote(keys[k]), stale(gen, before))
				}
				seen[k].raise(gen)
			}
			switch op := (w*7 + i*3) % 8; {
			case op < 2:
				// Single calls have cases of their own.
				gen, _ := h.bump(a, keys[k])
				seen[k].raise(gen)
			case op < 2+bulkKinds:
				b := genBulkKinds[op-2]
				// One key: their order has a case of its own.
				if gens := h.bulk(a, b.kind, keys[k:k+1]); gens != nil {
					judge(b.name, gens[0])
				}
			default:
				if gens := h.bulk(a, currentBulk, keys[k:k+1]); gens != nil {
					judge("CurrentBulk", gens[0])
				}
			}
		}
	})
}

func tryGenStoresStayApart(a *attempt, s *genSubject) {
	other := s.another(a)
	for _, key := range names("apart", 8) {
		s.bump(a, key)
		// Where even reads create, CurrentOnlyReads says so.
		if gen := other.current(a, key); gen != 0 && gen == s.current(a, key) {
			a.violated("0", "a second store from GenStoreHarness.New returned %d for %s, which was bumped in the first", gen, quote(key))
		}
	}
}
