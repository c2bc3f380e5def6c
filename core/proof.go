package cascache

import "context"

// proof returns the generation that proves what is stored under key, or 0 and
// why there is none. The error is the caller's own ended context. entry is the
// key's storage key, or empty where nobody has joined it yet.
func (h *Handle[V]) proof(ctx context.Context, key, entry string) (gen uint64, why Reason, err error) {
	if entry == "" && (h.gens.prefixCurrenter == nil || h.suspects.any.Load()) {
		entry = h.keys.entry(key)
	}
	// Before the generation is read: once the key is cleared, the generation
	// that clears it is to be seen.
	if h.suspects.has(entry) {
		return 0, ReasonSuspect, nil
	}
	if entry == "" {
		gen, err = h.gens.currentOf(ctx, h.keys.single, key)
	} else {
		gen, err = h.gens.current(ctx, entry)
	}
	if err != nil {
		h.emit.genStoreError(ctx, GenCurrent, key, 1, err)
		return 0, ReasonGenError, ended(ctx)
	}
	if gen == 0 {
		return 0, ReasonNoGen, nil
	}
	return gen, "", nil
}
