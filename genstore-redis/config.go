package redisgenstore

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

// DefaultWaitTimeout is how long a bump waits for replicas unless
// Config.WaitTimeout says otherwise.
const DefaultWaitTimeout = redisgen.DefaultWaitTimeout

// Config configures [New]. The zero value of every field but Client is a
// working default.
type Config struct {
	// Client reaches the Redis that holds the generations. Required. It may
	// be shared with any number of stores and providers. Refused are a
	// [redis.Ring], which moves keys to other shards while their own is
	// away, clients that read from replicas (ReadOnly, RouteByLatency,
	// RouteRandomly), and those with a client-side cache. A type of one's
	// own that wraps a client is taken as it is.
	Client redis.UniversalClient

	// Namespace keeps the generations of several applications on one Redis
	// apart: their stores share nothing unless they have the same namespace.
	// Any bytes; it may be empty.
	Namespace string

	// TTL is how long an unused generation is kept. Each snapshot begins it
	// anew, and so do the commit of a fill and each bump; reads do not. 0
	// means for ever; not negative. A generation that expires costs misses
	// and nothing else: choose a TTL longer than that of the entries. Without
	// one, the generations of keys that were only asked for stay until Redis
	// evicts them; when it is full and evicts nothing, it gets no new ones.
	TTL time.Duration

	// Unguarded leaves out the binding of generations to the replication id.
	// It is for a lone Redis that has no replicas and saves nothing. With
	// replicas, a failover that loses a bump brings an invalidated entry back
	// until its TTL ends or the next bump; so does a restart from a snapshot
	// taken before the bump.
	Unguarded bool

	// WaitReplicas makes bumps, holds and releases return nil only when that
	// many replicas have them too. 0 asks none; not negative. Not with a
	// [redis.AutoPipeliner], which sends commands of one caller over
	// different connections.
	WaitReplicas int

	// WaitTimeout bounds that wait. 0 means [DefaultWaitTimeout]; not
	// negative, and shorter than the client's ReadTimeout.
	WaitTimeout time.Duration

	// CloseClient makes the store own the client: Close closes it.
	CloseClient bool
}
