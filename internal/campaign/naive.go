package campaign

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A naive design is what first comes to mind. Every nemesis is tried on one as
// well and must make it serve stale values: one that does not proves nothing.
type naive string

const (
	// notNaive is the real thing.
	notNaive naive = ""

	// counted counts from 0 by INCR, reads by a plain GET, and takes a
	// missing counter for 0.
	counted naive = "counter from 0"

	// careless is counted, takes an unreadable counter for 0 too, and a bump
	// that failed for done.
	careless naive = "counter from 0, errors ignored"

	// chosen has the client choose the new generation.
	chosen naive = "number chosen by the client"

	// timed has the clock of the application as the generation: the last
	// writer by its time wins.
	timed naive = "time of the application"

	// serverTimed is the same with the clock of Redis.
	serverTimed naive = "time of Redis"

	// locked has fills and invalidations exclude one another by a lock that
	// expires, and compares nothing when a value is read.
	locked naive = "lock that expires"

	// unheld commits, and then invalidates.
	unheld naive = "commit, then invalidate"
)

// naiveStore is the generation store of a naive design. It adds one to what it
// keeps, since the cache accepts no generation 0 from anybody.
type naiveStore struct {
	redis.UniversalClient
	kind naive
}

func (s naiveStore) name(key string) string { return "gen:naive:" + key }

func (s naiveStore) Current(ctx context.Context, key string) (uint64, error) {
	if s.kind == locked {
		return 1, nil
	}
	return s.read(ctx, key)
}

// A fill that takes longer than fillLock has lost its lock. An invalidation
// deletes the value within bumpLock.
const (
	fillLock = 150 * time.Millisecond
	bumpLock = 30 * time.Millisecond
)

// lock takes the lock of a key and returns a number that is its own, or 0.
func (s naiveStore) lock(ctx context.Context, key string, limit time.Duration) (uint64, error) {
	n := uint64(now()) + chosenLast.Add(1)
	ok, err := s.SetNX(ctx, s.name(key), n, limit).Result()
	if !ok || err != nil {
		return 0, err
	}
	return n + 1, nil // as read returns it
}

func (s naiveStore) read(ctx context.Context, key string) (uint64, error) {
	n, err := s.Get(ctx, s.name(key)).Uint64()
	if errors.Is(err, redis.Nil) || err != nil && s.kind == careless {
		n, err = 0, nil
	}
	return n + 1, err
}

// CurrentToCommit implements [cascache.CommitReader].
func (s naiveStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return s.read(ctx, key)
}

// CurrentToCommitBulk implements [cascache.CommitReader].
func (s naiveStore) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	gens := make([]uint64, len(keys))
	var errs []error
	for i, key := range keys {
		var err error
		gens[i], err = s.read(ctx, key)
		errs = append(errs, err)
	}
	return gens, errors.Join(errs...)
}

func (s naiveStore) Snapshot(ctx context.Context, key string) (uint64, error) {
	if s.kind == locked {
		return s.lock(ctx, key, fillLock)
	}
	return s.read(ctx, key)
}

var chosenLast atomic.Uint64

// lastWins keeps the greater of what is stored and ARGV[1], or the time of
// Redis where that is empty.
var lastWins = redis.NewScript(`
local t = ARGV[1]
if t == '' then local now = redis.call('TIME') t = now[1] .. string.format('%06d', now[2]) end
local old = redis.call('GET', KEYS[1])
if not old or tonumber(t) > tonumber(old) then redis.call('SET', KEYS[1], t) return t end
return old`)

func (s naiveStore) Bump(ctx context.Context, key string) (uint64, error) {
	var n uint64
	var err error
	switch s.kind {
	case locked:
		for n == 0 && err == nil {
			if n, err = s.lock(ctx, key, bumpLock); n == 0 && err == nil {
				time.Sleep(time.Millisecond)
				err = ctx.Err()
			}
		}
	case chosen:
		n = uint64(now()) + chosenLast.Add(1)
		err = s.Set(ctx, s.name(key), n, 0).Err()
	case timed:
		n, err = lastWins.Run(ctx, s, []string{s.name(key)}, time.Now().UnixMicro()).Uint64()
	case serverTimed:
		n, err = lastWins.Run(ctx, s, []string{s.name(key)}, "").Uint64()
	default:
		n, err = s.Incr(ctx, s.name(key)).Uint64()
	}
	if err != nil && s.kind == careless {
		err = nil
	}
	return n + 1, err
}

func (s naiveStore) Close(context.Context) error { return nil }

// unstamped makes all entries look as if they were loaded under generation 1,
// which is what the locked design takes for current.
type unstamped struct{ cascache.Provider }

func (p unstamped) Get(ctx context.Context, key string) ([]byte, bool, error) {
	raw, ok, err := p.Provider.Get(ctx, key)
	const gen = 6 // where a single entry has its generation
	if ok && len(raw) >= gen+8 {
		raw = append([]byte(nil), raw...)
		binary.BigEndian.PutUint64(raw[gen:], 1)
	}
	return raw, ok, err
}
