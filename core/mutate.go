package cascache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// DefaultMutateLease is how long Mutate holds keys that nothing releases.
const DefaultMutateLease = 10 * time.Second

// Mutate writes to the source so that no crash in between leaves a stale entry
// behind. It holds keys, so that their entries stop being served and fills are
// refused; it runs write; it gives the keys new generations, releases them and
// deletes their entries. nil means what it means for Invalidate, for all keys.
//
// A hold that fails returns its error before write runs; so does a generation
// store that cannot hold, with [ErrHoldUnsupported], a key that cannot exist,
// with [ErrInvalidKey], and a closed cache, with [ErrClosed].
//
// The context that write gets ends after three quarters of Options.MutateLease,
// counted from before the hold was sent, or with ctx. If write returns an error,
// its outcome is unknown, since a commit may still land: the error is returned,
// and the keys stay held until the lease ends by itself. If the error wraps
// [ErrNotCommitted], they are released at once. After a process that dies, or a
// write that panics, the lease ends in the same way, and every entry from before
// is dead.
//
// All of this holds for a write that lands within the lease. A context is no
// fence: let the database enforce a deadline shorter than the lease
// (statement_timeout, or what it has). [Hooks.LeaseEnded] tells when a write
// took longer.
//
// Should the release fail after a write, the error is an [*InvalidateBulkError],
// and its keys are suspect as after a failed Invalidate. Each thousand keys are
// released within [DefaultBumpTimeout], whatever ctx says.
//
// With no keys, or in a disabled cache, Mutate only runs write.
func (h *Handle[V]) Mutate(ctx context.Context, keys []string, write func(ctx context.Context) error) error {
	if h.disabled {
		return write(ctx)
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	keys = distinct(keys)
	for _, key := range keys {
		if err := h.check(OpMutate, key); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return write(ctx)
	}
	entries := h.keys.entries(keys)
	token := rand.Text()
	start := time.Now()
	if err := h.gens.hold(ctx, entries, token, h.lease); err != nil {
		return h.failed(OpMutate, keys[0], len(keys), fmt.Errorf("hold: %w", err))
	}

	writeCtx, cancel := context.WithDeadline(ctx, start.Add(h.lease-h.lease/4))
	defer cancel()
	if err := writeCtx.Err(); err != nil {
		// Nothing was written, so nothing needs the hold.
		h.gens.release(context.WithoutCancel(ctx), entries, token)
		return h.failed(OpMutate, keys[0], len(keys), fmt.Errorf("no time was left for the write: %w", err))
	}
	writeErr := write(writeCtx)
	if took := time.Since(start); took > h.lease {
		h.emit.leaseEnded(ctx, keys, h.lease, took)
	}
	if writeErr != nil && !errors.Is(writeErr, ErrNotCommitted) {
		return writeErr
	}
	// Whether ctx has ended is of no matter any more: the source has changed.
	ctx = context.WithoutCancel(ctx)
	began := h.suspects.now()
	bumpErrs := h.gens.release(ctx, entries, token)
	if writeErr != nil {
		return writeErr // nothing changed; what is still held ends with its lease
	}
	return h.settleBulk(ctx, new(InvalidateBulkError), keys, entries, bumpErrs, h.values.delBulk(ctx, entries), began)
}
