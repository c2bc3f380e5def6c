package genstoreredis

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// BenchmarkBackend compares calls of a cache over a Backend with raw commands.
// The two take turns, round by round, and what is reported is the median of the
// rounds' ratios (x-raw), of alone callers or of 64 at once, and how many more
// allocations a call makes (allocs-more). The nanoseconds are those of a whole
// round.
//
//	go test -run '^$' -bench 'Backend' -benchtime 40x ./internal/integration/genstoreredis
func BenchmarkBackend(b *testing.B) {
	server := redistest.Start(b)
	client := connect(b, server.Addr(), func(o *redis.Options) { *o = redis.Options{Addr: o.Addr, PoolSize: 64} })
	batching, err := client.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	for _, guards := range []string{"unguarded", "guarded"} {
		plain := openBenchCache(b, client, guards)
		merged := openBenchCache(b, batching, guards)
		b.Run(guards, func(b *testing.B) {
			b.Run("Get/MGET of 2", func(b *testing.B) { plain.compare(b, 1, plain.get, plain.rawMGet(2)) })
			b.Run("Get/MGET of 2, 64 callers", func(b *testing.B) { plain.compare(b, 64, plain.get, plain.rawMGet(2)) })
			b.Run("Get by AutoPipeliner/GET, 64 callers", func(b *testing.B) { plain.compare(b, 64, merged.get, plain.rawGet) })
			// Without the cache: what the commands cost, and so what the cache does.
			b.Run("GetWithGen/MGET of 2", func(b *testing.B) { plain.compare(b, 1, plain.getWithGen, plain.rawMGet(2)) })
			b.Run("GetWithGen/MGET of 2, 64 callers", func(b *testing.B) { plain.compare(b, 64, plain.getWithGen, plain.rawMGet(2)) })
			b.Run("GetWithGen by AutoPipeliner/GET, 64 callers", func(b *testing.B) { plain.compare(b, 64, merged.getWithGen, plain.rawGet) })
			b.Run("GetBulkWithGens of 32/MGET of 64", func(b *testing.B) { plain.compare(b, 1, plain.getBulkWithGens, plain.rawMGet(64)) })
			b.Run("Set/script", func(b *testing.B) { plain.compare(b, 1, plain.set, plain.rawSet(b)) })
			b.Run("Set/script, 64 callers", func(b *testing.B) { plain.compare(b, 64, plain.set, plain.rawSet(b)) })
			b.Run("GetBulk of 32/MGET of 64", func(b *testing.B) { plain.compare(b, 1, plain.getBulk, plain.rawMGet(64)) })
			b.Run("GetBulk of 32/MGET of 64, 64 callers", func(b *testing.B) { plain.compare(b, 64, plain.getBulk, plain.rawMGet(64)) })
			b.Run("SetBulkWithGens of 32/32 SETs", func(b *testing.B) { plain.compare(b, 1, plain.setBulk, plain.rawSets) })
			b.Run("SetBulkWithGens of 32/32 SETs, 64 callers", func(b *testing.B) { plain.compare(b, 64, plain.setBulk, plain.rawSets) })
		})
	}
}

// benchCache is a cache over a Backend, with 32 keys filled, and raw commands on
// what it keeps.
type benchCache struct {
	*cascache.Handle[string]
	both   cascache.Combined
	client redis.UniversalClient
	keys   []string // of the user
	values []string // Redis keys of values
	names  []string // and of generations
	gens   map[string]uint64
	rows   map[string]string
}

const benchValue = 100 // bytes

func openBenchCache(b *testing.B, client redis.UniversalClient, guards string) *benchCache {
	change := unguarded
	if guards == "guarded" {
		change = nil
	}
	c := &benchCache{client: client, keys: names("row-", 32), rows: make(map[string]string)}
	var s store
	if change == nil {
		s = openBackend(b, client)
	} else {
		s = openBackend(b, client, change)
	}
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: guards, Provider: providerFor(s), GenStore: s, Codec: cascache.String{}, GenTimeout: redistest.Patience,
	})
	if err != nil {
		b.Fatal(err)
	}
	c.Handle, c.both = cache, s.(cascache.Combined)
	c.gens = cache.SnapshotGens(c.keys)
	for _, key := range c.keys {
		c.rows[key] = strings.Repeat("x", benchValue)
		if err := cache.SetWithGen(b.Context(), key, c.rows[key], c.gens[key], time.Hour); err != nil {
			b.Fatal(err)
		}
		c.values = append(c.values, "single:"+guards+":"+key)
	}
	for _, value := range c.values {
		c.names = append(c.names, redisKey(b, client, value))
	}
	return c
}

