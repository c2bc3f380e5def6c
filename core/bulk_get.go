package cascache

import (
	"context"
	"maps"
	"slices"

	"github.com/unkn0wn-root/cascache/wire"
)

// GetBulk implements [CAS].
func (h *Handle[V]) GetBulk(ctx context.Context, keys []string) (map[string]V, []string, error) {
	r := h.lookUpBulk(ctx, keys)
	return r.values, r.missing(false), r.err
}

// lookUpBulk is GetBulk, and tells apart what the source does not have.
func (h *Handle[V]) lookUpBulk(ctx context.Context, keys []string) *bulkRead[V] {
	keys = distinct(keys)
	r := &bulkRead[V]{Handle: h, keys: keys, values: make(map[string]V, len(keys))}
	if h.disabled {
		return r
	}
	if r.err = h.begin(ctx); r.err != nil {
		return r
	}
	for _, key := range keys {
		if r.err = h.check(OpGetBulk, key); r.err != nil {
			return r
		}
	}
	if len(keys) > 0 {
		r.proven.entries = h.keys.entriesAtOnce(keys)
		r.err = r.run(ctx)
	}
	return r
}

// bulkRead is one GetBulk, under way and then done.
type bulkRead[V any] struct {
	*Handle[V]
	keys   []string   // distinct
	proven bulkProofs // one for each

	values map[string]V
	absent map[string]bool // what the source does not have
	err    error

	unhealthy []unhealthyEntry
}

// missing returns the keys without a value, and without those that the source
// is known not to have if asked to.
func (r *bulkRead[V]) missing(believeAbsent bool) []string {
	missing := make([]string, 0, len(r.keys)-len(r.values))
	for _, key := range r.keys {
		if _, ok := r.values[key]; !ok && !(believeAbsent && r.absent[key]) {
			missing = append(missing, key)
		}
	}
	return missing
}

