package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	rediscache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
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
	values    string // "redis", "ristretto", "near", or "backend" for both at once
	leased    bool   // generations
	unguarded bool
	batching  bool
}

var assemblies = []assembly{
	{name: "one Redis for both", values: "backend"},
	{name: "one Redis for both, unguarded", values: "backend", unguarded: true},
	{name: "one Redis for both, autopipelined", values: "backend", batching: true},
	{name: "redis + redis generations", values: "redis"},
	{name: "redis + redis generations, unguarded", values: "redis", unguarded: true},
	{name: "redis + redis generations, autopipelined", values: "redis", batching: true},
	{name: "ristretto + redis generations", values: "ristretto"},
	{name: "ristretto + redis generations, autopipelined", values: "ristretto", batching: true},
	{name: "near + redis generations", values: "near"},
	{name: "near + redis generations, autopipelined", values: "near", batching: true},
	{name: "ristretto + leased generations", values: "ristretto", leased: true},
	{name: "near + leased generations", values: "near", leased: true},
}

// open returns an empty cache of products.
func (a assembly) open(e *env, w *workload) (cas[product], error) {
	return a.openWith(e, w, func(*cascache.Options[product]) {})
}

// openWith is open with other options.
func (a assembly) openWith(e *env, w *workload, change func(*cascache.Options[product])) (cas[product], error) {
	c, err := e.connect(a.batching)
	if err != nil {
		return cas[product]{}, err
	}
	o, wait, err := a.options(c, w)
	if err != nil {
		c.shut()
		return cas[product]{}, err
	}
	// Namespaces of their own, since they share a Redis. On a busy machine 64
	// callers may wait longer than the default for a look-up, and a miss is
	// not what is measured.
	o.Namespace, o.DefaultTTL, o.GenTimeout = a.name, ttl, 10*time.Second
	change(&o)
	h, err := cascache.New(o)
	return cas[product]{h, wait}, err
}

func (a assembly) options(c client, w *workload) (o cascache.Options[product], wait func(), err error) {
	o.Codec = jsoncodec.JSON[product]{}
	switch {
	case a.values == "backend":
		backend, err := redisbackend.New(redisbackend.Config{Client: c.UniversalClient, Namespace: a.name, Unguarded: a.unguarded, CloseClient: true})
		o.Provider, o.GenStore = backend, backend
		return o, nil, err
	case a.leased:
		o.GenStore, err = leasegenstore.New(leasegenstore.Config{Client: c.UniversalClient, Namespace: a.name, CloseClient: true})
	default:
		o.GenStore, err = redisgenstore.New(redisgenstore.Config{Client: c.UniversalClient, Namespace: a.name, Unguarded: a.unguarded, CloseClient: true})
	}
	if err != nil {
		return o, nil, err
	}
	switch a.values {
	case "redis":
		o.Provider, err = redisprovider.New(redisprovider.Config{Client: c.UniversalClient})
	case "ristretto":
		var p *ristrettoprovider.Provider
		p, err = ristrettoprovider.New(ristrettoprovider.Config{NumCounters: int64(10 * len(w.keys)), MaxCost: maxCost})
		if err == nil {
			o.Provider, wait = p, p.Wait
		}
	case "near":
		o.Codec = nil
		o.Near, err = otternear.New(otternear.Config[product]{MaxEntries: 2 * len(w.keys)})
	default:
		err = fmt.Errorf("bench: no values in %q", a.values)
	}
	return o, wait, err
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
