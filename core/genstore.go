package cascache

import (
	"context"
	"time"
)

// A GenStore keeps one generation per key. It is what the whole promise rests
// on, by four rules.
//
//   - G1: a generation is never used twice for a key, not after a prune, an
//     expiry, an eviction, a flush, a restart, a failover or a clock step. So
//     it does not count from zero: each one drawn is ordered by time, has a
//     random tail, and is strictly greater than the one it replaces. The store
//     draws it, not the caller: a bump that a retry applies twice draws twice.
//   - G2: no generation, no proof. 0 is never a generation. A store that lost
//     a generation answers 0, never an older one.
//   - G3: Snapshot creates a missing generation, Current only reads.
//   - G4: a bump that returned nil is visible to every later Current, from
//     every process that shares the store.
//
// A store may drop any generation at any time; the price is a miss.
//
// The key is the storage key of the single entry ("single:<ns>:<key>").
// All methods may be called concurrently. When ctx is done, a store that does
// I/O returns its error. After Close they return an error.
type GenStore interface {
	// Current returns the key's generation, or 0 when it has none or is held.
	// It never writes.
	Current(ctx context.Context, key string) (uint64, error)

	// Snapshot returns the key's generation and creates it when there is
	// none. It returns 0 with a nil error only while the key is held.
	Snapshot(ctx context.Context, key string) (uint64, error)

	// Bump replaces the key's generation with a new, greater one, creating it
	// when there is none, and returns it. 0 with a nil error means that the
	// bump is done and the key still held. An error means that the bump is
	// not known to be applied.
	Bump(ctx context.Context, key string) (uint64, error)

	// Close releases what the store owns, within ctx. Further calls of Close
	// return nil and do nothing.
	Close(ctx context.Context) error
}

// BulkGenStore is an optional ability of a [GenStore]: many keys in one call. In
// each of its methods keys holds no duplicates and is only read, and the result
// has one generation per key, in the order of keys.
type BulkGenStore interface {
	// CurrentBulk is Current of many keys: 0 for none or held. On an error the
	// result may be nil, or hold what could be read all the same, 0 elsewhere.
	CurrentBulk(ctx context.Context, keys []string) ([]uint64, error)

	// SnapshotBulk is Snapshot of many keys: it creates the generations that
	// are missing. Errors are as for CurrentBulk.
	SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error)

	// BumpBulk is Bump of many keys. All keys are attempted, also after one
	// has failed. With a nil error all bumps are done, and 0 means still held.
	// With an error the result may be nil; a number other than 0 tells that
	// this key's bump is done all the same, and 0 that it is not known to be.
	BumpBulk(ctx context.Context, keys []string) ([]uint64, error)
}

// CommitReader is an optional ability of a [GenStore]: to be told which
// look-ups are for a fill that is about to commit. A store that lets unused
// generations expire keeps those of keys that are only filled, and never
// snapshotted or bumped meanwhile. The cache asks it for commits only, never
// for reads.
type CommitReader interface {
	// CurrentToCommit is Current, and may keep the key's generation alive
	// longer. It never creates or changes one, leaves a hold as it is, and
	// takes no more round trips than Current does.
	CurrentToCommit(ctx context.Context, key string) (uint64, error)

	// CurrentToCommitBulk is CurrentToCommit of many keys in one call. keys,
	// result and errors are as for CurrentBulk.
	CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error)
}

// Holder is an optional ability of a [GenStore]: to hold keys while the source
// is being written.
//
// A hold takes the place of the key's generation: while at least one live hold
// stands, Current and Snapshot answer 0, and Bump succeeds, answers 0 and
// leaves the key held. Each hold is a token with an expiry of its own, by the
// store's clock; holds that have expired do not count. When the last one
// expires unreleased, the key has no generation at all.
type Holder interface {
	// Hold holds every key under token until lease has passed. A token that
	// holds a key already has its lease begun anew. On an error no key stays
	// held where the store can help it, and otherwise no longer than lease.
	Hold(ctx context.Context, keys []string, token string, lease time.Duration) error

	// Release removes token's own hold from every key and bumps the key, even
	// when that hold has vanished. Once the last live hold is gone, the key
	// has a generation again, greater than any it had before. All keys are
	// attempted. On an error the holds that remain end with their leases.
	Release(ctx context.Context, keys []string, token string) error
}

// LocalReader is an optional ability of a [GenStore]: to know current
// generations, all of them or some, some of the time, from this process's own
// memory. The cache asks it first, before it joins prefix and key or spends
// anything on [Options.GenTimeout], and asks Current or CurrentBulk for what it
// does not know.
//
// What it answers is held to G4 like the answer of Current: no bump has
// returned nil, in any process, that replaced the generation before the call
// began. It never waits, for I/O or for a lock held across I/O. After Close it
// knows nothing.
type LocalReader interface {
	// CurrentLocal returns the generation of prefix+key, and whether it is
	// known. The cache always divides a storage key in the same place. A key
	// that is held, or that has no generation, is not known.
	CurrentLocal(prefix, key string) (gen uint64, ok bool)

	// CurrentLocalBulk writes the generation of each key that is known into
	// its place in gens, which is as long as keys and holds zeros. keys holds
	// no duplicates; both slices are the caller's.
	CurrentLocalBulk(keys []string, gens []uint64)
}

// NonBlocker is an optional ability of a [GenStore]: to say that its calls
// never wait, for I/O or for a lock held across I/O. The cache then calls it
// directly and spends nothing on [Options.GenTimeout].
type NonBlocker interface {
	NonBlocking() bool
}
