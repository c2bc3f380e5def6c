package genstoreredis

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// The benchmarks compare the store with raw commands of the same run, and the
// forms that a guarded read can have with each other: see ADR 0011.

// callers is how many goroutines the parallel benchmarks have per CPU; 64 in
// all on two.
const callers = 32

// bench runs f alone and with many callers. Where nanoseconds depend on what
// else the machine does, two more figures do less so: the time in which a tenth
// of the lone calls was done (p10-ns), and the server's own processor time per
// call (server-ns/op).
func bench(b *testing.B, name string, f func(ctx context.Context) error, servers ...*redistest.Server) {
	ctx := b.Context()
	if err := f(ctx); err != nil {
		b.Fatal(name, err)
	}
	b.Run(name+"/serial", func(b *testing.B) {
		b.ReportAllocs()
		var took []time.Duration
		began := processorTime(b, servers)
		for b.Loop() {
			start := time.Now()
			if err := f(ctx); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
		b.ReportMetric(float64(processorTime(b, servers)-began)/float64(b.N), "server-ns/op")
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/10]), "p10-ns")
	})
	b.Run(name+"/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(callers)
		began := processorTime(b, servers)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := f(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(processorTime(b, servers)-began)/float64(b.N), "server-ns/op")
	})
}

// processorTime returns how much of it the servers have used.
func processorTime(tb testing.TB, servers []*redistest.Server) (total time.Duration) {
	tb.Helper()
	for _, s := range servers {
		for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
			seconds, err := strconv.ParseFloat(s.Info(field), 64)
			if err != nil {
				tb.Fatal(err)
			}
			total += time.Duration(seconds * float64(time.Second))
		}
	}
	return total
}

type namedStore struct {
	name string
	*redisgenstore.Store
}

// benchStores are the stores that are compared.
func benchStores(b *testing.B, client *redis.Client) []namedStore {
	batching, err := client.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	unguarded := func(c *redisgenstore.Config) { c.Unguarded = true }
	return []namedStore{
		{"guarded", open(b, client)},
		{"unguarded", open(b, client, unguarded)},
		{"guarded, autopipeliner", open(b, batching)},
		{"unguarded, autopipeliner", open(b, batching, unguarded)},
	}
}

func BenchmarkCurrent(b *testing.B) {
	server := redistest.Start(b)
	client := connect(b, server.Addr())
	stores := benchStores(b, client)
	if _, err := stores[0].Snapshot(b.Context(), "k"); err != nil {
		b.Fatal(err)
	}
	name := redisKey(b, client, "k")
	batching, err := client.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	bench(b, "raw GET", func(ctx context.Context) error { return client.Get(ctx, name).Err() }, server)
	bench(b, "raw GETEX and INFO, pipelined", func(ctx context.Context) error {
		return guardedRead(ctx, client, name)
	}, server)
	script, err := client.ScriptLoad(b.Context(), scriptFile(b, "current")).Result()
	if err != nil {
		b.Fatal(err)
	}
	bench(b, "raw script", func(ctx context.Context) error {
		return client.EvalSha(ctx, script, []string{name}).Err()
	}, server)
	bench(b, "raw GET, autopipeliner", func(ctx context.Context) error { return batching.Get(ctx, name).Err() }, server)
	for _, s := range stores {
		bench(b, s.name, func(ctx context.Context) error { _, err := s.Current(ctx, "k"); return err }, server)
	}
}

func BenchmarkCurrentBulk32(b *testing.B) {
	server := redistest.Start(b)
	client := connect(b, server.Addr())
	stores := benchStores(b, client)
	keys := names("k", 32)
	if _, err := stores[0].SnapshotBulk(b.Context(), keys); err != nil {
		b.Fatal(err)
	}
	redisKeys := client.Keys(b.Context(), "gen:*:*:*").Val()
	bench(b, "raw MGET", func(ctx context.Context) error { return client.MGet(ctx, redisKeys...).Err() }, server)
	bench(b, "raw GETEX and INFO, pipelined", func(ctx context.Context) error {
		return guardedRead(ctx, client, redisKeys...)
	}, server)
	one, err := client.ScriptLoad(b.Context(), scriptFile(b, "current")).Result()
	if err != nil {
		b.Fatal(err)
	}
	many, err := client.ScriptLoad(b.Context(), scriptFile(b, "currents")).Result()
	if err != nil {
		b.Fatal(err)
	}
	bench(b, "raw script", func(ctx context.Context) error {
		return client.EvalSha(ctx, many, redisKeys, "1").Err()
	}, server)
	bench(b, "raw script per key, pipelined", func(ctx context.Context) error {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range redisKeys {
				p.EvalSha(ctx, one, []string{key})
			}
			return nil
		})
		return err
	}, server)
	for _, s := range stores {
		bench(b, s.name, func(ctx context.Context) error { _, err := s.CurrentBulk(ctx, keys); return err }, server)
	}
}

// guardedRead reads in the form that the store uses for the nodes of a
// Cluster.
func guardedRead(ctx context.Context, client *redis.Client, keys ...string) error {
	pipe := client.Pipeline()
	for _, key := range keys {
		pipe.GetEx(ctx, key, -1)
	}
	info := pipe.Info(ctx, "replication")
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	_, _, _ = strings.Cut(info.Val(), "\nmaster_replid:")
	return nil
}

func BenchmarkBump(b *testing.B) {
	server := redistest.Start(b)
	client := connect(b, server.Addr())
	bench(b, "raw INCR", func(ctx context.Context) error { return client.Incr(ctx, "counter").Err() }, server)
	for _, s := range benchStores(b, client) {
		bench(b, s.name, func(ctx context.Context) error { _, err := s.Bump(ctx, "k"); return err }, server)
	}
}

func BenchmarkBumpBulk32(b *testing.B) {
	server := redistest.Start(b)
	client := connect(b, server.Addr())
	keys := names("k", 32)
	bench(b, "raw INCR, pipelined", func(ctx context.Context) error {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Incr(ctx, key)
			}
			return nil
		})
		return err
	}, server)
	for _, s := range benchStores(b, client) {
		bench(b, s.name, func(ctx context.Context) error { _, err := s.BumpBulk(ctx, keys); return err }, server)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	server := redistest.Start(b)
	client := connect(b, server.Addr())
	for _, s := range benchStores(b, client) {
		bench(b, s.name, func(ctx context.Context) error { _, err := s.Snapshot(ctx, "k"); return err }, server)
	}
}

func BenchmarkClusterCurrentBulk32(b *testing.B) {
	cluster := redistest.StartCluster(b)
	client := connectCluster(b, cluster.Addrs())
	keys := names("k", 32)
	for _, s := range []namedStore{
		{"guarded", open(b, client)},
		{"guarded, script per slot", open(b, wrapped{client})},
		{"unguarded", open(b, client, func(c *redisgenstore.Config) { c.Unguarded = true })},
	} {
		if _, err := s.SnapshotBulk(b.Context(), keys); err != nil {
			b.Fatal(err)
		}
		bench(b, s.name, func(ctx context.Context) error { _, err := s.CurrentBulk(ctx, keys); return err }, cluster.Nodes...)
	}
}
