package cascache

import (
	"context"

	"github.com/unkn0wn-root/cascache/wire"
)

// Get implements [CAS].
func (h *Handle[V]) Get(ctx context.Context, key string) (V, bool, error) {
	// lookUp, but for what is near: each call that a value is handed through
	// copies it once more.
	var none V
	if err := h.beginRead(ctx, key); h.disabled || err != nil {
		return none, false, err
	}
	var current uint64
	if h.near != nil {
		if value, gen, ok := h.near.Get(key); ok {
			var err error
			current, err = h.proofOfNear(ctx, key, gen)
			if current == 0 {
				return none, false, err
			}
			if current == gen {
				return value, true, nil
			}
		}
	}
	value, found, err := h.lookUpFar(ctx, key, current, nil)
	return value, found == foundValue, err
}

// found says what the cache knows of a key.
type found uint8

const (
	foundNothing found = iota
	foundValue
	foundAbsent // that the source has no such key
)

// lookUp is Get, and tells apart what the source does not have. With observe,
// it reads what a fill may be observed under where that costs no further round
// trip.
func (h *Handle[V]) lookUp(ctx context.Context, key string, observe *observation) (V, found, error) {
	var none V
	if err := h.beginRead(ctx, key); h.disabled || err != nil {
		return none, foundNothing, err
	}
	var current uint64
	if h.near != nil {
		if value, gen, ok := h.near.Get(key); ok {
			var err error
			current, err = h.proofOfNear(ctx, key, gen)
			if current == 0 {
				return none, foundNothing, err
			}
			if current == gen {
				return value, foundValue, nil
			}
		}
	}
	return h.lookUpFar(ctx, key, current, observe)
}

// beginRead reports why a key cannot be read, or nil, also where the cache is
// disabled.
func (h *Handle[V]) beginRead(ctx context.Context, key string) error {
	if h.disabled {
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	return h.check(OpGet, key)
}

// proofOfNear returns the generation of a key that near has under gen: if it is
// gen, the value may be served; 0 and the caller's own ended context, if there is
// none. Anything else ends the near entry.
//
// It is read before the provider, and once: a value read later under that number
// is from before an invalidation that had not returned when this call began.
func (h *Handle[V]) proofOfNear(ctx context.Context, key string, gen uint64) (uint64, error) {
	current, why, err := h.proof(ctx, key, "")
	switch current {
	case 0:
		h.emit.miss(ctx, key, why)
	case gen:
		h.emit.hit(ctx, key, false)
	default:
		h.near.Del(key)
	}
	return current, err
}

// lookUpFar is lookUp in the provider. current is the generation of the key, or 0
// where it is still to be read.
func (h *Handle[V]) lookUpFar(ctx context.Context, key string, current uint64, observe *observation) (V, found, error) {
	var none V
	if h.provider == nil {
		h.emit.miss(ctx, key, ReasonNotFound)
		return none, foundNothing, nil
	}
	var raw []byte
	var entry string
	var why Reason      // there is no generation to be had
	var over, err error // over: the caller's context
	if h.gens.combined != nil {
		entry = h.keys.entry(key)
		raw, current, why, over, err = h.getPair(ctx, key, entry, observe)
	} else {
		raw, entry, err = h.getEntry(ctx, key)
	}
	if err != nil {
		h.emit.miss(ctx, key, ReasonProviderError)
		return none, foundNothing, h.failed(OpGet, key, 1, err)
	}
	if raw == nil {
		if why == "" {
			why = ReasonNotFound
		}
		h.emit.miss(ctx, key, why)
		return none, foundNothing, over
	}
	gen, payload, kind, err := h.codec.open(raw, h.keys.single, key, entry)
	if err != nil {
		return none, foundNothing, h.heal(ctx, key, raw, ReasonCorrupt)
	}
	if current == 0 {
		// Read after the entry: an entry whose generation is still current
		// here was current when this call began, or became so since.
		if h.gens.combined == nil {
			current, why, over = h.proof(ctx, key, entry)
		}
		if current == 0 {
			h.emit.miss(ctx, key, why)
			return none, foundNothing, over
		}
	} else if gen > current {
		// Stored after the generation was read: not to be deleted.
		h.emit.miss(ctx, key, ReasonNewer)
		return none, foundNothing, nil
	}
	if gen != current {
		return none, foundNothing, h.heal(ctx, key, raw, ReasonStale)
	}
	if kind == wire.KindAbsent {
		h.emit.miss(ctx, key, ReasonAbsent)
		return none, foundAbsent, nil
	}
	value, err := h.codec.decode(payload)
	if err != nil {
		return none, foundNothing, h.heal(ctx, key, raw, ReasonDecode)
	}
	h.refillNear(key, value, gen)
	h.emit.hit(ctx, key, false)
	return value, foundValue, nil
}

// getEntry reads the single entry of key, nil for a miss, and returns the
// storage key where it had to be joined for that.
func (h *Handle[V]) getEntry(ctx context.Context, key string) (raw []byte, entry string, err error) {
	var ok bool
	if h.prefixGetter != nil {
		raw, ok, err = h.prefixGetter.GetPrefixed(ctx, h.keys.single, key)
	} else {
		entry = h.keys.entry(key)
		raw, ok, err = h.provider.Get(ctx, entry)
	}
	if ok && raw == nil {
		raw = []byte{} // a hit of no bytes
	}
	return raw, entry, err
}

// heal deletes an entry that cannot be served any more, and reports a miss.
// Where the provider cannot compare, it may take a newer entry with it that was
// stored meanwhile, which costs a miss. It returns nil: neither is an error to
// the caller.
func (h *Handle[V]) heal(ctx context.Context, key string, raw []byte, reason Reason) error {
	entry := h.keys.entry(key)
	var err error
	if h.gens.combined != nil {
		err = h.gens.delEqual(ctx, []string{entry}, [][]byte{raw})
	} else {
		err = h.provider.Del(ctx, entry)
	}
	h.emit.selfHeal(ctx, entry, reason, err)
	h.emit.miss(ctx, key, reason)
	return nil
}
