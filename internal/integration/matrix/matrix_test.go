package matrix

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// server is the client of the running test, or nil. No test is parallel.
var server redis.UniversalClient

// turn counts the caches opened, each of which has a namespace of its own, and
// chooses what is taken in turns.
var turn atomic.Int64

// over runs a test on caches of k over the backends. The short form of the one
// that takes long is run over one pair, another one for each codec.
func over[V any](t *testing.T, codec string, k kind[V], test check) {
	var pairs int
	chosen := turn.Add(1)
	for _, p := range providers {
		for _, g := range genStores {
			pairs++
			if test == freshness && testing.Short() && int64(pairs)%6 != chosen%6 {
				continue
			}
			t.Run(p.name+"/"+g.name, func(t *testing.T) {
				if (p.redis || g.redis) && server == nil {
					t.Skip("there is no Redis server")
				}
				b := bench[V]{kind: k, storage: p.open(t, server)}
				options := cascache.Options[V]{
					Namespace: fmt.Sprintf("%s %d", codec, turn.Add(1)),
					Provider:  b.storage,
					Codec:     k.codec,
					GenStore:  g.open(t, server),
					Checksum:  turn.Load()%2 == 0,
					// Far above what a busy machine takes.
					GenTimeout: 10 * time.Second,
				}
				var err error
				if b.cache, err = cascache.New(options); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := b.cache.Close(context.Background()); err != nil {
						t.Errorf("Close succeeds: %v", err)
					}
				})
				switch test {
				case calls:
					b.tryCalls(t)
				case freshness:
					b.tryFreshness(t)
				}
			})
		}
	}
}

func runAll(t *testing.T, test check) {
	server = connect(t)
	all := combinations(t)
	if want := 6 * 5; len(all) != want {
		t.Fatalf("every codec is tried under every decoration: got %d combinations, want %d", len(all), want)
	}
	for _, c := range all {
		t.Run(c.codec, func(t *testing.T) { c.run(t, test) })
	}
}

// TestCalls: Get, SetWithGen, Invalidate, GetBulk and SetBulkWithGens say what
// they say, whatever the cache is made of.
func TestCalls(t *testing.T) { runAll(t, calls) }

// bench is one cache under test.
type bench[V any] struct {
	kind[V]
	storage storage
	cache   *cascache.Handle[V]
}

// A cache may miss. That it does not always do so is seen by trying again.
const tries = 5

func (b *bench[V]) tryCalls(t testing.TB) {
	ctx := t.Context()

	// A key that was never stored.
	b.wantMiss(t, "what was never stored is a miss", "a")

	// A fill, and its read.
	b.fill(t, "a", 1)

	// A fill that began before an invalidation.
	before := b.cache.SnapshotGen("a")
	if before == 0 {
		t.Fatal("a snapshot gives a generation: got 0")
	}
	b.invalidate(t, "a")
	b.wantMiss(t, "what was invalidated is a miss", "a")
	if err := b.cache.SetWithGen(ctx, "a", b.of(2), before, 0); err != nil {
		t.Fatalf("a fill that comes too late is no error: %v", err)
	}
	b.storage.settle()
	b.wantMiss(t, "a fill from before an invalidation is not served", "a")
	b.fill(t, "a", 3)

	// A bulk of keys, in the order of the request, repeated ones once.
	keys := []string{"c", "a", "b", "%:{}", "c"}
	b.fillBulk(t, keys, 10)
	b.invalidate(t, "b")
	values, missing, err := b.cache.GetBulk(ctx, keys)
	if err != nil {
		t.Fatalf("GetBulk succeeds: %v", err)
	}
	if _, ok := values["b"]; ok || !slices.Contains(missing, "b") {
		t.Errorf("an invalidated member of a bulk is missing: got %v, missing %q", values, missing)
	}
	b.wantValues(t, "after an invalidation of another key", values, 10)

	// A bulk that began before the invalidation of a member.
	gens := b.cache.SnapshotGens(keys)
	b.invalidate(t, "c")
	if err := b.cache.SetBulkWithGens(ctx, b.items(keys, 20), gens, 0); err != nil {
		t.Fatalf("a bulk that comes too late for a member is no error: %v", err)
	}
	b.storage.settle()
	values, _, err = b.cache.GetBulk(ctx, keys)
	if err != nil {
		t.Fatalf("GetBulk succeeds: %v", err)
	}
	if value, ok := values["c"]; ok {
		t.Errorf("a member that was invalidated after its snapshot is not served: got %v", value)
	}
	b.wantValues(t, "after a bulk that came too late for another key", values, 20)

	// All of them at once.
	if err := b.cache.InvalidateBulk(ctx, keys); err != nil {
		t.Fatalf("InvalidateBulk succeeds: %v", err)
	}
	values, missing, err = b.cache.GetBulk(ctx, keys)
	if want := []string{"c", "a", "b", "%:{}"}; err != nil || len(values) > 0 || !slices.Equal(missing, want) {
		t.Errorf("the missing keys are those of the request, in its order, each once: got %v, missing %q, %v, want %q", values, missing, err, want)
	}
}

