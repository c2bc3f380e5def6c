package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	cborcodec "github.com/unkn0wn-root/cascache/codec-cbor"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	msgpackcodec "github.com/unkn0wn-root/cascache/codec-msgpack"
	cascache "github.com/unkn0wn-root/cascache/core"
)

var (
	bothPatterns = []pattern{zipf, uniform}
	localKinds   = []localGens{exact, striped}
)

func localRows() []row {
	rows := []row{nearHit(), bytesHit("bytes-hit", "A hit of 240 bytes, in process", 16)}
	rows = append(rows,
		decodeHit("json-hit", "JSON", jsoncodec.JSON[product]{}),
		decodeHit("cbor-hit", "CBOR", cborcodec.CBOR[product]{}),
		decodeHit("msgpack-hit", "MessagePack", msgpackcodec.Msgpack[product]{}),
		miss(), set(), invalidate(), readThrough(), bulkHit(),
		bytesHit("long-key-hit", "A hit of 240 bytes under a key of 1,000", 1000),
		longKeySet(), generationStores(), parts(),
	)
	return rows
}

// nearHit: decoded values in process, nothing encoded.
func nearHit() row {
	r := row{
		name: "near-hit", title: "A hit of a decoded value, in process", patterns: bothPatterns,
		contenders: []contender{
			{"otter", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledOtter(w, w.products)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					_, ok := cache.GetIfPresent(w.lookups[i])
					return ok
				}, close: func() { cache.StopAllGoroutines() }}, nil
			}},
			{"sturdyc", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache := filledSturdyc(w, w.products)
				return &instance{do: func(i uint32) bool {
					_, ok := cache.Get(w.lookups[i])
					return ok
				}}, nil
			}},
		},
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders,
			contender{"near, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casNear[product](w, gens.open())
				if c, err = filled(c, err, w, w.products); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}},
			contender{"near + ristretto, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casNearRistretto[product](w, jsoncodec.JSON[product]{}, gens.open())
				if c, err = filled(c, err, w, w.products); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}})
	}
	return r
}

func rawRistrettoGet() contender {
	return contender{"ristretto", unchecked, func(_ *env, w *workload) (*instance, error) {
		cache, err := filledRistretto(w, w.encoded)
		if err != nil {
			return nil, err
		}
		return &instance{do: func(i uint32) bool {
			_, ok := cache.Get(w.lookups[i])
			return ok
		}, close: cache.Close}, nil
	}}
}

func bytesHit(name, title string, keySize int) row {
	r := row{
		name: name, title: title, keySize: keySize, patterns: bothPatterns,
		contenders: []contender{
			rawRistrettoGet(),
			{"bigcache", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledBigcache(w, w.encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					_, err := cache.Get(w.lookups[i])
					return err == nil
				}, close: func() { _ = cache.Close() }}, nil
			}},
			{"otter", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledOtter(w, w.encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					_, ok := cache.GetIfPresent(w.lookups[i])
					return ok
				}, close: func() { cache.StopAllGoroutines() }}, nil
			}},
			{"sturdyc", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache := filledSturdyc(w, w.encoded)
				return &instance{do: func(i uint32) bool {
					_, ok := cache.Get(w.lookups[i])
					return ok
				}}, nil
			}},
		},
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders,
			contender{"ristretto + Bytes, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
				if c, err = filled(c, err, w, w.encoded); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}},
			contender{"bigcache + Bytes, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casBigcache(cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
				if c, err = filled(c, err, w, w.encoded); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}})
	}
	return r
}

