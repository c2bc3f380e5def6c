package redisbackend

import (
	"context"
	"fmt"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// The parts of a Backend, whose methods it has.
type (
	provider = entries
	store    = redisgen.Store
	values   = redisgen.Values
)

// A Backend keeps entries and generations in one Redis. It is a
// [cascache.Provider] and a [cascache.GenStore], with every ability that
// [redisprovider.Provider] and redisgenstore.Store have, and a
// [cascache.Combined]. Make one with [New]; the zero value is not usable.
//
// All its methods may be called concurrently; after Close they return
// [cascache.ErrClosed]. Errors name the part that failed, redisprovider or
// redisgenstore, the operation and the key, and no value.
type Backend struct {
	*provider
	*store
	values
}

var (
	_ cascache.Combined     = (*Backend)(nil)
	_ cascache.BulkProvider = (*Backend)(nil)
	_ cascache.Sharer       = (*Backend)(nil)
	_ cascache.CommitReader = (*Backend)(nil)
	_ cascache.BulkGenStore = (*Backend)(nil)
	_ cascache.Holder       = (*Backend)(nil)
	_ cascache.ClosedTeller = (*Backend)(nil)
)

// New returns a backend, without any I/O. The error names the field that cannot
// work and what to change.
func New(cfg Config) (*Backend, error) {
	store, err := redisgen.New(redisgen.Config(cfg))
	if err != nil {
		return nil, fmt.Errorf("redisbackend: %w", err)
	}
	provider, err := redisprovider.New(redisprovider.Config{
		Client:  cfg.Client,
		Cluster: redisgen.ClusterUnder(cfg.Client),
	})
	if err != nil {
		return nil, fmt.Errorf("redisbackend: %w", err)
	}
	return &Backend{provider: &entries{provider}, store: store, values: store.Values()}, nil
}

// Closed implements [cascache.ClosedTeller].
func (b *Backend) Closed() bool { return b.provider.Closed() }

// Close makes further calls fail and, with Config.CloseClient, closes the
// client. Calls under way go on.
func (b *Backend) Close(ctx context.Context) error {
	if err := b.provider.Close(ctx); err != nil {
		return err
	}
	return b.store.Close(ctx)
}
