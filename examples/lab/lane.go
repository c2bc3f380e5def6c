package main

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// entryTTL is how long an entry lives, in all lanes.
const entryTTL = 5 * time.Second

// A cache is one lane's, in one process.
type cache interface {
	// read returns the row from the cache, or from load after filling the
	// cache with it.
	read(ctx context.Context, id int64, load loader) (Row, error)

	// invalidate is called with each row that was written, once its
	// transaction has committed, until it returns nil.
	invalidate(ctx context.Context, row Row) error

	close(ctx context.Context) error
}

// A mutator can make a write that a crash in its middle leaves no stale entry
// of.
type mutator interface {
	mutate(ctx context.Context, id int64, write func(context.Context) error) error
}

// A settler can wait until what was set is visible.
type settler interface{ settle() }

// settle waits until what was set in c is visible.
func settle(c cache) {
	if s, ok := c.(settler); ok {
		s.settle()
	}
}

// A lane is one caching strategy.
type lane struct {
	Key, Name string
	Promises  bool   // to serve nothing stale
	Redis     bool   // needs a Redis, and runs in replicas
	Lasting   bool   // some of its entries may outlast an invalidation that has returned
	How       string // what it does, and what its own documentation advises
	Docs      string // where that stands, empty for a pattern without a library
	After     string // what it does after a write, as "deletes the entry"

	open func(surroundings) (cache, error)
}

// surroundings are what a lane is opened in.
type surroundings struct {
	namespace string // of this lane in this run
	client    redis.UniversalClient
	addr      string // of Redis
	hooks     *cascache.Hooks
}

// lanes lists the strategies, those that need Redis only if there is one.
func lanes(withRedis bool) []lane {
	all := []lane{
		{Key: "ttl", Name: "TTL only", Lasting: true, open: overRistretto(strategy.TTLOnly[Row]),
			How:   "Entries expire after 5 s and nothing else ends them.",
			After: "does nothing: the entry lives until its TTL ends"},
		{Key: "delete", Name: "Delete, then set", open: overRistretto(strategy.DeleteThenSet[Row]),
			How:   "Cache-aside: a write deletes the entry, the next reader sets it anew.",
			After: "deletes the entry"},
		{Key: "double", Name: "Delayed double delete", open: openDoubleDelete,
			How:   "Cache-aside that deletes once more, 100 ms after the write has returned.",
			After: "deletes the entry, and will again in 100 ms"},
		{Key: "through", Name: "Write-through", open: overRistretto(strategy.WriteThrough[Row]),
			How:   "A write puts the new row into the cache.",
			After: "sets the new row"},
		{Key: "flight", Name: "Single-flight with delete", open: openSingleFlight,
			Docs: "https://pkg.go.dev/golang.org/x/sync/singleflight",
			How: "Readers of one key share a load (golang.org/x/sync/singleflight). A write deletes the entry and calls Forget, " +
				"which its documentation offers so that later callers do not join an earlier call.",
			After: "deletes the entry and forgets the load under way"},
		{Key: "sturdyc", Name: "sturdyc", open: openSturdyc,
			Docs: "https://github.com/viccon/sturdyc#get-or-fetch",
			How: "Reads through GetOrFetch, as its README advises, which also shares loads; a write calls Delete. " +
				"Early refreshes, which trade freshness for latency, are left off.",
			After: "calls Delete"},
		{Key: "cas", Name: "CasCache", Promises: true, open: openCASLocal,
			Docs:  "https://github.com/unkn0wn-root/cascache",
			How:   "Values in Ristretto, generations in process; reads through the Loader, writes call Invalidate.",
			After: "gives the key a new generation and deletes the entry"},
		{Key: "redis-delete", Name: "Delete, then set, in Redis", Redis: true, open: openRedisDelete,
			How:   "Cache-aside on one Redis that all replicas share.",
			After: "deletes the entry in Redis"},
		{Key: "rueidis", Name: "rueidis DoCache", Redis: true, open: openRueidis,
			Docs: "https://github.com/redis/rueidis#server-assisted-client-side-caching",
			How: "Reads through DoCache, in the opt-in mode that is its default: Redis pushes an invalidation to every replica that read the key. " +
				"A miss loads and SETs, a write calls DEL.",
			After: "deletes the entry in Redis, which tells the replicas"},
		{Key: "rueidis-aside", Name: "rueidisaside", Redis: true, Lasting: true, open: openRueidisAside,
			Docs: "https://github.com/redis/rueidis/tree/main/rueidisaside",
			How: "The cache-aside client that rueidis' README advises: Get with a function that loads, Del after a write. " +
				"A placeholder in Redis keeps a late fill out; replicas are told by push.",
			After: "deletes the entry in Redis, which tells the replicas"},
		{Key: "goredis-cache", Name: "go-redis/cache", Redis: true, Lasting: true, open: openGoRedisCache,
			Docs: "https://github.com/go-redis/cache#quickstart",
			How: "Reads through Once, over the local TinyLFU cache of its quickstart; a write calls Delete, " +
				"which reaches Redis and the local cache of the replica that writes.",
			After: "calls Delete: in Redis, and in the local cache of this replica"},
		{Key: "cas-gens", Name: "CasCache, generations in Redis", Promises: true, Redis: true, open: openCASGens,
			Docs:  "https://github.com/unkn0wn-root/cascache#several-replicas",
			How:   "Values in Ristretto in each replica, generations in Redis, so that a hit moves a generation over the network and no value.",
			After: "gives the key a new generation in Redis and deletes the replica's own entry"},
		{Key: "cas-lease", Name: "CasCache, leased generations", Promises: true, Redis: true, open: openCASLease,
			Docs: "https://github.com/unkn0wn-root/cascache/tree/main/genstore-lease",
			How: "Values in Ristretto in each replica, generations in Redis, which a replica knows from memory while it holds a lease: " +
				"a hit asks nobody, and an invalidation waits until every replica has heard of it.",
			After: "gives the key a new generation in Redis, and waits for every replica to hear of it or lose its lease"},
		{Key: "cas-redis", Name: "CasCache, all in one Redis", Promises: true, Redis: true, open: openCASRedis,
			Docs:  "https://github.com/unkn0wn-root/cascache#several-replicas",
			How:   "Values and generations in the Redis that all replicas share, through backend-redis: a read is one round trip.",
			After: "gives the key a new generation in Redis and deletes the entry"},
	}
	if withRedis {
		return all
	}
	local := all[:0:0]
	for _, l := range all {
		if !l.Redis {
			local = append(local, l)
		}
	}
	return local
}

