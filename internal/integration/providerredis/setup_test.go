package providerredis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

const batch = 100

func newClient(tb testing.TB, options *redis.Options) *redis.Client {
	client := redis.NewClient(options)
	tb.Cleanup(func() { _ = client.Close() }) // a test may have closed it
	return client
}

func newClusterClient(tb testing.TB, options *redis.ClusterOptions) *redis.ClusterClient {
	client := redis.NewClusterClient(options)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// pipelining returns the client's AutoPipeliner, which is closed with it.
func pipelining(tb testing.TB, client redis.UniversalClient) redis.UniversalClient {
	tb.Helper()
	ap, err := client.AutoPipeline()
	if err != nil {
		tb.Fatal(err)
	}
	return ap
}

func newProvider(tb testing.TB, client redis.UniversalClient) *redisprovider.Provider {
	tb.Helper()
	p, err := redisprovider.New(redisprovider.Config{Client: client})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			tb.Errorf("Close must succeed: %v", err)
		}
	})
	return p
}

// keysFor returns n keys that lie in many slots.
func keysFor(name string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("single:%s:%d", name, i)
	}
	return keys
}

// itemsFor returns an item for each key, whose value tells the key.
func itemsFor(keys []string, ttl time.Duration) []cascache.Item {
	items := make([]cascache.Item, len(keys))
	for i, key := range keys {
		items[i] = cascache.Item{Key: key, Value: valueOf(key), TTL: ttl}
	}
	return items
}

func valueOf(key string) []byte { return []byte("value of " + key + "\x00\xff") }

func set(tb testing.TB, p *redisprovider.Provider, key string, value []byte) {
	tb.Helper()
	if ok, err := p.Set(tb.Context(), key, value, 1, time.Minute); !ok || err != nil {
		tb.Fatalf("Set(%q) must be accepted: got %t, %v", key, ok, err)
	}
}

func wantHit(tb testing.TB, p *redisprovider.Provider, key string, value []byte) {
	tb.Helper()
	got, ok, err := p.Get(tb.Context(), key)
	if err != nil || !ok || !slices.Equal(got, value) {
		tb.Fatalf("Get(%q) must return what was set: got %q, %t, %v, want %q", key, got, ok, err, value)
	}
}

func wantMiss(tb testing.TB, p *redisprovider.Provider, key string) {
	tb.Helper()
	got, ok, err := p.Get(tb.Context(), key)
	if err != nil || ok || got != nil {
		tb.Fatalf("Get(%q) must be a miss: got %q, %t, %v", key, got, ok, err)
	}
}

// exercise sees that single and bulk calls do what they say, and to no key but
// their own.
func exercise(tb testing.TB, p *redisprovider.Provider) {
	tb.Helper()
	ctx := tb.Context()
	set(tb, p, "single:x:bystander", []byte("b"))

	set(tb, p, "single:x:a{}{b", []byte{})
	wantHit(tb, p, "single:x:a{}{b", []byte{})
	if err := p.Del(ctx, "single:x:a{}{b"); err != nil {
		tb.Fatalf("Del must succeed: %v", err)
	}
	wantMiss(tb, p, "single:x:a{}{b")

	keys := keysFor("x", batch)
	stored, err := p.SetBulk(ctx, itemsFor(keys, time.Minute))
	if err != nil || slices.Contains(stored, false) || len(stored) != len(keys) {
		tb.Fatalf("every item of a batch must be stored: got %v, %v", stored, err)
	}
	wanted := append(slices.Clone(keys), "single:x:missing")
	values, err := p.GetBulk(ctx, wanted)
	if err != nil || len(values) != len(wanted) {
		tb.Fatalf("every key of a batch must be read: got %d values, %v", len(values), err)
	}
	for i, key := range keys {
		if !slices.Equal(values[i], valueOf(key)) {
			tb.Fatalf("each key has its own value: %q has %q", key, values[i])
		}
	}
	if values[len(keys)] != nil {
		tb.Fatalf("a key that is not there is a miss: got %q", values[len(keys)])
	}
	if err := p.DelBulk(ctx, wanted); err != nil {
		tb.Fatalf("DelBulk must succeed: %v", err)
	}
	values, err = p.GetBulk(ctx, keys)
	if err != nil || slices.ContainsFunc(values, func(v []byte) bool { return v != nil }) {
		tb.Fatalf("every key of a batch must be deleted: got %q, %v", values, err)
	}
	wantHit(tb, p, "single:x:bystander", []byte("b"))
}

// recovers waits until p stores and reads again, and returns how long it took.
func recovers(tb testing.TB, p *redisprovider.Provider, keys []string) time.Duration {
	tb.Helper()
	began := time.Now()
	redistest.Eventually(tb, 30*time.Second, "the provider works again", func() bool {
		for _, key := range keys {
			if ok, err := p.Set(tb.Context(), key, valueOf(key), 1, time.Minute); !ok || err != nil {
				return false
			}
			if value, ok, err := p.Get(tb.Context(), key); err != nil || ok && !slices.Equal(value, valueOf(key)) {
				return false
			}
		}
		return true
	})
	return time.Since(began)
}

func tripsOf(p *redistest.Proxy) string {
	var lines []string
	for _, trip := range p.Trips() {
		line := trip.String()
		if len(line) > 60 {
			line = line[:60] + "…"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
