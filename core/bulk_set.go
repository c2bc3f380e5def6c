package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
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
	keys := slices.Sorted(maps.Keys(items))
	if err := checkTTL(ttl); err != nil && len(keys) > 0 {
		return h.failed(OpSetBulk, keys[0], len(keys), err)
	} else if err != nil {
		return err
	}
	fills := make([]filling[V], len(keys))
	for i, key := range keys {
		if err := h.check(OpSetBulk, key); err != nil {
			return err
		}
		fills[i] = filling[V]{key: key, value: items[key], gen: observedGens[key], ttl: ttl}
	}
	return h.storeMany(ctx, fills, ttl, !h.noBulk)
}

// store stores what a loader got: as singles, and as a bulk too if these are
// all the keys that its caller asked for.
func (h *Handle[V]) store(ctx context.Context, fills []filling[V], whole bool) error {
	if h.disabled || len(fills) == 0 {
		return nil
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	if len(fills) == 1 {
		return h.storeOne(ctx, fills[0])
	}
	for _, f := range fills {
		whole = whole && !f.absent
	}
	slices.SortFunc(fills, func(a, b filling[V]) int { return strings.Compare(a.key, b.key) })
	return h.storeMany(ctx, fills, 0, whole && !h.noBulk)
}

// storeMany stores the fills whose generation has not moved, in ascending order
// of distinct keys, and a bulk entry of them all if asked to and none has
// moved.
func (h *Handle[V]) storeMany(ctx context.Context, fills []filling[V], bulkTTL time.Duration, bulk bool) error {
	if len(fills) == 0 {
		return nil
	}
	if h.gens.combined != nil {
		return h.storeManyCombined(ctx, fills, bulkTTL, bulk)
	}
	fresh, why, err := h.unmoved(ctx, fills)
	if err != nil {
		return err
	}
	if bulk && len(fresh) < len(fills) {
		bulk = false
		h.emit.bulkRejected(ctx, keysOf(fills), true, why)
	}
	if h.provider == nil {
		for _, f := range fresh {
			h.keepNear(f, h.ttls.of(f.ttl, h.ttls.single))
		}
		return nil
	}
	writes, kept, errs := h.items(fresh, bulkTTL, bulk)
	bulkAt := -1 // the bulk entry's index in writes
	if len(writes) > len(kept) {
		bulkAt = len(kept)
	}
	if err := h.setEntries(ctx, writes, bulkAt); err != nil {
		return errors.Join(append(errs, h.failed(OpSetBulk, fills[0].key, len(fills), err))...)
	}
	for i, f := range kept {
		h.keepNear(f, writes[i].TTL)
	}
	return errors.Join(errs...)
}

// items returns what to store for the fills, and of which of them: a single for
// each that can be encoded, and after these, if asked to and all can, a bulk
// entry of them all.
func (h *Handle[V]) items(fills []filling[V], bulkTTL time.Duration, bulk bool) (writes []Item, kept []filling[V], errs []error) {
	writes = make([]Item, 0, len(fills)+1)
	kept = make([]filling[V], 0, len(fills))
	members := make([]wire.BulkItem, 0, len(fills))
	for _, f := range fills {
		item, err := h.item(f, h.keys.entry(f.key))
		if err != nil {
			errs = append(errs, err)
			bulk = false
			continue
		}
		writes = append(writes, item)
		kept = append(kept, f)
		if bulk {
			members = append(members, wire.BulkItem{Key: f.key, Gen: f.gen, Payload: h.codec.version.PayloadOf(item.Value)})
		}
	}
	if !bulk {
		return writes, kept, errs
	}
	entry := h.keys.bulkEntry(keysOf(fills))
	frame, err := h.codec.version.EncodeBulk(entry, members)
	if err != nil {
		return writes, kept, append(errs, h.failed(OpSetBulk, fills[0].key, len(fills), err))
	}
	return append(writes, Item{
		Key:   entry,
		Value: frame,
		Cost:  h.cost(entry, frame, true, len(members)),
		TTL:   h.ttls.of(bulkTTL, h.ttls.bulk),
	}), kept, errs
}

// unmoved returns the fills that may be stored, in order, and a reason where
// these are not all. The error is the caller's own ended context.
func (h *Handle[V]) unmoved(ctx context.Context, fills []filling[V]) (fresh []filling[V], why Reason, err error) {
	asked := make([]filling[V], 0, len(fills))
	entries := make([]string, 0, len(fills))
	for _, f := range fills {
		entry := h.keys.entry(f.key)
		if refused := h.refused(f, entry); refused != "" {
			why = refused
			h.emit.setSkipped(ctx, f.key, why)
			continue
		}
		asked = append(asked, f)
		entries = append(entries, entry)
	}
	current, genErr := h.gens.currentToCommitBatch(ctx, entries)
	if genErr != nil {
		h.emit.genStoreError(ctx, GenCurrent, asked[0].key, len(asked), genErr)
		if err := ended(ctx); err != nil {
			return nil, "", err
		}
	}
	fresh = asked[:0]
	for i, f := range asked {
		reason, ok := compare(current[i], f.gen)
		if ok {
			fresh = append(fresh, f)
			continue
		}
		if genErr != nil && reason == ReasonNoGen {
			reason = ReasonGenError
		}
		why = reason
		h.emit.setSkipped(ctx, f.key, reason)
	}
	return fresh, why, nil
}

func keysOf[V any](fills []filling[V]) []string {
	keys := make([]string, len(fills))
	for i, f := range fills {
		keys[i] = f.key
	}
	return keys
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
