package cascache

import (
	"context"
	"errors"
)

// ErrNotClearable is returned by [Handle.Clear] where [Options.Clearable] is not set.
var ErrNotClearable = errors.New("cascache: Clear: Options.Clearable is false; it must be set in every process that shares the cache")

// InvalidateTags invalidates all entries that depend on one of the tags, in this
// cache and in others that share the generation store, however many there are: it
// replaces one generation for each tag, and one of the namespace before these. nil
// means what it means for Invalidate, for each such entry; entries stay in storage
// until their TTL ends or a read finds them. Call it after the source has committed.
//
// All tags are attempted. The error is an [*InvalidateBulkError], whose Keys are the
// tags that are not known to be invalidated. They are suspect then, as keys are after
// a failed Invalidate, and so is what depends on them. It wraps [ErrInvalidKey] if
// there is an empty tag or one that is too long. After Close it is [ErrClosed]. With
// no tags it does nothing. tags is only read, and not kept.
func (h *Handle[V]) InvalidateTags(ctx context.Context, tags ...string) error {
	if h.disabled {
		return nil
	}
	if h.closed.Load() {
		return ErrClosed
	}
	failed := new(InvalidateBulkError)
	usable := make([]string, 0, len(tags))
	keys := make([]string, 0, len(tags))
	for _, tag := range distinct(tags) {
		if err := h.keys.checkTag(tag); err != nil {
			failed.failed.add(h.failed(OpInvalidate, tag, 1, err))
			continue
		}
		usable, keys = append(usable, tag), append(keys, h.keys.tag+tag)
	}
	if len(usable) > 0 {
		began := h.suspects.now()
		bumpErrs := h.bumpTags(ctx, keys)
		failed.failed.merge(h.settleBumps(ctx, keys, keys, bumpErrs, nil, began, false))
		for i, err := range bumpErrs {
			if err != nil {
				failed.Keys = append(failed.Keys, usable[i])
			}
		}
	}
	if failed.failed.n > 0 {
		return failed
	}
	return nil
}

// bumpTags bumps the generations of tags, after the one that tells that some tag is
// about to move. A load that learns its tags from what it has loaded takes their
// generations too late, and is safe only if that one has not moved since it began:
// a tag which is bumped first could be taken after its bump, and the other read
// before its own.
func (p *proofs) bumpTags(ctx context.Context, keys []string) []error {
	if err := p.gens.bump(ctx, p.keys.tags); err != nil {
		return repeated(err, len(keys))
	}
	return p.gens.bumpBulk(ctx, keys)
}

// Clear invalidates all entries of the namespace, in one round trip however many
// there are, and what depends on AllDep. nil means what it means for Invalidate, for
// every key; entries stay in storage until their TTL ends or a read finds them. The
// error is [ErrNotClearable] unless [Options.Clearable] is set, an [*InvalidateError]
// as from Invalidate, after which everything is suspect, or [ErrClosed].
func (h *Handle[V]) Clear(ctx context.Context) error {
	if h.disabled {
		return nil
	}
	if h.closed.Load() {
		return ErrClosed
	}
	if !h.derived.clearable {
		return ErrNotClearable
	}
	began := h.suspects.now()
	var bumpErrs []error
	if err := h.gens.bump(ctx, h.keys.all); err != nil {
		bumpErrs = []error{err}
	}
	all := []string{h.keys.all}
	if failed := h.settleBumps(ctx, all, all, bumpErrs, nil, began, false); failed.n > 0 {
		return failed.first[0]
	}
	return nil
}
