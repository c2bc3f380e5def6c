package redisgen

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Store keeps generations in Redis, and beside them the values of a
// [cascache.Combined] (see [Store.Values]).
type Store struct {
	client client
	keys   keySpace

	guarded bool
	ttl     string        // in milliseconds, "0" for none: as the scripts take it
	expiry  time.Duration // the same as GETEX takes it; bare for none

	waitReplicas int
	waitTimeout  time.Duration

	owned   bool  // the client, by Config.CloseClient
	refused error // of every call, when the constructor cannot return it
	closed  atomic.Bool

	claimed atomic.Bool // the namespace: see claim
	spread  atomic.Bool // keys over slots, which a server of a Cluster has said: see grouped
	pipes   sync.Pool   // of redis.Pipeliner, empty: see Values.readPair
}

var (
	_ cascache.GenStore     = (*Store)(nil)
	_ cascache.CommitReader = (*Store)(nil)
	_ cascache.BulkGenStore = (*Store)(nil)
	_ cascache.Holder       = (*Store)(nil)
	_ cascache.ClosedTeller = (*Store)(nil)
)

// New returns a store, without any I/O. The error names the field that cannot
// work and what to change.
func New(cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c, err := inspect(cfg.Client)
	if err != nil {
		return nil, err
	}
	s := &Store{
		client:       c,
		keys:         newKeySpace(cfg.Namespace),
		guarded:      !cfg.Unguarded,
		ttl:          milliseconds(cfg.TTL),
		expiry:       bare,
		waitReplicas: cfg.WaitReplicas,
		owned:        cfg.CloseClient,
	}
	if cfg.TTL > 0 {
		s.expiry = max(cfg.TTL, time.Millisecond)
	}
	if s.waitReplicas > 0 {
		s.waitTimeout = DefaultWaitTimeout
		if cfg.WaitTimeout > 0 {
			// WAIT counts milliseconds, and takes 0 for no limit.
			s.waitTimeout = max(cfg.WaitTimeout, time.Millisecond)
		}
		if err := c.inspectWait(s.waitTimeout); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Refused returns a store whose every call returns err: for a constructor that
// cannot.
func Refused(err error) *Store { return &Store{refused: err} }

// beginChange is begin for an operation that may change or create the
// generations of keys.
func (s *Store) beginChange(ctx context.Context, op string, keys ...string) error {
	if err := s.begin(ctx); err != nil || len(keys) == 0 {
		return err
	}
	if err := s.claim(ctx); err != nil {
		return &opError{op: op, key: keys[0], more: len(keys) - 1, err: err}
	}
	return nil
}

// begin reports why a call cannot begin, or nil.
func (s *Store) begin(ctx context.Context) error {
	if s.closed.Load() {
		return cascache.ErrClosed
	}
	if s.refused != nil {
		return s.refused
	}
	return ctx.Err()
}

// Closed implements [cascache.ClosedTeller].
func (s *Store) Closed() bool { return s.closed.Load() }

// Close ends the store, and its client if Config.CloseClient says so. Calls
// under way go on.
func (s *Store) Close(context.Context) error {
	if s.closed.Swap(true) || !s.owned {
		return nil
	}
	if err := s.client.Close(); !errors.Is(err, redis.ErrClosed) {
		return err
	}
	return nil // another module that owns the client was first
}

// milliseconds returns d as the scripts take it, rounded up: no lease and no
// time to live becomes 0 that was not.
func milliseconds(d time.Duration) string {
	ms := d.Milliseconds()
	if d%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(ms, 10)
}
