package ristrettoprovider

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	cascache "github.com/unkn0wn-root/cascache/core"
)

const benchKeys = 1024 // a power of two

// benchKeySet returns benchKeys keys of size bytes.
func benchKeySet(size int) []string {
	keys := make([]string, benchKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("%0*d", size, i)
	}
	return keys
}

func newRawRistretto(b *testing.B) *ristretto.Cache[string, []byte] {
	raw, err := ristretto.NewCache(&ristretto.Config[string, []byte]{
		NumCounters: DefaultNumCounters, MaxCost: DefaultMaxCost, BufferItems: DefaultBufferItems, IgnoreInternalCost: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(raw.Close)
	return raw
}

func newBenchCache(b *testing.B, p *Provider) *cascache.Handle[[]byte] {
	cache, err := cascache.New(cascache.Options[[]byte]{Namespace: "bench", Provider: p, Codec: cascache.Bytes{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cache.Close(b.Context()) })
	return cache
}

// contender is one way to do the operation that a benchmark compares.
type contender struct {
	name string
	do   func(b *testing.B, i int) (ok bool)
}

// compare runs the contenders in turn and reports how many times as long as
// the first one each takes, and the share of calls that hit or were accepted.
func compare(b *testing.B, contenders []contender) {
	var first float64
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i, ok := 0, 0
			for b.Loop() {
				if c.do(b, i) {
					ok++
				}
				i++
			}
			each := float64(b.Elapsed()) / float64(b.N)
			if first == 0 || c.name == contenders[0].name {
				first = each
			}
			b.ReportMetric(each/first, "x-raw")
			b.ReportMetric(float64(ok)/float64(b.N), "ok")
		})
	}
}

func BenchmarkGet(b *testing.B) {
	value := make([]byte, 240)
	for _, size := range []int{16, 1000} {
		keys := benchKeySet(size)
		raw, provider := newRawRistretto(b), newTestProvider(b, Config{})
		p := newTestProvider(b, Config{})
		cache := newBenchCache(b, p)
		for _, key := range keys {
			raw.SetWithTTL(key, value, 240, time.Hour)
			raw.Wait()
			if _, err := provider.Set(b.Context(), key, value, 240, time.Hour); err != nil {
				b.Fatal(err)
			}
			provider.Wait()
			if err := cache.SetWithGen(b.Context(), key, value, cache.SnapshotGen(key), time.Hour); err != nil {
				b.Fatal(err)
			}
			p.Wait()
		}
		lookups := benchKeySet(size) // not the strings that are stored
		ctx := b.Context()
		b.Run("key="+strconv.Itoa(size), func(b *testing.B) {
			compare(b, []contender{
				{"ristretto", func(b *testing.B, i int) bool {
					_, ok := raw.Get(lookups[i%benchKeys])
					return ok
				}},
				{"provider", func(b *testing.B, i int) bool {
					_, ok, err := provider.Get(ctx, lookups[i%benchKeys])
					return ok && err == nil
				}},
				{"cache", func(b *testing.B, i int) bool {
					_, ok, err := cache.Get(ctx, lookups[i%benchKeys])
					return ok && err == nil
				}},
			})
		})
	}
}

func BenchmarkGetParallel(b *testing.B) {
	keys := benchKeySet(16)
	raw, provider := newRawRistretto(b), newTestProvider(b, Config{})
	for _, key := range keys {
		raw.SetWithTTL(key, nil, 1, time.Hour)
		raw.Wait()
		mustSet(b, provider, key, "")
		provider.Wait()
	}
	ctx := b.Context()
	b.Run("ristretto", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				raw.Get(keys[i%benchKeys])
			}
		})
	})
	b.Run("provider", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				provider.Get(ctx, keys[i%benchKeys])
			}
		})
	})
}

