package cascache

import (
	"context"
	"time"
)

// Hooks are told what a cache does. Each is optional and costs nothing when
// nil. They run on the caller's goroutine, never under a lock, possibly many at
// once; a panic in one reaches the caller. What nobody called for runs on a
// goroutine of the cache instead: the recovery of failed invalidations, where a
// panic ends the process, and loads. There a panic never costs a caller the value:
// one in Load reaches the loader's callers as an error beside the value, one in
// another hook is the StoreErr of the LoadEvent.
// They must not keep the slices of an event.
type Hooks struct {
	// Hit: a key was served.
	Hit func(context.Context, HitEvent)
	// Miss: a key was not served, and why.
	Miss func(context.Context, MissEvent)
	// SelfHeal: an entry that cannot be served any more was deleted, or an
	// attempt was made.
	SelfHeal func(context.Context, SelfHealEvent)
	// SetSkipped: a value was not stored, for the sake of the promise.
	SetSkipped func(context.Context, SetSkippedEvent)
	// SetRejected: the provider declined a value.
	SetRejected func(context.Context, SetRejectedEvent)
	// BulkRejected: a bulk entry was not served, or not written.
	BulkRejected func(context.Context, BulkRejectedEvent)
	// GenStoreError: a generation could not be read, created or bumped.
	GenStoreError func(context.Context, GenStoreErrorEvent)
	// DeleteFailed: an invalidation bumped the generation, so that the entry
	// can no longer be served, but could not delete the entry.
	DeleteFailed func(context.Context, DeleteFailedEvent)
	// NearFailed: a call of the near tier panicked. A read goes on without it,
	// and so does a fill or an invalidation.
	NearFailed func(context.Context, NearFailedEvent)
	// InvalidateFailed: an invalidation is not known to be applied; the key
	// is suspect. Of many keys in one call the first few have an event each.
	InvalidateFailed func(context.Context, InvalidateFailedEvent)
	// InvalidateRecovered: a suspect key has been invalidated after all.
	InvalidateRecovered func(context.Context, InvalidateRecoveredEvent)
	// LeaseEnded: a write given to Mutate outlasted the lease of its hold, so
	// that the source was written with nothing held.
	LeaseEnded func(context.Context, LeaseEndedEvent)
	// Load: a loader asked the source.
	Load func(context.Context, LoadEvent)
	// SharedProvider: told once, by New: the provider is shared with other
	// processes, or with later ones, and the generations are local. Such a
	// pair is safe in one process at a time only.
	SharedProvider func(context.Context, SharedProviderEvent)
}

// HitEvent tells that a key was served.
type HitEvent struct {
	Namespace string
	Key       string
	Bulk      bool // from a bulk entry
}

// MissEvent tells that a key was not served.
type MissEvent struct {
	Namespace string
	Key       string
	Reason    Reason
}

// SelfHealEvent tells that an entry was deleted because it cannot be served.
type SelfHealEvent struct {
	Namespace  string
	StorageKey string
	Reason     Reason
	Err        error // the failure of the delete, or nil
}

// SetSkippedEvent tells that a value was not stored.
type SetSkippedEvent struct {
	Namespace string
	Key       string
	Reason    Reason
}

// SetRejectedEvent tells that the provider declined an entry.
type SetRejectedEvent struct {
	Namespace  string
	StorageKey string
	Bulk       bool
	Cost       int64 // as given to the provider
}

// BulkRejectedEvent tells that a bulk entry was not served or not written.
type BulkRejectedEvent struct {
	Namespace string
	Keys      []string // as asked for or given, each once; not to be kept
	Write     bool     // not written, rather than not served
	Reason    Reason
}

// GenStoreErrorEvent tells that the generation store failed or was too slow.
type GenStoreErrorEvent struct {
	Namespace string
	Key       string // the key, or the first of a bulk call
	Keys      int    // how many keys the call was for
	Op        GenOp
	Err       error
}

