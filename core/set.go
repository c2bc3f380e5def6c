package cascache

import (
	"context"
	"time"
)

// SetWithGen implements [CAS].
func (h *Handle[V]) SetWithGen(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) error {
	_, err := h.SetWithGenResult(ctx, key, value, observedGen, ttl)
	return err
}

// SetWithGenResult is SetWithGen, and tells what became of the value: a nil error
// alone says that nothing failed. A disabled cache skips it with [ReasonDisabled].
func (h *Handle[V]) SetWithGenResult(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) (SetResult, error) {
	failed := SetResult{Outcome: SetFailed}
	if h.disabled {
		return skippedFor(ReasonDisabled), nil
	}
	if err := h.begin(ctx); err != nil {
		return failed, err
	}
	if err := checkTTL(ttl); err != nil {
		return failed, h.failed(OpSet, key, 1, err)
	}
	if err := h.check(OpSet, key); err != nil {
		return failed, err
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
func (h *Handle[V]) storeOne(ctx context.Context, f filling[V]) (SetResult, error) {
	if f.gen == 0 {
		h.emit.setSkipped(ctx, f.key, ReasonNoSnapshot)
		return skippedFor(ReasonNoSnapshot), nil
	}
	entry, why, err := h.port.check(ctx, f.key, f.gen)
	if why != "" {
		h.emit.setSkipped(ctx, f.key, why)
		return skippedFor(why), err
	}
	item, err := h.item(f, entry)
	if err != nil {
		return SetResult{Outcome: SetFailed}, err
	}
	w, err := h.port.put(ctx, item, f.gen)
	return h.settleSet(ctx, &f, &item, w), err
}

// item returns what to store for a fill under the key entry, which may be empty
// where nobody has joined it yet: without a codec, nothing but how long it lives.
func (h *Handle[V]) item(f filling[V], entry string) (Item, error) {
	if h.codec.codec == nil {
		return Item{TTL: h.ttls.of(f.ttl, h.ttls.single)}, nil
	}
	frame, entry, err := h.codec.frame(f, h.keys.single, entry)
	if err != nil {
		return Item{}, h.failed(OpSet, f.key, 1, err)
	}
	item := Item{Key: entry, Value: frame, Cost: int64(len(frame)), TTL: h.ttls.of(f.ttl, h.ttls.single)}
	if h.cost != nil {
		if item.Cost, err = h.costOf(entry, frame, false, 1); err != nil {
			return Item{}, h.failed(OpSet, f.key, 1, err)
		}
	}
	return item, nil
}

// costOf asks Options.ComputeSetCost, whose panic loses the item and no more.
func (h *Handle[V]) costOf(entry string, frame []byte, bulk bool, n int) (cost int64, err error) {
	defer contain(&err, "Options.ComputeSetCost")
	return h.cost(entry, frame, bulk, n), nil
}

// settleSet ends a fill that was to be stored as item.
func (h *Handle[V]) settleSet(ctx context.Context, f *filling[V], item *Item, w written) SetResult {
	switch {
	case w.why != "":
		h.emit.setSkipped(ctx, f.key, w.why)
		return w.result()
	case w.failed:
		return w.result()
	case !w.stored:
		h.emit.setRejected(ctx, item.Key, false, item.Cost)
	}
	if !h.keepNear(ctx, f, item.TTL) && h.values.provider == nil {
		w.stored = false
	}
	return w.result()
}
