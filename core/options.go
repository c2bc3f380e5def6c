package cascache

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// DefaultTTL is the time to live of single and bulk entries unless Options or
// the call says otherwise.
const DefaultTTL = 10 * time.Minute

// Options configures [New]. The zero value of every field but Namespace,
// Provider and Codec is a working default.
type Options[V any] struct {
	// Namespace sets the keys of this cache apart from those of others in the
	// same storage. Required. Any bytes, at most 65,526 of them, where each
	// '%' and ':' counts as three.
	Namespace string

	// Schema is part of the storage keys of the entries, and of no generation's.
	// Caches of one namespace with different schemas, such as two versions of a
	// service during a rollout, never read each other's entries, and an
	// invalidation by either kills the entries of both. Any string; [SchemaOf]
	// makes one of a type. Empty for none. The bytes of the schema count like
	// those of Namespace, and two more.
	Schema string

	// Tags returns the tags of a key that are known from the key alone, such as a
	// tenant or a shard: each entry depends on them, and [Handle.InvalidateTags]
	// invalidates all entries with a tag in one go. Tags are any strings but the
	// empty one, at most 256 for a key; the result is only read. It is called for
	// reads and fills, maybe concurrently, must be quick and must return the same
	// tags whenever it is called with a key. nil for none.
	//
	// With Tags or Clearable, the number that SnapshotGen returns stands for the
	// generation of the key and for those of its tags.
	Tags func(key string) []string

	// Clearable lets [Handle.Clear] invalidate all entries in one go: each
	// depends on the namespace as a whole.
	Clearable bool

	// Provider stores the entries. Required unless Near is set. Several caches
	// may have the same one, each under a namespace of its own: the last of
	// them to close closes it. It may be the same value as GenStore: see
	// [Combined].
	Provider Provider

	// Codec turns values into bytes. Required with a Provider.
	Codec Codec[V]

	// Near keeps decoded values in this process, in front of the Provider or
	// instead of one, under the same generation check. nil for none. It
	// belongs to this cache alone, since its keys carry no namespace: Close
	// closes it.
	//
	// A value read from the Provider is kept in Near for a minute, or for
	// DefaultTTL if that is shorter, since what is left of its TTL is not
	// known: in all an entry can be served for its TTL and a minute more,
	// unless it is invalidated.
	Near Near[V]

	// GenStore keeps the generations. nil means a [LocalGenStore], which is
	// correct for one process only. Several caches may have the same one: the
	// last of them to close closes it.
	GenStore GenStore

	// DefaultTTL is the time to live of single entries whose set gives none.
	// 0 means 10 minutes; not negative.
	DefaultTTL time.Duration

	// BulkTTL is the same for bulk entries. One lives no longer than any of its
	// members that was given a time to live of its own.
	BulkTTL time.Duration

	// TTLJitter, in [0, 1), shortens each TTL by a random share of up to this
	// much, never below one millisecond, so that entries stored together do
	// not expire together.
	TTLJitter float64

	// GenTimeout bounds one look-up in the generation store, for one key or for
	// each 1,000 keys of a bulk, whatever the store does about contexts. Past it
	// a read is a miss
	// and a fill is skipped (G2). 0 means [DefaultGenTimeout]; not negative.
	// A store that never blocks is not timed.
	GenTimeout time.Duration

	// CleanupInterval is how often local generations are pruned. 0 means
	// [DefaultCleanupInterval]; not negative. Less than [MinCleanupInterval] means
	// that. Unused with a GenStore.
	CleanupInterval time.Duration

	// GenRetention is how long after its last bump a local generation is
	// pruned. 0 means [DefaultGenRetention]; not negative. Unused with a
	// GenStore.
	GenRetention time.Duration

	// MutateLease is how long [Handle.Mutate] holds its keys if nothing
	// releases them: after a crash, or a write whose outcome is unknown. The
	// write's context ends after three quarters of it. 0 means
	// [DefaultMutateLease]; not negative.
	MutateLease time.Duration

	// Disabled makes a cache that does nothing: reads miss, sets and
	// invalidations return nil, no backend is called. Nothing else is
	// required then.
	Disabled bool

	// DisableBulk leaves bulk entries out: bulk calls use singles only. Implied
	// where there is no Provider.
	DisableBulk bool

	// Checksum writes and demands version 2 of the envelope, in which every
	// entry names its storage key and ends with a CRC-32C, so that a flipped
	// bit or another key's bytes are a miss and never a value. It guards
	// against accidents, not against somebody who can compute a checksum. A
	// cache accepts the version it writes and no other.
	Checksum bool

	// ComputeSetCost returns what an entry weighs against the provider's
	// capacity, given its storage key, its bytes as stored, which it must not
	// keep, whether it is a bulk entry, and how many values are in it. nil
	// means len(raw), so that a capacity counts bytes.
	ComputeSetCost func(key string, raw []byte, isBulk bool, n int) int64

	// Hooks are told what the cache does. nil for none; copied by New.
	Hooks *Hooks
}

