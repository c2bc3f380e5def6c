package providerredis

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// An operation is a row of docs/round-trips.md.
type operation struct {
	name string
	call func(context.Context, *redisprovider.Provider) error
}

var (
	tripKeys = keysFor("trips", batch)

	singles = []operation{
		{"Get, hit", func(ctx context.Context, p *redisprovider.Provider) error {
			_, _, err := p.Get(ctx, tripKeys[0])
			return err
		}},
		{"Get, miss", func(ctx context.Context, p *redisprovider.Provider) error {
			_, _, err := p.Get(ctx, "single:trips:missing")
			return err
		}},
		{"Set", func(ctx context.Context, p *redisprovider.Provider) error {
			_, err := p.Set(ctx, tripKeys[0], valueOf(tripKeys[0]), 1, time.Minute)
			return err
		}},
		{"Del", func(ctx context.Context, p *redisprovider.Provider) error { return p.Del(ctx, tripKeys[0]) }},
	}
	batches = []operation{
		{"SetBulk of 100", func(ctx context.Context, p *redisprovider.Provider) error {
			_, err := p.SetBulk(ctx, itemsFor(tripKeys, time.Minute))
			return err
		}},
		{"GetBulk of 100", func(ctx context.Context, p *redisprovider.Provider) error {
			_, err := p.GetBulk(ctx, tripKeys)
			return err
		}},
		{"DelBulk of 100", func(ctx context.Context, p *redisprovider.Provider) error { return p.DelBulk(ctx, tripKeys) }},
	}
)

func TestRoundTripsToOneServer(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	client := newClient(t, &redis.Options{Addr: proxy.Addr()})
	for name, client := range map[string]redis.UniversalClient{
		"client":        client,
		"AutoPipeliner": pipelining(t, client),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, client)
			for _, op := range slices.Concat(singles, batches) {
				proxy.ResetTrips()
				if err := op.call(t.Context(), p); err != nil {
					t.Fatalf("%s: %v", op.name, err)
				}
				if got := proxy.RoundTrips(); got != 1 {
					t.Errorf("%s must cost one round trip: got %d:\n%s", op.name, got, tripsOf(proxy))
				}
			}
		})
	}
}

func TestRoundTripsToACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cluster := redistest.StartCluster(t)
	proxies := cluster.Proxy()
	client := newClusterClient(t, &redis.ClusterOptions{Addrs: cluster.Addrs(), Dialer: proxies.Dial})
	for name, client := range map[string]redis.UniversalClient{
		"client":        client,
		"AutoPipeliner": pipelining(t, client),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, client)
			// A first use of each kind: the client learns the slots, and the
			// provider that an AutoPipeliner hides a Cluster.
			for _, op := range slices.Concat(singles, batches) {
				if err := op.call(t.Context(), p); err != nil {
					t.Fatalf("%s: %v", op.name, err)
				}
			}
			check := func(op operation, want []int) {
				t.Helper()
				proxies.ResetTrips()
				if err := op.call(t.Context(), p); err != nil {
					t.Fatalf("%s: %v", op.name, err)
				}
				got := proxies.RoundTrips()
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s: round trips per node, sorted: got %v, want %v", op.name, got, want)
				}
			}
			for _, op := range singles {
				check(op, []int{0, 0, 0, 0, 0, 1})
			}
			for _, op := range batches {
				check(op, []int{0, 0, 0, 1, 1, 1})
			}
		})
	}
}

func TestRoundTripsThroughAnAutoPipelinerThatHidesACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cluster := redistest.StartCluster(t)
	proxies := cluster.Proxy()
	client := newClusterClient(t, &redis.ClusterOptions{Addrs: cluster.Addrs(), Dialer: proxies.Dial})
	hiding := pipelining(t, client)
	exercise(t, newProvider(t, hiding)) // the client learns the slots
	for _, known := range []bool{false, true} {
		cfg := redisprovider.Config{Client: hiding}
		want := []int{4, 3, 3} // the first one finds out
		if known {
			cfg.Cluster = client
			want = []int{3, 3, 3}
		}
		p, err := redisprovider.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, op := range []operation{batches[1], batches[2], batches[1]} {
			proxies.ResetTrips()
			if err := op.call(t.Context(), p); err != nil {
				t.Fatalf("%s: %v", op.name, err)
			}
			sum := 0
			for _, trips := range proxies.RoundTrips() {
				sum += trips
			}
			if sum != want[i] {
				t.Errorf("%s, call %d, Cluster known %t: round trips in all: got %d, want %d", op.name, i, known, sum, want[i])
			}
		}
	}
}

func TestAutoPipelinerSharesRoundTrips(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	client := newClient(t, &redis.Options{Addr: proxy.Addr()})
	p := newProvider(t, pipelining(t, client))
	wantMiss(t, p, "single:trips:warm")

	const callers = 64
	proxy.ResetTrips()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range 10 {
				if _, _, err := p.Get(t.Context(), tripKeys[i%batch]); err != nil {
					t.Errorf("Get: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := proxy.RoundTrips()
	t.Logf("%d Gets of %d callers took %d round trips", callers*10, callers, got)
	if got > callers*10/4 {
		t.Errorf("concurrent callers must share round trips: %d Gets took %d", callers*10, got)
	}
}
