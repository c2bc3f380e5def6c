package lease

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
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
	reader, writer := gated{Store: openIn()}, gated{Store: openIn()}
	keys := []string{"single:a:{1}", "single:a:2}", "k"}
	if _, err := writer.BumpBulk(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		old := reader.serving(t, "k")
		gens, err := writer.BumpBulk(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		reader.sees(t, old, "G4")
		if gen := reader.serving(t, "k"); gen != gens[2] {
			t.Errorf("the reader answers %d, want %d", gen, gens[2])
		}
	}
}

// TestClusterOfOneShard is about a plain client, as people have that moved from
// one Redis to a Cluster. A namespace is one slot, so that no bulk call is refused.
func TestClusterOfOneShard(t *testing.T) {
	server := redistest.Start(t, "--cluster-enabled", "yes")
	server.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	redistest.Eventually(t, redistest.Patience, "the Cluster to answer", func() bool {
		reply, err := server.Try("CLUSTER", "INFO")
		return err == nil && strings.Contains(fmt.Sprint(reply), "cluster_state:ok")
	})
	for name, wrap := range map[string]func(*redis.Client) redis.UniversalClient{
		"client": plainly,
		"autopipeliner": func(c *redis.Client) redis.UniversalClient {
			a, err := c.AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
	} {
		t.Run(name, func(t *testing.T) {
			openIn := func() gated {
				s := open(t, wrap(connect(t, server.Addr())), func(c *leasegenstore.Config) { c.Namespace = name })
				t.Cleanup(func() { _ = s.Close(context.Background()) })
				return gated{Store: s}
			}
			reader, writer := openIn(), openIn()
			keys := make([]string, 3000)
			for i := range keys {
				keys[i] = fmt.Sprintf("single:{%d}:k", i)
			}
			keys[0] = "k"
			reader.serving(t, "k")
			old := reader.serving(t, "k")
			check := func(what string, gens []uint64, err error) {
				t.Helper()
				if err != nil || len(gens) != len(keys) || slices.Contains(gens, 0) {
					t.Errorf("%s of %d keys: got %d generations, %v", what, len(keys), len(gens), err)
				}
			}
			gens, err := writer.SnapshotBulk(t.Context(), keys)
			check("a snapshot", gens, err)
			gens, err = writer.CurrentBulk(t.Context(), keys)
			check("a read", gens, err)
			gens, err = writer.BumpBulk(t.Context(), keys)
			check("a bump", gens, err)
			reader.sees(t, old, "G4")
			if err := writer.Hold(t.Context(), keys, "token", time.Minute); err != nil {
				t.Errorf("a hold: %v", err)
			}
			if err := writer.Release(t.Context(), keys, "token"); err != nil {
				t.Errorf("a release: %v", err)
			}
		})
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
			gated{Store: s}.serving(t, "k")

			inSlot, _, _ := redisgen.Mark(name)
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
