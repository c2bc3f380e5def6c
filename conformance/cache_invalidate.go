package conformance

import (
	"context"
	"fmt"
)

var cacheInvalidateRules = []rule[*cacheSubject]{
	{
		name: "InvalidatedIsNotServed",
		says: "When Invalidate has returned nil, the entry is not served any more, also when it could not be deleted.",
		harm: "a delete that fails, or that another fill overtakes, leaves the old value to be served.",
		try:  tryInvalidatedIsNotServed,
	},
	{
		name: "ReplicasSeeInvalidation",
		says: "When Invalidate has returned nil on one replica, no other one serves the entry.",
		harm: "each replica has its own idea of what is current, and users see values come and go.",
		lack: Sharing,
		try:  tryReplicasSeeInvalidation,
	},
	{
		name: "ReplicasRefuseStaleFill",
		says: "A fill on one replica is refused once another has invalidated the key.",
		harm: "a slow load on one replica brings back what another has invalidated, for all of them.",
		lack: Sharing,
		try:  tryReplicasRefuseStaleFill,
	},
	{
		name: "NearIsChecked",
		says: "What a replica has served before, and may have kept in its own memory, is checked like everything else.",
		harm: "each replica goes on serving what it remembers, since no message tells it of the invalidation.",
		lack: Sharing,
		try:  tryNearIsChecked,
	},
	{
		name: "InvalidateBulkIsForAll",
		says: "InvalidateBulk invalidates every key, also when nothing can be deleted.",
		harm: "of the rows that a transaction has changed, some are served as they were.",
		try:  tryInvalidateBulkIsForAll,
	},
	{
		name: "LossRevivesNothing",
		says: "What was invalidated stays dead, whatever generations are lost.",
		harm: "after a flush or a failover, values from long ago are served.",
		lack: Losing,
		try:  tryLossRevivesNothing,
	},
	{
		name: "StaleEntryIsDeleted",
		says: "An entry that turns out to be stale is deleted.",
		harm: "dead entries fill the storage until their time to live is over, and each read fetches them for nothing.",
		try:  tryStaleEntryIsDeleted,
	},
	{
		name: "GarbageIsAMiss",
		says: "An entry that cannot be read is a miss, without an error.",
		harm: "a format that has changed, or a flipped bit, makes requests fail until somebody flushes the cache.",
		try:  tryGarbageIsAMiss,
	},
}

func tryInvalidatedIsNotServed(a *attempt, s *cacheSubject) {
	replicas := s.openFaulty(a, 1)
	r := replicas[0]
	for _, key := range names("old", 4) {
		r.values.Set()
		r.mustKeep(a, key, before(key))
		r.loseDeletes()
		r.invalidate(a, key)
		refuse(a, replicas, key, "Invalidate returned nil (the delete failed)")
	}
}

func tryReplicasSeeInvalidation(a *attempt, s *cacheSubject) {
	s.shared(a)
	replicas := s.openFaulty(a, 3)
	for i, key := range names("old", 6) {
		writer, reader := replicas[i%3], replicas[(i+1)%3]
		writer.values.Set()
		// Once, so that nothing remembers it but what keeps its fills.
		reader.fill(a, key, before(key))
		writer.loseDeletes()
		writer.invalidate(a, key)
		refuse(a, replicas, key, "Invalidate returned nil on another replica (the delete failed)")
	}
}

func tryReplicasRefuseStaleFill(a *attempt, s *cacheSubject) {
	s.shared(a)
	replicas := s.open(a, 3)
	for i, key := range names("slow", 6) {
		reader := replicas[(i+1)%3]
		observed := reader.SnapshotGen(key)
		replicas[i%3].invalidate(a, key)
		reader.store(a, key, before(key), observed)
		refuse(a, replicas, key, "a load began, Invalidate returned nil on another replica, and the load was stored")
	}
}

