package bigcacheprovider

import (
	"fmt"
	"math"
	"time"
)

// The defaults of the zero fields of [Config].
const (
	DefaultLifeWindow         = 10 * time.Minute
	DefaultCleanWindow        = time.Second
	DefaultMaxEntriesInWindow = 10_000
	DefaultMaxEntrySize       = 256
	DefaultHardMaxCacheSizeMB = 256
	DefaultShards             = 64
)

// Config sizes a [Provider]. The zero value is a working cache of 256 MiB whose
// entries live for ten minutes.
type Config struct {
	// LifeWindow is how long every entry lives, whatever TTL it was set with.
	// BigCache counts in whole seconds: an entry is returned for LifeWindow,
	// rounded down to a second, and for up to one second more. 0 means
	// DefaultLifeWindow; at least one second.
	LifeWindow time.Duration

	// CleanWindow is how often the room of entries past their LifeWindow is
	// given back. They are not returned either way. 0 means
	// DefaultCleanWindow; at least one second.
	CleanWindow time.Duration

	// MaxEntriesInWindow and MaxEntrySize, in bytes, are what to expect: they
	// decide how much memory is taken at the start, and limit nothing. 0 means
	// DefaultMaxEntriesInWindow and DefaultMaxEntrySize. Not more entries than
	// HardMaxCacheSizeMB has room for, at 23 bytes each.
	MaxEntriesInWindow int
	MaxEntrySize       int

	// HardMaxCacheSizeMB bounds the memory for entries, in MiB. The index, a
	// map of 12 bytes an entry, and in each shard a buffer of the size of the
	// largest entry yet come on top. 0 means DefaultHardMaxCacheSizeMB.
	//
	// It is divided evenly among the shards, and an entry (its key, its value
	// and 23 bytes) that takes half of a shard or more is declined: by
	// default, one of 2 MiB. A shard has at least 4 KiB and less than 4 GiB.
	HardMaxCacheSizeMB int

	// Shards is the number of parts with a lock each, a power of two. More of
	// them get less in each other's way and have room for smaller entries
	// only. 0 means DefaultShards.
	Shards int

	// Verbose has BigCache print to the standard logger of package log each
	// time that a shard takes more memory.
	Verbose bool
}

const (
	minShardBytes = 4 << 10
	// BigCache keeps places in a shard as 32-bit numbers and does not check.
	maxShardBytes = math.MaxUint32

	maxShards  = 1 << 16
	maxEntries = math.MaxInt32
)

// withDefaults returns cfg with its zero fields filled in, or an error that
// names the first field out of range.
func (cfg Config) withDefaults() (Config, error) {
	for _, field := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"LifeWindow", &cfg.LifeWindow, DefaultLifeWindow},
		{"CleanWindow", &cfg.CleanWindow, DefaultCleanWindow},
	} {
		if *field.value == 0 {
			*field.value = field.fallback
		}
		if *field.value < time.Second {
			return cfg, fmt.Errorf("bigcacheprovider: Config.%s is %v, must be 0 (meaning %v) or at least 1s",
				field.name, *field.value, field.fallback)
		}
	}
	for _, field := range []struct {
		name     string
		value    *int
		fallback int
		max      int
	}{
		{"MaxEntriesInWindow", &cfg.MaxEntriesInWindow, DefaultMaxEntriesInWindow, maxEntries},
		{"MaxEntrySize", &cfg.MaxEntrySize, DefaultMaxEntrySize, maxEntries},
		{"HardMaxCacheSizeMB", &cfg.HardMaxCacheSizeMB, DefaultHardMaxCacheSizeMB, math.MaxInt >> 20},
		{"Shards", &cfg.Shards, DefaultShards, maxShards},
	} {
		if *field.value < 0 || *field.value > field.max {
			return cfg, fmt.Errorf("bigcacheprovider: Config.%s is %d, must be 0 (meaning %d) or from 1 to %d",
				field.name, *field.value, field.fallback, field.max)
		}
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	if cfg.Shards&(cfg.Shards-1) != 0 {
		return cfg, fmt.Errorf("bigcacheprovider: Config.Shards is %d, must be a power of two from 1 to %d", cfg.Shards, maxShards)
	}
	if n := cfg.shardBytes(); n < minShardBytes || int64(n) > maxShardBytes {
		return cfg, fmt.Errorf("bigcacheprovider: Config.HardMaxCacheSizeMB %d over Config.Shards %d leaves each shard %d bytes, must be from %d to %d",
			cfg.HardMaxCacheSizeMB, cfg.Shards, n, minShardBytes, int64(maxShardBytes))
	}
	if limit := cfg.HardMaxCacheSizeMB << 20 / entryOverhead; cfg.MaxEntriesInWindow > limit {
		return cfg, fmt.Errorf("bigcacheprovider: Config.MaxEntriesInWindow is %d, must be 0 (meaning %d) or from 1 to %d, for which Config.HardMaxCacheSizeMB %d has room",
			cfg.MaxEntriesInWindow, DefaultMaxEntriesInWindow, limit, cfg.HardMaxCacheSizeMB)
	}
	if limit := cfg.maxEntryBytes(); cfg.MaxEntrySize > limit {
		return cfg, fmt.Errorf("bigcacheprovider: Config.MaxEntrySize is %d, must be at most %d, just under half of a shard", cfg.MaxEntrySize, limit)
	}
	return cfg, nil
}

func (cfg Config) shardBytes() int { return cfg.HardMaxCacheSizeMB << 20 / cfg.Shards }

// maxEntryBytes is the size, with everything that goes with an entry, up to
// which BigCache is certain to find room. Whether it takes a larger one
// depends on how far the shard has grown; and it empties the whole shard
// before it gives up.
func (cfg Config) maxEntryBytes() int { return (cfg.shardBytes() - 1) / 2 }
