package operations

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// rulesOf returns the rules that docs/operations.md gives a user, but for the
// password.
func rulesOf(t *testing.T, user string) []string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if rules, found := strings.CutPrefix(strings.TrimSpace(line), "ACL SETUSER "+user+" on >… "); found {
			return strings.Fields(rules)
		}
	}
	t.Fatalf("docs/operations.md gives the user %s no rules", user)
	return nil
}

// TestPermissions runs a whole cache, values and generations in Redis, as users
// that may do what the page says and no more.
func TestPermissions(t *testing.T) {
	server := redistest.Start(t)
	login := func(name string, rules []string) *redis.Client {
		server.Do(append([]string{"ACL", "SETUSER", name, "on", ">secret"}, rules...)...)
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: name, Password: "secret", MaxRetries: -1})
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	server.StartReplica() // for WAIT
	for _, ttl := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprint("generations with TTL ", ttl), func(t *testing.T) {
			provider, err := redisprovider.New(redisprovider.Config{Client: login("values", rulesOf(t, "values"))})
			if err != nil {
				t.Fatal(err)
			}
			store, err := redisgenstore.New(redisgenstore.Config{
				Client: login("generations", rulesOf(t, "generations")), Namespace: "shop", TTL: ttl, WaitReplicas: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			useCache(t, provider, store)
		})
		t.Run(fmt.Sprint("both in one, with TTL ", ttl), func(t *testing.T) {
			backend, err := redisbackend.New(redisbackend.Config{
				Client:    login("both", append(rulesOf(t, "values"), rulesOf(t, "generations")...)),
				Namespace: "shop", TTL: ttl, WaitReplicas: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			useCache(t, backend, backend)
		})
	}
	t.Run("too few", func(t *testing.T) {
		client := login("few", slices.DeleteFunc(rulesOf(t, "generations"), func(rule string) bool { return rule == "+info" }))
		if _, err := openStore(t, client).Current(t.Context(), "single:user:1"); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("a command that is not permitted is an error that says so: got %v", err)
		}
	})
}

// useCache makes every call of a cache, and fails the test if one fails.
func useCache(t *testing.T, provider cascache.Provider, store cascache.GenStore) {
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "user", Provider: provider, Codec: cascache.String{}, GenStore: store, GenTimeout: time.Minute,
		Hooks: &cascache.Hooks{
			GenStoreError: func(_ context.Context, e cascache.GenStoreErrorEvent) {
				t.Errorf("the page permits every call: %v", e.Err)
			},
			DeleteFailed: func(_ context.Context, e cascache.DeleteFailedEvent) {
				t.Errorf("the page permits every call: %v", e.Err)
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close(context.Background()) })
	ctx := t.Context()
	keys := []string{"1", "2"}
	rows := map[string]string{"1": "Ada", "2": "Barbara"}
	for range 2 {
		if err := cache.SetWithGen(ctx, "1", "Ada", cache.SnapshotGen("1"), 0); err != nil {
			t.Error(err)
		}
		if _, ok, err := cache.Get(ctx, "1"); !ok || err != nil {
			t.Errorf("what was stored is served: %t, %v", ok, err)
		}
		if err := cache.SetBulkWithGens(ctx, rows, cache.SnapshotGens(keys), 0); err != nil {
			t.Error(err)
		}
		if got, _, err := cache.GetBulk(ctx, keys); len(got) != 2 || err != nil {
			t.Errorf("what was stored is served: %v, %v", got, err)
		}
		if err := cache.Invalidate(ctx, "1"); err != nil {
			t.Error(err)
		}
		if err := cache.InvalidateBulk(ctx, keys); err != nil {
			t.Error(err)
		}
		err := cache.Mutate(ctx, keys, func(ctx context.Context) error {
			// Another hold of the same keys, and a bump of a held one.
			return cache.Mutate(ctx, keys[:1], func(ctx context.Context) error { return cache.Invalidate(ctx, "1") })
		})
		if err != nil {
			t.Error(err)
		}
	}
}
