package ristrettoprovider

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Provider is a [cascache.Provider] over a Ristretto cache. Make one with
// [New]. Its methods do no I/O, take no notice of their contexts and may be
// called concurrently; after Close they return [cascache.ErrClosed].
type Provider struct {
	cache   *ristretto.Cache[uint64, *record]
	hash    keyHash
	queue   *queue
	gate    gate
	maxCost int64
	closing sync.Once
	unused  runtime.Cleanup // closes the cache of a provider that nobody closed
}

var (
	_ cascache.Provider     = (*Provider)(nil)
	_ cascache.PrefixGetter = (*Provider)(nil)
	_ cascache.ClosedTeller = (*Provider)(nil)
)

// New returns an empty cache of the size that cfg says, or an error that names
// the field that is out of range. A provider that nobody closes or uses any more
// is collected, and Ristretto's goroutines end with it.
func New(cfg Config) (*Provider, error) {
	return newProvider(cfg, nil)
}

func newProvider(cfg Config, hash func(string) uint64) (*Provider, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Provider{hash: keyHash{whole: hash}, queue: &queue{started: time.Now()}, maxCost: cfg.MaxCost}
	counted := min(cfg.MaxCost, maxCounted)
	most := counted // what an entry counts for at most
	if cfg.IncludeInternalCost {
		p.maxCost -= internalCost
		most -= internalCost
	}
	queue := p.queue // what Ristretto's goroutines refer to is not collected: not p
	p.cache, err = ristretto.NewCache(&ristretto.Config[uint64, *record]{
		// Of one counter Ristretto makes half a byte, none, and panics.
		NumCounters:        max(cfg.NumCounters, 2),
		MaxCost:            counted,
		BufferItems:        cfg.BufferItems,
		Metrics:            cfg.Metrics,
		IgnoreInternalCost: !cfg.IncludeInternalCost,

		// Ristretto knows keys by their hashes alone, and two of them unless
		// told otherwise. Here the record has the key and Get compares it, so
		// one will do, and it comes from us: a key in two parts need not be
		// joined for it.
		KeyToHash: func(hash uint64) (uint64, uint64) { return hash, 0 },

		// Sets pass a cost of 0, so that the worker asks for it as it takes
		// up the record.
		Cost: func(r *record) int64 {
			queue.takeUp(r)
			return min(r.cost, most)
		},
		ShouldUpdate: func(r, _ *record) bool {
			r.stored.Store(true)
			return true
		},
	})
	if err != nil {
		return nil, fmt.Errorf("ristrettoprovider: %w", err)
	}
	// A call under way keeps the provider: it holds a counter of the gate.
	p.unused = runtime.AddCleanup(p, (*ristretto.Cache[uint64, *record]).Close, p.cache)
	return p, nil
}

// Get returns the slice stored under key, to be read only. It does not
// allocate.
func (p *Provider) Get(_ context.Context, key string) ([]byte, bool, error) {
	return p.get(p.hash.of(key), "", key)
}

// GetPrefixed is Get of prefix+key, which it does not join where prefix ends with
// the second ':' of the two, as those of the cache do. It does not allocate then.
func (p *Provider) GetPrefixed(_ context.Context, prefix, key string) ([]byte, bool, error) {
	return p.get(p.hash.ofParts(prefix, key), prefix, key)
}

func (p *Provider) get(hash uint64, prefix, key string) ([]byte, bool, error) {
	inside := p.gate.enter()
	if inside == nil {
		return nil, false, cascache.ErrClosed
	}
	found, ok := p.cache.Get(hash)
	inside.leave()
	if !ok {
		return nil, false, nil
	}
	r := found.lead.latest.Load()
	if r == nil || !r.is(prefix, key) {
		return nil, false, nil
	}
	if r != found && p.queue.now() >= r.expires {
		return nil, false, nil
	}
	return r.value, true, nil
}

// Set stores value, which it keeps. A key that is already there has its new
// value at once, another one some microseconds later. It returns (false, nil)
// when cost is over Config.MaxCost or when Ristretto's queue of new keys is
// full. A value that was accepted may still be turned away in the background,
// if its key is used less than those it would displace. A negative cost, or a
// ttl that is not positive, is an error.
func (p *Provider) Set(_ context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if cost < 0 {
		return false, fmt.Errorf("ristrettoprovider: the cost of an entry is %d, must be 0 or more", cost)
	}
	if ttl <= 0 {
		// To Ristretto 0 means for ever.
		return false, fmt.Errorf("ristrettoprovider: the TTL of an entry is %v, must be over 0", ttl)
	}
	inside := p.gate.enter()
	if inside == nil {
		return false, cascache.ErrClosed
	}
	defer inside.leave()
	if cost > p.maxCost {
		return false, nil
	}

	r := &record{hash: p.hash.of(key), key: key, value: value, cost: cost}
	p.queue.join(r, ttl)
	accepted := p.cache.SetWithTTL(r.hash, r, 0, ttl)
	if accepted && !r.stored.Load() {
		return true, nil // it is in the queue
	}
	// Declined, it is accepted all the same if an earlier Set of the key is
	// still in the queue and shows this value.
	othersQueued := p.queue.settle(r)
	return accepted || othersQueued, nil
}

// Del removes key at once, also what has been accepted but not stored yet.
func (p *Provider) Del(_ context.Context, key string) error {
	inside := p.gate.enter()
	if inside == nil {
		return cascache.ErrClosed
	}
	defer inside.leave()
	hash := p.hash.of(key)
	p.queue.drop(hash)
	p.cache.Del(hash)
	return nil
}

// Wait returns once every value accepted so far has become visible or has been
// turned away. It is meant for tests.
func (p *Provider) Wait() {
	inside := p.gate.enter()
	if inside == nil {
		return
	}
	defer inside.leave()
	p.cache.Wait()
}

// Closed implements [cascache.ClosedTeller].
func (p *Provider) Closed() bool { return p.gate.closed.Load() }

// Close drops all entries and ends Ristretto's goroutines, after the calls
// under way have returned. Every later call fails with [cascache.ErrClosed]. A
// further Close does nothing.
func (p *Provider) Close(context.Context) error {
	p.closing.Do(func() {
		p.gate.close()
		p.unused.Stop()
		p.cache.Close()
	})
	return nil
}
