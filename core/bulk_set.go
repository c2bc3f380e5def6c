package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// SetBulkWithGens implements [CAS].
func (h *Handle[V]) SetBulkWithGens(ctx context.Context, items map[string]V, observedGens map[string]uint64, ttl time.Duration) error {
	if h.disabled {
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	if err := checkTTL(ttl); err != nil {
		return err
	}
	keys := slices.Sorted(maps.Keys(items))
	for _, key := range keys {
		if err := h.keys.check(key); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	fresh, whole, err := h.unmoved(ctx, keys, observedGens)
	if err != nil {
		return err
	}

	writes := make([]Item, 0, len(fresh)+1)
	members := make([]wire.BulkItem, 0, len(fresh))
	var errs []error
	for _, key := range fresh {
		entry := h.keys.entry(key)
		frame, err := h.codec.frame(items[key], observedGens[key])
		if err != nil {
			errs = append(errs, fmt.Errorf("cascache: set %q: %w", entry, err))
			whole = false
			continue
		}
		writes = append(writes, Item{
			Key:   entry,
			Value: frame,
			Cost:  h.cost(entry, frame, false, 1),
			TTL:   h.ttls.of(ttl, h.ttls.single),
		})
		members = append(members, wire.BulkItem{Key: key, Gen: observedGens[key], Payload: frame[wire.SingleOverhead:]})
	}
	bulk := -1 // the bulk entry's index in writes
	if whole && !h.noBulk {
		frame, err := wire.EncodeBulk(members)
		if err != nil {
			errs = append(errs, fmt.Errorf("cascache: set bulk of %d keys: %w", len(keys), err))
		} else {
			entry := h.keys.bulkEntry(keys)
			bulk = len(writes)
			writes = append(writes, Item{
				Key:   entry,
				Value: frame,
				Cost:  h.cost(entry, frame, true, len(members)),
				TTL:   h.ttls.of(ttl, h.ttls.bulk),
			})
		}
	}
	if err := h.setEntries(ctx, writes, bulk); err != nil {
		errs = append(errs, fmt.Errorf("cascache: set bulk of %d keys: %w", len(keys), err))
	}
	return errors.Join(errs...)
}

// unmoved returns the keys that may be stored, in order, and whether these are
// all of them. The error is the caller's own ended context.
func (h *Handle[V]) unmoved(ctx context.Context, keys []string, observed map[string]uint64) (fresh []string, whole bool, err error) {
	asked := make([]string, 0, len(keys))
	for _, key := range keys {
		switch {
		case observed[key] == 0:
			h.emit.setSkipped(ctx, key, ReasonNoSnapshot)
		case h.suspects.has(h.keys.entry(key)):
			h.emit.setSkipped(ctx, key, ReasonSuspect)
		default:
			asked = append(asked, key)
		}
	}
	current, genErr := h.gens.currentBatch(ctx, h.keys.entries(asked))
	if genErr != nil {
		h.emit.genStoreError(ctx, GenCurrent, asked[0], len(asked), genErr)
		if err := ended(ctx); err != nil {
			return nil, false, err
		}
	}
	fresh = make([]string, 0, len(asked))
	why := ReasonNoSnapshot
	for i, key := range asked {
		reason, ok := compare(current[i], observed[key])
		if ok {
			fresh = append(fresh, key)
			continue
		}
		if genErr != nil && reason == ReasonNoGen {
			reason = ReasonGenError
		}
		why = reason
		h.emit.setSkipped(ctx, key, reason)
	}
	whole = len(fresh) == len(keys)
	if !whole && !h.noBulk {
		h.emit.bulkRejected(ctx, keys, true, why)
	}
	return fresh, whole, nil
}

// setEntries writes every item, in one call where the provider can, and
// reports those that it declines. bulk is the index of the bulk entry, or -1.
func (h *Handle[V]) setEntries(ctx context.Context, writes []Item, bulk int) error {
	if len(writes) == 0 {
		return nil
	}
	var stored []bool
	var err error
	if h.setBatcher != nil {
		stored, err = h.setBatcher.SetBatch(ctx, writes)
		if err == nil && len(stored) != len(writes) {
			err = errBatchLength
		}
	} else {
		stored = make([]bool, len(writes))
		for i, w := range writes {
			ok, setErr := h.provider.Set(ctx, w.Key, w.Value, w.Cost, w.TTL)
			stored[i] = ok
			if setErr != nil {
				err = errors.Join(err, setErr)
				if ctx.Err() != nil {
					break
				}
			}
		}
	}
	if err != nil {
		return err
	}
	for i, w := range writes {
		if !stored[i] {
			h.emit.setRejected(ctx, w.Key, i == bulk, w.Cost)
		}
	}
	return nil
}
