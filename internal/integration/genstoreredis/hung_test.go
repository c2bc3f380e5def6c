package genstoreredis

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// TestHungServer reads entries in process while their generations are on a
// server that accepts connections and answers nothing.
func TestHungServer(t *testing.T) {
	const (
		genTimeout = 100 * time.Millisecond
		margin     = 250 * time.Millisecond // two busy cores, and perhaps -race
		reads      = 10_000
		callers    = 1000 // more than the cache lets wait at once
	)
	for _, c := range []struct {
		name   string
		change func(*redis.Options)
	}{
		{"client's defaults", func(*redis.Options) {}},
		{"client with endless patience", func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = -1, 10 }},
		{"client that listens to contexts", func(o *redis.Options) { o.ContextTimeoutEnabled = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t)
			opts := &redis.Options{Addr: server.Addr()}
			c.change(opts)
			client := redis.NewClient(opts)
			t.Cleanup(func() { client.Close() })
			provider, err := ristrettoprovider.New(ristrettoprovider.Config{NumCounters: 1000, MaxCost: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			cache, err := cascache.New(cascache.Options[string]{
				Namespace: "app", Provider: provider, Codec: cascache.String{}, GenStore: open(t, client), GenTimeout: genTimeout,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cache.Close(context.Background()) })
			n := &node{tb: t, source: new(database), cache: cache}
			n.works("before the server hangs")

			before := runtime.NumGoroutine()
			server.Pause()
			most := 0
			var slowest time.Duration
			var mu sync.Mutex // guards most and slowest
			var running sync.WaitGroup
			for range callers {
				running.Go(func() {
					for range reads / callers {
						start := time.Now()
						_, hit, err := cache.Get(context.Background(), row)
						took, goroutines := time.Since(start), runtime.NumGoroutine()
						if hit || err != nil {
							t.Errorf("a read without a generation is a miss, not hit %t, error %v", hit, err)
						}
						mu.Lock()
						most, slowest = max(most, goroutines), max(slowest, took)
						mu.Unlock()
					}
				})
			}
			running.Wait()
			t.Logf("slowest read %v, at most %d goroutines more", slowest, most-before)
			if slowest > genTimeout+margin {
				t.Errorf("GenTimeout is %v, and a read took %v", genTimeout, slowest)
			}
			if limit := before + callers + 1200; most > limit {
				t.Errorf("%d reads of a hung store led to %d goroutines, more than %d", reads, most, limit)
			}
			server.Resume()
			n.works("once the server answers")
			redistest.Eventually(t, redistest.Patience, "the goroutines of given up reads end", func() bool {
				return runtime.NumGoroutine() < before+100
			})
		})
	}
}
