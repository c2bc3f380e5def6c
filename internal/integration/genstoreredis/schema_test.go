package genstoreredis

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// Two versions of a service, whose values have different shapes, on one Redis or
// Cluster, with values and generations in one backend and in two.
func TestVersionsOfAService(t *testing.T) {
	server := redistest.Start(t)
	cluster := redistest.StartCluster(t)
	for name, client := range map[string]redis.UniversalClient{
		"one server": redis.NewClient(&redis.Options{Addr: server.Addr()}),
		"a Cluster":  redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs()}),
	} {
		t.Cleanup(func() { _ = client.Close() })
		backend, err := redisbackend.New(redisbackend.Config{Client: client, Namespace: "both"})
		if err != nil {
			t.Fatal(err)
		}
		provider, err := redisprovider.New(redisprovider.Config{Client: client})
		if err != nil {
			t.Fatal(err)
		}
		gens, err := redisgenstore.New(redisgenstore.Config{Client: client, Namespace: "apart"})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name+", together", func(t *testing.T) { testVersions(t, backend, backend) })
		t.Run(name+", apart", func(t *testing.T) { testVersions(t, provider, gens) })
	}
}

func testVersions(t *testing.T, provider cascache.Provider, gens cascache.GenStore) {
	type oldUser struct{ Name string }
	type newUser struct{ FullName string }
	ctx := t.Context()
	before := version[oldUser](t, provider, gens)
	after := version[newUser](t, provider, gens)
	var keys []string
	for i := range 20 {
		for _, form := range []string{"%d", "{%d", "{%d}", "a{%d}b", "{}%d", "}%d{"} {
			keys = append(keys, fmt.Sprintf(form, i))
		}
	}
	fill := func() {
		t.Helper()
		olds, news := make(map[string]oldUser), make(map[string]newUser)
		for _, key := range keys {
			olds[key], news[key] = oldUser{"old " + key}, newUser{"new " + key}
		}
		if err := before.SetBulkWithGens(ctx, olds, before.SnapshotGens(keys), 0); err != nil {
			t.Fatal(err)
		}
		if err := after.SetBulkWithGens(ctx, news, after.SnapshotGens(keys), 0); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, served bool) {
		t.Helper()
		for _, key := range keys {
			u, ok, err := before.Get(ctx, key)
			if ok != served || err != nil || served && u.Name != "old "+key {
				t.Fatalf("each version is served what it has stored, and nothing that either has invalidated: %s the old one reads %q as %+v, %v, %v", when, key, u, ok, err)
			}
			n, ok, err := after.Get(ctx, key)
			if ok != served || err != nil || served && n.FullName != "new "+key {
				t.Fatalf("each version is served what it has stored, and nothing that either has invalidated: %s the new one reads %q as %+v, %v, %v", when, key, n, ok, err)
			}
		}
		olds, _, err := before.GetBulk(ctx, keys)
		news, _, newErr := after.GetBulk(ctx, keys)
		n := 0
		if served {
			n = len(keys)
		}
		if len(olds) != n || len(news) != n || err != nil || newErr != nil {
			t.Fatalf("bulks are as singles: %s got %d and %d, %v, %v, want %d each", when, len(olds), len(news), err, newErr, n)
		}
	}
	fill()
	want("after a fill", true)
	if err := after.InvalidateBulk(ctx, keys); err != nil {
		t.Fatal(err)
	}
	want("after the new one's InvalidateBulk", false)
	fill()
	for _, key := range keys {
		if err := before.Invalidate(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	want("after the old one's Invalidate", false)
	fill()
	if err := before.Mutate(ctx, keys, func(ctx context.Context) error {
		want("during the old one's Mutate", false)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want("after the old one's Mutate", false)
	fill()
	want("at the end", true)
}

func version[V any](t *testing.T, provider cascache.Provider, gens cascache.GenStore) *cascache.Handle[V] {
	h, err := cascache.New(cascache.Options[V]{
		Namespace: "user", Schema: cascache.SchemaOf[V](), Provider: provider, Codec: jsoncodec.JSON[V]{}, GenStore: gens,
		GenTimeout: redistest.Patience,
		Hooks: &cascache.Hooks{
			SelfHeal: func(_ context.Context, e cascache.SelfHealEvent) {
				if e.Reason == cascache.ReasonDecode || e.Reason == cascache.ReasonCorrupt {
					t.Errorf("no version decodes another's entry: %s healed for %s", e.StorageKey, e.Reason)
				}
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	return h
}