// fill stores a version and reads it back.
func (b *bench[V]) fill(t testing.TB, key string, version int) {
	t.Helper()
	for range tries {
		if err := b.cache.SetWithGen(t.Context(), key, b.of(version), b.cache.SnapshotGen(key), time.Minute); err != nil {
			t.Fatalf("a fill succeeds: %v", err)
		}
		b.storage.settle()
		got, ok, err := b.cache.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("Get succeeds: %v", err)
		}
		if !ok {
			continue
		}
		if !b.same(got, b.of(version)) {
			t.Fatalf("a value comes back as it was: got %v, want %v", got, b.of(version))
		}
		return
	}
	t.Fatalf("a cache is not all misses: %q is not there after %d fills", key, tries)
}

// fillBulk stores a version of each key and reads them back.
func (b *bench[V]) fillBulk(t testing.TB, keys []string, version int) {
	t.Helper()
	for range tries {
		if err := b.cache.SetBulkWithGens(t.Context(), b.items(keys, version), b.cache.SnapshotGens(keys), time.Minute); err != nil {
			t.Fatalf("a bulk fill succeeds: %v", err)
		}
		b.storage.settle()
		values, missing, err := b.cache.GetBulk(t.Context(), keys)
		if err != nil {
			t.Fatalf("GetBulk succeeds: %v", err)
		}
		b.wantValues(t, "after a bulk fill", values, version)
		if len(missing) == 0 {
			if len(values) != len(b.items(keys, version)) {
				t.Fatalf("every key is a value or missing: got %d values of %q", len(values), keys)
			}
			return
		}
	}
	t.Fatalf("a cache is not all misses: of %q some are missing after %d bulk fills", keys, tries)
}

func (b *bench[V]) items(keys []string, version int) map[string]V {
	items := make(map[string]V)
	for _, key := range keys {
		items[key] = b.of(version + len(key))
	}
	return items
}

// wantValues fails unless each value is that of items.
func (b *bench[V]) wantValues(t testing.TB, when string, values map[string]V, version int) {
	t.Helper()
	for key, got := range values {
		if want := b.of(version + len(key)); !b.same(got, want) {
			t.Errorf("%s, a value comes back as it was: %q: got %v, want %v", when, key, got, want)
		}
	}
}

func (b *bench[V]) invalidate(t testing.TB, key string) {
	t.Helper()
	if err := b.cache.Invalidate(t.Context(), key); err != nil {
		t.Fatalf("Invalidate succeeds: %v", err)
	}
}

func (b *bench[V]) wantMiss(t testing.TB, rule, key string) {
	t.Helper()
	if got, ok, err := b.cache.Get(t.Context(), key); ok || err != nil {
		t.Errorf("%s: %q: got %v, %t, %v", rule, key, got, ok, err)
	}
}