func (c *benchCache) get(ctx context.Context) error {
	if _, ok, err := c.Get(ctx, c.keys[0]); !ok {
		panic(err) // the benchmark would be of misses
	}
	return nil
}

func (c *benchCache) getWithGen(ctx context.Context) error {
	_, _, err, _ := c.both.GetWithGen(ctx, c.values[0], false)
	return err
}

func (c *benchCache) getBulkWithGens(ctx context.Context) error {
	_, err := c.both.GetBulkWithGens(ctx, "bulk:none", c.values, true)
	return err
}

func (c *benchCache) set(ctx context.Context) error {
	return c.SetWithGen(ctx, c.keys[0], c.rows[c.keys[0]], c.gens[c.keys[0]], time.Hour)
}

func (c *benchCache) getBulk(ctx context.Context) error {
	// The order of the keys does not matter to the bulk entry, which is not
	// there: each set of keys below is another one.
	if values, _, err := c.GetBulk(ctx, c.keys); len(values) != len(c.keys) {
		panic(err)
	}
	return nil
}

func (c *benchCache) setBulk(ctx context.Context) error {
	return c.SetBulkWithGens(ctx, c.rows, c.gens, time.Hour)
}

func (c *benchCache) rawGet(ctx context.Context) error { return c.client.Get(ctx, c.values[0]).Err() }

func (c *benchCache) rawMGet(n int) func(context.Context) error {
	keys := slices.Concat(c.values[:n/2], c.names[:n/2])
	return func(ctx context.Context) error { return c.client.MGet(ctx, keys...).Err() }
}

func (c *benchCache) rawSets(ctx context.Context) error {
	_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range c.keys {
			p.Set(ctx, "raw:"+c.values[i], c.rows[key], time.Hour)
		}
		return nil
	})
	return err
}

// rawSet runs the script that a set is.
func (c *benchCache) rawSet(b *testing.B) func(context.Context) error {
	ctx := context.Background()
	hash, err := c.client.ScriptLoad(ctx, scriptFile(b, "store")).Result()
	if err != nil {
		panic(err)
	}
	raw, err := c.client.Get(ctx, c.values[0]).Bytes()
	if err != nil {
		panic(err)
	}
	guard := "0"
	if strings.Contains(c.client.Get(ctx, c.names[0]).Val(), ":") && strings.HasPrefix(c.values[0], "single:guarded") {
		guard = "1"
	}
	gen := strconv.FormatUint(c.gens[c.keys[0]], 10)
	return func(ctx context.Context) error {
		return c.client.EvalSha(ctx, hash, []string{c.names[0], "raw:" + c.values[0]}, 1, guard, "0", gen, "3600000", raw).Err()
	}
}

// compare has callers do ours and raw by turns.
func (c *benchCache) compare(b *testing.B, callers int, ours, raw func(context.Context) error) {
	if strings.HasPrefix(b.Name(), "BenchmarkBackend/unguarded/GetBulk") || strings.HasPrefix(b.Name(), "BenchmarkBackend/guarded/GetBulk") {
		keys, err := c.client.Keys(b.Context(), "bulk:*").Result()
		if err != nil {
			b.Fatal(err)
		}
		if len(keys) > 0 {
			c.client.Del(b.Context(), keys...)
		}
	}
	const calls = 128 // of a round, by each of the two
	round := func(f func(context.Context) error) time.Duration {
		start := time.Now()
		var running sync.WaitGroup
		for range callers {
			running.Go(func() {
				for range max(calls/callers, 4) {
					if err := f(b.Context()); err != nil {
						b.Error(err)
					}
				}
			})
		}
		running.Wait()
		return time.Since(start)
	}
	round(ours)
	round(raw)
	var ratios []float64
	for b.Loop() {
		took := round(raw)
		ratios = append(ratios, float64(round(ours))/float64(took))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-raw")
	ctx := context.Background()
	allocs := func(f func(context.Context) error) float64 {
		runtime.GC()
		return testing.AllocsPerRun(100, func() { _ = f(ctx) })
	}
	b.ReportMetric(allocs(ours)-allocs(raw), "allocs-more")
	b.ReportMetric(allocs(raw), "allocs-raw")
}
