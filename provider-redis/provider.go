package redisprovider

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var (
	_ cascache.Provider     = (*Provider)(nil)
	_ cascache.BulkProvider = (*Provider)(nil)
	_ cascache.Sharer       = (*Provider)(nil)
	_ cascache.ClosedTeller = (*Provider)(nil)
)

// A Provider is a [cascache.Provider] that keeps entries in Redis, each as a
// string under its key. Make one with [New]. All its methods may be called
// concurrently; after Close they return [cascache.ErrClosed].
//
// A call that fails returns an error that names the operation and the key. It
// holds no value, password or command, also where the server's own words did.
type Provider struct {
	client      redis.UniversalClient
	closeClient bool

	// cluster is the Cluster client that is client or lies under it, or nil.
	cluster *redis.ClusterClient

	// spread says that keys may lie on several nodes, so that one command
	// must not take several of them. Where the client does not tell, it is
	// found out from the first answer that only a Cluster gives.
	spread atomic.Bool

	closed atomic.Bool
}

// New returns a Provider for cfg, or an error that names the field that cannot
// work. It does no I/O.
func New(cfg Config) (*Provider, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	p := &Provider{client: cfg.Client, closeClient: cfg.CloseClient, cluster: cfg.Cluster}
	switch client := cfg.Client.(type) {
	case *redis.Client:
	case *redis.AutoPipeliner:
		// It does not tell what is under it; Config.Cluster may.
	case *redis.ClusterClient:
		p.cluster = client
	default:
		// A Ring would look for all keys of a command where the first one
		// belongs. Of clients that others have made nothing is known.
		p.spread.Store(true)
	}
	if p.cluster != nil {
		p.spread.Store(true)
	}
	return p, nil
}

// Shared reports true: other processes see the same entries.
func (p *Provider) Shared() bool { return true }

// Closed implements [cascache.ClosedTeller].
func (p *Provider) Closed() bool { return p.closed.Load() }

// Close makes further calls fail and, with Config.CloseClient, closes the
// client. It does not wait for that longer than ctx allows. A further Close does
// nothing. Entries stay in Redis until their time is up.
func (p *Provider) Close(ctx context.Context) error {
	if p.closed.Swap(true) || !p.closeClient {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- p.client.Close() }()
	select {
	case err := <-done:
		if errors.Is(err, redis.ErrClosed) {
			return nil // another module that owns the client was first
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usable returns why a call must not begin.
func (p *Provider) usable(ctx context.Context) error {
	if p.closed.Load() {
		return cascache.ErrClosed
	}
	return ctx.Err()
}

// takesOneNode tells whether a command with several keys failed since those
// lie on several nodes of a Cluster, or are on their way between two. It
// remembers that.
func (p *Provider) takesOneNode(err error) bool {
	if !redis.HasErrorPrefix(err, "CROSSSLOT") && !redis.IsTryAgainError(err) {
		return false
	}
	p.spread.Store(true)
	return true
}
