package cascache

import (
	"context"
	"fmt"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
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
		return err
	}
	if err := h.keys.check(key); err != nil {
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

// frame returns the entry that says so.
func (h *Handle[V]) frame(f filling[V]) ([]byte, error) {
	if f.absent {
		return wire.EncodeAbsent(f.gen), nil
	}
	return h.codec.frame(f.value, f.gen)
}

// storeOne stores one fill, unless its generation has moved.
func (h *Handle[V]) storeOne(ctx context.Context, f filling[V]) error {
	if f.gen == 0 {
		h.emit.setSkipped(ctx, f.key, ReasonNoSnapshot)
		return nil
	}
	entry := h.keys.entry(f.key)
	if h.suspects.has(entry) {
		h.emit.setSkipped(ctx, f.key, ReasonSuspect)
		return nil
	}
	current, err := h.gens.current(ctx, entry)
	if err != nil {
		h.emit.genStoreError(ctx, GenCurrent, f.key, 1, err)
		h.emit.setSkipped(ctx, f.key, ReasonGenError)
		return ended(ctx)
	}
	if reason, ok := compare(current, f.gen); !ok {
		h.emit.setSkipped(ctx, f.key, reason)
		return nil
	}
	// An invalidation may come between the compare and the set. The entry
	// then carries a generation that is not current any more, and no read
	// serves it.
	frame, err := h.frame(f)
	if err != nil {
		return fmt.Errorf("cascache: set %q: %w", entry, err)
	}
	cost := h.cost(entry, frame, false, 1)
	stored, err := h.provider.Set(ctx, entry, frame, cost, h.ttls.of(f.ttl, h.ttls.single))
	if err != nil {
		return fmt.Errorf("cascache: set %q: %w", entry, err)
	}
	if !stored {
		h.emit.setRejected(ctx, entry, false, cost)
	}
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
