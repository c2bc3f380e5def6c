package strategy

import (
	"context"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A Strategy is a way to keep a cache of values in step with a database.
type Strategy[V any] interface {
	// Read returns the value from the cache, which is a hit, or else what
	// load returns, after filling the cache with it.
	Read(ctx context.Context, id int64, load Loader[V]) (value V, hit bool, err error)

	// Invalidate is called with each value that was written, once its
	// transaction has committed. With nil the strategy claims to have done
	// what it does about older versions in the cache.
	Invalidate(ctx context.Context, id int64, value V) error

	Close(ctx context.Context) error
}

// A Loader reads a value from the database.
type Loader[V any] func(ctx context.Context, id int64) (V, error)

// A Storage is where and how a strategy keeps values. All fields are required.
type Storage[V any] struct {
	Provider  cascache.Provider
	Codec     cascache.Codec[V]
	Namespace string
	TTL       time.Duration
}
