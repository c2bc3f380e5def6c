package redisgenstore

import (
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

// store is Redis's part of it, which this module has in common with others.
type store = redisgen.Store

// Store is a [cascache.GenStore] in Redis, shared by every process that has
// the same Redis and namespace. Make one with [New]; the zero value is not
// usable.
//
// It has the abilities [cascache.CommitReader], [cascache.BulkGenStore] and
// [cascache.Holder].
type Store struct{ *store }

var (
	_ cascache.GenStore     = (*Store)(nil)
	_ cascache.CommitReader = (*Store)(nil)
	_ cascache.BulkGenStore = (*Store)(nil)
	_ cascache.Holder       = (*Store)(nil)
	_ cascache.ClosedTeller = (*Store)(nil)
)

// ErrOtherKind is in the error of every call that would change a generation in
// a namespace of stores that tell their replicas of each change (genstore-lease):
// these would never hear of it. Choose another Config.Namespace.
var ErrOtherKind = redisgen.ErrOtherKind

// New returns a store, without any I/O. The error names the field that cannot
// work and what to change.
func New(cfg Config) (*Store, error) {
	s, err := redisgen.New(redisgen.Config(cfg))
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// NewRedisGenStore is [New] with defaults. Where New would return an error,
// every call of the store does.
func NewRedisGenStore(client redis.UniversalClient, namespace string) *Store {
	return NewRedisGenStoreWithTTL(client, namespace, 0)
}

// NewRedisGenStoreWithTTL is [NewRedisGenStore] with Config.TTL.
func NewRedisGenStoreWithTTL(client redis.UniversalClient, namespace string, ttl time.Duration) *Store {
	s, err := New(Config{Client: client, Namespace: namespace, TTL: ttl})
	if err != nil {
		return &Store{redisgen.Refused(err)}
	}
	return s
}
