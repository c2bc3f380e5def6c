package ristrettoprovider

import "fmt"

// The defaults of the zero fields of [Config].
const (
	DefaultNumCounters = 1_000_000
	DefaultMaxCost     = 64 << 20
	DefaultBufferItems = 64
)

// The upper bounds of what [New] accepts. Ristretto allocates by these numbers
// and would take the process down.
const (
	maxNumCounters = 1 << 32
	maxBufferItems = 1 << 20
)

// maxCounted is the greatest cost that counts. Ristretto adds up what it keeps,
// and the values that replaced others beyond its bound, in 64 bits.
const maxCounted = 1 << 50

// internalCost is what Ristretto adds to the cost of each entry unless told
// to ignore it.
const internalCost = 56

// Config sizes a [Provider]. The zero value is a working cache of 64 MiB.
type Config struct {
	// NumCounters is the number of keys whose frequency of use Ristretto
	// remembers, in order to decide what to keep. About ten times the number
	// of entries in a full cache works well; each counter takes 3 bytes,
	// rounded up to a power of two. 0 means DefaultNumCounters, good for some
	// 100,000 entries. At most 1<<32.
	NumCounters int64

	// MaxCost bounds the sum of the costs of all entries. A cost is the
	// number of bytes of the entry unless Options.ComputeSetCost is set, so
	// MaxCost is a size in bytes; with a cost of 1 for every entry it is a
	// number of entries. An entry that costs more than MaxCost is declined.
	// One that costs 0 takes no room and is bounded by nothing but its TTL.
	// A replaced value may exceed the bound until the next new key makes
	// room. 0 means DefaultMaxCost. Over 1<<50 it counts as 1<<50, and so
	// does the cost of an entry.
	MaxCost int64

	// BufferItems is how many reads are collected before they count towards
	// the frequency of use. 0 means DefaultBufferItems, which rarely needs a
	// change. At most 1<<20.
	BufferItems int64

	// Metrics counts what [Provider.Metrics] returns, at some cost to every
	// call.
	Metrics bool

	// IncludeInternalCost adds the 56 bytes that Ristretto takes for its own
	// record of an entry to each entry's cost. False, the default, leaves
	// them out: MaxCost then means what it says, whatever the unit.
	IncludeInternalCost bool
}

// withDefaults returns cfg with its zero fields filled in, or an error that
// names the first field out of range.
func (cfg Config) withDefaults() (Config, error) {
	for _, field := range []struct {
		name     string
		value    *int64
		fallback int64
		max      int64
	}{
		{"NumCounters", &cfg.NumCounters, DefaultNumCounters, maxNumCounters},
		{"MaxCost", &cfg.MaxCost, DefaultMaxCost, 1<<63 - 1},
		{"BufferItems", &cfg.BufferItems, DefaultBufferItems, maxBufferItems},
	} {
		if *field.value < 0 || *field.value > field.max {
			return cfg, fmt.Errorf("ristrettoprovider: Config.%s is %d, must be 0 (meaning %d) or from 1 to %d",
				field.name, *field.value, field.fallback, field.max)
		}
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	return cfg, nil
}