// decodeHit: the raw contender decodes with the same codec.
func decodeHit(name, title string, codec cascache.Codec[product]) row {
	encode := func(w *workload) ([][]byte, error) {
		out := make([][]byte, len(w.products))
		for i, p := range w.products {
			encoded, err := codec.Encode(p)
			if err != nil {
				return nil, err
			}
			out[i] = encoded
		}
		return out, nil
	}
	r := row{
		name: name, title: "A hit that decodes " + title + ", in process", patterns: bothPatterns,
		contenders: []contender{
			{"ristretto, then decode", unchecked, func(_ *env, w *workload) (*instance, error) {
				encoded, err := encode(w)
				if err != nil {
					return nil, err
				}
				cache, err := filledRistretto(w, encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					raw, ok := cache.Get(w.lookups[i])
					if !ok {
						return false
					}
					_, err := codec.Decode(raw)
					return err == nil
				}, close: cache.Close}, nil
			}},
			{"bigcache, then decode", unchecked, func(_ *env, w *workload) (*instance, error) {
				encoded, err := encode(w)
				if err != nil {
					return nil, err
				}
				cache, err := filledBigcache(w, encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					raw, err := cache.Get(w.lookups[i])
					if err != nil {
						return false
					}
					_, err = codec.Decode(raw)
					return err == nil
				}, close: func() { _ = cache.Close() }}, nil
			}},
		},
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders,
			contender{"ristretto + codec, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casRistretto(w, codec, gens.open())
				if c, err = filled(c, err, w, w.products); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}},
			contender{"bigcache + codec, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casBigcache(codec, gens.open())
				if c, err = filled(c, err, w, w.products); err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}})
	}
	return r
}

func miss() row {
	r := row{
		name: "miss", title: "A miss, in process", patterns: []pattern{uniform}, misses: true,
		contenders: []contender{
			{"ristretto", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := openRistretto(w)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					_, ok := cache.Get(w.lookups[i])
					return ok
				}, close: cache.Close}, nil
			}},
		},
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders,
			contender{"ristretto + Bytes, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
				if err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}},
			contender{"near, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casNear[product](w, gens.open())
				if err != nil {
					return nil, err
				}
				return c.getter(w), nil
			}})
	}
	return r
}

func rawRistrettoSet() contender {
	return contender{"ristretto", unchecked, func(_ *env, w *workload) (*instance, error) {
		cache, err := filledRistretto(w, w.encoded)
		if err != nil {
			return nil, err
		}
		return &instance{do: func(i uint32) bool {
			return cache.SetWithTTL(w.lookups[i], w.encoded[i], int64(len(w.encoded[i])), ttl)
		}, close: cache.Close}, nil
	}}
}

func set() row {
	r := row{
		name: "set", title: "A set of 240 bytes under a stored key, in process", patterns: bothPatterns,
		contenders: []contender{
			rawRistrettoSet(),
			{"bigcache", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledBigcache(w, w.encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					return cache.Set(w.lookups[i], w.encoded[i]) == nil
				}, close: func() { _ = cache.Close() }}, nil
			}},
			{"otter", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledOtter(w, w.encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					cache.Set(w.lookups[i], w.encoded[i])
					return true
				}, close: func() { cache.StopAllGoroutines() }}, nil
			}},
			{"sturdyc", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache := filledSturdyc(w, w.encoded)
				return &instance{do: func(i uint32) bool {
					cache.Set(w.lookups[i], w.encoded[i])
					return true
				}}, nil
			}},
		},
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders, casSet(gens))
	}
	r.contenders = append(r.contenders,
		contender{"ristretto + Bytes, exact, with snapshot", checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), nil)
			if c, err = filled(c, err, w, w.encoded); err != nil {
				return nil, err
			}
			return c.filler(w, w.encoded), nil
		}},
		contender{"bigcache + Bytes, exact", checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casBigcache(cascache.Codec[[]byte](cascache.Bytes{}), nil)
			if c, err = filled(c, err, w, w.encoded); err != nil {
				return nil, err
			}
			return c.setter(w, w.encoded), nil
		}},
		contender{"near, exact", checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casNear[[]byte](w, nil)
			if c, err = filled(c, err, w, w.encoded); err != nil {
				return nil, err
			}
			return c.setter(w, w.encoded), nil
		}})
	return r
}

