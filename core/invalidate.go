package cascache

import (
	"context"
	"errors"
)

// Invalidate implements [CAS].
func (h *Handle[V]) Invalidate(ctx context.Context, key string) error {
	if h.disabled {
		return nil
	}
	if h.closed.Load() {
		return ErrClosed
	}
	if err := h.keys.check(key); err != nil {
		return err
	}
	entry := h.keys.entry(key)
	began := h.suspects.now()
	// The bump comes first: were the entry deleted before it, a fill could
	// store the old value again and be served until the bump.
	bumpErr := h.gens.bump(ctx, entry)
	if bumpErr != nil {
		h.suspects.mark(entry)
	}
	delErr := h.provider.Del(ctx, entry)
	if bumpErr != nil {
		return h.invalidateFailed(ctx, key, bumpErr, delErr)
	}
	h.invalidated(ctx, key, entry, began)
	if delErr != nil {
		h.emit.deleteFailed(ctx, key, 1, delErr)
	}
	return nil
}

// InvalidateBulk invalidates every key, in as many round trips as the stores
// need for a batch. All keys are attempted. The error joins one
// [*InvalidateError] for each key whose bump is not known to be applied, and
// one that wraps [ErrInvalidKey] for each key that cannot exist.
func (h *Handle[V]) InvalidateBulk(ctx context.Context, keys []string) error {
	if h.disabled {
		return nil
	}
	if h.closed.Load() {
		return ErrClosed
	}
	var errs []error
	usable := make([]string, 0, len(keys))
	for _, key := range distinct(keys) {
		if err := h.keys.check(key); err != nil {
			errs = append(errs, err)
			continue
		}
		usable = append(usable, key)
	}
	if len(usable) == 0 {
		return errors.Join(errs...)
	}
	entries := h.keys.entries(usable)
	began := h.suspects.now()
	bumpErrs := h.gens.bumpBatch(ctx, entries)
	for i, err := range bumpErrs {
		if err != nil {
			h.suspects.mark(entries[i])
		}
	}
	delErr := h.deleteBatch(ctx, entries)
	for i, key := range usable {
		if bumpErrs != nil && bumpErrs[i] != nil {
			errs = append(errs, h.invalidateFailed(ctx, key, bumpErrs[i], delErr))
			continue
		}
		h.invalidated(ctx, key, entries[i], began)
	}
	if delErr != nil {
		h.emit.deleteFailed(ctx, usable[0], len(usable), delErr)
	}
	return errors.Join(errs...)
}

// invalidated notes that a bump which began at the point in time `began` is
// done.
func (h *Handle[V]) invalidated(ctx context.Context, key, entry string, began uint64) {
	if h.suspects.clear(entry, began) {
		h.emit.invalidateRecovered(ctx, key)
	}
}

// invalidateFailed reports a bump that is not known to be applied, of a key
// that is marked suspect already.
func (h *Handle[V]) invalidateFailed(ctx context.Context, key string, bumpErr, delErr error) error {
	err := &InvalidateError{Key: key, BumpErr: bumpErr, DelErr: delErr}
	h.emit.genStoreError(ctx, GenBump, key, 1, bumpErr)
	h.emit.invalidateFailed(ctx, err)
	return err
}

// deleteBatch deletes every entry, in one call where the provider can.
func (h *Handle[V]) deleteBatch(ctx context.Context, entries []string) error {
	if h.delBatcher != nil {
		return h.delBatcher.DelBatch(ctx, entries)
	}
	var errs []error
	for _, entry := range entries {
		if err := h.provider.Del(ctx, entry); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
