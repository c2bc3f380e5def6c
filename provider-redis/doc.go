// Package redisprovider keeps the entries of a cache in Redis or Valkey, over
// any client of go-redis: one server, Sentinel, Cluster or Ring, with or
// without automatic pipelining.
//
// Every process that uses the same Redis sees the same entries, so the cache
// must not be paired with local generations: take those of a shared store,
// such as genstore-redis. A read may be answered by a replica that lags, by a
// client-side cache, or after a failover that lost writes. Then it returns an
// older entry, which the cache refuses by its generation: an extra miss, never
// a stale value. This holds for values only; generations need a store that
// reads from masters.
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	provider, err := redisprovider.New(redisprovider.Config{Client: client})
//	if err != nil {
//		return err
//	}
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     jsoncodec.JSON[User]{},
//		GenStore:  redisgenstore.NewRedisGenStore(client, "shop"),
//	})
//
// # One round trip
//
// Get, Set and Del are one command each. A bulk call of any size is one round
// trip, and in a Cluster one per node, to all nodes at once.
//
// # The client's own settings
//
// They are the client's owner's, and these matter here:
//
//   - A context that is done before a call is always heeded. Its deadline
//     bounds a call under way only with ContextTimeoutEnabled; without it
//     ReadTimeout and WriteTimeout (3 s) do, once per attempt, and there are
//     up to MaxRetries (3) further attempts. A cancellation without a deadline
//     never interrupts one. Where a cache must answer in time, set
//     ContextTimeoutEnabled, or short timeouts and few retries.
//   - An AutoPipeliner sends the commands of concurrent callers together. That
//     is what we recommend from about eight concurrent callers on. It waits
//     for a batch under way whatever the context says. Bulk calls here are a
//     round trip of their own, or one command among those of other callers.
//     With a Cluster, set Config.Cluster as well.
//   - After a connection has failed, a Cluster client is told to look for its
//     masters anew. By itself it goes on asking a node that is gone until its
//     timer is up, a minute later.
//   - ReadOnly, RouteByLatency and RouteRandomly of a Cluster client, and
//     client-side caching, are safe for values, as said above.
//   - A Cluster client on which SetCommandInfoResolver has installed the
//     dynamic resolver refuses deletes in pipelines, and with them DelBulk.
package redisprovider
