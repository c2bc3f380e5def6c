package main

import (
	"context"
	"strconv"
	"time"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
)

const (
	// mutateLease is how long a key stays held if its writer dies.
	mutateLease = 4 * time.Second

	// generationTTL is how long Redis keeps a generation that is not used,
	// so that a run leaves nothing behind.
	generationTTL = time.Minute
)

// cas is CasCache, read through its loader.
type cas struct {
	handle *cascache.Handle[Row]
	loader *cascache.Loader[Row]
	wait   func() // until what was set is visible
}

// loadKey is where a caller's own load lies in its context.
type loadKey struct{}

func newCAS(s surroundings, provider cascache.Provider, gens cascache.GenStore) (cache, error) {
	handle, err := cascache.New(cascache.Options[Row]{
		Namespace:   s.namespace,
		Provider:    provider,
		Codec:       codec,
		GenStore:    gens,
		DefaultTTL:  entryTTL,
		MutateLease: mutateLease,
		Hooks:       s.hooks,
	})
	if err != nil {
		return nil, err
	}
	loader, err := cascache.NewLoader(handle, cascache.LoaderOptions[Row]{
		// A load runs under the values of the context that asked for it.
		Load: func(ctx context.Context, key string) (Row, error) {
			id, err := strconv.ParseInt(key, 10, 64)
			if err != nil {
				return Row{}, err
			}
			return ctx.Value(loadKey{}).(loader)(ctx, id)
		},
	})
	if err != nil {
		return nil, err
	}
	wait := func() {}
	if p, ok := provider.(interface{ Wait() }); ok {
		wait = p.Wait
	}
	return cas{handle, loader, wait}, nil
}

func openCASLocal(s surroundings) (cache, error) {
	provider, err := newRistretto()
	if err != nil {
		return nil, err
	}
	return newCAS(s, provider, nil)
}

func openCASGens(s surroundings) (cache, error) {
	provider, err := newRistretto()
	if err != nil {
		return nil, err
	}
	gens, err := redisgenstore.New(redisgenstore.Config{Client: s.client, Namespace: s.namespace, TTL: generationTTL})
	if err != nil {
		return nil, err
	}
	return newCAS(s, provider, gens)
}

func openCASLease(s surroundings) (cache, error) {
	provider, err := newRistretto()
	if err != nil {
		return nil, err
	}
	gens, err := leasegenstore.New(leasegenstore.Config{Client: s.client, Namespace: s.namespace, TTL: generationTTL})
	if err != nil {
		return nil, err
	}
	return newCAS(s, provider, gens)
}

func openCASRedis(s surroundings) (cache, error) {
	both, err := redisbackend.New(redisbackend.Config{Client: s.client, Namespace: s.namespace, TTL: generationTTL})
	if err != nil {
		return nil, err
	}
	return newCAS(s, both, both)
}

func (c cas) read(ctx context.Context, id int64, load loader) (Row, error) {
	return c.loader.Get(context.WithValue(ctx, loadKey{}, load), strconv.FormatInt(id, 10))
}

func (c cas) invalidate(ctx context.Context, row Row) error {
	return c.handle.Invalidate(ctx, strconv.FormatInt(row.ID, 10))
}

func (c cas) mutate(ctx context.Context, id int64, write func(context.Context) error) error {
	return c.handle.Mutate(ctx, []string{strconv.FormatInt(id, 10)}, write)
}

func (c cas) settle() { c.wait() }

func (c cas) close(ctx context.Context) error { return c.handle.Close(ctx) }
