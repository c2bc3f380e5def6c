package cascache

import (
	"context"
	"time"
)

// localHolds are the holds of one shard. A key that is held has no generation
// in the shard, so that reads need not look here; nor does it get one while a
// hold is live.
type localHolds struct {
	byKey   map[uint64]map[string]time.Time // hash of the key: token: expiry
	sweepAt int                             // len(byKey) at which the dead are looked for
}

// minHoldSweep is how many held keys of a shard are not worth a sweep.
const minHoldSweep = 64

// has reports whether a live hold stands, and forgets the dead ones.
func (l *localHolds) has(h uint64) bool {
	holds, ok := l.byKey[h]
	if !ok {
		return false
	}
	now := time.Now()
	for token, expiry := range holds {
		if !now.Before(expiry) {
			delete(holds, token)
		}
	}
	if len(holds) == 0 {
		delete(l.byKey, h)
	}
	return len(holds) > 0
}

func (l *localHolds) add(h uint64, token string, expiry time.Time) {
	if l.byKey == nil {
		l.byKey = make(map[uint64]map[string]time.Time)
	}
	if len(l.byKey) >= max(l.sweepAt, minHoldSweep) {
		l.sweep()
		l.sweepAt = 2 * len(l.byKey)
	}
	holds := l.byKey[h]
	if holds == nil {
		holds = make(map[string]time.Time, 1)
		l.byKey[h] = holds
	}
	holds[token] = expiry
}

// sweep forgets all holds that have expired: writes that failed leave theirs.
func (l *localHolds) sweep() {
	for h := range l.byKey {
		l.has(h)
	}
}

// Hold implements [Holder]. Expiries are by the monotonic clock.
func (s *LocalGenStore) Hold(_ context.Context, keys []string, token string, lease time.Duration) error {
	if s.closed.Load() {
		return ErrClosed
	}
	expiry := time.Now().Add(lease)
	for _, key := range keys {
		sh, h := s.shard(key)
		sh.mu.Lock()
		if gen := sh.gens.get(h); gen != 0 {
			sh.drop(h, gen)
		}
		sh.held.add(h, token, expiry)
		sh.mu.Unlock()
	}
	return nil
}

// Release implements [Holder].
func (s *LocalGenStore) Release(_ context.Context, keys []string, token string) error {
	if s.closed.Load() {
		return ErrClosed
	}
	for _, key := range keys {
		sh, h := s.shard(key)
		sh.mu.Lock()
		delete(sh.held.byKey[h], token)
		if !sh.held.has(h) {
			s.put(sh, h, s.clock.draw(max(sh.gens.get(h), sh.floor)))
		}
		sh.mu.Unlock()
	}
	return nil
}
