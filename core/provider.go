package cascache

import (
	"context"
	"time"
)

// A Provider stores bytes under string keys. It may lose any entry at any
// time; it must never answer with bytes that were not the last ones accepted
// under that very key.
//
// Keys are compared byte for byte, are never empty and are at most 65,535
// bytes long. All methods may be called concurrently. After Close they return
// an error; they do not panic.
type Provider interface {
	// Get returns the bytes stored under key. A hit is (value, true, nil), a
	// miss (nil, false, nil), and a failure of the storage (nil, false, err):
	// a miss is never an error, an error never a miss.
	//
	// The caller only reads the returned slice. The provider must not change
	// its bytes afterwards; it may hand the same slice to several callers.
	// When ctx is done, a provider that does I/O returns its error.
	Get(ctx context.Context, key string) ([]byte, bool, error)

	// Set stores value under key for ttl, which is positive. A provider with
	// one life time for all entries may ignore ttl, and says so. It returns
	// (true, nil) when the value was accepted, even if it becomes visible a
	// little later, (false, nil) when the provider declined it, for want of
	// room or because it is too large, and (false, err) on a failure. After
	// false or an error, whatever stood under key before may remain.
	//
	// cost is what the entry weighs against the provider's capacity, in units
	// that Options.ComputeSetCost chooses (bytes unless it is set).
	//
	// The provider may keep value: the caller never changes it afterwards,
	// and neither may the provider.
	Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error)

	// Del removes key. That the key is not there is not an error. When Del
	// has returned nil, no value set before it began is returned any more.
	Del(ctx context.Context, key string) error

	// Close releases what the provider owns, within ctx. Further calls of
	// Close return nil and do nothing.
	Close(ctx context.Context) error
}

// Item is one value of a [BulkProvider.SetBulk].
type Item struct {
	Key   string
	Value []byte
	Cost  int64
	TTL   time.Duration
}

// BulkProvider is an optional ability of a [Provider]: many keys in one call.
// Ownership of values is as for Get and Set.
type BulkProvider interface {
	// GetBulk returns one slice per key, in the order of keys: nil for a
	// miss, non-nil for a hit (an empty value is an empty, non-nil slice).
	// keys holds no duplicates and is only read. On an error the result may
	// be nil, or hold what could be read all the same, nil elsewhere.
	GetBulk(ctx context.Context, keys []string) ([][]byte, error)

	// SetBulk stores every item and tells for each, in order, whether it was
	// accepted. The keys are distinct. On an error the result may be nil, or
	// tell true for those that were stored all the same. The slice items
	// itself is not kept.
	SetBulk(ctx context.Context, items []Item) ([]bool, error)

	// DelBulk removes every key. All keys are attempted, also after one has
	// failed. keys holds no duplicates and is only read.
	DelBulk(ctx context.Context, keys []string) error
}

// PrefixGetter is an optional ability of a [Provider]: to look up a key that
// comes in two parts, so that nobody joins them.
type PrefixGetter interface {
	// GetPrefixed is Get of prefix+key. The cache always divides a storage
	// key in the same place.
	GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error)
}

// Sharer is an optional ability of a [Provider]: to say that other processes,
// or later ones, see the same entries. New warns through
// [Hooks.SharedProvider] when such a provider is paired with local
// generations, which are correct for one process only.
type Sharer interface {
	Shared() bool
}
