package conformance

import (
	"context"
	"errors"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var cacheMutateRules = []rule[*cacheSubject]{
	{
		name: "MutateServesNothingMeanwhile",
		says: "While Mutate runs the write, no replica serves what was there before, nor lets it be filled.",
		harm: "a process that dies between its write and the invalidation leaves the old value behind.",
		try:  tryMutateServesNothingMeanwhile,
	},
	{
		name: "MutateLeavesNothingStale",
		says: "When Mutate has returned nil, nothing from before the write is served, nor stored.",
		harm: "a load that overlaps with the write brings back the old value.",
		try:  tryMutateLeavesNothingStale,
	},
	{
		name: "FailedMutateServesNothing",
		says: "When the write has failed, and so may land yet, what was there before is not served.",
		harm: "a commit whose reply was lost is invisible until the time to live is over.",
		try:  tryFailedMutateServesNothing,
	},
	{
		name: "MutatedIsServedAgain",
		says: "When Mutate has returned nil, the key can be filled and served again, by every replica.",
		harm: "each write costs the whole lease of its hold in misses.",
		try:  tryMutatedIsServedAgain,
	},
}

// mutator is what a cache has beyond cascache.CAS.
type mutator interface {
	Mutate(ctx context.Context, keys []string, write func(ctx context.Context) error) error
}

var errUnknownOutcome = errors.New("the connection was lost during the commit")

// mutate runs write under a hold, or ends the case.
func (r *replica) mutate(a *attempt, keys []string, write func()) {
	m, ok := r.CAS.(mutator)
	if !ok {
		a.inconclusive("the cache has no Mutate")
	}
	err := m.Mutate(a.Context(), keys, func(context.Context) error { write(); return nil })
	if errors.Is(err, cascache.ErrHoldUnsupported) {
		a.end(inapplicable, "the generation store is no cascache.Holder")
	}
	if err != nil {
		a.inconclusive("Mutate returned %v", err)
	}
}

func tryMutateServesNothingMeanwhile(a *attempt, s *cacheSubject) {
	replicas := s.open(a, s.replicas())
	writer, reader := replicas[0], replicas[len(replicas)-1]
	for _, key := range names("written", 3) {
		reader.mustKeep(a, key, before(key))
		observed := reader.SnapshotGen(key)
		writer.mutate(a, []string{key, key + "'"}, func() {
			refuse(a, replicas, key, "Mutate is running the write")
			reader.store(a, key, before(key), observed)
			reader.fill(a, key, before(key))
			refuse(a, replicas, key, "Mutate is running the write, and a load from before was stored")
		})
	}
}

func tryMutateLeavesNothingStale(a *attempt, s *cacheSubject) {
	replicas := s.openFaulty(a, s.replicas())
	writer, reader := replicas[0], replicas[len(replicas)-1]
	for _, key := range names("written", 3) {
		for _, r := range replicas {
			r.values.Set()
		}
		reader.mustKeep(a, key, before(key))
		early := reader.SnapshotGen(key)
		var meanwhile uint64
		for _, r := range replicas {
			r.loseDeletes()
		}
		writer.mutate(a, []string{key}, func() { meanwhile = reader.SnapshotGen(key) })
		refuse(a, replicas, key, "Mutate returned nil (the delete failed)")
		for _, observed := range []uint64{early, meanwhile} {
			reader.store(a, key, before(key), observed)
			refuse(a, replicas, key, "a load began before the write of a Mutate, which returned nil, and was stored")
		}
	}
}

func tryFailedMutateServesNothing(a *attempt, s *cacheSubject) {
	replicas := s.open(a, s.replicas())
	writer, reader := replicas[0], replicas[len(replicas)-1]
	m, ok := writer.CAS.(mutator)
	if !ok {
		a.inconclusive("the cache has no Mutate")
	}
	for _, key := range names("unknown", 3) {
		reader.mustKeep(a, key, before(key))
		err := m.Mutate(a.Context(), []string{key}, func(context.Context) error { return errUnknownOutcome })
		if errors.Is(err, cascache.ErrHoldUnsupported) {
			a.end(inapplicable, "the generation store is no cascache.Holder")
		}
		if !errors.Is(err, errUnknownOutcome) {
			a.violated("its error", "the write given to Mutate failed, and Mutate returned %v", err)
		}
		refuse(a, replicas, key, "the write given to Mutate failed with an unknown outcome")
		reader.fill(a, key, before(key))
		refuse(a, replicas, key, "the write given to Mutate failed with an unknown outcome, and a load was stored")
	}
}

func tryMutatedIsServedAgain(a *attempt, s *cacheSubject) {
	replicas := s.open(a, s.replicas())
	for i, r := range replicas {
		could, can := 0, 0
		for _, key := range names("again", 3) {
			if r.keep(a, key, before(key)) {
				could++
			}
			replicas[0].mutate(a, []string{key}, func() {})
			if r.keep(a, key, after(key)) {
				can++
			}
		}
		if could > 0 && can == 0 {
			a.violated("a hit", "%d keys were served by replica %d, then Mutate of each returned nil, and none is served any more, after %d fills", could, i, cacheTries)
		}
	}
}
