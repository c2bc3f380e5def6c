package redisgen

import (
	"context"
	"math/rand/v2"
	"strconv"
)

// Bump implements [cascache.GenStore].
func (s *Store) Bump(ctx context.Context, key string) (uint64, error) {
	if err := s.beginChange(ctx, bumpScript.op, key); err != nil {
		return 0, err
	}
	return s.one(ctx, s.writer(), bumpScript, key, s.guardFlag(), s.ttl, tail())
}

// BumpBulk implements [cascache.BulkGenStore].
func (s *Store) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	if err := s.beginChange(ctx, bumpScript.op, keys...); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, nil
	}
	gens, errs := s.collect(ctx, s.writer(), bumpScript, keys, s.guardFlag(), s.ttl, tail())
	return gens, joined(bumpScript.op, keys, errs)
}

// tail returns the random digits of the generations that a script draws. A
// script cannot: its random numbers are the same ones at every run. It does no
// harm that they come from the caller, and come again when the client repeats
// a command whose reply was lost, since the rest of the number is the server's
// and greater than what the first run has left.
func tail() string {
	return strconv.Itoa(1000 + rand.IntN(1000))[1:]
}