func casSet(gens localGens) contender {
	return contender{"ristretto + Bytes, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
		c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
		if c, err = filled(c, err, w, w.encoded); err != nil {
			return nil, err
		}
		return c.setter(w, w.encoded), nil
	}}
}

func longKeySet() row {
	return row{
		name: "long-key-set", title: "A set of 240 bytes under a stored key of 1,000", keySize: 1000,
		patterns: []pattern{uniform}, contenders: []contender{rawRistrettoSet(), casSet(exact), casSet(striped)},
	}
}

// invalidate: most keys are gone by the time they come round again, for all alike.
func invalidate() row {
	r := row{
		name: "invalidate", title: "An invalidation, in process", patterns: []pattern{uniform},
		contenders: []contender{
			{"ristretto", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledRistretto(w, w.encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					cache.Del(w.lookups[i])
					return true
				}, close: cache.Close}, nil
			}},
			{"otter", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledOtter(w, w.encoded)
				if err != nil {
					return nil, err
				}
				return &instance{do: func(i uint32) bool {
					cache.Invalidate(w.lookups[i])
					return true
				}, close: func() { cache.StopAllGoroutines() }}, nil
			}},
		},
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders,
			contender{"ristretto + Bytes, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
				if c, err = filled(c, err, w, w.encoded); err != nil {
					return nil, err
				}
				return c.invalidator(w), nil
			}},
			contender{"near, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casNear[[]byte](w, gens.open())
				if c, err = filled(c, err, w, w.encoded); err != nil {
					return nil, err
				}
				return c.invalidator(w), nil
			}})
	}
	return r
}

// readThrough: the call that loads what is missing, where nothing is.
func readThrough() row {
	load := func(_ context.Context, key string) (product, error) {
		return product{}, fmt.Errorf("%q was loaded, not hit", key)
	}
	r := row{
		name: "read-through", title: "A hit through the call that would load", patterns: []pattern{zipf},
		contenders: []contender{
			{"otter", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledOtter(w, w.products)
				if err != nil {
					return nil, err
				}
				ctx, loader := context.Background(), otterLoader(load)
				return &instance{do: func(i uint32) bool {
					_, err := cache.Get(ctx, w.lookups[i], loader)
					return err == nil
				}, close: func() { cache.StopAllGoroutines() }}, nil
			}},
			{"sturdyc", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache := filledSturdyc(w, w.products)
				ctx := context.Background()
				return &instance{do: func(i uint32) bool {
					key := w.lookups[i]
					_, err := cache.GetOrFetch(ctx, key, func(ctx context.Context) (product, error) { return load(ctx, key) })
					return err == nil
				}}, nil
			}},
		},
	}
	reader := func(c cas[product], w *workload) (*instance, error) {
		loader, err := cascache.NewLoader(c.Handle, cascache.LoaderOptions[product]{Load: load})
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		return &instance{close: c.shut, do: func(i uint32) bool {
			_, err := loader.Get(ctx, w.lookups[i])
			return err == nil
		}}, nil
	}
	r.contenders = append(r.contenders,
		contender{"near, exact", checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casNear[product](w, nil)
			if c, err = filled(c, err, w, w.products); err != nil {
				return nil, err
			}
			return reader(c, w)
		}},
		contender{"ristretto + JSON, exact", checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casRistretto(w, cascache.Codec[product](jsoncodec.JSON[product]{}), nil)
			if c, err = filled(c, err, w, w.products); err != nil {
				return nil, err
			}
			return reader(c, w)
		}})
	return r
}

const bulkSize = 32

// bulks are the keys of many bulks, one beginning at each key.
func bulks(w *workload) [][]string {
	all := make([][]string, len(w.lookups))
	for i := range all {
		all[i] = make([]string, bulkSize)
		for j := range bulkSize {
			all[i][j] = w.lookups[(i+j)%len(w.lookups)]
		}
	}
	return all
}