// Stored keys are updated on the caller's goroutine; new ones are queued, and
// most of an unpaced stream of them is declined.
func BenchmarkSet(b *testing.B) {
	value := make([]byte, 240)
	keys := benchKeySet(16)
	raw, provider := newRawRistretto(b), newTestProvider(b, Config{})
	p := newTestProvider(b, Config{})
	cache := newBenchCache(b, p)
	gens := make([]uint64, benchKeys)
	for i, key := range keys {
		raw.SetWithTTL(key, value, 240, time.Hour)
		raw.Wait()
		if _, err := provider.Set(b.Context(), key, value, 240, time.Hour); err != nil {
			b.Fatal(err)
		}
		provider.Wait()
		gens[i] = cache.SnapshotGen(key)
		if err := cache.SetWithGen(b.Context(), key, value, gens[i], time.Hour); err != nil {
			b.Fatal(err)
		}
		p.Wait()
	}
	ctx := b.Context()
	b.Run("stored", func(b *testing.B) {
		compare(b, []contender{
			{"ristretto", func(b *testing.B, i int) bool {
				return raw.SetWithTTL(keys[i%benchKeys], value, 240, time.Hour)
			}},
			{"provider", func(b *testing.B, i int) bool {
				ok, err := provider.Set(ctx, keys[i%benchKeys], value, 240, time.Hour)
				return ok && err == nil
			}},
			{"cache", func(b *testing.B, i int) bool {
				return cache.SetWithGen(ctx, keys[i%benchKeys], value, gens[i%benchKeys], time.Hour) == nil
			}},
		})
	})
	b.Run("new", func(b *testing.B) {
		const prefix = "new-key-"
		compare(b, []contender{
			{"ristretto", func(b *testing.B, i int) bool {
				return raw.SetWithTTL(prefix+strconv.Itoa(i), value, 240, time.Hour)
			}},
			{"provider", func(b *testing.B, i int) bool {
				ok, err := provider.Set(ctx, prefix+strconv.Itoa(i), value, 240, time.Hour)
				return ok && err == nil
			}},
		})
	})
	// One at a time, each stored before the next begins.
	b.Run("settled", func(b *testing.B) {
		compare(b, []contender{
			{"ristretto", func(b *testing.B, i int) bool {
				ok := raw.SetWithTTL(strconv.Itoa(i), value, 240, time.Hour)
				raw.Wait()
				return ok
			}},
			{"provider", func(b *testing.B, i int) bool {
				ok, err := provider.Set(ctx, strconv.Itoa(i), value, 240, time.Hour)
				provider.Wait()
				return ok && err == nil
			}},
		})
	})
}

func BenchmarkDel(b *testing.B) {
	keys := benchKeySet(16)
	raw, provider := newRawRistretto(b), newTestProvider(b, Config{})
	ctx := b.Context()
	compare(b, []contender{
		{"ristretto", func(b *testing.B, i int) bool {
			raw.Del(keys[i%benchKeys])
			return true
		}},
		{"provider", func(b *testing.B, i int) bool {
			return provider.Del(ctx, keys[i%benchKeys]) == nil
		}},
	})
}

// What an entry takes beyond its key and its value.
func BenchmarkMemory(b *testing.B) {
	const entries = 200_000
	keys := make([]string, entries)
	for i := range keys {
		keys[i] = fmt.Sprintf("%016d", i)
	}
	measure := func(b *testing.B, set func(key string), wait func()) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i, key := range keys {
			set(key)
			if i%1000 == 0 {
				wait()
			}
		}
		wait()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/entries, "B/entry")
		b.ReportMetric(0, "ns/op")
		runtime.KeepAlive(keys)
	}
	b.Run("ristretto", func(b *testing.B) {
		raw := newRawRistretto(b)
		measure(b, func(key string) { raw.SetWithTTL(key, nil, 1, time.Hour) }, raw.Wait)
	})
	b.Run("provider", func(b *testing.B) {
		provider := newTestProvider(b, Config{})
		measure(b, func(key string) { mustSet(b, provider, key, "") }, provider.Wait)
	})
}
