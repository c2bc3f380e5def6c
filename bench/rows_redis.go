package main

import (
	"context"
	"strconv"

	rediscache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
)

func redisRows() []row {
	return []row{redisGet(), redisSet(), redisInvalidate(), redisFill(), redisBulk(), leasedHit()}
}

// What every contender decodes and encodes with, but for go-redis/cache, which
// has a format of its own.
var codec = jsoncodec.JSON[product]{}

// plain is a contender that works on go-redis itself, with keys of its own.
func plain(name string, batching, fill bool, use func(ctx context.Context, c client, keys []string, w *workload) func(i uint32) bool) contender {
	return contender{name, unchecked, func(e *env, w *workload) (*instance, error) {
		c, err := e.connect(batching)
		if err != nil {
			return nil, err
		}
		if fill {
			if err := e.store(c.under, name+":", w); err != nil {
				return nil, err
			}
		}
		return &instance{do: use(e.ctx, c, prefixed(name+":", w), w), close: c.shut}, nil
	}}
}

func getAndDecode(ctx context.Context, c client, keys []string, _ *workload) func(i uint32) bool {
	return func(i uint32) bool {
		raw, err := c.Get(ctx, keys[i]).Bytes()
		if err != nil {
			return false
		}
		_, err = codec.Decode(raw)
		return err == nil
	}
}

func redisGet() row {
	r := row{
		name: "redis-get", title: "A hit with Redis: the value, its generation or both are there", redis: true, patterns: []pattern{zipf},
		contenders: []contender{
			plain("go-redis", false, true, getAndDecode),
			plain("go-redis, autopipelined", true, true, getAndDecode),
			{"rueidis", unchecked, func(e *env, w *workload) (*instance, error) {
				c, keys, err := e.rueidisFilled("rueidis:", w)
				if err != nil {
					return nil, err
				}
				return &instance{close: c.Close, do: func(i uint32) bool {
					raw, err := c.Do(e.ctx, c.B().Get().Key(keys[i]).Build()).AsBytes()
					if err != nil {
						return false
					}
					_, err = codec.Decode(raw)
					return err == nil
				}}, nil
			}},
			{"rueidis, client-side cache", pushed, func(e *env, w *workload) (*instance, error) {
				c, keys, err := e.rueidisFilled("rueidis-cached:", w)
				if err != nil {
					return nil, err
				}
				return &instance{close: c.Close, do: func(i uint32) bool {
					raw, err := c.DoCache(e.ctx, c.B().Get().Key(keys[i]).Cache(), ttl).AsBytes()
					if err != nil {
						return false
					}
					_, err = codec.Decode(raw)
					return err == nil
				}}, nil
			}},
			rediscacheGet("go-redis/cache", false),
			rediscacheGet("go-redis/cache, local TinyLFU", true),
		},
	}
	r.contenders = append(r.contenders, contend(true, assemblies, cas[product].getter)...)
	return r
}

func (e *env) rueidisFilled(prefix string, w *workload) (rueidis.Client, []string, error) {
	c, err := e.rueidis()
	if err != nil {
		return nil, nil, err
	}
	for i, key := range w.keys {
		if err := c.Do(e.ctx, c.B().Set().Key(prefix+key).Value(rueidis.BinaryString(w.encoded[i])).Px(ttl).Build()).Error(); err != nil {
			c.Close()
			return nil, nil, err
		}
	}
	return c, prefixed(prefix, w), nil
}

func rediscacheGet(name string, local bool) contender {
	return contender{name, unchecked, func(e *env, w *workload) (*instance, error) {
		c, err := e.connect(false)
		if err != nil {
			return nil, err
		}
		cache, err := openRediscache(c, w, local)
		if err != nil {
			return nil, err
		}
		keys := prefixed("rediscache:", w)
		return &instance{close: c.shut, do: func(i uint32) bool {
			var p product
			return cache.Get(e.ctx, keys[i], &p) == nil
		}}, nil
	}}
}

func redisSet() row {
	setPlain := func(ctx context.Context, c client, keys []string, w *workload) func(i uint32) bool {
		return func(i uint32) bool {
			raw, err := codec.Encode(w.products[i])
			return err == nil && c.Set(ctx, keys[i], raw, ttl).Err() == nil
		}
	}
	r := row{
		name: "redis-set", title: "A set with Redis, of a value whose generation is known", redis: true, patterns: []pattern{zipf},
		contenders: []contender{
			plain("go-redis", false, true, setPlain),
			plain("go-redis, autopipelined", true, true, setPlain),
			{"go-redis/cache", unchecked, func(e *env, w *workload) (*instance, error) {
				c, err := e.connect(false)
				if err != nil {
					return nil, err
				}
				cache, err := openRediscache(c, w, false)
				if err != nil {
					return nil, err
				}
				keys := prefixed("rediscache:", w)
				return &instance{close: c.shut, do: func(i uint32) bool {
					return cache.Set(&rediscache.Item{Ctx: e.ctx, Key: keys[i], Value: &w.products[i], TTL: ttl}) == nil
				}}, nil
			}},
		},
	}
	r.contenders = append(r.contenders, contend(true, assemblies, func(c cas[product], w *workload) *instance {
		return c.setter(w, w.products)
	})...)
	return r
}

