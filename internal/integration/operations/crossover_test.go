package operations

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// BenchmarkCrossover looks generations up with more and more callers, over a
// plain client and over an AutoPipeliner in turns, and reports how many times as
// fast the latter is: below 1 the plain client is better.
func BenchmarkCrossover(b *testing.B) {
	const each = 200 // look-ups of a caller in one turn
	server := redistest.Start(b)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), PoolSize: 64})
	b.Cleanup(func() { _ = client.Close() })
	batching, err := client.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	open := func(client redis.UniversalClient) *redisgenstore.Store {
		store, err := redisgenstore.New(redisgenstore.Config{Client: client})
		if err != nil {
			b.Fatal(err)
		}
		return store
	}
	plain, batched := open(client), open(batching)
	if _, err := plain.Snapshot(b.Context(), "single:user:42"); err != nil {
		b.Fatal(err)
	}
	for _, callers := range []int{1, 2, 4, 8, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			turn := func(store *redisgenstore.Store) time.Duration {
				var all sync.WaitGroup
				start := time.Now()
				for range callers {
					all.Go(func() {
						for range each {
							if gen, err := store.Current(b.Context(), "single:user:42"); gen == 0 || err != nil {
								b.Error("no generation", err)
								return
							}
						}
					})
				}
				all.Wait()
				return time.Since(start)
			}
			var alone, together time.Duration
			turn(plain)
			turn(batched)
			for b.Loop() {
				alone += turn(plain)
				together += turn(batched)
			}
			b.ReportMetric(float64(alone)/float64(together), "times-as-fast")
			b.ReportMetric(0, "ns/op")
		})
	}
}
