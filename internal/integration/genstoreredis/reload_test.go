package genstoreredis

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// testReload takes a node away from clients that believe a slot there, which is
// another node's by now. Each call on a key of that slot must have the client
// look for it: by itself it would when its timer is up, which is in an hour.
func testReload(t *testing.T, cluster *redistest.Cluster) {
	const key = "single:app:reload"
	from := cluster.MasterOf(key)
	var to *redistest.Server
	var other string // a key of a node that stays
	for _, m := range masters(cluster) {
		if m.Addr() != from.Addr() {
			to = m
		}
	}
	for i := 0; other == ""; i++ {
		if k := fmt.Sprintf("single:app:%d", i); cluster.MasterOf(k).Addr() == to.Addr() {
			other = k
		}
	}
	calls := map[string]func(ctx context.Context, b *redisbackend.Backend) error{
		"Get": func(ctx context.Context, b *redisbackend.Backend) error { _, _, err := b.Get(ctx, key); return err },
		"Set": func(ctx context.Context, b *redisbackend.Backend) error {
			_, err := b.Set(ctx, key, []byte("v"), 1, time.Minute)
			return err
		},
		"Del": func(ctx context.Context, b *redisbackend.Backend) error { return b.Del(ctx, key) },
		"GetBulk": func(ctx context.Context, b *redisbackend.Backend) error {
			_, err := b.GetBulk(ctx, []string{key, other})
			return err
		},
		"SetBulk": func(ctx context.Context, b *redisbackend.Backend) error {
			_, err := b.SetBulk(ctx, []cascache.Item{item(key, "v"), item(other, "v")})
			return err
		},
		"DelBulk": func(ctx context.Context, b *redisbackend.Backend) error {
			return b.DelBulk(ctx, []string{key, other})
		},
		"Current": func(ctx context.Context, b *redisbackend.Backend) error { _, err := b.Current(ctx, key); return err },
		"Bump":    func(ctx context.Context, b *redisbackend.Backend) error { _, err := b.Bump(ctx, key); return err },
		"GetWithGen": func(ctx context.Context, b *redisbackend.Backend) error {
			_, _, valueErr, genErr := b.GetWithGen(ctx, key, false)
			if valueErr != nil {
				return valueErr
			}
			return genErr
		},
		// Of these, only the bulk entry is in the slot.
		"GetBulkWithGens": func(ctx context.Context, b *redisbackend.Backend) error {
			_, err := b.GetBulkWithGens(ctx, key, []string{other}, true)
			return err
		},
		"SetBulkIfGens": func(ctx context.Context, b *redisbackend.Backend) error {
			gen, err := b.Snapshot(ctx, other)
			if err != nil {
				return err
			}
			_, _, err = b.SetBulkIfGens(ctx, []cascache.Item{item(other, "v"), item(key, "bulk")}, []uint64{gen})
			return err
		},
	}
	proxies := cluster.Proxy()
	connected := func(t *testing.T) *redis.ClusterClient {
		return connectCluster(t, cluster.Addrs(), func(o *redis.ClusterOptions) {
			o.Dialer, o.DialerRetries, o.ClusterStateReloadInterval = proxies.Dial, 1, time.Hour
		})
	}
	forms := map[string]func(t *testing.T) redis.UniversalClient{
		"client": func(t *testing.T) redis.UniversalClient { return connected(t) },
		"autopipeliner": func(t *testing.T) redis.UniversalClient {
			a, err := connected(t).AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
	}
	backends := make(map[string]*redisbackend.Backend) // each with a client that nobody else helps
	for form, client := range forms {
		for name := range calls {
			b, err := redisbackend.New(redisbackend.Config{Client: client(t), Namespace: "test"})
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range []string{key, other} { // learns the slots
				if _, err := b.Current(t.Context(), k); err != nil {
					t.Fatal(err)
				}
			}
			backends[name+", "+form] = b
		}
	}
	cluster.MigrateSlot(key, to)
	t.Cleanup(func() { cluster.MigrateSlot(key, from) })
	for i, node := range cluster.Nodes {
		if node.Addr() == from.Addr() {
			proxies.Proxies[i].Refuse()
			proxies.Proxies[i].Cut()
		}
	}
	for form := range forms {
		for name, call := range calls {
			t.Run(name+", "+form, func(t *testing.T) {
				t.Parallel()
				b := backends[name+", "+form]
				redistest.Eventually(t, redistest.Patience, "the client looks where the slot is, since its node is gone", func() bool {
					err := call(t.Context(), b)
					if err != nil {
						t.Log(err)
					}
					return err == nil
				})
			})
		}
	}
}