// validate returns an error that names the field, its value and what is
// allowed, or nil.
func (o *Options[V]) validate() error {
	if o.Disabled {
		return nil
	}
	if o.Namespace == "" {
		return fmt.Errorf("cascache: Options.Namespace is empty; it is required")
	}
	if n := len(newKeySpace(o.Namespace, o.Schema).single); n >= maxStorageKey {
		return fmt.Errorf("cascache: Options.Namespace and Options.Schema take %d bytes of every storage key; at most %d leave room for a key",
			n, maxStorageKey-1)
	}
	if o.Provider == nil && o.Near == nil {
		return fmt.Errorf("cascache: Options.Provider is nil; it is required unless Options.Near is set")
	}
	for _, part := range [...]struct {
		field string
		value any
	}{
		{"Provider", o.Provider},
		{"Codec", o.Codec},
		{"Near", o.Near},
		{"GenStore", o.GenStore},
	} {
		if err := checkPart(part.field, part.value); err != nil {
			return err
		}
	}
	if o.Provider != nil && o.Codec == nil {
		return fmt.Errorf("cascache: Options.Codec is nil; it is required with a Provider")
	}
	if j := o.TTLJitter; math.IsNaN(j) || j < 0 || j >= 1 {
		return fmt.Errorf("cascache: Options.TTLJitter is %v; it must be in [0, 1)", j)
	}
	for _, d := range [...]struct {
		field string
		value time.Duration
	}{
		{"DefaultTTL", o.DefaultTTL},
		{"BulkTTL", o.BulkTTL},
		{"GenTimeout", o.GenTimeout},
		{"CleanupInterval", o.CleanupInterval},
		{"GenRetention", o.GenRetention},
		{"MutateLease", o.MutateLease},
	} {
		if d.value < 0 {
			return fmt.Errorf("cascache: Options.%s is %v; it must be 0, for the default, or more", d.field, d.value)
		}
	}
	return nil
}

// checkPart returns an error if a part of the cache, or what it wraps, is a nil
// of some type: such an interface is not nil, and its first call panics.
func checkPart(field string, part any) error {
	if part == nil {
		return nil // whether it is required is for the caller to say
	}
	if isNil(part) {
		return fmt.Errorf("cascache: Options.%s is a nil %T; it must be a usable value, or left out if it is not required", field, part)
	}
	for {
		w, ok := part.(Wrapper)
		if !ok {
			return nil
		}
		inner := w.Unwrap()
		switch {
		case inner == nil:
			return fmt.Errorf("cascache: Options.%s: a %T wraps nothing; what it wraps is required", field, part)
		case isNil(inner):
			return fmt.Errorf("cascache: Options.%s: a %T wraps a nil %T; it must wrap a usable value", field, part, inner)
		}
		part = inner
	}
}

// isNil reports whether v is nil, or a nil of a type that can be nil.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		return r.IsNil()
	}
	return false
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}