func tryNearIsChecked(a *attempt, s *cacheSubject) {
	s.shared(a)
	replicas := s.open(a, 2)
	seen := 0
	for i, key := range names("near", 6) {
		writer, reader := replicas[i%2], replicas[(i+1)%2]
		if reader.keep(a, key, before(key)) {
			seen++
		}
		writer.invalidate(a, key)
		refuse(a, replicas, key, "a replica had served the entry twice, and Invalidate returned nil on another one")
	}
	if seen == 0 {
		a.inconclusive("nothing was ever served; see FillIsServed")
	}
}

// bulkInvalidator is what a cache has beyond cascache.CAS.
type bulkInvalidator interface {
	InvalidateBulk(ctx context.Context, keys []string) error
}

func tryInvalidateBulkIsForAll(a *attempt, s *cacheSubject) {
	replicas := s.openFaulty(a, 1)
	r := replicas[0]
	bulk, ok := r.CAS.(bulkInvalidator)
	if !ok {
		a.inconclusive("the cache has no InvalidateBulk")
	}
	keys := names("old", 5)
	for _, key := range keys {
		r.mustKeep(a, key, before(key))
	}
	observed := r.SnapshotGens(keys)
	r.loseDeletes()
	if err := bulk.InvalidateBulk(a.Context(), keys); err != nil {
		a.inconclusive("InvalidateBulk returned %v", err)
	}
	for _, key := range keys {
		refuse(a, replicas, key, fmt.Sprintf("InvalidateBulk of %d keys returned nil (the deletes failed)", len(keys)))
		r.store(a, key, before(key), observed[key])
		refuse(a, replicas, key, fmt.Sprintf("a load began, InvalidateBulk of %d keys returned nil, and the load was stored", len(keys)))
	}
}

func tryLossRevivesNothing(a *attempt, s *cacheSubject) {
	s.losing(a, s.replicas(), func(replicas []*replica, lose func(), loss Loss) {
		reader, writer := replicas[0], replicas[len(replicas)-1]
		keys := names("old", 4)
		for _, key := range keys {
			reader.mustKeep(a, key, before(key))
		}
		for _, r := range replicas {
			r.loseDeletes()
		}
		for _, key := range keys {
			writer.invalidate(a, key)
		}
		lose()
		for i, key := range keys {
			what := "Invalidate returned nil (the delete failed), and then came " + loss.Name
			if i%2 == 0 {
				refuse(a, replicas, key, what)
			}
			writer.SnapshotGen(key) // somebody is about to fill it
			refuse(a, replicas, key, what)
			if i%2 == 1 {
				writer.invalidate(a, key)
				refuse(a, replicas, key, what)
			}
		}
	})
}

func tryStaleEntryIsDeleted(a *attempt, s *cacheSubject) {
	r := s.openFaulty(a, 1)[0]
	keys := names("dead", 4)
	stayed, dead := 0, 0
	for _, key := range keys {
		r.values.Set()
		r.mustKeep(a, key, before(key))
		r.loseDeletes()
		r.invalidate(a, key)
		r.values.Set()
		if _, there := r.raw(a, key); !there {
			continue
		}
		dead++
		for range 3 {
			r.get(a, key)
		}
		r.settle(a)
		if _, there := r.raw(a, key); there {
			stayed++
		}
	}
	if dead == 0 {
		a.inconclusive("no entry outlived its generation")
	}
	if stayed == dead {
		a.violated("a delete", "%d stale entries were read three times each, and the provider has all of them still", dead)
	}
}

func tryGarbageIsAMiss(a *attempt, s *cacheSubject) {
	r := s.open(a, 1)[0]
	if r.opts.Provider == nil {
		a.inconclusive("there is no provider")
	}
	for i, garbage := range [][]byte{{}, {0}, []byte("CASC"), []byte("{}"), sample("garbage", 200)} {
		key := fmt.Sprint("garbage-", i)
		r.SnapshotGen(key)
		if ok, err := r.opts.Provider.Set(a.Context(), r.entry(key), garbage, 1, lasting); !ok || err != nil {
			continue
		}
		r.settle(a)
		value, ok, err := r.Get(a.Context(), key)
		if ok || err != nil {
			a.violated("a miss without an error", "the provider holds %s, and Get returned (%s, %t, %v)", quote(garbage), quote(value), ok, err)
		}
	}
}
