package main

import (
	"context"
	"time"

	"github.com/allegro/bigcache/v3"
	"github.com/dgraph-io/ristretto/v2"
	"github.com/maypok86/otter/v2"
	"github.com/viccon/sturdyc"

	cascache "github.com/unkn0wn-root/cascache/core"
	otternear "github.com/unkn0wn-root/cascache/near-otter"
	bigcacheprovider "github.com/unkn0wn-root/cascache/provider-bigcache"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

const (
	ttl     = time.Hour
	maxCost = 4 << 30 // nothing is evicted
)

// The caches below are configured as their own documentation recommends for
// entries of this kind.

func openRistretto(w *workload) (*ristretto.Cache[string, []byte], error) {
	return ristretto.NewCache(&ristretto.Config[string, []byte]{
		NumCounters: int64(10 * len(w.keys)), MaxCost: maxCost, BufferItems: 64, IgnoreInternalCost: true,
	})
}

// filledRistretto holds the encoded products.
func filledRistretto(w *workload, encoded [][]byte) (*ristretto.Cache[string, []byte], error) {
	cache, err := openRistretto(w)
	if err != nil {
		return nil, err
	}
	for i, key := range w.keys {
		cache.SetWithTTL(key, encoded[i], int64(len(encoded[i])), ttl)
		if i%256 == 0 {
			cache.Wait() // its queue drops what comes in bursts
		}
	}
	cache.Wait()
	return cache, nil
}

func openBigcache(w *workload) (*bigcache.BigCache, error) {
	config := bigcache.DefaultConfig(ttl)
	config.Verbose = false
	config.MaxEntriesInWindow = 2 * len(w.keys) // by default, 300 MB to begin with
	return bigcache.New(context.Background(), config)
}

func filledBigcache(w *workload, encoded [][]byte) (*bigcache.BigCache, error) {
	cache, err := openBigcache(w)
	if err != nil {
		return nil, err
	}
	for i, key := range w.keys {
		if err := cache.Set(key, encoded[i]); err != nil {
			return nil, err
		}
	}
	return cache, nil
}

func filledOtter[V any](w *workload, values []V) (*otter.Cache[string, V], error) {
	cache, err := otter.New(&otter.Options[string, V]{
		MaximumSize: 2 * len(w.keys), ExpiryCalculator: otter.ExpiryWriting[string, V](ttl),
	})
	if err != nil {
		return nil, err
	}
	for i, key := range w.keys {
		cache.Set(key, values[i])
	}
	return cache, nil
}

func filledSturdyc[V any](w *workload, values []V) *sturdyc.Client[V] {
	cache := sturdyc.New[V](16*len(w.keys), 64, ttl, 10)
	for i, key := range w.keys {
		cache.Set(key, values[i])
	}
	return cache
}

// Generation stores of one process.
type localGens string

const (
	exact   localGens = "exact"   // one generation a key
	striped localGens = "striped" // one a slot
)

func (l localGens) open() cascache.GenStore {
	if l == striped {
		return cascache.NewStripedGenStore(0)
	}
	return nil // the default
}

// A cas is an assembly of CasCache.
type cas[V any] struct {
	*cascache.Handle[V]
	wait func() // until what was set has become visible
}

// fill stores every value, each in the three steps.
func (c cas[V]) fill(w *workload, values []V) error {
	ctx := context.Background()
	for i, key := range w.keys {
		if err := c.SetWithGen(ctx, key, values[i], c.SnapshotGen(key), ttl); err != nil {
			return err
		}
		if c.wait != nil && i%256 == 0 {
			c.wait()
		}
	}
	if c.wait != nil {
		c.wait()
	}
	return nil
}

func openCas[V any](o cascache.Options[V], wait func()) (cas[V], error) {
	o.Namespace, o.DefaultTTL = "product", ttl
	h, err := cascache.New(o)
	return cas[V]{h, wait}, err
}

func casRistretto[V any](w *workload, codec cascache.Codec[V], gens cascache.GenStore) (cas[V], error) {
	p, err := ristrettoprovider.New(ristrettoprovider.Config{
		NumCounters: int64(10 * len(w.keys)), MaxCost: maxCost, BufferItems: 64,
	})
	if err != nil {
		return cas[V]{}, err
	}
	return openCas(cascache.Options[V]{Provider: p, Codec: codec, GenStore: gens}, p.Wait)
}

func casBigcache[V any](codec cascache.Codec[V], gens cascache.GenStore) (cas[V], error) {
	p, err := bigcacheprovider.New(bigcacheprovider.Config{LifeWindow: ttl})
	if err != nil {
		return cas[V]{}, err
	}
	return openCas(cascache.Options[V]{Provider: p, Codec: codec, GenStore: gens}, nil)
}

func casNear[V any](w *workload, gens cascache.GenStore) (cas[V], error) {
	near, err := otternear.New(otternear.Config[V]{MaxEntries: 2 * len(w.keys)})
	if err != nil {
		return cas[V]{}, err
	}
	return openCas(cascache.Options[V]{Near: near, GenStore: gens}, nil)
}

func casNearRistretto[V any](w *workload, codec cascache.Codec[V], gens cascache.GenStore) (cas[V], error) {
	near, err := otternear.New(otternear.Config[V]{MaxEntries: 2 * len(w.keys)})
	if err != nil {
		return cas[V]{}, err
	}
	p, err := ristrettoprovider.New(ristrettoprovider.Config{
		NumCounters: int64(10 * len(w.keys)), MaxCost: maxCost, BufferItems: 64,
	})
	if err != nil {
		return cas[V]{}, err
	}
	return openCas(cascache.Options[V]{Near: near, Provider: p, Codec: codec, GenStore: gens}, p.Wait)
}

func (c cas[V]) shut() { _ = c.Close(context.Background()) }

// getter reads the filled cache.
func (c cas[V]) getter(w *workload) *instance {
	ctx := context.Background()
	return &instance{close: c.shut, do: func(i uint32) bool {
		_, ok, err := c.Get(ctx, w.lookups[i])
		return ok && err == nil
	}}
}

// setter stores under the generations of the fill.
func (c cas[V]) setter(w *workload, values []V) *instance {
	ctx := context.Background()
	gens := make([]uint64, len(w.keys))
	for i, key := range w.keys {
		gens[i] = c.SnapshotGen(key)
	}
	return &instance{close: c.shut, do: func(i uint32) bool {
		return c.SetWithGen(ctx, w.lookups[i], values[i], gens[i], ttl) == nil
	}}
}

// filler takes a snapshot and stores.
func (c cas[V]) filler(w *workload, values []V) *instance {
	ctx := context.Background()
	return &instance{close: c.shut, do: func(i uint32) bool {
		key := w.lookups[i]
		return c.SetWithGen(ctx, key, values[i], c.SnapshotGen(key), ttl) == nil
	}}
}

func (c cas[V]) invalidator(w *workload) *instance {
	ctx := context.Background()
	return &instance{close: c.shut, do: func(i uint32) bool {
		return c.Invalidate(ctx, w.lookups[i]) == nil
	}}
}

// filled is a cas with its values in it, or why there is none.
func filled[V any](c cas[V], err error, w *workload, values []V) (cas[V], error) {
	if err != nil {
		return c, err
	}
	if err := c.fill(w, values); err != nil {
		c.shut()
		return c, err
	}
	return c, nil
}

// otterLoader is a function as Otter's interface.
type otterLoader func(context.Context, string) (product, error)

func (l otterLoader) Load(ctx context.Context, key string) (product, error) { return l(ctx, key) }

func (l otterLoader) Reload(ctx context.Context, key string, _ product) (product, error) {
	return l(ctx, key)
}