// DeleteFailedEvent tells that an invalidated entry could not be deleted.
type DeleteFailedEvent struct {
	Namespace string
	Key       string // the key, or the first of a bulk call
	Keys      int    // how many keys the call was for
	Err       error
}

// NearFailedEvent tells that a call of the near tier panicked.
type NearFailedEvent struct {
	Namespace string
	Key       string
	Op        NearOp
	Err       error
}

// InvalidateFailedEvent tells that a key is suspect.
type InvalidateFailedEvent struct {
	Namespace string
	Key       string
	Err       *InvalidateError
	More      int // how many more keys of the call are suspect and get no event of their own
}

// InvalidateRecoveredEvent tells that a suspect key has been invalidated.
type InvalidateRecoveredEvent struct {
	Namespace string
	Key       string
}

// LeaseEndedEvent tells that a write outlasted its hold.
type LeaseEndedEvent struct {
	Namespace string
	Keys      []string // not to be kept
	Lease     time.Duration
	Took      time.Duration // from before the hold until the write returned
}

// LoadEvent tells that a loader asked the source.
type LoadEvent struct {
	Namespace string
	Keys      []string // asked for; not to be kept
	Absent    int      // how many of them the source does not have
	Duration  time.Duration
	Err       error // of the load, or nil
	StoreErr  error // of storing what was loaded, a panic included, which the callers do not get
}

// SharedProviderEvent tells that local generations guard a shared provider.
type SharedProviderEvent struct {
	Namespace string
}

// GenOp names an operation of a generation store.
type GenOp string

// The operations of a generation store.
const (
	GenCurrent  GenOp = "current"
	GenSnapshot GenOp = "snapshot"
	GenBump     GenOp = "bump"
)

// NearOp names an operation of a near tier.
type NearOp string

// The operations of a near tier.
const (
	NearGet NearOp = "get"
	NearSet NearOp = "set"
	NearDel NearOp = "del"
)

// Reason says why something was not served, not stored, or deleted.
type Reason string

// The reasons.
const (
	// ReasonNotFound: the provider has no entry.
	ReasonNotFound Reason = "not_found"
	// ReasonProviderError: the provider failed; the caller gets its error.
	ReasonProviderError Reason = "provider_error"
	// ReasonStale: the entry's or the snapshot's generation is not current.
	ReasonStale Reason = "stale"
	// ReasonNewer: the entry was stored under a newer generation than the one
	// this call read when it began.
	ReasonNewer Reason = "newer"
	// ReasonNoGen: the key has no generation, or is held.
	ReasonNoGen Reason = "no_generation"
	// ReasonGenError: the generation could not be read in time.
	ReasonGenError Reason = "generation_error"
	// ReasonDependency: the generation of a key, tag or namespace that the entry
	// or value depends on is another one than when it was loaded. Or an entry
	// lacks a dependency that all of its cache have by now.
	ReasonDependency Reason = "dependency"
	// ReasonForeignDep: what was loaded depends on a cache with another
	// generation store.
	ReasonForeignDep Reason = "foreign_dependency"
	// ReasonTooManyDeps: what was loaded has more than [MaxDeps] dependencies.
	ReasonTooManyDeps Reason = "too_many_dependencies"
	// ReasonNoSnapshot: the observed generation is 0 or was not given.
	ReasonNoSnapshot Reason = "no_snapshot"
	// ReasonSuspect: an invalidation of the key is not known to be applied.
	ReasonSuspect Reason = "suspect"
	// ReasonCorrupt: the bytes are not a frame of the wire format.
	ReasonCorrupt Reason = "corrupt"
	// ReasonDecode: the codec refused the payload.
	ReasonDecode Reason = "decode"
	// ReasonAbsent: a current entry says that the source has no such key.
	ReasonAbsent Reason = "absent"
	// ReasonMemberMissing: the bulk entry lacks a key of its set.
	ReasonMemberMissing Reason = "member_missing"
	// ReasonDisabled: the cache is disabled, or writes no bulk entries. Only the
	// results of sets have it; no hook is told.
	ReasonDisabled Reason = "disabled"
)

