package leasegenstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

// The defaults of Config.
const (
	DefaultLease       = 100 * time.Millisecond
	DefaultLogLength   = 10_000
	DefaultGenerations = 250_000
)

const (
	minLease, maxLease             = 10 * time.Millisecond, time.Minute
	minLogLength, maxLogLength     = 100, 1_000_000
	minGenerations, maxGenerations = 1, 100_000_000
)

// Config configures [New]. The zero value of every field but Client is a
// working default.
type Config struct {
	// Client reaches the Redis that holds the generations. Required. It may
	// be shared with any number of stores and providers. Refused are the
	// clients that genstore-redis refuses: a [redis.Ring], those that read
	// from replicas, and those with a client-side cache.
	Client redis.UniversalClient

	// Namespace keeps the generations of several applications on one Redis
	// apart. Any bytes; it may be empty. It may not be one that a store of
	// genstore-redis uses.
	Namespace string

	// Lease is how long a process may answer from memory after its last
	// heartbeat, and so how long an invalidation may have to wait for one
	// that is silent. All processes of a namespace must have the same: those
	// with another one than the first are refused. 0 means [DefaultLease];
	// from 10 ms to 1 minute.
	Lease time.Duration

	// Heartbeat is how often a process renews its lease. 0 means a fifth of
	// the lease; from 1 ms to half the lease.
	Heartbeat time.Duration

	// LogLength is how many invalidations Redis keeps for processes that are
	// behind. One that is further behind forgets all it knows. 0 means
	// [DefaultLogLength]; from 100 to 1,000,000.
	LogLength int

	// Generations is how many generations this process keeps in memory, at
	// about 100 bytes each and the key. Others cost a round trip. 0 means
	// [DefaultGenerations]; from 1 to 100,000,000.
	Generations int

	// TTL is how long Redis keeps an unused generation. Each snapshot and
	// each bump begins it anew. 0 means for ever; not negative. A generation
	// that expires costs misses and nothing else.
	TTL time.Duration

	// CloseClient makes the store own the client: Close closes it, unless
	// somebody has closed it already.
	CloseClient bool
}

// withDefaults returns the config with what it leaves out, or an error that
// names the field, its value and what is allowed.
func (c Config) withDefaults() (Config, error) {
	if c.Client == nil {
		return c, errors.New("leasegenstore: Config.Client is nil; it is required")
	}
	if err := redisgen.CheckClient(c.Client); err != nil {
		return c, fmt.Errorf("leasegenstore: %w", err)
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	if c.Lease < minLease || c.Lease > maxLease {
		return c, fmt.Errorf("leasegenstore: Config.Lease is %v; it must be 0, for %v, or from %v to %v", c.Lease, DefaultLease, minLease, maxLease)
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = max(c.Lease/5, time.Millisecond)
	}
	if c.Heartbeat < time.Millisecond || c.Heartbeat > c.Lease/2 {
		return c, fmt.Errorf("leasegenstore: Config.Heartbeat is %v; it must be 0, for a fifth of the lease, or from 1ms to half the lease, %v", c.Heartbeat, c.Lease/2)
	}
	if c.LogLength == 0 {
		c.LogLength = DefaultLogLength
	}
	if c.LogLength < minLogLength || c.LogLength > maxLogLength {
		return c, fmt.Errorf("leasegenstore: Config.LogLength is %d; it must be 0, for %d, or from %d to %d", c.LogLength, DefaultLogLength, minLogLength, maxLogLength)
	}
	if c.Generations == 0 {
		c.Generations = DefaultGenerations
	}
	if c.Generations < minGenerations || c.Generations > maxGenerations {
		return c, fmt.Errorf("leasegenstore: Config.Generations is %d; it must be 0, for %d, or from %d to %d", c.Generations, DefaultGenerations, minGenerations, maxGenerations)
	}
	if c.TTL < 0 {
		return c, fmt.Errorf("leasegenstore: Config.TTL is %v; it must be 0, for none, or more", c.TTL)
	}
	return c, nil
}
