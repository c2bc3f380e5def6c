package conformance

import "github.com/unkn0wn-root/cascache/conformance/faults"

var cacheFaultRules = []rule[*cacheSubject]{
	{
		name: "FailedBumpIsTold",
		says: "G4: Invalidate returns an error whenever the bump is not known to be done, also when the delete worked.",
		harm: "an invalidation that never happened is taken for done, and other replicas serve the old value.",
		try:  tryFailedBumpIsTold,
	},
	{
		name: "SuspectIsNotServed",
		says: "After an Invalidate that failed, this replica neither serves nor fills the key.",
		harm: "the very process that knows that the value is old goes on serving it.",
		try:  trySuspectIsNotServed,
	},
	{
		name: "UnreadableGenerationIsAMiss",
		says: "G2: While the generation cannot be read, the entry is not served.",
		harm: "an outage of the generation store turns into stale values.",
		try:  tryUnreadableGenerationIsAMiss,
	},
	{
		name: "UnreadableGenerationLeavesTheEntry",
		says: "An entry whose generation cannot be read stays where it is.",
		harm: "an outage of the generation store of a second empties the whole cache, and the database takes all the reads.",
		try:  tryUnreadableGenerationLeavesTheEntry,
	},
}

func failing(call faults.Call) faults.Rule { return faults.Rule{Call: call, Kind: faults.Fail} }

func tryFailedBumpIsTold(a *attempt, s *cacheSubject) {
	r := s.openFaulty(a, 1)[0]
	for _, key := range names("unbumped", 3) {
		r.gens.Set()
		r.mustKeep(a, key, before(key))
		r.gens.Set(failing(faults.Bump))
		if err := r.Invalidate(a.Context(), key); err == nil {
			a.violated("an error", "every Bump fails, and Invalidate(%s) returned nil", quote(key))
		}
	}
}

func trySuspectIsNotServed(a *attempt, s *cacheSubject) {
	replicas := s.openFaulty(a, 1)
	r := replicas[0]
	for _, key := range names("suspect", 3) {
		r.gens.Set()
		r.values.Set()
		r.mustKeep(a, key, before(key))
		observed := r.SnapshotGen(key)
		r.gens.Set(failing(faults.Bump))
		r.loseDeletes()
		if err := r.Invalidate(a.Context(), key); err == nil {
			a.inconclusive("Invalidate returned nil; see FailedBumpIsTold")
		}
		refuse(a, replicas, key, "Invalidate failed on this replica")
		r.store(a, key, before(key), observed)
		refuse(a, replicas, key, "Invalidate failed on this replica, and a load from before was stored")
	}
}

func tryUnreadableGenerationIsAMiss(a *attempt, s *cacheSubject) {
	r := s.openFaulty(a, 1)[0]
	keys := names("unreadable", 3)
	for _, key := range keys {
		r.mustKeep(a, key, before(key))
	}
	r.gens.Set(failing(faults.Current), failing(faults.Snapshot))
	for _, key := range keys {
		if value, ok := r.get(a, key); ok {
			a.violated("a miss", "no generation can be read, and Get(%s) served %s", quote(key), quote(value))
		}
	}
	for key, value := range r.getBulk(a, keys) {
		a.violated("no values", "no generation can be read, and GetBulk served %s for %s", quote(value), quote(key))
	}
}

func tryUnreadableGenerationLeavesTheEntry(a *attempt, s *cacheSubject) {
	r := s.openFaulty(a, 1)[0]
	read, unread := names("read", 12), names("unread", 12)
	for i := range read {
		r.keep(a, read[i], before(read[i]))
		r.keep(a, unread[i], before(unread[i]))
	}
	r.gens.Set(failing(faults.Current))
	for _, key := range read {
		r.get(a, key)
	}
	r.gens.Set()
	served := func(keys []string) int {
		n := 0
		for _, key := range keys {
			if _, ok := r.get(a, key); ok {
				n++
			}
		}
		return n
	}
	left, control := served(read), served(unread)
	if control < len(unread)/2 {
		a.inconclusive("of %d entries that were left alone, %d are served", len(unread), control)
	}
	if left == 0 {
		a.violated("about as many", "of %d entries that were read once while no generation could be read, none is served after that; of as many that were not read, %d",
			len(read), control)
	}
}
