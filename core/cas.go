package cascache

import (
	"context"
	"time"
)

// CAS is a cache whose entries are served only under the generation they were
// loaded under. After Invalidate has returned nil, no read that begins later
// returns a value that was loaded before that invalidation began.
//
// A fill takes three steps, in this order:
//
//	obs := cache.SnapshotGen(key)                   // before the source is read
//	v, err := load(ctx, key)                        // from the database
//	err = cache.SetWithGen(ctx, key, v, obs, ttl)   // stored only if nothing moved
//
// All methods may be called concurrently. A value that was read may be shared
// with other callers where the codec says so; otherwise it is the caller's own.
type CAS[V any] interface {
	// Enabled reports whether the cache does anything; see Options.Disabled.
	Enabled() bool

	// Close stops background work, tries once more within ctx the
	// invalidations that have failed so far, and reports those that it could
	// not apply. It closes the near tier, and the provider and the generation
	// store unless another open cache has them, also when the caller made
	// them: the last cache closes what several have. It is idempotent: later
	// calls return what the first one did. Every other call that begins
	// afterwards returns [ErrClosed], or 0 for each generation where it has no
	// error to return.
	//
	// A cache that nobody uses any more can go without: the garbage collector
	// frees it, with the provider and the store if these hold on to nothing
	// else. It closes neither.
	Close(ctx context.Context) error

	// Get returns the value under key, and whether there was one that is
	// provably current. Whatever cannot be proved is a miss with a nil error,
	// reported to [Hooks.Miss] with its reason. The error is a failure of the
	// provider, the caller's own ended context, [ErrInvalidKey] or
	// [ErrClosed]; ok is false then.
	Get(ctx context.Context, key string) (value V, ok bool, err error)

	// SetWithGen stores value under key if the key's generation still is
	// observedGen, which SnapshotGen returned before the source was read.
	// Otherwise nothing is stored, nil is returned, and [Hooks.SetSkipped]
	// tells why; an observedGen of 0 never stores. A ttl of 0 means
	// Options.DefaultTTL, a negative one is an error. The provider may
	// decline the value: nil, and [Hooks.SetRejected]. Errors of the codec
	// and the provider are returned.
	SetWithGen(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) error

	// Invalidate gives the key a new generation and deletes its entry. nil
	// means that no read that begins from now on, in any process that shares
	// the generation store, returns a value loaded before this call. Call it
	// after the source has committed.
	//
	// An [*InvalidateError] means that the bump is not known to be applied.
	// The key is suspect in this process from then on: reads miss and fills
	// are skipped until a bump that began later has succeeded, which is
	// retried in the background. Other errors are [ErrInvalidKey] and
	// [ErrClosed]. The bump is bounded by ctx, and by [DefaultBumpTimeout]
	// where ctx has no deadline.
	Invalidate(ctx context.Context, key string) error

	// GetBulk returns the values that are provably current, and the keys
	// without one, in the order asked for and each once. Both are the
	// caller's. The error is as for Get; with one, the map holds what could be
	// read all the same. One invalid key fails the call before anything is
	// read.
	GetBulk(ctx context.Context, keys []string) (values map[string]V, missing []string, err error)

	// SetBulkWithGens stores every item whose generation still is the one in
	// observedGens as a single entry, and all of them together as one bulk
	// entry if none has moved. A key without an observed generation is not
	// stored. A ttl of 0 means Options.BulkTTL for the bulk entry and
	// Options.DefaultTTL for singles; otherwise the bulk entry lives no longer
	// than its shortest single. One invalid key fails the call before
	// anything is stored. Otherwise it is as SetWithGen. The maps are only
	// read, and not kept.
	SetBulkWithGens(ctx context.Context, items map[string]V, observedGens map[string]uint64, ttl time.Duration) error

	// SnapshotGen returns the key's generation, for a later SetWithGen, and
	// creates it when there is none. It returns 0, which makes that set a
	// no-op, when the generation store fails or takes longer than
	// Options.GenTimeout, and for an invalid key.
	SnapshotGen(key string) uint64

	// SnapshotGens is SnapshotGen for many keys. Every key asked for is in
	// the result, with 0 where there is no generation to be had.
	SnapshotGens(keys []string) map[string]uint64
}

// Cache is another name for [CAS].
type Cache[V any] = CAS[V]
