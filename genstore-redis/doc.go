// Package redisgenstore keeps the generations of CasCache in Redis, so that
// any number of processes share them.
//
// An invalidation in one process is seen by the next read in every other one.
// On a single Redis this is so through every restart and loss of data. (Where a
// generation was lost while the clock of Redis was set back, it is used again
// with a probability of about 10^-9 for each bump a second in the time that the
// clock repeats.) With replicas, Sentinel or a Cluster it also is so through
// failovers, provided that min-replicas-to-write is set: then all that is left
// is the time that a master which was cut off takes to notice it
// (min-replicas-max-lag).
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	cache, err := cascache.New(cascache.Options[User]{
//		Namespace: "users",
//		Provider:  provider, // one per process, or shared: either is fine
//		Codec:     jsoncodec.JSON[User]{},
//		GenStore:  redisgenstore.NewRedisGenStore(client, "shop"),
//	})
//
// [New] takes a [Config] and tells at once what is wrong with it.
//
// # What Redis needs
//
// Redis 7 or later, or Valkey, and on keys that begin with "gen:" the
// permission to call EVALSHA, EVAL, GETEX, MGET, SET, DEL, TYPE, HGETALL, HSET,
// HDEL, PEXPIRE, and beside that INFO, TIME, and WAIT for
// Config.WaitReplicas. A call is one round trip. Bulk calls are one too, or one
// per node of a Cluster; after a server has started or was promoted, the first
// use of each script takes a second one.
//
// Memory may be limited and keys may be evicted: a generation that is lost
// costs misses. Set stop-writes-on-bgsave-error to no if reads shall go on
// while snapshots fail, since reads of generations count as writes.
//
// All keys of a namespace miss once when the first replica attaches, after a
// failover, after a restart, and when the replication backlog expires
// (repl-backlog-ttl after the last replica has left): Redis changes its
// replication id then, to which generations are bound.
//
// # Contexts
//
// go-redis ends a command when its context does only if the client has
// ContextTimeoutEnabled, and otherwise by its own timeouts and retries. The
// cache bounds its calls itself.
package redisgenstore