func redisInvalidate() row {
	del := func(ctx context.Context, c client, keys []string, _ *workload) func(i uint32) bool {
		return func(i uint32) bool { return c.Del(ctx, keys[i]).Err() == nil }
	}
	r := row{
		name: "redis-invalidate", title: "An invalidation with Redis", redis: true, patterns: []pattern{zipf},
		contenders: []contender{plain("go-redis", false, true, del), plain("go-redis, autopipelined", true, true, del)},
	}
	r.contenders = append(r.contenders, contend(true, assemblies, cas[product].invalidator)...)
	return r
}

// redisFill: a read that misses, and the fill after it.
func redisFill() row {
	aside := func(ctx context.Context, c client, keys []string, w *workload) func(i uint32) bool {
		return func(i uint32) bool {
			if err := c.Get(ctx, keys[i]+":missing").Err(); err != redis.Nil {
				return false
			}
			raw, err := codec.Encode(w.products[i])
			return err == nil && c.Set(ctx, keys[i], raw, ttl).Err() == nil
		}
	}
	r := row{
		name: "redis-fill", title: "A miss and the fill after it, with Redis", redis: true, patterns: []pattern{zipf},
		contenders: []contender{plain("go-redis, GET and SET", false, false, aside), plain("go-redis, GET and SET, autopipelined", true, false, aside)},
	}
	r.contenders = append(r.contenders, contend(false, assemblies, func(c cas[product], w *workload) *instance {
		ctx := context.Background()
		missing := make([]string, len(w.lookups))
		for i, key := range w.lookups {
			missing[i] = key + ":missing"
		}
		return &instance{close: c.shut, do: func(i uint32) bool {
			if _, ok, err := c.Get(ctx, missing[i]); ok || err != nil {
				return false
			}
			return c.SetWithGen(ctx, w.lookups[i], w.products[i], c.SnapshotGen(w.lookups[i]), ttl) == nil
		}}
	})...)
	return r
}

func redisBulk() row {
	r := row{
		name: "redis-bulk", title: "A hit of " + strconv.Itoa(bulkSize) + " keys at once, with Redis", redis: true, patterns: []pattern{uniform},
		contenders: []contender{
			plain("go-redis, MGET", false, true, func(ctx context.Context, c client, _ []string, w *workload) func(i uint32) bool {
				all := bulks(w)
				for _, keys := range all {
					for j, key := range keys {
						keys[j] = "go-redis, MGET:" + key
					}
				}
				return func(i uint32) bool {
					values := make(map[string]product, bulkSize)
					found, err := c.MGet(ctx, all[i]...).Result()
					if err != nil {
						return false
					}
					for j, v := range found {
						raw, ok := v.(string)
						if !ok {
							return false
						}
						value, err := codec.Decode([]byte(raw))
						if err != nil {
							return false
						}
						values[all[i][j]] = value
					}
					return len(values) == bulkSize
				}
			}),
		},
	}
	r.contenders = append(r.contenders, contend(true, assemblies, func(c cas[product], w *workload) *instance {
		ctx, all := context.Background(), bulks(w)
		return &instance{close: c.shut, do: func(i uint32) bool {
			values, _, err := c.GetBulk(ctx, all[i])
			return len(values) == bulkSize && err == nil
		}}
	})...)
	return r
}

// leasedHit: three replicas share leased generations, and all keys are warm.
func leasedHit() row {
	const replicas = 3
	return row{
		name: "leased-hit", title: "A hit of a decoded value under leased generations, " + strconv.Itoa(replicas) + " replicas, warm", patterns: bothPatterns,
		contenders: []contender{
			{"near, exact", checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casNear[product](w, nil)
				if c, err = filled(c, err, w, w.products); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}},
			{"near + leased generations", checked, func(e *env, w *workload) (*instance, error) {
				a := assembly{name: "three replicas", values: "near", leased: true}
				var all []cas[product]
				shut := func() {
					for _, c := range all {
						c.shut()
					}
				}
				for range replicas {
					c, err := a.open(e, w)
					if c, err = filled(c, err, w, w.products); err != nil {
						shut()
						return nil, err
					}
					all = append(all, c)
				}
				in := all[0].getter(w)
				for i := range w.keys {
					in.do(uint32(i)) // what this replica does not know yet costs a round trip
				}
				in.close = shut
				return in, nil
			}},
		},
	}
}
