package providerredis

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// Each operation of the provider stands beside what one would write with the
// client alone, in the same run on the same server: only ratios hold.

const (
	benchSize    = 256
	benchBulk    = 32
	benchCallers = 64
)

type subject struct {
	name string
	call func(ctx context.Context) error
}

func subjects(client redis.UniversalClient, p *redisprovider.Provider) map[string][]subject {
	keys := keysFor("bench", benchBulk)
	items := benchItems(keys)
	value := items[0].Value
	return map[string][]subject{
		"Get": {
			{"client", func(ctx context.Context) error { return client.Get(ctx, keys[0]).Err() }},
			{"provider", func(ctx context.Context) error { _, _, err := p.Get(ctx, keys[0]); return err }},
		},
		"Set": {
			{"client", func(ctx context.Context) error { return client.Set(ctx, keys[0], value, time.Hour).Err() }},
			{"provider", func(ctx context.Context) error { _, err := p.Set(ctx, keys[0], value, 1, time.Hour); return err }},
		},
		"GetBulk": {
			{"client", func(ctx context.Context) error { return client.MGet(ctx, keys...).Err() }},
			{"provider", func(ctx context.Context) error { _, err := p.GetBulk(ctx, keys); return err }},
		},
		"SetBulk": {
			{"client", func(ctx context.Context) error {
				pipe := client.Pipeline()
				for _, item := range items {
					pipe.Set(ctx, item.Key, item.Value, item.TTL)
				}
				_, err := pipe.Exec(ctx)
				return err
			}},
			{"provider", func(ctx context.Context) error { _, err := p.SetBulk(ctx, items); return err }},
		},
	}
}

func BenchmarkOneServer(b *testing.B) {
	server := redistest.Start(b)
	client := newClient(b, &redis.Options{Addr: server.Addr()})
	for _, kind := range []struct {
		name   string
		client redis.UniversalClient
	}{{"client", client}, {"AutoPipeliner", pipelining(b, client)}} {
		p := newProvider(b, kind.client)
		if _, err := p.SetBulk(b.Context(), benchItems(keysFor("bench", benchBulk))); err != nil {
			b.Fatal(err)
		}
		ops := subjects(kind.client, p)
		for _, op := range []string{"Get", "Set", "GetBulk", "SetBulk"} {
			for _, s := range ops[op] {
				name := fmt.Sprintf("%s/%s/%s", op, kind.name, s.name)
				b.Run(name+"/1", func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := s.call(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.Run(fmt.Sprintf("%s/%d", name, benchCallers), func(b *testing.B) {
					b.ReportAllocs()
					b.SetParallelism(max(1, benchCallers/runtime.GOMAXPROCS(0)))
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if err := s.call(b.Context()); err != nil {
								b.Error(err)
								return
							}
						}
					})
				})
			}
		}
	}
}

func benchItems(keys []string) []cascache.Item {
	items := itemsFor(keys, time.Hour)
	for i := range items {
		items[i].Value = make([]byte, benchSize)
	}
	return items
}
