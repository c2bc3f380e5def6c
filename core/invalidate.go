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
	if err := h.check(OpInvalidate, key); err != nil {
		return err
	}
	entry := h.keys.entry(key)
	began := h.suspects.now()
	// The bump comes first: were the entry deleted before it, a fill could
	// store the old value again and be served until the bump.
	var bumpErr, delErr error
	if h.gens.combined != nil {
		var bumpErrs []error
		if bumpErrs, delErr = h.gens.bumpAndDel(ctx, []string{entry}); bumpErrs != nil {
			bumpErr = bumpErrs[0]
		}
	} else {
		bumpErr = h.gens.bump(ctx, entry)
	}
	if bumpErr != nil {
		h.recovery.mark(entry)
	}
	h.dropNear(key)
	if h.provider != nil && h.gens.combined == nil {
		delErr = h.provider.Del(ctx, entry)
	}
	if bumpErr != nil {
		return h.invalidateFailed(ctx, key, bumpErr, delErr)
	}
	h.recovery.cleared(ctx, entry, began)
	if delErr != nil {
		h.emit.deleteFailed(ctx, key, 1, delErr)
	}
	return nil
}

// InvalidateBulk invalidates every key, in as many round trips as the stores
// need for a batch. All keys are attempted. The error joins one
// [*InvalidateError] for each key whose bump is not known to be applied, and
// one that wraps [ErrInvalidKey] for each key that cannot exist. After Close
// nothing is attempted, and the error is [ErrClosed]. keys is only read, and
// not kept.
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
		if err := h.check(OpInvalidate, key); err != nil {
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
	var bumpErrs []error
	del := h.deleteBatch
	if h.gens.combined != nil {
		var delErr error
		bumpErrs, delErr = h.gens.bumpAndDel(ctx, entries)
		del = func(context.Context, []string) error { return delErr }
	} else {
		bumpErrs = h.gens.bumpBatch(ctx, entries)
	}
	errs = append(errs, h.settle(ctx, usable, entries, bumpErrs, began, del)...)
	return errors.Join(errs...)
}

// settle finishes an invalidation whose bumps began at the point in time
// `began` and ended with bumpErrs, one per key or nil: it marks or clears
// suspicion, has del delete the entries, and returns one error per failed key.
func (h *Handle[V]) settle(ctx context.Context, keys, entries []string, bumpErrs []error, began uint64, del func(context.Context, []string) error) []error {
	var failed []string
	for i, err := range bumpErrs {
		if err != nil {
			failed = append(failed, entries[i])
		}
	}
	if len(failed) > 0 {
		h.recovery.mark(failed...)
	}
	for _, key := range keys {
		h.dropNear(key)
	}
	delErr := del(ctx, entries)
	var errs []error
	for i, key := range keys {
		if bumpErrs != nil && bumpErrs[i] != nil {
			errs = append(errs, h.invalidateFailed(ctx, key, bumpErrs[i], delErr))
			continue
		}
		h.recovery.cleared(ctx, entries[i], began)
	}
	if delErr != nil {
		h.emit.deleteFailed(ctx, keys[0], len(keys), delErr)
	}
	return errs
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
	if h.provider == nil {
		return nil
	}
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
