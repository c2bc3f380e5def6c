package genstoreredis

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestRoundTrips counts what docs/round-trips.md says: one trip per call, once
// the server knows the script.
func TestRoundTrips(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	client := connect(t, proxy.Addr())
	batching, err := client.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, s := range map[string]store{
		"guarded":                open(t, client),
		"unguarded":              open(t, client, func(c *redisgenstore.Config) { c.Unguarded = true }),
		"with TTL":               open(t, client, func(c *redisgenstore.Config) { c.TTL = time.Hour }),
		"autopipeliner":          open(t, batching),
		"autopipeliner with TTL": open(t, batching, func(c *redisgenstore.Config) { c.TTL = time.Hour }),
	} {
		keys := names(name, 100)
		for call, f := range map[string]func() error{
			"Current":             func() error { _, err := s.Current(ctx, keys[0]); return err },
			"Snapshot":            func() error { _, err := s.Snapshot(ctx, keys[0]); return err },
			"Bump":                func() error { _, err := s.Bump(ctx, keys[0]); return err },
			"CurrentBulk":         func() error { _, err := s.CurrentBulk(ctx, keys); return err },
			"SnapshotBulk":        func() error { _, err := s.SnapshotBulk(ctx, keys); return err },
			"BumpBulk":            func() error { _, err := s.BumpBulk(ctx, keys); return err },
			"CurrentToCommit":     func() error { _, err := s.CurrentToCommit(ctx, keys[0]); return err },
			"CurrentToCommitBulk": func() error { _, err := s.CurrentToCommitBulk(ctx, keys); return err },
			"Hold":                func() error { return s.Hold(ctx, keys, "a", time.Hour) },
			"Release":             func() error { return s.Release(ctx, keys, "a") },
		} {
			if err := f(); err != nil { // the server learns the script
				t.Fatalf("%s, %s: %v", name, call, err)
			}
			for state, prepare := range map[string]func(){
				"of what there is":      func() {},
				"of what is not there":  func() { server.Do("FLUSHALL") },
				"of keys that are held": func() { hold(t, s, "b", time.Hour, keys...) },
			} {
				prepare()
				proxy.ResetTrips()
				if err := f(); err != nil {
					t.Fatalf("%s, %s: %v", name, call, err)
				}
				if n := proxy.RoundTrips(); n != 1 {
					t.Errorf("%s: %s %s took %d round trips, not one: %v", name, call, state, n, proxy.Trips())
				}
			}
			server.Do("FLUSHALL")
		}
	}
}

// TestTripsOfUnknownScripts counts the second trip after a server has started.
func TestTripsOfUnknownScripts(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	s := open(t, connect(t, proxy.Addr(), func(o *redis.Options) { o.MaxRetries = -1 }))
	if err := s.Hold(context.Background(), names("warm", 1), "a", time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 1} {
		proxy.ResetTrips()
		bump(t, s, "k")
		if n := proxy.RoundTrips(); n != want {
			t.Errorf("a bump took %d round trips, want %d: %v", n, want, proxy.Trips())
		}
	}
}

// TestTripsOfABackend counts what docs/round-trips.md says of a cache.
func TestTripsOfABackend(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	client := connect(t, proxy.Addr())
	batching, err := client.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]store{
		"guarded":                 openBackend(t, client),
		"unguarded":               openBackend(t, client, unguarded),
		"with TTL":                openBackend(t, client, func(c *redisgenstore.Config) { c.TTL = time.Hour }),
		"autopipeliner":           openBackend(t, batching),
		"unguarded autopipeliner": openBackend(t, batching, unguarded),
	} {
		t.Run(name, func(t *testing.T) {
			testTripsOfABackend(t, s.(cascache.Combined), func(when string, want int, do func() error) {
				t.Helper()
				proxy.ResetTrips()
				if err := do(); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				if n := proxy.RoundTrips(); n != want {
					t.Errorf("%s took %d round trips, want %d: %v", when, n, want, proxy.Trips())
				}
			})
		})
	}
}

func testTripsOfABackend(t *testing.T, s cascache.Combined, count func(when string, want int, do func() error)) {
	ctx := t.Context()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: t.Name(), Provider: s, GenStore: s, Codec: cascache.String{}, GenTimeout: redistest.Patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	loader, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		LoadMany: func(_ context.Context, keys []string) (map[string]string, error) {
			rows := make(map[string]string)
			for _, key := range keys {
				rows[key] = "loaded"
			}
			return rows, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := names("k", 100)
	all := make(map[string]string)
	for _, key := range keys {
		all[key] = "value"
	}
	gens := cache.SnapshotGens(keys)
	get := func(hit bool) func() error {
		return func() error {
			_, ok, err := cache.Get(ctx, keys[0])
			if ok != hit {
				t.Errorf("a read was a hit: %t, want %t", ok, hit)
			}
			return err
		}
	}
	getBulk := func(want int) func() error {
		return func() error {
			values, _, err := cache.GetBulk(ctx, keys)
			if len(values) != want {
				t.Errorf("a bulk read gave %d values, want %d", len(values), want)
			}
			return err
		}
	}
	load := func(key string) func() error {
		return func() error { _, err := loader.Get(ctx, key); return err }
	}
	// The server learns the scripts.
	for _, do := range []func() error{
		func() error { return cache.SetWithGen(ctx, "warm", "value", cache.SnapshotGen("warm"), 0) },
		func() error { return cache.Invalidate(ctx, "warm") },
		load("warm"),
		func() error { _, err := s.GetBulkWithGens(ctx, "b", keys, true); return err },
		func() error { return s.DelEqual(ctx, []string{"x"}, [][]byte{{}}) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	count("Get of nothing", 1, get(false))
	count("SetWithGen", 1, func() error { return cache.SetWithGen(ctx, keys[0], "value", gens[keys[0]], 0) })
	count("Get of what is there", 1, get(true))
	count("SetWithGen of what has moved", 1, func() error { return cache.SetWithGen(ctx, keys[0], "value", 7, 0) })
	count("the first GetBulk without a bulk entry", 2, getBulk(1))
	count("the next GetBulk without a bulk entry", 1, getBulk(1))
	count("SetBulkWithGens", 1, func() error { return cache.SetBulkWithGens(ctx, all, gens, 0) })
	count("GetBulk", 1, getBulk(len(keys)))
	count("Invalidate", 1, func() error { return cache.Invalidate(ctx, keys[0]) })
	count("GetBulk of a bulk entry with a stale member, which it deletes", 3, getBulk(len(keys)-1))
	count("SetBulkWithGens of which one has moved", 1, func() error { return cache.SetBulkWithGens(ctx, all, gens, 0) })
	count("InvalidateBulk", 1, func() error { return cache.InvalidateBulk(ctx, keys) })
	count("a filling miss through the loader", 2, load(keys[0]))
	count("a filling miss of a key without a generation", 2, load("new"))
	count("a hit through the loader", 1, load("new"))
	if _, err := s.Bump(ctx, "single:"+strings.NewReplacer("%", "%25", ":", "%3A").Replace(t.Name())+":new"); err != nil {
		t.Fatal(err)
	}
	count("a filling miss that finds a stale entry, which it deletes", 3, load("new"))
	count("GetMany that fills", 3, func() error {
		rows, err := loader.GetBulk(ctx, keys[:50])
		if !maps.Equal(rows, loaded(keys[:50])) {
			t.Errorf("GetMany answered %v", rows)
		}
		return err
	})
}

func loaded(keys []string) map[string]string {
	rows := make(map[string]string)
	for _, key := range keys {
		rows[key] = "loaded"
	}
	return rows
}
