package cascache

import (
	"context"
	"reflect"
)

// Combined is an optional ability of a value that is both a [Provider] and a
// [GenStore], and does in one round trip what takes two apart. The cache uses
// it where Options.Provider and Options.GenStore are that one value. A wrapper
// that stands on one side only is never gone around: wrap the value once, and
// give the wrapper to both.
//
// Keys are storage keys of entries. The generation of an entry is kept under
// [GenKey] of its storage key, which differs from it only where [Options.Schema]
// is set; Current, Snapshot, Bump and the like are given that key. The calls below
// are bounded by
// [Options.GenTimeout], BumpAndDel as a bump is. A call for many keys is for at
// most 1,000. Slices are owned as for [Provider].
type Combined interface {
	Provider
	GenStore

	// GetWithGen is Get and Current of key, read in either order or at once:
	// a nil value is a miss, an empty one is not nil. With create, it creates
	// the generation as Snapshot does where there is none, and may begin its
	// time to live anew. Each error says that its part could not be read, and
	// its part is the zero value then.
	GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error)

	// GetBulkWithGens is GetBulk and CurrentBulk of keys, in either order
	// or at once, and Get of the entry named bulk, unless that is empty.
	// Unless wanted, the values of the keys are left out.
	GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (BulkReading, error)

	// SetIfGen stores the item if the generation of its key is gen, which is
	// not 0; nothing can come in between. It returns the generation that it
	// found (0 for none or held), and whether the item was stored: false
	// where the generation is another one, or where it was declined. As
	// CurrentToCommit it may keep the generation alive longer. An error with
	// a generation of 0 says that the generation could not be read, and
	// with another one, that the item could not be stored.
	SetIfGen(ctx context.Context, item Item, gen uint64) (current uint64, stored bool, err error)

	// SetBulkIfGens is SetIfGen of each of the items, whose keys are
	// distinct, under the generation in the same place. A last item in excess
	// of the generations is a bulk entry of all others, and maybe of more that
	// an earlier call was for: it is stored if every generation is as given,
	// and is not left behind otherwise. current is as
	// long as gens, stored as long as items; an error is as for SetIfGen, of
	// at least one key. What was not attempted has generation 0.
	SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) (current []uint64, stored []bool, err error)

	// BumpAndDel is BumpBulk and DelBulk of keys; nobody finds the new
	// generation of a key and its old value. delErr says that some value is
	// not known to be deleted.
	BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error)

	// DelEqual removes each of the keys if the value in the same place is
	// what it has. All are attempted.
	DelEqual(ctx context.Context, keys []string, values [][]byte) error
}

// BulkReading is what [Combined.GetBulkWithGens] has read. What could not be
// read is nil or 0.
type BulkReading struct {
	Bulk   []byte   // nil: there is none
	Values [][]byte // one per key, nil for a miss; nil: not wanted
	Gens   []uint64 // one per key, 0 for none or held

	// GenErr says that a generation could not be read; the error that is
	// returned beside this says so of the bulk entry or a value.
	GenErr error
}

// combinedOf returns what provider and store are if they are one value that
// has the ability, and nil otherwise.
func combinedOf(provider Provider, store GenStore) Combined {
	if provider == nil || store == nil {
		return nil
	}
	both, ok := AbilityOf[Combined](store)
	if !ok || !reflect.ValueOf(provider).Comparable() || any(provider) != any(store) {
		return nil
	}
	return both
}
