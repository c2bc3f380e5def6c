// Package redisbackend keeps the entries of a cache and their generations in
// one Redis, and has the cache read, compare, store and invalidate in one round
// trip where it takes two with a provider and a generation store apart.
//
// What is promised is what package redisgenstore promises: an invalidation in
// one process is seen by the next read in every other one, through restarts,
// losses of data and, with min-replicas-to-write, failovers.
//
//	backend, err := redisbackend.New(redisbackend.Config{
//		Client: redis.NewClient(&redis.Options{Addr: "localhost:6379"}),
//	})
//	if err != nil {
//		return err
//	}
//	cache, err := cascache.New(cascache.Options[User]{
//		Namespace: "users",
//		Provider:  backend,
//		GenStore:  backend, // the same value for both
//		Codec:     jsoncodec.JSON[User]{},
//	})
//
// A wrapper belongs around the backend once, and then in both options: see
// [cascache.Combined].
//
// # What Redis needs
//
// What packages redisprovider and redisgenstore ask for: Redis 7 or later, or
// Valkey. It may evict keys; a generation or an entry that is lost costs misses.
// In a Cluster an entry lies in the slot of its generation, whatever the key.
//
// A bulk entry of a Cluster lies in a slot of its own, and is stored beside its
// members rather than with them. Where a member has moved meanwhile, it is
// deleted again; no read serves it, since it carries the generation of each
// member.
//
// # Many concurrent callers
//
// An AutoPipeliner sends the commands of concurrent callers together. That is
// what we recommend from some ten concurrent callers on.
package redisbackend
