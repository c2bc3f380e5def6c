package cascache

import (
	"context"
	"time"
)

// SetWithGen implements [CAS].
func (h *Handle[V]) SetWithGen(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) error {
	if h.disabled {
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	if err := checkTTL(ttl); err != nil {
		return h.failed(OpSet, key, 1, err)
	}
	if err := h.check(OpSet, key); err != nil {
		return err
	}
	return h.storeOne(ctx, filling[V]{key: key, value: value, gen: observedGen, ttl: ttl})
}

// filling is what the source had for a key.
type filling[V any] struct {
	key    string
	value  V
	gen    uint64 // observed before the source was read
	ttl    time.Duration
	absent bool // the source has no such key
}

// storeOne stores one fill, unless its generation has moved.
func (h *Handle[V]) storeOne(ctx context.Context, f filling[V]) error {
	if h.gens.combined != nil {
		return h.storeOneCombined(ctx, f)
	}
	if f.gen == 0 {
		h.emit.setSkipped(ctx, f.key, ReasonNoSnapshot)
		return nil
	}
	// Where the store looks up a key in two parts, it is joined with the frame,
	// in one allocation.
	var entry string
	if h.provider != nil && (h.gens.prefixCurrenter == nil || h.gens.commitCurrenter != nil) {
		entry = h.keys.entry(f.key)
	}
	current, why, err := h.proofToCommit(ctx, f.key, entry)
	if current == 0 {
		h.emit.setSkipped(ctx, f.key, why)
		return err
	}
	if reason, ok := compare(current, f.gen); !ok {
		h.emit.setSkipped(ctx, f.key, reason)
		return nil
	}
	// An invalidation may come between the compare and the set. The entry
	// then carries a generation that is not current any more, and no read
	// serves it.
	if h.provider == nil {
		h.keepNear(f, h.ttls.of(f.ttl, h.ttls.single))
		return nil
	}
	item, err := h.item(f, entry)
	if err != nil {
		return err
	}
	stored, err := h.provider.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
	return h.settleSet(ctx, f, item, stored, err)
}

// item returns what to store for a fill under the key entry, which may be empty
// where nobody has joined it yet.
func (h *Handle[V]) item(f filling[V], entry string) (Item, error) {
	frame, entry, err := h.codec.frame(f, h.keys.single, entry)
	if err != nil {
		return Item{}, h.failed(OpSet, f.key, 1, err)
	}
	return Item{
		Key:   entry,
		Value: frame,
		Cost:  h.cost(entry, frame, false, 1),
		TTL:   h.ttls.of(f.ttl, h.ttls.single),
	}, nil
}

// settleSet ends a fill that the provider was asked to store as item, which it
// may decline.
func (h *Handle[V]) settleSet(ctx context.Context, f filling[V], item Item, stored bool, err error) error {
	if err != nil {
		return h.failed(OpSet, f.key, 1, err)
	}
	if !stored {
		h.emit.setRejected(ctx, item.Key, false, item.Cost)
	}
	h.keepNear(f, item.TTL)
	return nil
}

// compare decides whether a fill may commit: only while the generation is the
// one observed before the source was read. 0 is no generation on either side
// (G2).
func compare(current, observed uint64) (Reason, bool) {
	switch {
	case observed == 0:
		return ReasonNoSnapshot, false
	case current == 0:
		return ReasonNoGen, false
	case current != observed:
		return ReasonStale, false
	}
	return "", true
}
