package cascache

import (
	"context"
)

// SnapshotGen implements [CAS].
func (h *Handle[V]) SnapshotGen(key string) uint64 {
	gen, _ := h.SnapshotGenContext(context.Background(), key)
	return gen
}

// SnapshotGens implements [CAS].
func (h *Handle[V]) SnapshotGens(keys []string) map[string]uint64 {
	gens, _ := h.SnapshotGensContext(context.Background(), keys)
	return gens
}

// SnapshotGenContext is SnapshotGen under a context, and with the error that
// made the generation 0. A held key has generation 0 without an error; a
// suspect one gives [ErrSuspect]. A disabled cache answers 0 and nil.
func (h *Handle[V]) SnapshotGenContext(ctx context.Context, key string) (uint64, error) {
	if h.disabled {
		return 0, nil
	}
	if err := h.begin(ctx); err != nil {
		return 0, err
	}
	if err := h.check(OpSnapshot, key); err != nil {
		return 0, err
	}
	entry := h.keys.entry(key)
	if h.isSuspect(entry) {
		return 0, h.failed(OpSnapshot, key, 1, ErrSuspect)
	}
	if h.derived.any() {
		gens, _, err := h.snapshotDerived(ctx, []string{key}, nil)
		return gens[0], err
	}
	gen, err := h.gens.snapshot(ctx, entry)
	if err != nil {
		h.emit.genStoreError(ctx, GenSnapshot, key, 1, err)
		return 0, h.failed(OpSnapshot, key, 1, err)
	}
	return gen, nil
}

// SnapshotGensContext is SnapshotGens under a context, and with an error that
// made generations 0; where several did, it is one of them. The map always
// holds every key asked for, and is the caller's.
func (h *Handle[V]) SnapshotGensContext(ctx context.Context, keys []string) (map[string]uint64, error) {
	keys = distinct(keys)
	gens := make(map[string]uint64, len(keys))
	for _, key := range keys {
		gens[key] = 0
	}
	if h.disabled {
		return gens, nil
	}
	if err := h.begin(ctx); err != nil {
		return gens, err
	}
	var refused error
	usable := make([]string, 0, len(keys))
	entries := make([]string, 0, len(keys))
	for _, key := range keys {
		if err := h.check(OpSnapshotBulk, key); err != nil {
			refused = err
			continue
		}
		entry := h.keys.entry(key)
		if h.isSuspect(entry) {
			refused = h.failed(OpSnapshotBulk, key, 1, ErrSuspect)
			continue
		}
		usable = append(usable, key)
		entries = append(entries, entry)
	}
	if len(usable) == 0 {
		return gens, refused
	}
	if h.derived.any() {
		drawn, _, err := h.snapshotDerived(ctx, usable, nil)
		for i, key := range usable {
			gens[key] = drawn[i]
		}
		if err != nil {
			return gens, err
		}
		return gens, refused
	}
	drawn, err := h.gens.snapshotBulk(ctx, entries)
	for i, key := range usable {
		gens[key] = drawn[i]
	}
	if err != nil {
		h.emit.genStoreError(ctx, GenSnapshot, usable[0], len(usable), err)
		return gens, h.failed(OpSnapshotBulk, usable[0], len(usable), err)
	}
	return gens, refused
}

// snapshotDerived returns one number for each of the keys, which stands for its own
// generation and those of its known dependencies, and the generations of more names
// that are read in the same call.
func (p *proofs) snapshotDerived(ctx context.Context, keys, more []string) (observed, gens []uint64, err error) {
	observed, gens, suspect, err := p.observeBulk(ctx, keys, more)
	switch {
	case err != nil:
		p.emit.genStoreError(ctx, GenSnapshot, keys[0], len(keys), err)
		err = p.failed(OpSnapshotBulk, keys[0], len(keys), err)
	case suspect:
		err = p.failed(OpSnapshotBulk, keys[0], len(keys), ErrSuspect)
	}
	return observed, gens, err
}