// emitter calls the hooks that are set.
type emitter struct {
	hooks     Hooks
	namespace string
}

func newEmitter(hooks *Hooks, namespace string) emitter {
	e := emitter{namespace: namespace}
	if hooks != nil {
		e.hooks = *hooks
	}
	return e
}

func (e *emitter) hit(ctx context.Context, key string, bulk bool) {
	if f := e.hooks.Hit; f != nil {
		f(ctx, HitEvent{Namespace: e.namespace, Key: key, Bulk: bulk})
	}
}

func (e *emitter) miss(ctx context.Context, key string, reason Reason) {
	if f := e.hooks.Miss; f != nil {
		f(ctx, MissEvent{Namespace: e.namespace, Key: key, Reason: reason})
	}
}

func (e *emitter) selfHeal(ctx context.Context, entry string, reason Reason, err error) {
	if f := e.hooks.SelfHeal; f != nil {
		f(ctx, SelfHealEvent{Namespace: e.namespace, StorageKey: entry, Reason: reason, Err: err})
	}
}

func (e *emitter) setSkipped(ctx context.Context, key string, reason Reason) {
	if f := e.hooks.SetSkipped; f != nil {
		f(ctx, SetSkippedEvent{Namespace: e.namespace, Key: key, Reason: reason})
	}
}

func (e *emitter) setRejected(ctx context.Context, entry string, bulk bool, cost int64) {
	if f := e.hooks.SetRejected; f != nil {
		f(ctx, SetRejectedEvent{Namespace: e.namespace, StorageKey: entry, Bulk: bulk, Cost: cost})
	}
}

func (e *emitter) bulkRejected(ctx context.Context, keys []string, write bool, reason Reason) {
	if f := e.hooks.BulkRejected; f != nil {
		f(ctx, BulkRejectedEvent{Namespace: e.namespace, Keys: keys, Write: write, Reason: reason})
	}
}

func (e *emitter) genStoreError(ctx context.Context, op GenOp, key string, keys int, err error) {
	if f := e.hooks.GenStoreError; f != nil {
		f(ctx, GenStoreErrorEvent{Namespace: e.namespace, Key: key, Keys: keys, Op: op, Err: err})
	}
}

func (e *emitter) deleteFailed(ctx context.Context, key string, keys int, err error) {
	if f := e.hooks.DeleteFailed; f != nil {
		f(ctx, DeleteFailedEvent{Namespace: e.namespace, Key: key, Keys: keys, Err: err})
	}
}

// nearFailed tells nothing where err is nil.
func (e *emitter) nearFailed(ctx context.Context, op NearOp, key string, err error) {
	if f := e.hooks.NearFailed; f != nil && err != nil {
		f(ctx, NearFailedEvent{Namespace: e.namespace, Key: key, Op: op, Err: err})
	}
}

func (e *emitter) invalidateFailed(ctx context.Context, err *InvalidateError, more int) {
	if f := e.hooks.InvalidateFailed; f != nil {
		f(ctx, InvalidateFailedEvent{Namespace: e.namespace, Key: err.Key, Err: err, More: more})
	}
}

func (e *emitter) invalidateRecovered(ctx context.Context, key string) {
	if f := e.hooks.InvalidateRecovered; f != nil {
		f(ctx, InvalidateRecoveredEvent{Namespace: e.namespace, Key: key})
	}
}

func (e *emitter) leaseEnded(ctx context.Context, keys []string, lease, took time.Duration) {
	if f := e.hooks.LeaseEnded; f != nil {
		f(ctx, LeaseEndedEvent{Namespace: e.namespace, Keys: keys, Lease: lease, Took: took})
	}
}

func (e *emitter) load(ctx context.Context, event LoadEvent) {
	if f := e.hooks.Load; f != nil {
		event.Namespace = e.namespace
		f(ctx, event)
	}
}

func (e *emitter) sharedProvider(ctx context.Context) {
	if f := e.hooks.SharedProvider; f != nil {
		f(ctx, SharedProviderEvent{Namespace: e.namespace})
	}
}
