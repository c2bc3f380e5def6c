package genstoreredis

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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
			"Current":              func() error { _, err := s.Current(ctx, keys[0]); return err },
			"Snapshot":             func() error { _, err := s.Snapshot(ctx, keys[0]); return err },
			"Bump":                 func() error { _, err := s.Bump(ctx, keys[0]); return err },
			"CurrentBatch":         func() error { _, err := s.CurrentBatch(ctx, keys); return err },
			"SnapshotBatch":        func() error { _, err := s.SnapshotBatch(ctx, keys); return err },
			"BumpBatch":            func() error { _, err := s.BumpBatch(ctx, keys); return err },
			"CurrentToCommit":      func() error { _, err := s.CurrentToCommit(ctx, keys[0]); return err },
			"CurrentToCommitBatch": func() error { _, err := s.CurrentToCommitBatch(ctx, keys); return err },
			"Hold":                 func() error { return s.Hold(ctx, keys, "a", time.Hour) },
			"Release":              func() error { return s.Release(ctx, keys, "a") },
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
