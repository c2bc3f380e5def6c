package redisgen

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Snapshot implements [cascache.GenStore]. It begins the time to live of the
// generation anew. When Redis is out of memory it creates none: a generation that
// is there is returned, after a second round trip, and otherwise an error.
func (s *Store) Snapshot(ctx context.Context, key string) (uint64, error) {
	if err := s.beginChange(ctx, snapshotScript.op, key); err != nil {
		return 0, err
	}
	gen, err := s.one(ctx, nil, snapshotScript, key, s.guardFlag(), s.ttl, tail())
	if redis.IsOOMError(err) {
		return s.existing(ctx, key, err)
	}
	return gen, err
}

// existing returns the generation that a key has although the server has refused,
// with refusal, to create one.
func (s *Store) existing(ctx context.Context, key string, refusal error) (uint64, error) {
	gen, err := s.CurrentToCommit(ctx, key)
	if gen == 0 && err == nil {
		err = refusal
	}
	return gen, err
}

// SnapshotBulk implements [cascache.BulkGenStore]. When Redis is out of memory it
// returns the generations that are there, and an error for the others.
func (s *Store) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	if err := s.beginChange(ctx, snapshotScript.op, keys...); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, nil
	}
	gens, errs := s.collect(ctx, nil, snapshotScript, keys, s.guardFlag(), s.ttl, tail())
	var refused []int
	var refusedKeys []string
	for i, err := range errs {
		if redis.IsOOMError(err) {
			refused, refusedKeys = append(refused, i), append(refusedKeys, keys[i])
		}
	}
	// What could not be read has the error of the snapshot.
	existing, _ := s.currentBulk(ctx, refusedKeys, s.expiry)
	for i, gen := range existing {
		if at := refused[i]; gen != 0 {
			gens[at], errs[at] = gen, nil
		}
	}
	return gens, joined(snapshotScript.op, keys, errs)
}
