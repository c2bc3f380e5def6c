package redisbackend

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// Config configures [New]. The zero value of every field but Client is a
// working default.
type Config struct {
	// Client reaches the Redis that holds entries and generations. Required.
	// It may be shared with any number of backends, stores and providers.
	// Refused are a [redis.Ring], which moves keys to other shards while
	// their own is away, clients that read from replicas (ReadOnly,
	// RouteByLatency, RouteRandomly), and those with a client-side cache.
	Client redis.UniversalClient

	// Namespace keeps the generations of several applications on one Redis
	// apart. Entries are kept apart by the namespaces of the caches alone. Any
	// bytes; it may be empty.
	Namespace string

	// TTL is how long an unused generation is kept. A fill begins it anew when
	// it snapshots and when it commits, and so does each bump; reads do not.
	// 0 means for ever; not negative. A generation that expires costs misses
	// and nothing else: choose a TTL longer than that of the entries. Without
	// one, the generations of keys that were only asked for stay until Redis
	// evicts them; when it is full and evicts nothing, it gets no new ones.
	TTL time.Duration

	// Unguarded leaves out the binding of generations to the replication id.
	// It is for a lone Redis that has no replicas and saves nothing; what can
	// come back otherwise is told at redisgenstore.Config.Unguarded.
	Unguarded bool

	// WaitReplicas makes invalidations, holds and releases return nil only
	// when that many replicas have them too. 0 asks none; not negative. Not
	// with a [redis.AutoPipeliner].
	WaitReplicas int

	// WaitTimeout bounds that wait. 0 means redisgenstore.DefaultWaitTimeout;
	// not negative, and shorter than the client's ReadTimeout.
	WaitTimeout time.Duration

	// CloseClient makes the backend own the client: Close closes it.
	CloseClient bool
}
