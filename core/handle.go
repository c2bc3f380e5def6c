package cascache

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// Handle is an open cache. It implements [CAS] and carries what goes beyond
// it. Make one with [New]; the zero value is not usable.
type Handle[V any] struct {
	// What a hit reads comes first, so that it lies in few cache lines.

	near     nearTier[V]
	port     port
	disabled bool
	noBulk   bool
	closed   atomic.Bool
	proofs
	codec payloads[V]

	ttls     ttls
	cost     func(key string, raw []byte, isBulk bool, n int) int64 // nil: the length
	recovery recovery
	lease    time.Duration // of the holds of Mutate
	values   *values

	unclosed  runtime.Cleanup // of a handle that nobody closes: it owns nothing any more
	closeOnce sync.Once
	closeErr  error
}

var _ CAS[int] = (*Handle[int])(nil)

// New opens a cache. The error names the option that is missing, out of range,
// or closed.
func New[V any](opts Options[V]) (*Handle[V], error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	h := &Handle[V]{disabled: opts.Disabled, noBulk: opts.DisableBulk || opts.Provider == nil}
	h.keys = newKeySpace(opts.Namespace, opts.Schema)
	if h.disabled {
		h.suspects = new(suspects)
		return h, nil
	}
	h.emit = newEmitter(opts.Hooks, opts.Namespace)
	h.near = newNearTier(opts.Near)
	if opts.Provider != nil {
		version := wire.Version1
		if opts.Checksum {
			version = wire.Version2
		}
		h.codec = newPayloads(opts.Codec, version)
		h.version = version
	}
	h.ttls = ttls{
		single: orDefault(opts.DefaultTTL, DefaultTTL),
		bulk:   orDefault(opts.BulkTTL, DefaultTTL),
		jitter: opts.TTLJitter,
	}
	h.cost = opts.ComputeSetCost

	store := opts.GenStore
	if store == nil {
		store = NewLocalGenStore(opts.CleanupInterval, opts.GenRetention)
	}
	if isLocal(store) {
		if s, ok := AbilityOf[Sharer](opts.Provider); ok && s.Shared() {
			h.emit.sharedProvider(context.Background())
		}
	}
	h.suspects = sharedSuspects(store)
	if h.storeID = storeID(store); h.storeID == nil {
		h.storeID = h // a store that cannot be told from others is no other cache's
	}
	h.derived = derived{tags: opts.Tags, clearable: opts.Clearable}
	h.gens = newGenerations(store, h.keys, &h.suspects.floor, orDefault(opts.GenTimeout, DefaultGenTimeout))
	h.values = newValues(opts.Provider)
	if both := combinedOf(opts.Provider, store); both != nil {
		h.port = newTogether(&h.proofs, h.values, both)
	} else {
		h.port = &apart{&h.proofs, h.values}
	}
	h.recovery.proofs = &h.proofs
	h.lease = orDefault(opts.MutateLease, DefaultMutateLease)
	if err := h.own(opts.Provider, opts.GenStore); err != nil {
		return nil, err
	}
	return h, nil
}

// own counts the handle as an owner of what it was given, either of which may be
// nil. Until it is closed, or freed by the garbage collector.
func (h *Handle[V]) own(provider Provider, store GenStore) error {
	var owned []backend
	take := func(field string, b backend) error {
		err := acquire(field, b)
		if err == nil {
			owned = append(owned, b)
		}
		return err
	}
	giveBack := func(owned []backend) {
		for _, b := range owned {
			release(b)
		}
	}
	var err error
	if provider != nil {
		err = take("Provider", provider)
	}
	if err == nil && store != nil {
		err = take("GenStore", store)
	}
	if err != nil {
		giveBack(owned)
		return err
	}
	h.unclosed = runtime.AddCleanup(h, giveBack, owned)
	return nil
}

// isLocal reports whether a store, or what it wraps, keeps its generations in
// this process.
func isLocal(store any) bool {
	for {
		switch s := store.(type) {
		case *LocalGenStore, *StripedGenStore:
			return true
		case Wrapper:
			store = s.Unwrap()
		default:
			return false
		}
	}
}

// Enabled implements [CAS].
func (h *Handle[V]) Enabled() bool { return !h.disabled }

// Close implements [CAS].
func (h *Handle[V]) Close(ctx context.Context) error {
	if h.disabled {
		h.closed.Store(true)
		return nil
	}
	h.closeOnce.Do(func() {
		h.closed.Store(true)
		h.unclosed.Stop()
		h.closeErr = errors.Join(h.recovery.close(ctx), h.values.close(ctx), h.near.close(), h.gens.close(ctx))
	})
	return h.closeErr
}

// ended returns the error of a context that has ended. The bound on a look-up is
// the context's own deadline when that comes first, and the two timers may fire
// in either order: a deadline that has passed counts although ctx.Err does not
// know yet.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// begin reports why a call cannot begin, or nil.
func (h *Handle[V]) begin(ctx context.Context) error {
	if h.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}
