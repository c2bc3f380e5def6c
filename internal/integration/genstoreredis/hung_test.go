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

// TestHungServer reads entries, in process or beside their generations, while
// these are on a server that accepts connections and answers nothing.
func TestHungServer(t *testing.T) {
	long(t)
	eachKind(t, testHungServer)
}

func testHungServer(t *testing.T, open opening) {
	const (
		genTimeout = 100 * time.Millisecond
		margin     = 100 * time.Millisecond
		reads      = 12_000
		callers    = 600 // more than the cache lets wait at once
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
			s := open(t, client)
			provider := providerFor(s)
			if _, both := s.(cascache.Combined); !both {
				var err error
				if provider, err = ristrettoprovider.New(ristrettoprovider.Config{NumCounters: 1000, MaxCost: 1 << 20}); err != nil {
					t.Fatal(err)
				}
			}
			cache, err := cascache.New(cascache.Options[string]{
				Namespace: "app", Provider: provider, Codec: cascache.String{}, GenStore: s, GenTimeout: genTimeout,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cache.Close(context.Background()) })
			n := &node{tb: t, source: new(database), cache: cache}
			n.works("before the server hangs")

			before := runtime.NumGoroutine()
			server.Pause()
			late := startLateness()
			slowest, _ := readHung(t, cache, 8, 40)
			// A read is woken up once, and may have to wait for its turn.
			allowed := genTimeout + margin + 2*late()
			t.Logf("slowest read %v of %v", slowest, allowed)
			if slowest > allowed {
				t.Errorf("GenTimeout is %v, and a read took %v, more than %v", genTimeout, slowest, allowed)
			}
			_, most := readHung(t, cache, callers, reads)
			t.Logf("at most %d goroutines more", most-before)
			if limit := before + callers + 700; most > limit {
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

// readHung has callers read in all that often, all of which must be misses. It
// returns how long the slowest one took, and how many goroutines there were.
func readHung(t *testing.T, cache *cascache.Handle[string], callers, reads int) (slowest time.Duration, most int) {
	t.Helper()
	var mu sync.Mutex // guards the results
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
				slowest, most = max(slowest, took), max(most, goroutines)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return slowest, most
}

// startLateness measures how late this machine, busy as it is, lets goroutines
// run whose time has come. The returned function ends that and returns the
// worst.
func startLateness() (stop func() time.Duration) {
	const nap = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	worst := make(chan time.Duration, 1)
	go func() {
		var most time.Duration
		for ctx.Err() == nil {
			start := time.Now()
			time.Sleep(nap)
			most = max(most, time.Since(start)-nap)
		}
		worst <- most
	}()
	return func() time.Duration {
		cancel()
		return <-worst
	}
}
