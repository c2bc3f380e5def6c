package cascache

import (
	"context"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
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
	r, err := h.storeOne(ctx, filling[V]{key: key, value: value, gen: observedGen, ttl: ttl})
	h.trackFills(ctx, filling[V]{key: key, gen: observedGen})
	return r, err
}

// filling is what the source had for a key.
type filling[V any] struct {
	key    string
	value  V
	gen    uint64 // observed before the source was read
	ttl    time.Duration
	absent bool // the source has no such key

	notes *fillNotes // of its load; nil: none
	deps  *wire.Deps // all dependencies, once they are proven; nil: none
}

// fillNotes are what a load has to say of a fill.
type fillNotes struct {
	taken   []wire.Dep // dependencies that were taken during the load
	refused Reason     // it cannot be stored
	proof   *proven    // nil, or told what has been proven
}

// refusal returns why a fill cannot be stored, or nothing.
func (f *filling[V]) refusal() Reason {
	if f.notes == nil {
		return ""
	}
	return f.notes.refused
}

// refuse notes why a fill cannot be stored.
func (f *filling[V]) refuse(why Reason) {
	notes := fillNotes{refused: why}
	if f.notes != nil {
		notes.taken, notes.proof = f.notes.taken, f.notes.proof
	}
	f.notes = &notes
}

// proven is what was proven of a fill when it was stored.
type proven struct {
	ok   bool
	gen  uint64     // the key's own generation
	deps *wire.Deps // all dependencies; nil: none
}

// storeOne stores one fill, unless its generation has moved.
func (h *Handle[V]) storeOne(ctx context.Context, f filling[V]) (SetResult, error) {
	if f.gen == 0 {
		h.emit.setSkipped(ctx, f.key, ReasonNoSnapshot)
		return skippedFor(ReasonNoSnapshot), nil
	}
	if h.derivesFill(&f) {
		return h.storeDerived(ctx, f)
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

// derivesFill reports whether a fill needs more than its own generation.
func (h *Handle[V]) derivesFill(f *filling[V]) bool {
	return f.notes != nil && (len(f.notes.taken) > 0 || f.notes.refused != "") || h.derived.any()
}

// storeDerived is storeOne of a fill that has dependencies. They are compared before
// the fill is stored. One that moves in between is seen by whoever reads the entry,
// as is the generation itself.
func (h *Handle[V]) storeDerived(ctx context.Context, f filling[V]) (SetResult, error) {
	fills := []filling[V]{f}
	if err := h.proveFills(ctx, fills); err != nil {
		return SetResult{Outcome: SetFailed}, err
	}
	f = fills[0]
	if why := f.refusal(); why != "" {
		h.emit.setSkipped(ctx, f.key, why)
		return skippedFor(why), nil
	}
	item, err := h.item(f, h.keys.entry(f.key))
	if err != nil {
		return SetResult{Outcome: SetFailed}, err
	}
	w, err := h.port.put(ctx, item, f.gen)
	return h.settleSet(ctx, &f, &item, w), err
}

// proveFills replaces the observed number of each fill by the generation that it
// stands for, and finds all its dependencies, or why it cannot be stored. The error
// is the caller's own ended context.
func (h *Handle[V]) proveFills(ctx context.Context, fills []filling[V]) error {
	claims := make([]claim, len(fills))
	for i, f := range fills {
		claims[i] = claim{key: f.key, observed: f.gen, why: f.refusal()}
		if f.notes != nil {
			claims[i].deps = f.notes.taken
		}
	}
	if err := h.prove(ctx, claims); err != nil {
		return err
	}
	for i := range fills {
		f, c := &fills[i], &claims[i]
		if c.why != "" {
			f.refuse(c.why)
			continue
		}
		deps, err := wire.DepsOf(c.all)
		if err != nil {
			f.refuse(ReasonDependency)
			continue
		}
		f.gen, f.deps = c.own, keptDeps(deps)
	}
	return nil
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
	if f.notes != nil && f.notes.proof != nil && w.why == "" && !w.failed {
		*f.notes.proof = proven{true, f.gen, f.deps}
	}
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
