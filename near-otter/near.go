package otternear

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// entry is what Otter keeps under a key, by its address: a look-up copies a value
// once, not from call to call.
type entry[V any] struct {
	cascache.NearEntry[V]
	ttl time.Duration
}

// Near is a [cascache.Near] over an Otter cache. Make one with [New].
type Near[V any] struct {
	cache  *otter.Cache[string, *entry[V]]
	closed atomic.Bool
}

var (
	_ cascache.Near[int]      = (*Near[int])(nil)
	_ cascache.EntryNear[int] = (*Near[int])(nil)
)

// New returns an empty tier, or an error that names the field out of range. A tier
// that nobody closes or uses any more is collected, with its goroutine.
func New[V any](cfg Config[V]) (*Near[V], error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	opts := &otter.Options[string, *entry[V]]{
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *entry[V]]) time.Duration { return e.Value.ttl }),
	}
	switch {
	case cfg.Weigher != nil:
		opts.MaximumWeight = cfg.MaxWeight
		opts.Weigher = func(key string, e *entry[V]) uint32 {
			if e.Absent {
				return uint32(min(max(len(key), 1), math.MaxUint32))
			}
			return cfg.Weigher(key, e.Value)
		}
	case cfg.MaxEntries > 0:
		opts.MaximumSize = cfg.MaxEntries
	default:
		opts.MaximumSize = DefaultMaxEntries
	}
	cache, err := otter.New(opts)
	if err != nil {
		return nil, fmt.Errorf("otternear: %w", err)
	}
	return &Near[V]{cache: cache}, nil
}

// Get implements [cascache.Near]. It does not allocate.
func (n *Near[V]) Get(key string) (value V, gen uint64, ok bool) {
	if n.closed.Load() {
		return value, 0, false
	}
	e, ok := n.cache.GetIfPresent(key)
	if !ok || e.Absent {
		return value, 0, false
	}
	return e.Value, e.Gen, true
}

// GetEntry implements [cascache.EntryNear]. It does not allocate.
func (n *Near[V]) GetEntry(key string) (kept cascache.NearEntry[V], ok bool) {
	if n.closed.Load() {
		return kept, false
	}
	e, ok := n.cache.GetIfPresent(key)
	if !ok {
		return kept, false
	}
	return e.NearEntry, true
}

// Set implements [cascache.Near]. A ttl that is not positive keeps nothing.
func (n *Near[V]) Set(key string, value V, gen uint64, ttl time.Duration) {
	n.SetEntry(key, cascache.NearEntry[V]{Value: value, Gen: gen}, ttl)
}

// SetEntry implements [cascache.EntryNear]. A ttl that is not positive keeps nothing.
func (n *Near[V]) SetEntry(key string, kept cascache.NearEntry[V], ttl time.Duration) {
	if n.closed.Load() {
		return
	}
	if ttl <= 0 {
		n.cache.Invalidate(key)
		return
	}
	n.cache.Set(key, &entry[V]{kept, ttl})
}

// Del implements [cascache.Near].
func (n *Near[V]) Del(key string) {
	if !n.closed.Load() {
		n.cache.Invalidate(key)
	}
}

// Len returns about how many entries are kept, those included that have expired
// and are still to be dropped.
func (n *Near[V]) Len() int { return n.cache.EstimatedSize() }

// Close drops all entries and ends Otter's goroutines. From then on Get misses and
// Set keeps nothing. Further calls do nothing.
func (n *Near[V]) Close() error {
	if n.closed.CompareAndSwap(false, true) {
		n.cache.StopAllGoroutines()
		n.cache.InvalidateAll()
	}
	return nil
}
