package main

import (
	"context"
	"fmt"
	"time"
)

// faultTime is how long what is paused stays so.
const faultTime = 2 * time.Second

// A fault is something that can be done to a run.
type fault struct {
	Key, Name string
	Redis     bool   // needs a Redis and replicas
	Replica   bool   // is done to one replica
	What      string // what it does, in a sentence
	did       string // for the list of what was done

	do func(context.Context, *run, int) error // to the replica of a slot
}

var faults = []fault{
	{Key: "stall", Name: "Stall loads", did: "loads stalled for 0.5 s",
		What: "For half a second no row arrives that a query has returned.",
		do: func(_ context.Context, r *run, _ int) error {
			r.board.set(wordStall, time.Now().Add(500*time.Millisecond).UnixNano())
			return nil
		}},
	{Key: "pause", Replica: true, Name: "Pause a replica", Redis: true, did: "replica %d paused for 2 s",
		What: "One process is frozen for two seconds, as by a long garbage collection or a migration of its machine.",
		do:   func(ctx context.Context, r *run, slot int) error { return r.fleet.pause(ctx, slot, faultTime) }},
	{Key: "kill", Replica: true, Name: "Kill a replica", Redis: true, did: "replica %d killed and replaced",
		What: "One process is killed, and another takes its place with empty memory.",
		do:   func(ctx context.Context, r *run, slot int) error { return r.fleet.kill(ctx, slot) }},
	{Key: "crash", Replica: true, Name: "Crash between commit and invalidate", Redis: true, did: "replica %d crashed after a commit, before invalidating",
		What: "One process commits a write to the most popular product and dies before it can invalidate. CasCache makes this write through Mutate.",
		do:   func(ctx context.Context, r *run, slot int) error { return r.fleet.crash(ctx, r.board, slot) }},
	{Key: "redis-pause", Name: "Pause Redis", Redis: true, did: "Redis paused for 2 s",
		What: "Redis does not answer for two seconds.",
		do:   func(ctx context.Context, r *run, _ int) error { return r.redis.pause(ctx, faultTime) }},
	{Key: "redis-flush", Name: "Flush Redis", Redis: true, did: "Redis flushed",
		What: "Redis loses all values and all generations.",
		do:   func(ctx context.Context, r *run, _ int) error { return r.redis.flush(ctx) }},
	{Key: "redis-kill", Name: "Kill Redis", Redis: true, did: "Redis killed and replaced by an empty one",
		What: "Redis is killed, and comes back empty half a second later.",
		do:   func(ctx context.Context, r *run, _ int) error { return r.redis.kill(ctx) }},
}

func findFault(key string) (fault, bool) {
	for _, f := range faults {
		if f.Key == key {
			return f, true
		}
	}
	return fault{}, false
}

// inflict does f to the run, to this replica if it is about one, and returns
// once that is over.
func (r *run) inflict(f fault, slot int) error {
	if f.Redis && r.redis == nil {
		return fmt.Errorf("%s needs a Redis: start the lab with -redis", f.Name)
	}
	r.mu.Lock()
	if r.released || r.ctx.Err() != nil {
		r.mu.Unlock()
		return errOver
	}
	r.faults.Add(1)
	r.mu.Unlock()
	defer r.faults.Done()
	if err := f.do(r.ctx, r, slot); err != nil {
		return err
	}
	did := f.did
	if f.Replica {
		did = fmt.Sprintf(f.did, slot)
	}
	r.note(did)
	return nil
}
