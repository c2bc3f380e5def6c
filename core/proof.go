package cascache

import "context"

// proof returns the generation that proves what is stored under key, or 0 and
// why there is none. The error is the caller's own ended context. entry is the
// key's storage key, or empty where nobody has joined it yet.
func (h *Handle[V]) proof(ctx context.Context, key, entry string) (gen uint64, why Reason, err error) {
	// Before the generation is read: once the key is cleared, the generation
	// that clears it is to be seen.
	if h.suspects.any.Load() {
		if entry == "" {
			entry = h.keys.entry(key)
		}
		if h.suspects.has(entry) {
			return 0, ReasonSuspect, nil
		}
	}
	if gen, ok := h.gens.currentLocally(h.keys.single, key); ok {
		return gen, "", nil
	}
	if entry == "" && h.gens.prefixCurrenter != nil {
		gen, err = h.gens.currentOf(ctx, h.keys.single, key)
	} else {
		if entry == "" {
			entry = h.keys.entry(key)
		}
		gen, err = h.gens.current(ctx, entry)
	}
	if gen == 0 {
		why, err = h.unproven(ctx, key, err)
	}
	return gen, why, err
}

// proofToCommit is proof for a fill, which the store is told where it wants to
// know.
func (h *Handle[V]) proofToCommit(ctx context.Context, key, entry string) (gen uint64, why Reason, err error) {
	if h.gens.commitCurrenter == nil {
		return h.proof(ctx, key, entry)
	}
	if entry == "" {
		entry = h.keys.entry(key)
	}
	if h.suspects.has(entry) { // first, as in proof
		return 0, ReasonSuspect, nil
	}
	gen, err = h.gens.currentToCommit(ctx, entry)
	if gen == 0 {
		why, err = h.unproven(ctx, key, err)
	}
	return gen, why, err
}

// unproven tells why a look-up of key's generation that ended with err, or
// found none, proves nothing. The error is the caller's own ended context.
func (h *Handle[V]) unproven(ctx context.Context, key string, err error) (Reason, error) {
	if err != nil {
		return h.unread(ctx, GenCurrent, key, err)
	}
	return ReasonNoGen, nil
}

// unread is unproven of a call that has failed.
func (h *Handle[V]) unread(ctx context.Context, op GenOp, key string, err error) (Reason, error) {
	h.emit.genStoreError(ctx, op, key, 1, err)
	return ReasonGenError, ended(ctx)
}
