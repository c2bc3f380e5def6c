package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/unkn0wn-root/cascache/wire"
)

// GetBulk implements [CAS].
func (h *Handle[V]) GetBulk(ctx context.Context, keys []string) (map[string]V, []string, error) {
	r := h.lookUpBulk(ctx, keys)
	missing := r.missing(false)
	if !h.disabled {
		h.trackMissing(ctx, missing...)
	}
	return r.values, missing, r.err
}

// lookUpBulk is GetBulk, and tells apart what the source does not have.
func (h *Handle[V]) lookUpBulk(ctx context.Context, keys []string) *bulkRead[V] {
	keys = distinct(keys)
	r := &bulkRead[V]{Handle: h, keys: keys, values: make(map[string]V, len(keys))}
	if h.disabled {
		trackDisabled(ctx)
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
		if h.derived.any() {
			r.proven.known = h.knownOf(keys)
		}
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
	if !r.proven.forFills || r.derived.any() {
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
		if served, err := r.fromBulk(ctx, name, read); served {
			return err
		}
	}
	return r.fromSingles(ctx, open, read)
}

// fromNear serves what near has, and returns the indices of the keys that are
// still open. An error is the caller's own ended context.
func (r *bulkRead[V]) fromNear(ctx context.Context) (open []int, err error) {
	open = make([]int, 0, len(r.keys))
	var found []NearEntry[V] // by index; nil: there is none
	var at []int
	var deps []string
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
		found, at = append(found, entry), append(at, i)
		for dep := range entry.dependencies().All() {
			deps = append(deps, dep)
		}
	}
	if len(found) > 0 {
		err = r.proveBulk(ctx, &r.proven, deps) // what is proven is served all the same
	}
	for j, i := range at {
		if !r.serveNear(ctx, i, &found[j]) {
			open = append(open, i)
		}
	}
	if len(found) > 0 {
		slices.Sort(open)
	}
	if r.Handle.values.provider == nil {
		for _, i := range open {
			r.emit.miss(ctx, r.keys[i], ReasonNotFound)
		}
		return nil, err
	}
	return open, err
}

// serveNear ends the reading of a key that near has, or reports that it is still
// open.
func (r *bulkRead[V]) serveNear(ctx context.Context, i int, entry *NearEntry[V]) bool {
	key := r.keys[i]
	current, why := r.proven.of(i)
	if current == 0 {
		r.emit.miss(ctx, key, why)
		return true
	}
	if entry.Gen != nearGen(current, entry.deps) {
		if entry.deps == nil && entry.Gen < current {
			r.dropNear(ctx, key)
		}
		return false
	}
	switch why := r.ofDeps(&r.proven, key, entry.dependencies()); {
	case why == ReasonDependency:
		r.dropNear(ctx, key)
		return false
	case why != "":
		r.emit.miss(ctx, key, why)
	case entry.Absent:
		r.tracked(ctx, key, current, entry.dependencies())
		r.noteAbsent(ctx, key)
	default:
		r.values[key] = entry.Value
		r.tracked(ctx, key, current, entry.dependencies())
		r.emit.hit(ctx, key, false)
	}
	return true
}