func bulkHit() row {
	r := row{
		name: "bulk-hit", title: "A hit of " + strconv.Itoa(bulkSize) + " keys at once, in process", patterns: []pattern{uniform},
		contenders: []contender{
			{"ristretto, key by key", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache, err := filledRistretto(w, w.encoded)
				if err != nil {
					return nil, err
				}
				all := bulks(w)
				return &instance{do: func(i uint32) bool {
					values := make(map[string][]byte, bulkSize)
					for _, key := range all[i] {
						if value, ok := cache.Get(key); ok {
							values[key] = value
						}
					}
					return len(values) == bulkSize
				}, close: cache.Close}, nil
			}},
			{"sturdyc", unchecked, func(_ *env, w *workload) (*instance, error) {
				cache := filledSturdyc(w, w.encoded)
				all := bulks(w)
				return &instance{do: func(i uint32) bool { return len(cache.GetMany(all[i])) == bulkSize }}, nil
			}},
		},
	}
	reader := func(c cas[[]byte], w *workload) *instance {
		ctx, all := context.Background(), bulks(w)
		return &instance{close: c.shut, do: func(i uint32) bool {
			values, _, err := c.GetBulk(ctx, all[i])
			return len(values) == bulkSize && err == nil
		}}
	}
	for _, gens := range localKinds {
		r.contenders = append(r.contenders,
			contender{"ristretto + Bytes, singles, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
				if c, err = filled(c, err, w, w.encoded); err != nil {
					return nil, err
				}
				return reader(c, w), nil
			}},
			contender{"ristretto + Bytes, bulk, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
				c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
				if err != nil {
					return nil, err
				}
				ctx := context.Background()
				for i, keys := range bulks(w) {
					items := make(map[string][]byte, bulkSize)
					for j, key := range keys {
						items[key] = w.encoded[(i+j)%len(w.encoded)]
					}
					if err := c.SetBulkWithGens(ctx, items, c.SnapshotGens(keys), ttl); err != nil {
						c.shut()
						return nil, err
					}
					c.wait()
				}
				return reader(c, w), nil
			}})
	}
	return r
}

// generationStores: a look-up alone, as a hit does it.
func generationStores() row {
	const prefix = "single:product:"
	of := func(w *workload, store cascache.GenStore) *instance {
		ctx := context.Background()
		for _, key := range w.keys {
			if _, err := store.Snapshot(ctx, prefix+key); err != nil {
				panic(err) // local stores fail only once they are closed
			}
		}
		local := store.(cascache.LocalReader)
		return &instance{do: func(i uint32) bool {
			_, ok := local.CurrentLocal(prefix, w.lookups[i])
			return ok
		}, close: func() { _ = store.Close(ctx) }}
	}
	return row{
		name: "generation", title: "A look-up of a local generation", patterns: bothPatterns,
		contenders: []contender{
			{"sync.Map", unchecked, func(_ *env, w *workload) (*instance, error) {
				var m sync.Map
				for i, key := range w.keys {
					m.Store(key, uint64(i+1))
				}
				return &instance{do: func(i uint32) bool {
					_, ok := m.Load(w.lookups[i])
					return ok
				}}, nil
			}},
			{"map, RWMutex", unchecked, func(_ *env, w *workload) (*instance, error) {
				var mu sync.RWMutex
				m := make(map[string]uint64)
				for i, key := range w.keys {
					m[key] = uint64(i + 1)
				}
				return &instance{do: func(i uint32) bool {
					mu.RLock()
					gen := m[w.lookups[i]]
					mu.RUnlock()
					return gen != 0
				}}, nil
			}},
			{"exact", checked, func(_ *env, w *workload) (*instance, error) {
				store := cascache.NewLocalGenStore(0, 0)
				store.SetMaxKeys(max(2*len(w.keys), 1<<16)) // its bound is kept shard by shard
				return of(w, store), nil
			}},
			{"striped", checked, func(_ *env, w *workload) (*instance, error) {
				return of(w, cascache.NewStripedGenStore(0)), nil
			}},
		},
	}
}
