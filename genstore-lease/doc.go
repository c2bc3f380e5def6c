// Package leasegenstore keeps the generations of CasCache in Redis and answers
// for them from memory: a strict read of a key that this process knows costs no
// round trip, and an invalidation still returns only when no process can serve
// the old value.
//
// Each process holds a short lease, and applies the log of invalidations that
// Redis keeps, before it extends the lease. A bump returns when every process
// has applied it, or when the leases of those that are silent have ended. The
// one thing that this rests on, beside what genstore-redis rests on, is a
// monotonic clock that does not stand still while the process runs: see
// docs/leases.md, which also says where it does not pay.
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	store, err := leasegenstore.New(leasegenstore.Config{Client: client, Namespace: "shop"})
//	…
//	cache, err := cascache.New(cascache.Options[User]{
//		Namespace: "users",
//		Near:      near, // values in process: a lease is for these
//		GenStore:  store,
//	})
//
// # What Redis needs
//
// Redis 7 or later, or Valkey, and on keys that begin with "lease:" and "gen:"
// the permission to call EVALSHA, EVAL, GETEX, MGET, SET, DEL, TYPE, HGET,
// HGETALL, HMGET, HSET, HDEL, HEXISTS, HLEN, PEXPIRE, LRANGE, RPUSH and LTRIM, beside that INFO and TIME, and SSUBSCRIBE and SPUBLISH on channels
// that begin with "lease:". All of a namespace lies in one Cluster slot. Set
// maxmemory-policy to noeviction or one of volatile-*: see docs/leases.md.
//
// All processes of a namespace must have the same Config.Lease, and none may
// change its generations by another kind of store.
package leasegenstore
