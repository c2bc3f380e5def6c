package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	rediscache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	otternear "github.com/unkn0wn-root/cascache/near-otter"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// client is how CasCache and plain go-redis reach Redis.
type client struct {
	redis.UniversalClient
	under *redis.Client
}

func (c client) shut() {
	if c.UniversalClient != redis.UniversalClient(c.under) {
		_ = c.UniversalClient.Close()
	}
	_ = c.under.Close()
}

// connect returns a plain client, or one that batches the commands of concurrent
// callers.
func (e *env) connect(batching bool) (client, error) {
	under, err := e.goRedis()
	if err != nil {
		return client{}, err
	}
	if !batching {
		return client{under, under}, nil
	}
	pipeliner, err := under.AutoPipeline()
	if err != nil {
		return client{}, errors.Join(err, under.Close())
	}
	return client{pipeliner, under}, nil
}

// store stores the encoded products as a contender of that name.
func (e *env) store(c redis.UniversalClient, name string, w *workload) error {
	pipe := c.Pipeline()
	for i, key := range w.keys {
		pipe.Set(e.ctx, name+key, w.encoded[i], ttl)
	}
	_, err := pipe.Exec(e.ctx)
	return err
}

// prefixed are the lookups behind a prefix.
func prefixed(prefix string, w *workload) []string {
	keys := make([]string, len(w.lookups))
	for i, key := range w.lookups {
		keys[i] = prefix + key
	}
	return keys
}

func openRediscache(c redis.UniversalClient, w *workload, local bool) (*rediscache.Cache, error) {
	opts := &rediscache.Options{Redis: c}
	if local {
		opts.LocalCache = rediscache.NewTinyLFU(2*len(w.keys), ttl)
	}
	cache := rediscache.New(opts)
	for i, key := range w.keys {
		item := &rediscache.Item{Ctx: context.Background(), Key: "rediscache:" + key, Value: &w.products[i], TTL: ttl}
		if err := cache.Set(item); err != nil {
			return nil, err
		}
	}
	return cache, nil
}

// An assembly is where a cache keeps values and generations, one of them at least
// in Redis.
type assembly struct {
	name      string
	values    string // "redis", "ristretto" or "near"
	unguarded bool
	batching  bool
}

var assemblies = []assembly{
	{name: "redis + generations in redis", values: "redis"},
	{name: "redis + generations in redis, unguarded", values: "redis", unguarded: true},
	{name: "redis + generations in redis, autopipelined", values: "redis", batching: true},
	{name: "ristretto + generations in redis", values: "ristretto"},
	{name: "ristretto + generations in redis, autopipelined", values: "ristretto", batching: true},
	{name: "near + generations in redis", values: "near"},
	{name: "near + generations in redis, unguarded, autopipelined", values: "near", unguarded: true, batching: true},
}

// open returns an empty cache of products.
func (a assembly) open(e *env, w *workload) (cas[product], error) {
	c, err := e.connect(a.batching)
	if err != nil {
		return cas[product]{}, err
	}
	gens, err := redisgenstore.New(redisgenstore.Config{Client: c, Namespace: a.name, Unguarded: a.unguarded, CloseClient: true})
	if err != nil {
		return cas[product]{}, err
	}
	o := cascache.Options[product]{GenStore: gens, Codec: jsoncodec.JSON[product]{}}
	var wait func()
	switch a.values {
	case "redis":
		if o.Provider, err = redisprovider.New(redisprovider.Config{Client: c}); err != nil {
			return cas[product]{}, err
		}
	case "ristretto":
		p, err := ristrettoprovider.New(ristrettoprovider.Config{NumCounters: int64(10 * len(w.keys)), MaxCost: maxCost})
		if err != nil {
			return cas[product]{}, err
		}
		o.Provider, wait = p, p.Wait
	case "near":
		o.Codec = nil
		if o.Near, err = otternear.New(otternear.Config[product]{MaxEntries: 2 * len(w.keys)}); err != nil {
			return cas[product]{}, err
		}
	default:
		return cas[product]{}, fmt.Errorf("bench: no values in %q", a.values)
	}
	// Namespaces of their own, since they share a Redis. On a busy machine 64
	// callers may wait longer than the default for a look-up, and a miss is
	// not what is measured.
	o.Namespace, o.DefaultTTL, o.GenTimeout = a.name, ttl, 10*time.Second
	h, err := cascache.New(o)
	return cas[product]{h, wait}, err
}

// contend makes contenders of all assemblies; with fills first where the
// operation wants them there.
func contend(fill bool, as []assembly, use func(c cas[product], w *workload) *instance) []contender {
	var all []contender
	for _, a := range as {
		all = append(all, contender{a.name, checked, func(e *env, w *workload) (*instance, error) {
			c, err := a.open(e, w)
			if fill {
				c, err = filled(c, err, w, w.products)
			}
			if err != nil {
				return nil, err
			}
			return use(c, w), nil
		}})
	}
	return all
}