// observe returns a generation for each of the missing keys, for fills to be
// observed under. One that this call has read already is as good as a snapshot.
// The error is as from SnapshotGensContext.
func (r *bulkRead[V]) observe(ctx context.Context, missing []string) (map[string]uint64, error) {
	if !r.proven.forFills {
		return r.SnapshotGensContext(ctx, missing)
	}
	gens := make(map[string]uint64, len(missing))
	for i, key := range r.keys {
		gens[key], _ = r.proven.of(i)
	}
	unknown := make([]string, 0, len(missing))
	for _, key := range missing {
		if gens[key] == 0 {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 || r.proven.err != nil { // it would only fail again
		return gens, r.proven.err
	}
	created, err := r.SnapshotGensContext(ctx, unknown)
	maps.Copy(gens, created)
	return gens, err
}

type unhealthyEntry struct {
	entry  string
	raw    []byte
	reason Reason
}

// run serves each key from where it is found first: near, the bulk entry of the
// whole set, its own entry.
func (r *bulkRead[V]) run(ctx context.Context) error {
	defer r.heal(ctx)
	open, err := r.fromNear(ctx)
	if len(open) == 0 || err != nil {
		return err
	}
	var read bulkReading
	// The bulk entry is of all keys: it is not worth its bytes for a few.
	if len(open) == len(r.keys) {
		name := ""
		if !r.noBulk {
			name = r.Handle.keys.bulkEntry(sortedCopy(r.keys))
		}
		read = r.port.readBulk(ctx, name, &r.proven)
		if err := ended(ctx); err != nil && r.proven.gens != nil {
			return err
		}
		served, err := r.fromBulk(ctx, name, read)
		if served || err != nil {
			return err
		}
	}
	return r.fromSingles(ctx, open, read)
}

// fromNear serves what near has, and returns the indices of the keys that are
// still open.
func (r *bulkRead[V]) fromNear(ctx context.Context) (open []int, err error) {
	open = make([]int, 0, len(r.keys))
	for i, key := range r.keys {
		if r.near.near == nil {
			open = append(open, i)
			continue
		}
		entry, ok, nearErr := r.near.get(key)
		if !ok {
			r.emit.nearFailed(ctx, NearGet, key, nearErr)
			open = append(open, i)
			continue
		}
		if err := r.proveBulk(ctx, &r.proven); err != nil {
			return nil, err
		}
		current, why := r.proven.of(i)
		switch {
		case current == 0:
			r.emit.miss(ctx, key, why)
		case entry.Gen != current:
			if entry.Gen < current {
				r.dropNear(ctx, key)
			}
			open = append(open, i)
		case entry.Absent:
			r.noteAbsent(ctx, key)
		default:
			r.values[key] = entry.Value
			r.emit.hit(ctx, key, false)
		}
	}
	if r.Handle.values.provider == nil {
		for _, i := range open {
			r.emit.miss(ctx, r.keys[i], ReasonNotFound)
		}
		return nil, nil
	}
	return open, nil
}

// fromBulk serves all keys from their bulk entry, or none.
func (r *bulkRead[V]) fromBulk(ctx context.Context, entry string, read bulkReading) (served bool, err error) {
	if read.bulkErr != nil {
		for _, key := range r.keys {
			r.emit.miss(ctx, key, ReasonProviderError)
		}
		return false, r.failed(OpGetBulk, r.keys[0], len(r.keys), read.bulkErr)
	}
	raw := read.bulk
	if raw == nil {
		return false, nil
	}
	items, err := r.codec.version.DecodeBulk(raw, entry)
	if err != nil {
		r.reject(ctx, entry, raw, ReasonCorrupt)
		return false, nil
	}
	if err := r.proveBulk(ctx, &r.proven); err != nil {
		return false, err
	}
	members := make(map[string]wire.BulkItem, len(items))
	for _, item := range items {
		members[item.Key] = item
	}
	// A member that is known to be stale or missing condemns the entry, even
	// when the generation of another one cannot be read; that alone does not.
	var unreadable Reason
	for i, key := range r.keys {
		member, ok := members[key]
		if !ok {
			r.reject(ctx, entry, raw, ReasonMemberMissing)
			return false, nil
		}
		current, why := r.proven.of(i)
		if current == 0 {
			unreadable = why
			continue
		}
		if member.Gen != current {
			r.reject(ctx, entry, raw, ReasonStale)
			return false, nil
		}
	}
	if unreadable != "" {
		r.emit.bulkRejected(ctx, r.keys, false, unreadable)
		return false, nil
	}
	for _, key := range r.keys {
		value, err := r.codec.decode(members[key].Payload)
		if err != nil {
			clear(r.values)
			r.reject(ctx, entry, raw, ReasonDecode)
			return false, nil
		}
		r.values[key] = value
	}
	for i, key := range r.keys {
		r.refillNear(ctx, key, r.values[key], r.proven.gens[i])
		r.emit.hit(ctx, key, true)
	}
	return true, nil
}

// reject drops the bulk entry.
func (r *bulkRead[V]) reject(ctx context.Context, entry string, raw []byte, reason Reason) {
	r.unhealthy = append(r.unhealthy, unhealthyEntry{entry, raw, reason})
	r.emit.bulkRejected(ctx, r.keys, false, reason)
}

// fromSingles serves each of the open keys from its own entry.
func (r *bulkRead[V]) fromSingles(ctx context.Context, open []int, read bulkReading) error {
	early := r.proven.gens != nil // read before the entries
	wanted := open[:0]
	for _, i := range open {
		if early && (read.singles == nil || r.proven.err != nil) {
			if current, why := r.proven.of(i); current == 0 {
				r.emit.miss(ctx, r.keys[i], why)
				continue
			}
		}
		wanted = append(wanted, i)
	}
	if len(wanted) == 0 {
		return nil
	}
	raws, getErr := r.singles(ctx, wanted, read)
	if slices.ContainsFunc(raws, func(raw []byte) bool { return raw != nil }) {
		if err := r.proveBulk(ctx, &r.proven); err != nil {
			return err
		}
	}
	for j, i := range wanted {
		single := reading{raw: raws[j], why: ReasonNotFound, early: early}
		if single.raw != nil {
			single.gen, single.why = r.proven.of(i)
			r.open(r.keys[i], r.proven.entries[i], &single)
		} else if getErr != nil {
			single.why = ReasonProviderError
		}
		r.serve(ctx, i, &single)
	}
	if getErr != nil {
		return r.failed(OpGetBulk, r.keys[wanted[0]], len(wanted), getErr)
	}
	return nil
}

// singles returns the entries with the given indices, nil for a miss. With an
// error, it holds what could be read all the same.
func (r *bulkRead[V]) singles(ctx context.Context, wanted []int, read bulkReading) ([][]byte, error) {
	if len(wanted) == len(r.keys) {
		if read.singles != nil {
			return read.singles, read.singlesErr
		}
		return r.port.readSingles(ctx, r.proven.entries)
	}
	raws, entries := make([][]byte, len(wanted)), make([]string, len(wanted))
	for j, i := range wanted {
		if entries[j] = r.proven.entries[i]; read.singles != nil {
			raws[j] = read.singles[i]
		}
	}
	if read.singles != nil {
		return raws, read.singlesErr
	}
	return r.port.readSingles(ctx, entries)
}

// serve ends the reading of one key.
func (r *bulkRead[V]) serve(ctx context.Context, i int, single *reading) {
	key := r.keys[i]
	value, why := r.judge(single)
	switch {
	case why == "":
		r.values[key] = value
		r.refillNear(ctx, key, value, single.gen)
		r.emit.hit(ctx, key, false)
		return
	case why == ReasonAbsent:
		r.noteAbsent(ctx, key)
		return
	case isDead(why):
		r.unhealthy = append(r.unhealthy, unhealthyEntry{r.proven.entries[i], single.raw, why})
	}
	r.emit.miss(ctx, key, why)
}

// noteAbsent ends the reading of a key that the source is known not to have.
func (r *bulkRead[V]) noteAbsent(ctx context.Context, key string) {
	if r.absent == nil {
		r.absent = make(map[string]bool)
	}
	r.absent[key] = true
	r.emit.miss(ctx, key, ReasonAbsent)
}

// heal deletes what cannot be served any more, in one batch.
func (r *bulkRead[V]) heal(ctx context.Context) {
	if len(r.unhealthy) == 0 {
		return
	}
	entries, raws := make([]string, len(r.unhealthy)), make([][]byte, len(r.unhealthy))
	for i, u := range r.unhealthy {
		entries[i], raws[i] = u.entry, u.raw
	}
	err := r.port.healBulk(ctx, entries, raws)
	for _, u := range r.unhealthy {
		r.emit.selfHeal(ctx, u.entry, u.reason, err)
	}
}
