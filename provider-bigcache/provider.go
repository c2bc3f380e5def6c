package bigcacheprovider

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/allegro/bigcache/v3"

	cascache "github.com/unkn0wn-root/cascache/core"
)

const (
	// entryOverhead is what an entry takes beyond its key and its value: 18
	// bytes of header and up to 5 of length.
	entryOverhead = 18 + 5

	// maxKeyLen is the longest key that can be stored. BigCache adds the 18
	// bytes of its header to the length in 16 bits, and panics, with a shard
	// locked for good, where they overflow.
	maxKeyLen = 1<<16 - 1 - 18
)

// Provider is a [cascache.Provider] over a BigCache. Make one with [New]. Its
// methods do no I/O, take no notice of their contexts and may be called
// concurrently; after Close they return [cascache.ErrClosed].
type Provider struct {
	cache         atomic.Pointer[bigcache.BigCache] // nil once closed
	maxEntryBytes int
	unused        runtime.Cleanup // closes the cache of a provider that nobody closed
}

var _ cascache.Provider = (*Provider)(nil)

// New returns an empty cache of the size that cfg says, or an error that names
// the field that is out of range. A provider that nobody closes or uses any more
// is collected, and BigCache's goroutine ends with it.
func New(cfg Config) (*Provider, error) {
	return newProvider(cfg, hasher{maphash.MakeSeed()})
}

func newProvider(cfg Config, hash bigcache.Hasher) (*Provider, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	// The context is that of the cache, not of this call; when one ends,
	// BigCache prints a line to the standard output.
	cache, err := bigcache.New(context.Background(), bigcache.Config{
		Shards:             cfg.Shards,
		LifeWindow:         cfg.LifeWindow,
		CleanWindow:        cfg.CleanWindow,
		MaxEntriesInWindow: cfg.MaxEntriesInWindow,
		MaxEntrySize:       cfg.MaxEntrySize,
		HardMaxCacheSize:   cfg.HardMaxCacheSizeMB,
		Hasher:             hash,
		Verbose:            cfg.Verbose,
	})
	if err != nil {
		return nil, fmt.Errorf("bigcacheprovider: %w", err)
	}
	p := &Provider{maxEntryBytes: cfg.maxEntryBytes()}
	p.cache.Store(cache)
	p.unused = runtime.AddCleanup(p, func(cache *bigcache.BigCache) { _ = cache.Close() }, cache)
	return p, nil
}

// Get returns a copy of the value stored under key, which is the caller's. An
// entry past LifeWindow is a miss, whether or not it has been cleaned up.
func (p *Provider) Get(_ context.Context, key string) ([]byte, bool, error) {
	cache := p.cache.Load()
	if cache == nil {
		return nil, false, cascache.ErrClosed
	}
	value, info, err := cache.GetWithInfo(key)
	switch {
	case errors.Is(err, bigcache.ErrEntryNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("bigcacheprovider: get: %w", err)
	case info.EntryStatus == bigcache.Expired:
		return nil, false, nil
	}
	return value, true, nil
}

// Set stores a copy of value for LifeWindow. It takes no notice of cost and
// ttl. It returns (false, nil) when the entry takes half of a shard or more, or
// when key is over 65,517 bytes long.
func (p *Provider) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	cache := p.cache.Load()
	if cache == nil {
		return false, cascache.ErrClosed
	}
	if len(key) > maxKeyLen || len(value) > p.maxEntryBytes-entryOverhead-len(key) {
		return false, nil
	}
	// The one error that there is says that the shard has no room.
	return cache.Set(key, value) == nil, nil
}

// Del removes key.
func (p *Provider) Del(_ context.Context, key string) error {
	cache := p.cache.Load()
	if cache == nil {
		return cascache.ErrClosed
	}
	if err := cache.Delete(key); err != nil && !errors.Is(err, bigcache.ErrEntryNotFound) {
		return fmt.Errorf("bigcacheprovider: delete: %w", err)
	}
	return nil
}

// Closed implements [cascache.ClosedTeller].
func (p *Provider) Closed() bool { return p.cache.Load() == nil }

// Close gives up the entries and ends BigCache's goroutine. A further Close does
// nothing; every other later call fails with [cascache.ErrClosed].
func (p *Provider) Close(context.Context) error {
	cache := p.cache.Swap(nil)
	if cache == nil {
		return nil
	}
	p.unused.Stop()
	runtime.KeepAlive(p) // or it closes the cache a second time, which panics
	return cache.Close()
}
