package cascache

import (
	"context"
)

// Get implements [CAS].
func (h *Handle[V]) Get(ctx context.Context, key string) (V, bool, error) {
	var none V
	if err := h.beginRead(ctx, key); h.disabled || err != nil {
		return none, false, err
	}
	value, current, near, err := h.readNear(ctx, key)
	if near == nearHit {
		return value, true, nil
	}
	if near != nearOpen {
		h.trackMissing(ctx, key)
		return value, false, err
	}
	r := h.port.read(ctx, key, current, false)
	value, found := h.serve(ctx, key, &r)
	if found != foundValue {
		h.trackMissing(ctx, key)
	}
	return value, found == foundValue, r.err
}

// found says what the cache knows of a key.
type found uint8

const (
	foundNothing found = iota
	foundValue
	foundAbsent // that the source has no such key
)

// observation is the number that a look-up read on its way, which a fill may be
// observed under. asked says that it tried to, and failed that the store
// failed.
type observation struct {
	gen    uint64
	asked  bool
	failed bool
}

// lookUp is Get for a loader. It tells apart what the source does not have. With
// observe, it reads what a fill may be observed under where that costs no further
// round trip.
func (h *Handle[V]) lookUp(ctx context.Context, key string, observe *observation) (V, found, error) {
	var none V
	if err := h.beginRead(ctx, key); h.disabled || err != nil {
		return none, foundNothing, err
	}
	value, current, near, err := h.readNear(ctx, key)
	switch near {
	case nearHit:
		return value, foundValue, nil
	case nearAbsent:
		return value, foundAbsent, nil
	case nearUnproven:
		return value, foundNothing, err
	}
	r := h.port.read(ctx, key, current, observe != nil)
	if observe != nil {
		*observe = observation{gen: r.observed, asked: r.asked, failed: r.failed}
	}
	value, found := h.serve(ctx, key, &r)
	return value, found, r.err
}

// beginRead reports why a key cannot be read, or nil, also where the cache is
// disabled.
func (h *Handle[V]) beginRead(ctx context.Context, key string) error {
	if h.disabled {
		trackDisabled(ctx)
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	return h.check(OpGet, key)
}

// serve ends the reading of a key: a hit, or a miss and what it takes to heal.
func (h *Handle[V]) serve(ctx context.Context, key string, r *reading) (value V, found found) {
	value, why := h.judge(r)
	if why == "" {
		h.refillNear(ctx, key, value, r)
		h.tracked(ctx, key, r.gen, r.Deps)
		h.emit.hit(ctx, key, false)
		return value, foundValue
	}
	if isDead(why) {
		entry := h.keys.entry(key)
		err := h.port.heal(ctx, entry, r.raw)
		h.emit.selfHeal(ctx, entry, why, err)
		r.err = nil // it is a miss, whatever became of the generation
	}
	h.emit.miss(ctx, key, why)
	if why == ReasonAbsent {
		h.tracked(ctx, key, r.gen, r.Deps)
		return value, foundAbsent
	}
	return value, foundNothing
}

// judge decides over an entry as it was read: a value with an empty reason, or
// the reason why there is none.
func (h *Handle[V]) judge(r *reading) (value V, why Reason) {
	switch {
	case r.why != "":
		return value, r.why
	case r.early && r.Gen > r.gen:
		// Stored after the generation was read: fresh, as far as anyone can
		// tell, but not proved by what this call knows.
		return value, ReasonNewer
	case r.Gen != r.gen:
		return value, ReasonStale
	case r.depWhy != "":
		return value, r.depWhy
	case r.Absent:
		return value, ReasonAbsent
	}
	value, err := h.codec.decode(r.Payload)
	if err != nil {
		var none V
		return none, ReasonDecode
	}
	return value, ""
}

// isDead reports whether an entry with that fault can never be served, so that it
// is deleted.
func isDead(why Reason) bool {
	return why == ReasonCorrupt || why == ReasonStale || why == ReasonDecode || why == ReasonDependency
}
