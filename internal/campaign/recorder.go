package campaign

import (
	"context"
	"strings"
	"syscall"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
)

// sampled are the rows whose generations are recorded: a hot one, a warm one
// and a cold one.
var sampled = [...]int{0, hotRows + 1, rows - 1}

// Kinds of recorded calls.
const (
	opRead uint64 = iota
	opBump
)

// watchedStore passes everything on to a generation store, records the calls
// about a few rows, and stops the process where it is told to: between a check
// and its use.
type watchedStore struct {
	*redisgenstore.Store
	memory  memory
	replica int
}

// Unwrap implements [cascache.Wrapper].
func (s watchedStore) Unwrap() any { return s.Store }

// sampledRow returns the row of a generation key, if it is recorded.
func sampledRow(key string) (int, bool) {
	at := strings.LastIndex(key, "row%3A")
	if at < 0 {
		at = strings.LastIndex(key, "row:")
	}
	if at < 0 {
		return 0, false
	}
	for _, row := range sampled {
		if strings.HasSuffix(key, strings.TrimPrefix(keyOf(row), "row")) {
			return row, true
		}
	}
	return 0, false
}

// one watches a call about one key.
func (s watchedStore) one(op uint64, key string, call func() (uint64, error)) (uint64, error) {
	began := s.memory.tick()
	gen, err := call()
	s.ended(op, key, began, s.memory.tick(), gen, err)
	s.pausePoint()
	return gen, err
}

func (s watchedStore) many(op uint64, keys []string, call func() ([]uint64, error)) ([]uint64, error) {
	began := s.memory.tick()
	gens, err := call()
	ended := s.memory.tick()
	for i, gen := range gens {
		s.ended(op, keys[i], began, ended, gen, nil)
	}
	s.pausePoint()
	return gens, err
}

// ended records what a call has shown: a call that failed, and a key without
// generation, show nothing.
func (s watchedStore) ended(op uint64, key string, began, ended, gen uint64, err error) {
	if err != nil || gen == 0 {
		return
	}
	if row, ok := sampledRow(key); ok {
		s.memory.record(record{Row: uint64(row), Op: op, Call: began, Return: ended, Gen: gen})
	}
}

// pausePoint stops this process if the nemesis wants that.
func (s watchedStore) pausePoint() {
	if s.memory.struck(s.replica, pauseAfterCheck) {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	}
}

func (s watchedStore) Current(ctx context.Context, key string) (uint64, error) {
	return s.one(opRead, key, func() (uint64, error) { return s.Store.Current(ctx, key) })
}

func (s watchedStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return s.one(opRead, key, func() (uint64, error) { return s.Store.CurrentToCommit(ctx, key) })
}

func (s watchedStore) Snapshot(ctx context.Context, key string) (uint64, error) {
	return s.one(opRead, key, func() (uint64, error) { return s.Store.Snapshot(ctx, key) })
}

func (s watchedStore) Bump(ctx context.Context, key string) (uint64, error) {
	return s.one(opBump, key, func() (uint64, error) { return s.Store.Bump(ctx, key) })
}

func (s watchedStore) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.many(opRead, keys, func() ([]uint64, error) { return s.Store.CurrentBulk(ctx, keys) })
}

func (s watchedStore) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.many(opRead, keys, func() ([]uint64, error) { return s.Store.CurrentToCommitBulk(ctx, keys) })
}

func (s watchedStore) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.many(opRead, keys, func() ([]uint64, error) { return s.Store.SnapshotBulk(ctx, keys) })
}

func (s watchedStore) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.many(opBump, keys, func() ([]uint64, error) { return s.Store.BumpBulk(ctx, keys) })
}

func (s watchedStore) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	err := s.Store.Hold(ctx, keys, token, lease)
	s.pausePoint()
	return err
}

func (s watchedStore) Release(ctx context.Context, keys []string, token string) error {
	err := s.Store.Release(ctx, keys, token)
	s.pausePoint()
	return err
}

// pausingStore stops the process of a naive design in the same places.
type pausingStore struct {
	naiveStore
	watched watchedStore
}

// Unwrap implements [cascache.Wrapper].
func (s pausingStore) Unwrap() any { return s.naiveStore }

func (s pausingStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	defer s.watched.pausePoint()
	return s.naiveStore.CurrentToCommit(ctx, key)
}

var (
	_ cascache.CommitReader = watchedStore{}
	_ cascache.BulkGenStore = watchedStore{}
	_ cascache.Holder       = watchedStore{}
)
