package otternear

import (
	"errors"
	"fmt"
	"math"
)

// DefaultMaxEntries bounds a tier whose Config gives no bound.
const DefaultMaxEntries = 100_000

// Config sizes a [Near]. The zero value keeps [DefaultMaxEntries] entries.
type Config[V any] struct {
	// MaxEntries bounds the number of entries. 0 means [DefaultMaxEntries],
	// or no bound of this kind where Weigher is set. Not negative; not to be
	// combined with Weigher.
	MaxEntries int

	// MaxWeight bounds the sum of what Weigher returns for the entries kept.
	// Required with a Weigher, and of no use without.
	MaxWeight uint64

	// Weigher returns the weight of an entry, in any unit; 0 weighs nothing.
	// It must not use the tier. nil: entries are counted. It is not asked about a
	// note that the source has no such key, which has no value: that weighs as
	// much as its key has bytes, and at least 1.
	Weigher func(key string, value V) uint32
}

func (c *Config[V]) validate() error {
	switch {
	case c.MaxEntries < 0:
		return fmt.Errorf("otternear: Config.MaxEntries is %d; it must be 0, for %d, or more", c.MaxEntries, DefaultMaxEntries)
	case c.Weigher != nil && c.MaxEntries > 0:
		return fmt.Errorf("otternear: Config.MaxEntries is %d beside a Weigher; it must be 0 there", c.MaxEntries)
	case c.Weigher != nil && (c.MaxWeight == 0 || c.MaxWeight > math.MaxInt64):
		return fmt.Errorf("otternear: Config.MaxWeight is %d beside a Weigher; it must be from 1 to %d", c.MaxWeight, int64(math.MaxInt64))
	case c.Weigher == nil && c.MaxWeight > 0:
		return errors.New("otternear: Config.Weigher is nil beside a MaxWeight; it is required there")
	}
	return nil
}
