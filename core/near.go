package cascache

import (
	"context"
	"time"
)

// Near keeps decoded values in this process. It may lose any entry at any time;
// it must never answer with another value or generation than those last set
// under that very key.
//
// Values are shared: between Near, the cache and all callers, who must not
// modify what they get. Keys are the caller's own keys. All methods may be called
// concurrently and never block. After Close, Get misses and the rest does
// nothing.
type Near[V any] interface {
	// Get returns the value under key and the generation that it was set with.
	Get(key string) (value V, gen uint64, ok bool)

	// Set keeps value under key with its generation for ttl, which is
	// positive. It may decline; the key then misses.
	Set(key string, value V, gen uint64, ttl time.Duration)

	// Del removes key. When it has returned, no value set before it began is
	// returned any more.
	Del(key string)

	// Close releases what the tier owns. Further calls do nothing.
	Close() error
}

// nearResult says what near knows of a key.
type nearResult uint8

const (
	nearOpen     nearResult = iota // nothing, or what is not current any more
	nearHit                        // a value that is current
	nearUnproven                   // a value of which that is not known
)

// readNear reads the key from near, and its generation if that has it: current is
// 0 where it was not read. An error is the caller's own ended context.
//
// It is read before the provider, and once: a value read later under that number
// is from before an invalidation that had not returned when this call began.
func (h *Handle[V]) readNear(ctx context.Context, key string) (value V, current uint64, result nearResult, err error) {
	if h.near == nil {
		return value, 0, nearOpen, nil
	}
	value, gen, ok := h.near.Get(key)
	if !ok {
		return value, 0, nearOpen, nil
	}
	current, why, err := h.proof(ctx, key, "")
	if current == gen && gen != 0 {
		h.emit.hit(ctx, key, false)
		return value, current, nearHit, nil
	}
	var none V
	if current == 0 {
		h.emit.miss(ctx, key, why)
		return none, 0, nearUnproven, err
	}
	h.near.Del(key)
	return none, current, nearOpen, nil
}

// maxNearRefill is how long a value read from the provider is kept near.
const maxNearRefill = time.Minute

// keepNear keeps what a fill has stored. A note that the source has no such key
// has no value to keep.
func (h *Handle[V]) keepNear(f *filling[V], ttl time.Duration) {
	if h.near != nil && !f.absent {
		h.near.Set(f.key, f.value, f.gen, ttl)
	}
}

// refillNear keeps what the provider had.
func (h *Handle[V]) refillNear(key string, value V, gen uint64) {
	if h.near != nil {
		h.near.Set(key, value, gen, min(h.ttls.single, maxNearRefill))
	}
}

func (h *Handle[V]) closeNear() (err error) {
	if h.near == nil {
		return nil
	}
	defer contain(&err, "the near tier")
	return h.near.Close()
}

func (h *Handle[V]) dropNear(key string) {
	if h.near != nil {
		h.near.Del(key)
	}
}
