package cascache

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// SetBulkWithGens implements [CAS].
func (h *Handle[V]) SetBulkWithGens(ctx context.Context, items map[string]V, observedGens map[string]uint64, ttl time.Duration) error {
	_, err := h.SetBulkWithGensResult(ctx, items, observedGens, ttl)
	return err
}

// SetBulkWithGensResult is SetBulkWithGens, and tells what became of the values
// and of their bulk entry. A disabled cache skips all with [ReasonDisabled].
func (h *Handle[V]) SetBulkWithGensResult(ctx context.Context, items map[string]V, observedGens map[string]uint64, ttl time.Duration) (SetBulkResult, error) {
	if h.disabled {
		return allOf(items, skippedFor(ReasonDisabled)), nil
	}
	failed := SetResult{Outcome: SetFailed}
	if err := h.begin(ctx); err != nil {
		return allOf(items, failed), err
	}
	keys := slices.Sorted(maps.Keys(items))
	if err := checkTTL(ttl); err != nil {
		if len(keys) > 0 {
			err = h.failed(OpSetBulk, keys[0], len(keys), err)
		}
		return allOf(items, failed), err
	}
	fills := make([]filling[V], len(keys))
	for i, key := range keys {
		if err := h.check(OpSetBulk, key); err != nil {
			return allOf(items, failed), err
		}
		fills[i] = filling[V]{key: key, value: items[key], gen: observedGens[key], ttl: ttl}
	}
	observed := slices.Clone(fills)
	r, err := h.storeMany(ctx, fills, ttl, !h.noBulk)
	h.trackFills(ctx, observed...)
	return r, err
}

// allOf is the result of a bulk set that stored nothing.
func allOf[V any](items map[string]V, of SetResult) SetBulkResult {
	r := SetBulkResult{Bulk: of}
	for key := range items {
		r.note(key, of)
	}
	return r
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
		_, err := h.storeOne(ctx, fills[0])
		return err
	}
	for _, f := range fills {
		whole = whole && !f.absent
	}
	slices.SortFunc(fills, func(a, b filling[V]) int { return strings.Compare(a.key, b.key) })
	_, err := h.storeMany(ctx, fills, 0, whole && !h.noBulk)
	return err
}

// storeMany stores the fills whose generation has not moved, in ascending order
// of distinct keys, and a bulk entry of them all if asked to and none has
// moved.
func (h *Handle[V]) storeMany(ctx context.Context, fills []filling[V], bulkTTL time.Duration, bulk bool) (r SetBulkResult, err error) {
	var why Reason // a fill is left out
	skip := func(f filling[V], reason Reason) {
		why = reason
		h.emit.setSkipped(ctx, f.key, reason)
		r.note(f.key, skippedFor(reason))
	}
	proven := slices.ContainsFunc(fills, func(f filling[V]) bool { return h.derivesFill(&f) })
	if proven {
		if err := h.proveFills(ctx, fills); err != nil {
			r.Bulk = SetResult{Outcome: SetFailed}
			for _, f := range fills {
				r.note(f.key, r.Bulk)
			}
			return r, err
		}
	}
	asked := make([]filling[V], 0, len(fills))
	entries := make([]string, 0, len(fills))
	gens := make([]uint64, 0, len(fills))
	for _, f := range fills {
		entry := h.keys.entry(f.key)
		switch {
		case f.gen == 0:
			skip(f, ReasonNoSnapshot)
		case f.refusal() != "":
			skip(f, f.refusal())
		case h.isSuspect(entry): // first, as in proof
			skip(f, ReasonSuspect)
		default:
			asked, entries, gens = append(asked, f), append(entries, entry), append(gens, f.gen)
		}
	}
	if len(asked) > 0 && !proven {
		reasons, err := h.port.checkBulk(ctx, entries, gens)
		if err != nil {
			r.Bulk = SetResult{Outcome: SetFailed}
			for _, f := range asked {
				r.note(f.key, r.Bulk)
			}
			return r, err
		}
		if reasons != nil {
			fresh := 0
			for i, f := range asked {
				if reasons[i] != "" {
					skip(f, reasons[i])
					continue
				}
				asked[fresh], entries[fresh] = f, entries[i]
				fresh++
			}
			asked, entries = asked[:fresh], entries[:fresh]
		}
	}
	items, kept, failed := h.items(asked, entries, bulkTTL, bulk && why == "")
	encoded := 0
	for _, f := range asked {
		if encoded < len(kept) && kept[encoded].key == f.key {
			encoded++
			continue
		}
		r.note(f.key, SetResult{Outcome: SetFailed})
	}
	switch {
	case !bulk:
		r.Bulk = skippedFor(ReasonDisabled)
	case len(fills) > 0:
		r.Bulk = SetResult{Outcome: SetFailed}
	}
	if len(items) > 0 {
		for i, f := range kept {
			gens[i] = f.gen
		}
		results, err := h.port.putBulk(ctx, items, gens[:len(kept)])
		failed.add(err)
		for i, f := range kept {
			if results[i].why != "" {
				why = results[i].why
			}
			r.note(f.key, h.settleSet(ctx, &f, &items[i], results[i]))
		}
		if at := len(kept); at < len(items) && why == "" {
			why = results[at].why
			if r.Bulk = results[at].result(); r.Bulk.Outcome == SetDeclined {
				h.emit.setRejected(ctx, items[at].Key, true, items[at].Cost)
			}
		}
	}
	if bulk && why != "" {
		r.Bulk = skippedFor(why)
		h.emit.bulkRejected(ctx, keysOf(fills), true, why)
	}
	return r, failed.err()
}

