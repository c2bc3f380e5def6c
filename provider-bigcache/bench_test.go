package bigcacheprovider

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/allegro/bigcache/v3"

	cascache "github.com/unkn0wn-root/cascache/core"
)

const benchKeys = 1024

// benchKeySet returns benchKeys keys of size bytes.
func benchKeySet(size int) []string {
	keys := make([]string, benchKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("%0*d", size, i)
	}
	return keys
}

func newRawBigCache(b *testing.B) *bigcache.BigCache {
	raw, err := bigcache.New(context.Background(), bigcache.Config{
		LifeWindow:         DefaultLifeWindow,
		CleanWindow:        DefaultCleanWindow,
		MaxEntriesInWindow: DefaultMaxEntriesInWindow,
		MaxEntrySize:       DefaultMaxEntrySize,
		HardMaxCacheSize:   DefaultHardMaxCacheSizeMB,
		Shards:             DefaultShards,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { raw.Close() })
	return raw
}

// contender is one way to do the operation that a benchmark compares.
type contender struct {
	name string
	do   func(i int) error
}

// compare runs the contenders in turn and reports how many times as long as
// the first one each takes.
func compare(b *testing.B, contenders []contender) {
	var first float64
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := c.do(i); err != nil {
					b.Fatal(err)
				}
				i++
			}
			each := float64(b.Elapsed()) / float64(b.N)
			if first == 0 || c.name == contenders[0].name {
				first = each
			}
			b.ReportMetric(each/first, "x-raw")
		})
	}
}

func BenchmarkGet(b *testing.B) {
	benchmark(b, func(keys []string, raw *bigcache.BigCache, p *Provider, cache *cascache.Handle[[]byte], _ []uint64) []contender {
		ctx := b.Context()
		return []contender{
			{"bigcache", func(i int) error {
				_, err := raw.Get(keys[i%benchKeys])
				return err
			}},
			{"provider", func(i int) error {
				_, ok, err := p.Get(ctx, keys[i%benchKeys])
				return hit(ok, err)
			}},
			{"cache", func(i int) error {
				_, ok, err := cache.Get(ctx, keys[i%benchKeys])
				return hit(ok, err)
			}},
		}
	})
}

func BenchmarkSet(b *testing.B) {
	value := make([]byte, 240)
	benchmark(b, func(keys []string, raw *bigcache.BigCache, p *Provider, cache *cascache.Handle[[]byte], gens []uint64) []contender {
		ctx := b.Context()
		return []contender{
			{"bigcache", func(i int) error { return raw.Set(keys[i%benchKeys], value) }},
			{"provider", func(i int) error {
				ok, err := p.Set(ctx, keys[i%benchKeys], value, 240, time.Hour)
				return hit(ok, err)
			}},
			{"cache", func(i int) error {
				return cache.SetWithGen(ctx, keys[i%benchKeys], value, gens[i%benchKeys], time.Hour)
			}},
		}
	})
}

func hit(ok bool, err error) error {
	if err == nil && !ok {
		err = fmt.Errorf("a miss")
	}
	return err
}

// benchmark compares what contenders returns for keys of two sizes, all of
// them stored.
func benchmark(b *testing.B, contenders func(keys []string, raw *bigcache.BigCache, p *Provider, cache *cascache.Handle[[]byte], gens []uint64) []contender) {
	value := make([]byte, 240)
	for _, size := range []int{16, 1000} {
		keys, gens := benchKeySet(size), make([]uint64, benchKeys)
		raw, p := newRawBigCache(b), newTestProvider(b, Config{})
		cache, err := cascache.New(cascache.Options[[]byte]{
			Namespace: "bench", Provider: newTestProvider(b, Config{}), Codec: cascache.Bytes{},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { cache.Close(b.Context()) })
		for i, key := range keys {
			if err := raw.Set(key, value); err != nil {
				b.Fatal(err)
			}
			mustSet(b, p, key, string(value))
			gens[i] = cache.SnapshotGen(key)
			if err := cache.SetWithGen(b.Context(), key, value, gens[i], time.Hour); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("key="+strconv.Itoa(size), func(b *testing.B) { compare(b, contenders(keys, raw, p, cache, gens)) })
	}
}