// fromBulk serves all keys from their bulk entry, or none. An error is the
// caller's own ended context.
func (r *bulkRead[V]) fromBulk(ctx context.Context, entry string, read bulkReading) (served bool, err error) {
	raw := read.bulk
	if raw == nil || read.bulkErr != nil {
		return false, nil
	}
	items, table, err := versionOf(r.codec.version, raw).DecodeMembers(raw, entry)
	if err != nil {
		r.reject(ctx, entry, raw, ReasonCorrupt)
		return false, nil
	}
	var deps []string
	for _, dep := range table {
		deps = append(deps, dep.Key)
	}
	ctxErr := r.proveBulk(ctx, &r.proven, deps) // what is proven is served all the same
	members := make(map[string]*wire.Member, len(items))
	for i := range items {
		members[items[i].Key] = &items[i]
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
		switch why := r.ofDeps(&r.proven, key, member.Deps); why {
		case "":
		case ReasonDependency:
			r.reject(ctx, entry, raw, why)
			return false, nil
		default:
			unreadable = why
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
		served := reading{gen: r.proven.gens[i], Entry: wire.Entry{Deps: members[key].Deps}}
		r.refillNear(ctx, key, r.values[key], &served)
		r.tracked(ctx, key, served.gen, served.Deps)
		r.emit.hit(ctx, key, true)
	}
	return true, ctxErr
}

// reject drops the bulk entry.
func (r *bulkRead[V]) reject(ctx context.Context, entry string, raw []byte, reason Reason) {
	r.unhealthy = append(r.unhealthy, unhealthyEntry{entry, raw, reason})
	r.emit.bulkRejected(ctx, r.keys, false, reason)
}

// fromSingles serves each of the open keys from its own entry. It reads values and
// generations part by part, so that a call that ends midway returns what it has
// read by then.
func (r *bulkRead[V]) fromSingles(ctx context.Context, open []int, read bulkReading) error {
	early := r.proven.gens != nil // read before the entries; otherwise all keys are open
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
	var failed failures
	failed.add(read.bulkErr)
	if len(wanted) > 0 {
		failed.add(read.singlesErr)
	}
	last := read.bulkErr // what the next call would meet again
	for part := range slices.Chunk(wanted, partSize) {
		var raws [][]byte
		getErr := read.singlesErr
		if read.singles == nil {
			if goesOn(ctx, last) {
				raws, last = r.port.readSingles(ctx, r.entriesOf(part))
				failed.add(last)
			}
			getErr = last
		}
		rawOf := func(j int) []byte {
			switch {
			case read.singles != nil:
				return read.singles[part[j]]
			case raws != nil:
				return raws[j]
			}
			return nil
		}
		deps := r.depsIn(part, rawOf)
		switch {
		case early:
			_ = r.proveBulk(ctx, &r.proven, deps) // the end of the context is told below
		case slices.ContainsFunc(raws, func(raw []byte) bool { return raw != nil }):
			r.provePart(ctx, &r.proven, part[0], part[len(part)-1]+1, deps)
		}
		for j, i := range part {
			single := reading{raw: rawOf(j), why: ReasonNotFound, early: early}
			if single.raw != nil {
				single.gen, single.why = r.proven.of(i)
				if r.open(r.keys[i], r.proven.entries[i], &single) {
					single.depWhy = r.ofDeps(&r.proven, r.keys[i], single.Deps)
				}
			} else if getErr != nil {
				single.why = ReasonProviderError
			}
			r.serve(ctx, i, &single)
		}
	}
	ctxErr := ended(ctx)
	if failed.n == 0 {
		return ctxErr
	}
	err := r.failed(OpGetBulk, r.keys[open[0]], len(open), failed.err())
	if ctxErr != nil && !errors.Is(err, ctxErr) {
		return errors.Join(ctxErr, err)
	}
	return err
}

// depsIn returns what the entries of a part depend on.
func (r *bulkRead[V]) depsIn(part []int, rawOf func(j int) []byte) (deps []string) {
	for j, i := range part {
		var e wire.Entry
		raw := rawOf(j)
		if raw == nil || versionOf(r.codec.version, raw) == r.codec.version {
			continue // it has none
		}
		if openEntry(r.codec.version, raw, "", "", r.proven.entries[i], &e) != nil {
			continue // whoever serves it will tell
		}
		for dep := range e.Deps.All() {
			deps = append(deps, dep)
		}
	}
	return deps
}

// entriesOf returns the storage keys of the keys with the given indices.
func (r *bulkRead[V]) entriesOf(part []int) []string {
	if len(part) == len(r.keys) {
		return r.proven.entries
	}
	entries := make([]string, len(part))
	for j, i := range part {
		entries[j] = r.proven.entries[i]
	}
	return entries
}

// serve ends the reading of one key.
func (r *bulkRead[V]) serve(ctx context.Context, i int, single *reading) {
	key := r.keys[i]
	value, why := r.judge(single)
	switch {
	case why == "":
		r.values[key] = value
		r.refillNear(ctx, key, value, single)
		r.tracked(ctx, key, single.gen, single.Deps)
		r.emit.hit(ctx, key, false)
		return
	case why == ReasonAbsent:
		r.tracked(ctx, key, single.gen, single.Deps)
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

// heal deletes what cannot be served any more, in one call.
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
