package conformance

import "fmt"

var cacheFillRules = []rule[*cacheSubject]{
	{
		name: "FillIsServed",
		says: "What was filled is served, as a rule, by the replica that filled it.",
		harm: "it is a cache that never hits: every read costs a round trip to it, and one to the database.",
		try:  tryFillIsServed,
	},
	{
		name: "StaleFillIsRefused",
		says: "A fill is stored only while the generation is the one observed before the source was read.",
		harm: "a slow load that began before an invalidation stores the old value after it, and it is served until its time to live is over.",
		try:  tryStaleFillIsRefused,
	},
	{
		name: "FillWithoutASnapshotIsRefused",
		says: "G2: A fill whose observed generation is 0 is not stored.",
		harm: "what was loaded while the generation store was down is served, whatever was invalidated meanwhile.",
		try:  tryFillWithoutASnapshotIsRefused,
	},
	{
		name: "StaleFillAfterALossIsRefused",
		says: "A fill that observed its generation before a loss is not served after it.",
		harm: "an invalidation and a flush during a slow load, and the old value is served.",
		lack: Losing,
		try:  tryStaleFillAfterALossIsRefused,
	},
}

func tryFillIsServed(a *attempt, s *cacheSubject) {
	for i, r := range s.open(a, s.replicas()) {
		kept := 0
		for _, key := range names(fmt.Sprint("served-", i), 3) {
			if r.keep(a, key, after(key)) {
				kept++
			}
		}
		if kept == 0 {
			a.violated("a hit", "of 3 keys on replica %d, each filled %d times, none was ever served", i, cacheTries)
		}
	}
}

func tryStaleFillIsRefused(a *attempt, s *cacheSubject) {
	replicas := s.open(a, 1)
	r := replicas[0]
	for _, key := range names("slow", 6) {
		observed := r.SnapshotGen(key)
		r.invalidate(a, key)
		r.store(a, key, before(key), observed)
		refuse(a, replicas, key, "a load began, Invalidate returned nil, and the load was stored")
	}
}

func tryFillWithoutASnapshotIsRefused(a *attempt, s *cacheSubject) {
	replicas := s.open(a, 1)
	r := replicas[0]
	for _, key := range names("unproved", 6) {
		r.SnapshotGen(key) // so that there is a generation
		r.store(a, key, before(key), 0)
		refuse(a, replicas, key, "SetWithGen was called with an observed generation of 0")
	}
}

func tryStaleFillAfterALossIsRefused(a *attempt, s *cacheSubject) {
	s.losing(a, s.replicas(), func(replicas []*replica, lose func(), loss Loss) {
		slow, other := replicas[0], replicas[len(replicas)-1]
		keys := names("slow", 4)
		observed := slow.SnapshotGens(keys)
		for _, key := range keys {
			other.invalidate(a, key)
		}
		lose()
		for i, key := range keys {
			if i%2 == 0 {
				other.SnapshotGen(key) // somebody else is about to fill it
			}
			slow.store(a, key, before(key), observed[key])
			if i%2 == 1 {
				other.SnapshotGen(key)
			}
			refuse(a, replicas, key, "a load began, Invalidate returned nil, then came "+loss.Name+", and the load was stored")
		}
	})
}