// items returns what to store for the fills, and of which of them: a single for
// each that can be encoded, and after these, if asked to and all can, a bulk
// entry of them all. That one lives no longer than any member that was given a
// time to live of its own.
func (h *Handle[V]) items(fills []filling[V], entries []string, bulkTTL time.Duration, bulk bool) (writes []Item, kept []filling[V], failed failures) {
	writes = make([]Item, 0, len(fills)+1)
	kept = make([]filling[V], 0, len(fills))
	members := make([]wire.Member, 0, len(fills))
	version := h.codec.version
	ttl := h.ttls.of(bulkTTL, h.ttls.bulk)
	for i, f := range fills {
		item, err := h.item(f, entries[i])
		if err != nil {
			failed.add(err)
			bulk = false
			continue
		}
		writes = append(writes, item)
		kept = append(kept, f)
		if f.ttl > 0 {
			ttl = min(ttl, item.TTL)
		}
		if bulk {
			single := versionOf(h.codec.version, item.Value)
			members = append(members, wire.Member{Key: f.key, Gen: f.gen, Deps: orNone(f.deps), Payload: single.PayloadOf(item.Value)})
			if f.deps != nil {
				version = single
			}
		}
	}
	if !bulk || len(kept) == 0 {
		return writes, kept, failed
	}
	entry := h.keys.bulkEntry(keysOf(fills))
	if version != h.codec.version {
		now := uint64(time.Now().UnixMilli())
		for i := range members {
			members[i].Loaded = now
		}
	}
	frame, err := version.AppendMembers(nil, entry, members)
	if err != nil {
		failed.add(h.failed(OpSetBulk, fills[0].key, len(fills), err))
		return writes, kept, failed
	}
	item := Item{Key: entry, Value: frame, Cost: int64(len(frame)), TTL: ttl}
	if h.cost != nil {
		if item.Cost, err = h.costOf(entry, frame, true, len(members)); err != nil {
			failed.add(h.failed(OpSetBulk, fills[0].key, len(fills), err))
			return writes, kept, failed
		}
	}
	return append(writes, item), kept, failed
}

func keysOf[V any](fills []filling[V]) []string {
	keys := make([]string, len(fills))
	for i, f := range fills {
		keys[i] = f.key
	}
	return keys
}
