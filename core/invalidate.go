package cascache

import (
	"context"
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
	bumpErr, delErr := h.port.drop(ctx, entry)
	var bumpErrs []error
	if bumpErr != nil {
		bumpErrs = []error{bumpErr}
	}
	if failed := h.settle(ctx, []string{key}, []string{entry}, bumpErrs, delErr, began); failed.n > 0 {
		return failed.first[0]
	}
	return nil
}

// InvalidateBulk invalidates every key, in as many round trips as the stores
// need for a bulk. All keys are attempted, but for those that come after one for
// which the store let the time run out. The error is an [*InvalidateBulkError],
// which tells the keys whose bump is not known to be applied, and wraps
// [ErrInvalidKey] if there are keys that cannot exist. After Close nothing is
// attempted, and the error is [ErrClosed]. keys is only read, and not kept.
func (h *Handle[V]) InvalidateBulk(ctx context.Context, keys []string) error {
	if h.disabled {
		return nil
	}
	if h.closed.Load() {
		return ErrClosed
	}
	failed := new(InvalidateBulkError)
	usable := make([]string, 0, len(keys))
	for _, key := range distinct(keys) {
		if err := h.check(OpInvalidate, key); err != nil {
			failed.failed.add(err)
			continue
		}
		usable = append(usable, key)
	}
	entries := h.keys.entries(usable)
	began := h.suspects.now()
	bumpErrs, delErr := h.port.dropBulk(ctx, entries)
	return h.settleBulk(ctx, failed, usable, entries, bumpErrs, delErr, began)
}

// settleBulk is settle for many keys, some of which may have failed already.
func (h *Handle[V]) settleBulk(ctx context.Context, failed *InvalidateBulkError, keys, entries []string, bumpErrs []error, delErr error, began uint64) error {
	invalidations := h.settle(ctx, keys, entries, bumpErrs, delErr, began)
	for i, err := range bumpErrs {
		if err != nil {
			failed.Keys = append(failed.Keys, keys[i])
		}
	}
	failed.failed.merge(invalidations)
	if failed.failed.n > 0 {
		return failed
	}
	return nil
}

// settle finishes an invalidation whose bumps began at the point in time
// `began` and ended with bumpErrs, one per key or nil, and the deletes with
// delErr: it marks or clears suspicion, and returns an [*InvalidateError] for
// each key that failed.
func (h *Handle[V]) settle(ctx context.Context, keys, entries []string, bumpErrs []error, delErr error, began uint64) (failed failures) {
	failed = h.settleBumps(ctx, keys, entries, bumpErrs, delErr, began, true)
	if delErr != nil && (len(keys) > 1 || failed.n == 0) {
		h.emit.deleteFailed(ctx, keys[0], len(keys), delErr)
	}
	return failed
}

// settleBumps is settle without the events of deletes, and of the generations of
// other things than keys, too. Events and errors give them these names.
func (h *Handle[V]) settleBumps(ctx context.Context, names, entries []string, bumpErrs []error, delErr error, began uint64, areKeys bool) (failed failures) {
	for i, err := range bumpErrs {
		if err != nil {
			h.recovery.mark(entries[i])
			if failed.n == 0 {
				h.emit.genStoreError(ctx, GenBump, names[i], len(names), err)
			}
			failed.add(&InvalidateError{Key: names[i], BumpErr: err, DelErr: delErr})
		}
	}
	for i, name := range names {
		if areKeys {
			h.dropNear(ctx, name)
		}
		if bumpErrs == nil || bumpErrs[i] == nil {
			h.recovery.cleared(ctx, entries[i], began)
		}
	}
	for i, err := range failed.first {
		more := 0
		if i == len(failed.first)-1 {
			more = failed.n - len(failed.first)
		}
		h.emit.invalidateFailed(ctx, err.(*InvalidateError), more)
	}
	return failed
}
