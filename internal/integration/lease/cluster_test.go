package lease

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Cluster")
	}
	cluster := redistest.StartCluster(t)
	t.Run("bumps are seen", func(t *testing.T) { testClusterBumps(t, cluster) })
	t.Run("reload", func(t *testing.T) { testReload(t, cluster) })
}

func testClusterBumps(t *testing.T, cluster *redistest.Cluster) {
	openIn := func() *leasegenstore.Store {
		s := open(t, connectCluster(t, cluster.Addrs()))
		t.Cleanup(func() { _ = s.Close(context.Background()) })
		return s
	}
	reader, writer := gated{openIn(), nil}, gated{openIn(), nil}
	keys := []string{"single:a:{1}", "single:a:2}", "k"}
	if _, err := writer.BumpBatch(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		old := reader.serving(t, "k")
		gens, err := writer.BumpBatch(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		reader.sees(t, old, "G4")
		if gen := reader.serving(t, "k"); gen != gens[2] {
			t.Errorf("the reader answers %d, want %d", gen, gens[2])
		}
	}
}

// testReload takes the node of a namespace away from clients, and gives its
// slot to another one. They must look for it: by themselves they would when their
// timer is up, which is in an hour.
func testReload(t *testing.T, cluster *redistest.Cluster) {
	for name, form := range map[string]func(t *testing.T, c *redis.ClusterClient) redis.UniversalClient{
		"client": func(_ *testing.T, c *redis.ClusterClient) redis.UniversalClient { return c },
		"autopipeliner": func(t *testing.T, c *redis.ClusterClient) redis.UniversalClient {
			a, err := c.AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
	} {
		t.Run(name, func(t *testing.T) {
			proxies := cluster.Proxy()
			client := connectCluster(t, cluster.Addrs(), func(o *redis.ClusterOptions) {
				o.Dialer, o.DialerRetries, o.ClusterStateReloadInterval = proxies.Dial, 1, time.Hour
			})
			s := open(t, form(t, client), func(c *leasegenstore.Config) { c.Namespace = name })
			t.Cleanup(func() { _ = s.Close(context.Background()) })
			gated{s, nil}.serving(t, "k")

			inSlot, _, _ := redisgenstore.Mark(name)
			from := cluster.MasterOf(inSlot)
			for i, node := range cluster.Nodes {
				if node.Addr() == from.Addr() {
					proxies.Proxies[i].Refuse()
					proxies.Proxies[i].Cut()
				}
			}
			for _, node := range cluster.Nodes[:3] { // the masters
				if node.Addr() != from.Addr() {
					cluster.MigrateSlot(inSlot, node)
					break
				}
			}
			redistest.Eventually(t, redistest.Patience, "the client looks where the slot is, since its node is gone", func() bool {
				_, err := s.Bump(t.Context(), "k")
				if err != nil {
					t.Log(err)
				}
				return err == nil
			})
		})
	}
}
