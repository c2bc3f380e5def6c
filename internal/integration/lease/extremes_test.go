package lease

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

const year = 365 * 24 * time.Hour

var lasting = []time.Duration{year, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64}

func leased(t *testing.T, store cascache.GenStore, change func(*cascache.Options[string])) *cascache.Handle[string] {
	t.Helper()
	provider, err := ristrettoprovider.New(ristrettoprovider.Config{NumCounters: 1000, MaxCost: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	opts := cascache.Options[string]{Namespace: "n", Provider: provider, Codec: cascache.String{}, GenStore: store, GenTimeout: 5 * time.Second}
	if change != nil {
		change(&opts)
	}
	cache, err := cascache.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close(context.Background()) })
	return cache
}

func TestExtremeLeasesHold(t *testing.T) {
	server := redistest.Start(t)
	for i, d := range lasting {
		cache := leased(t, openGated(t, server), func(o *cascache.Options[string]) { o.MutateLease = d })
		other := openGated(t, server)
		key := fmt.Sprint("k", i)
		lost := errors.New("the connection was lost")
		held := func(when string) {
			t.Helper()
			if gen, err := other.Snapshot(t.Context(), "single:n:"+key); gen != 0 || err != nil {
				t.Errorf("a lease of %d holds the key %s: got (%d, %v)", int64(d), when, gen, err)
			}
		}
		ran := false
		err := cache.Mutate(t.Context(), []string{key}, func(ctx context.Context) error {
			ran = true
			held("while the write runs")
			return errors.Join(lost, ctx.Err())
		})
		if !ran || !errors.Is(err, lost) {
			t.Errorf("Mutate with a lease of %d: ran %v, got %v", int64(d), ran, err)
		}
		held("after the write has failed")
		if err := cache.Mutate(t.Context(), []string{key}, func(ctx context.Context) error { return ctx.Err() }); err != nil {
			t.Errorf("Mutate with a lease of %d: got %v", int64(d), err)
		}
	}
	store := openGated(t, server)
	for _, d := range []time.Duration{0, -1, -year, math.MinInt64} {
		if err := store.Hold(t.Context(), []string{"k"}, "token", d); err == nil {
			t.Errorf("a hold with a lease of %v must be refused", d)
		}
	}
	for _, d := range []time.Duration{1, time.Millisecond - 1, time.Millisecond} {
		if err := store.Hold(t.Context(), []string{"k"}, "token", d); err != nil {
			t.Errorf("a hold with a lease of %v: got %v", d, err)
		}
		redistest.Eventually(t, redistest.Patience, "the end of a short lease", func() bool {
			gen, err := store.Snapshot(t.Context(), "k")
			return gen != 0 && err == nil
		})
	}
}

func TestExtremeTTLs(t *testing.T) {
	server := redistest.Start(t)
	for i, d := range append(lasting, 0) {
		cache := leased(t, openGated(t, server, func(c *leasegenstore.Config) {
			c.TTL, c.Namespace = d, fmt.Sprint("test", i)
		}), nil)
		if err := cache.Invalidate(t.Context(), "k"); err != nil {
			t.Fatalf("with a Config.TTL of %d: got %v", int64(d), err)
		}
		for range 2 {
			obs, err := cache.SnapshotGenContext(t.Context(), "k")
			if err != nil {
				t.Fatalf("with a Config.TTL of %d: got %v", int64(d), err)
			}
			if err := cache.SetWithGen(t.Context(), "k", "v", obs, math.MaxInt64); err != nil {
				t.Fatal(err)
			}
		}
		redistest.Eventually(t, redistest.Patience, "a hit", func() bool {
			v, ok, err := cache.Get(t.Context(), "k")
			return v == "v" && ok && err == nil
		})
	}
}