// codec is how rows become bytes wherever the lane has the choice.
var codec = jsoncodec.JSON[Row]{}

func newRistretto() (*ristrettoprovider.Provider, error) {
	return ristrettoprovider.New(ristrettoprovider.Config{})
}

// simple is a strategy that the demo has too.
type simple struct {
	strategy.Strategy[Row]
	wait func() // until what was set is visible
}

func (s simple) read(ctx context.Context, id int64, load loader) (Row, error) {
	row, _, err := s.Read(ctx, id, load)
	return row, err
}

func (s simple) invalidate(ctx context.Context, row Row) error { return s.Invalidate(ctx, row.ID, row) }

func (s simple) settle() { s.wait() }

func (s simple) close(ctx context.Context) error { return s.Close(ctx) }

func storage(provider cascache.Provider, namespace string) strategy.Storage[Row] {
	return strategy.Storage[Row]{Provider: provider, Codec: codec, Namespace: namespace, TTL: entryTTL}
}

func overRistretto(over func(strategy.Storage[Row]) strategy.Strategy[Row]) func(surroundings) (cache, error) {
	return func(s surroundings) (cache, error) {
		provider, err := newRistretto()
		if err != nil {
			return nil, err
		}
		return simple{over(storage(provider, s.namespace)), provider.Wait}, nil
	}
}

func openRedisDelete(s surroundings) (cache, error) {
	provider, err := redisprovider.New(redisprovider.Config{Client: s.client})
	if err != nil {
		return nil, err
	}
	return simple{strategy.DeleteThenSet(storage(provider, s.namespace)), func() {}}, nil
}
