package cascache

import (
	"context"
	"errors"
	"maps"

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
		if h.gens.combined != nil {
			r.entries = h.keys.entriesAtOnce(keys)
		} else {
			r.entries = h.keys.entries(keys)
		}
		r.err = r.run(ctx)
	}
	return r
}

// bulkRead is one GetBulk, under way and then done.
type bulkRead[V any] struct {
	*Handle[V]
	keys    []string // distinct
	entries []string // their storage keys

	values map[string]V
	absent map[string]bool // what the source does not have
	err    error

	// The generations are read once, for all keys, at the first need. Values
	// read later under an older number are from before an invalidation that
	// had not returned when this call began.
	gens    []uint64
	genErr  error
	suspect map[int]bool // indices of keys whose generation proves nothing

	// What was read together with the generations, where a Combined does so.
	atOnce bool
	bulk   []byte   // nil: none
	raws   [][]byte // the singles of all keys; nil: not read
	getErr error    // of these

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
func (r *bulkRead[V]) observe(ctx context.Context, missing []string) map[string]uint64 {
	if !r.atOnce {
		gens, _ := r.SnapshotGensContext(ctx, missing)
		return gens
	}
	gens := make(map[string]uint64, len(missing))
	for i, key := range r.keys {
		gens[key], _ = r.proof(i)
	}
	unknown := make([]string, 0, len(missing))
	for _, key := range missing {
		if gens[key] == 0 {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 && r.genErr == nil { // or it would only fail again
		created, _ := r.SnapshotGensContext(ctx, unknown)
		maps.Copy(gens, created)
	}
	return gens
}

type unhealthyEntry struct {
	entry  string
	raw    []byte
	reason Reason
}

func (r *bulkRead[V]) run(ctx context.Context) error {
	defer r.heal(ctx)
	open, err := r.fromNear(ctx)
	if len(open) == 0 || err != nil {
		return err
	}
	// The bulk entry is of all keys: it is not worth its bytes for a few.
	if len(open) == len(r.keys) {
		entry := ""
		if !r.noBulk {
			entry = r.Handle.keys.bulkEntry(sortedCopy(r.keys))
		}
		if r.Handle.gens.combined != nil && r.gens == nil {
			if err := r.readAtOnce(ctx, entry); err != nil {
				return err
			}
		}
		served, err := r.fromBulk(ctx, entry)
		if served || err != nil {
			return err
		}
	}
	return r.fromSingles(ctx, open)
}

// fromNear serves what near has, and returns the indices of the keys that are
// still open.
func (r *bulkRead[V]) fromNear(ctx context.Context) (open []int, err error) {
	open = make([]int, 0, len(r.keys))
	for i, key := range r.keys {
		if r.near == nil {
			open = append(open, i)
			continue
		}
		value, gen, ok := r.near.Get(key)
		if !ok {
			open = append(open, i)
			continue
		}
		if err := r.readGens(ctx); err != nil {
			return nil, err
		}
		current, why := r.proof(i)
		switch {
		case current == 0:
			r.emit.miss(ctx, key, why)
		case gen == current:
			r.values[key] = value
			r.emit.hit(ctx, key, false)
		default:
			if gen < current {
				r.near.Del(key)
			}
			open = append(open, i)
		}
	}
	if r.provider == nil {
		for _, i := range open {
			r.emit.miss(ctx, r.keys[i], ReasonNotFound)
		}
		return nil, nil
	}
	return open, nil
}

// readGens reads the generations unless that is done, and returns the caller's
// own ended context.
func (r *bulkRead[V]) readGens(ctx context.Context) error {
	if r.gens != nil {
		return nil
	}
	r.noteSuspects()
	r.gens, r.genErr = r.Handle.gens.currentBatch(ctx, r.entries)
	if r.genErr != nil {
		r.emit.genStoreError(ctx, GenCurrent, r.keys[0], len(r.keys), r.genErr)
	}
	return ended(ctx)
}

// noteSuspects comes before the generations are read: once a key is cleared, the
// generation that clears it is to be seen.
func (r *bulkRead[V]) noteSuspects() {
	for i, entry := range r.entries {
		if r.suspects.has(entry) {
			if r.suspect == nil {
				r.suspect = make(map[int]bool)
			}
			r.suspect[i] = true
		}
	}
}

// readAtOnce reads the bulk entry, if there may be one, and all generations in
// one call, where a Combined does so. It reads all singles with them if they
// were needed the last time.
func (r *bulkRead[V]) readAtOnce(ctx context.Context, entry string) error {
	guess := r.guesses.of(entry)
	r.noteSuspects()
	reading, err := r.Handle.gens.readPairs(ctx, entry, r.entries, guess.Load())
	r.atOnce, r.gens, r.genErr = true, reading.Gens, reading.GenErr
	r.bulk, r.raws, r.getErr = reading.Bulk, reading.Values, err
	if r.genErr != nil {
		r.emit.genStoreError(ctx, GenCurrent, r.keys[0], len(r.keys), r.genErr)
	}
	guess.Store(r.bulk == nil)
	return ended(ctx)
}

// proof returns the generation of the i-th key, or 0 and why there is none.
func (r *bulkRead[V]) proof(i int) (uint64, Reason) {
	switch {
	case r.suspect[i]:
		return 0, ReasonSuspect
	case r.gens[i] != 0:
		return r.gens[i], ""
	case r.genErr != nil:
		return 0, ReasonGenError
	}
	return 0, ReasonNoGen
}

// fromBulk serves all keys from their bulk entry, or none.
func (r *bulkRead[V]) fromBulk(ctx context.Context, entry string) (served bool, err error) {
	if entry == "" {
		return false, nil
	}
	raw, found := r.bulk, r.bulk != nil
	switch {
	case !r.atOnce:
		raw, found, err = r.provider.Get(ctx, entry)
	case r.raws == nil:
		err = r.getErr
	}
	if err != nil {
		for _, key := range r.keys {
			r.emit.miss(ctx, key, ReasonProviderError)
		}
		return false, r.failed(OpGetBulk, r.keys[0], len(r.keys), err)
	}
	if !found {
		return false, nil
	}
	items, err := r.codec.version.DecodeBulk(raw, entry)
	if err != nil {
		r.reject(ctx, entry, raw, ReasonCorrupt)
		return false, nil
	}
	if err := r.readGens(ctx); err != nil {
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
		current, why := r.proof(i)
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
		r.refillNear(key, r.values[key], r.gens[i])
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
func (r *bulkRead[V]) fromSingles(ctx context.Context, open []int) error {
	gensFirst := r.gens != nil
	wanted := open[:0]
	for _, i := range open {
		if gensFirst && (r.raws == nil || r.genErr != nil) {
			if current, why := r.proof(i); current == 0 {
				r.emit.miss(ctx, r.keys[i], why)
				continue
			}
		}
		wanted = append(wanted, i)
	}
	if len(wanted) == 0 {
		return nil
	}
	raws, getErr := r.getSingles(ctx, wanted)
	found := false
	for _, raw := range raws {
		found = found || raw != nil
	}
	if found {
		if err := r.readGens(ctx); err != nil {
			return err
		}
	}
	for j, i := range wanted {
		value, reason := r.judge(i, raws[j], gensFirst)
		if reason == "" {
			r.values[r.keys[i]] = value
			r.refillNear(r.keys[i], value, r.gens[i])
			r.emit.hit(ctx, r.keys[i], false)
			continue
		}
		if getErr != nil && reason == ReasonNotFound {
			reason = ReasonProviderError
		}
		r.emit.miss(ctx, r.keys[i], reason)
	}
	if getErr != nil {
		return r.failed(OpGetBulk, r.keys[wanted[0]], len(wanted), getErr)
	}
	return nil
}

// judge decides over what was found for the i-th key: a value with an empty
// reason, or the reason why there is none.
func (r *bulkRead[V]) judge(i int, raw []byte, gensFirst bool) (value V, reason Reason) {
	if raw == nil {
		return value, ReasonNotFound
	}
	gen, payload, kind, err := r.codec.open(raw, "", "", r.entries[i])
	if err != nil {
		r.unhealthy = append(r.unhealthy, unhealthyEntry{r.entries[i], raw, ReasonCorrupt})
		return value, ReasonCorrupt
	}
	current, why := r.proof(i)
	switch {
	case current == 0:
		return value, why
	case gensFirst && gen > current:
		// Stored after the generations were read: fresh, as far as anyone
		// can tell, but not proved by what this call knows.
		return value, ReasonNewer
	case gen != current:
		r.unhealthy = append(r.unhealthy, unhealthyEntry{r.entries[i], raw, ReasonStale})
		return value, ReasonStale
	case kind == wire.KindAbsent:
		if r.absent == nil {
			r.absent = make(map[string]bool)
		}
		r.absent[r.keys[i]] = true
		return value, ReasonAbsent
	}
	decoded, err := r.codec.decode(payload)
	if err != nil {
		r.unhealthy = append(r.unhealthy, unhealthyEntry{r.entries[i], raw, ReasonDecode})
		return value, ReasonDecode
	}
	return decoded, ""
}

var errBatchLength = errors.New("the provider answered another number of values than there were keys")

// getSingles reads the entries with the given indices, nil for a miss. With an
// error, it holds what could be read all the same.
func (r *bulkRead[V]) getSingles(ctx context.Context, wanted []int) ([][]byte, error) {
	if r.raws != nil && len(wanted) == len(r.raws) {
		return r.raws, r.getErr
	}
	entries := r.entries
	if len(wanted) < len(entries) {
		entries = make([]string, len(wanted))
		for j, i := range wanted {
			entries[j] = r.entries[i]
		}
	}
	switch {
	case r.raws != nil:
		raws := make([][]byte, len(wanted))
		for j, i := range wanted {
			raws[j] = r.raws[i]
		}
		return raws, r.getErr
	case r.Handle.gens.combined != nil:
		return r.Handle.gens.getBatch(ctx, entries, r.getEntries)
	}
	return r.getEntries(ctx, entries)
}

// getEntries reads the entries, in one call where the provider can.
func (h *Handle[V]) getEntries(ctx context.Context, entries []string) ([][]byte, error) {
	if h.getBatcher != nil {
		raws, err := h.getBatcher.GetBatch(ctx, entries)
		if len(raws) != len(entries) {
			raws = make([][]byte, len(entries))
			if err == nil {
				err = errBatchLength
			}
		}
		return raws, err
	}
	raws := make([][]byte, len(entries))
	for j, entry := range entries {
		raw, found, err := h.provider.Get(ctx, entry)
		if err != nil {
			return raws, err
		}
		if found {
			if raw == nil {
				raw = []byte{}
			}
			raws[j] = raw
		}
	}
	return raws, nil
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
	var err error
	if r.Handle.gens.combined != nil {
		err = r.Handle.gens.delEqual(ctx, entries, raws)
	} else {
		err = r.deleteBatch(ctx, entries)
	}
	for _, u := range r.unhealthy {
		r.emit.selfHeal(ctx, u.entry, u.reason, err)
	}
}
