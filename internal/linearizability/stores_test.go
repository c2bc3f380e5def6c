package linearizability

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// histories is how many are recorded of each store.
func histories() uint64 {
	if testing.Short() {
		return 3
	}
	return 20
}

// requireLinearizable records histories of the stores that open returns.
func requireLinearizable(t *testing.T, laxity Laxity, open func(n int) (stores []cascache.GenStore, keys []string, lose func(key string))) {
	t.Helper()
	calls := 0
	for seed := range histories() {
		stores, keys, lose := open(int(seed))
		history := Record(t.Context(), Run{Stores: stores, Keys: keys, Seed: seed, Clients: 4, Calls: 60, Lose: lose})
		if err := Check(history, laxity, patience); err != nil {
			t.Fatalf("history %d: %v", seed, err)
		}
		calls += len(history)
	}
	t.Logf("%d calls", calls)
}

var twoKeys = []string{"a", "b"}

func TestLocalGenStoreIsLinearizable(t *testing.T) {
	requireLinearizable(t, Strict, func(int) ([]cascache.GenStore, []string, func(string)) {
		return []cascache.GenStore{cascache.NewLocalGenStore(0, 0)}, twoKeys, nil
	})
}

func TestLocalGenStoreThatLosesIsLinearizable(t *testing.T) {
	requireLinearizable(t, Strict, func(int) ([]cascache.GenStore, []string, func(string)) {
		s := cascache.NewLocalGenStore(0, 0)
		return []cascache.GenStore{s}, twoKeys[:1], func(string) { s.Cleanup(0) }
	})
}

func TestStripedGenStoreIsLinearizable(t *testing.T) {
	for _, slots := range []int{0, 1} {
		t.Run(fmt.Sprint(slots, " slots"), func(t *testing.T) {
			requireLinearizable(t, Lax, func(int) ([]cascache.GenStore, []string, func(string)) {
				// Holds on one key of a slot are holds on all of them, which
				// the register of a single key does not know.
				return []cascache.GenStore{cascache.NewStripedGenStore(slots)}, twoKeys[:1], nil
			})
		})
	}
}

func TestGenStoreThatLosesRepliesIsLinearizable(t *testing.T) {
	requireLinearizable(t, Strict, func(n int) ([]cascache.GenStore, []string, func(string)) {
		script := faults.NewScript(uint64(n),
			faults.Rule{Call: faults.Bump, Kind: faults.LoseReply, Chance: 0.05},
			faults.Rule{Call: faults.Bump, Kind: faults.Fail, Chance: 0.05},
			faults.Rule{Call: faults.Current, Kind: faults.Fail, Chance: 0.05},
		)
		return []cascache.GenStore{faults.NewGenStore(cascache.NewLocalGenStore(0, 0), script)}, twoKeys, nil
	})
}

func TestRedisGenStoreIsLinearizable(t *testing.T) {
	server := redistest.Start(t)
	connect := func() redis.UniversalClient {
		client := redis.NewClient(&redis.Options{Addr: server.Addr()})
		t.Cleanup(func() { client.Close() })
		return client
	}
	clients := []redis.UniversalClient{connect(), connect()}
	raw := connect()
	for _, unguarded := range []bool{false, true} {
		t.Run(fmt.Sprint("unguarded ", unguarded), func(t *testing.T) {
			requireLinearizable(t, Strict, func(n int) ([]cascache.GenStore, []string, func(string)) {
				stores := make([]cascache.GenStore, len(clients))
				for i, client := range clients {
					s, err := redisgenstore.New(redisgenstore.Config{Client: client, Unguarded: unguarded, Namespace: fmt.Sprint(unguarded, n)})
					if err != nil {
						t.Fatal(err)
					}
					stores[i] = s
				}
				return stores, twoKeys, nil
			})
		})
	}
	t.Run("flushed", func(t *testing.T) {
		requireLinearizable(t, Strict, func(n int) ([]cascache.GenStore, []string, func(string)) {
			stores := make([]cascache.GenStore, len(clients))
			for i, client := range clients {
				s, err := redisgenstore.New(redisgenstore.Config{Client: client, Namespace: fmt.Sprint("flushed", n)})
				if err != nil {
					t.Fatal(err)
				}
				stores[i] = holdless{s}
			}
			return stores, twoKeys[:1], func(string) { raw.FlushAll(context.Background()) }
		})
	})
}

// holdless leaves out holds, which a flush ends.
type holdless struct{ cascache.GenStore }

// A broken store is one that no history should fit.
type broken struct {
	cascache.GenStore
	current func(ctx context.Context, key string) (uint64, error)
	bump    func(ctx context.Context, key string) (uint64, error)
}

func (b *broken) Current(ctx context.Context, key string) (uint64, error) {
	if b.current != nil {
		return b.current(ctx, key)
	}
	return b.GenStore.Current(ctx, key)
}

func (b *broken) Bump(ctx context.Context, key string) (uint64, error) {
	if b.bump != nil {
		return b.bump(ctx, key)
	}
	return b.GenStore.Bump(ctx, key)
}

func TestBrokenStoresAreNotLinearizable(t *testing.T) {
	for name, spoil := range map[string]func(*broken){
		"reads are remembered for a moment": func(b *broken) {
			var mu sync.Mutex
			near := make(map[string]uint64)
			var until time.Time
			b.current = func(ctx context.Context, key string) (uint64, error) {
				mu.Lock()
				defer mu.Unlock()
				if time.Now().After(until) {
					clear(near)
					until = time.Now().Add(time.Millisecond)
				}
				if near[key] == 0 {
					near[key], _ = b.GenStore.Current(ctx, key)
				}
				return near[key], nil
			}
		},
		"a bump returns before it is done": func(b *broken) {
			b.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := b.GenStore.Current(ctx, key)
				go func() {
					time.Sleep(100 * time.Microsecond)
					_, _ = b.GenStore.Bump(context.Background(), key)
				}()
				return gen + 1, err
			}
		},
		"missing is 1": func(b *broken) {
			b.current = func(ctx context.Context, key string) (uint64, error) {
				gen, err := b.GenStore.Current(ctx, key)
				return max(gen, 1), err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				b := &broken{GenStore: cascache.NewLocalGenStore(0, 0)}
				spoil(b)
				history := Record(t.Context(), Run{Stores: []cascache.GenStore{b}, Keys: twoKeys, Seed: seed, Clients: 4, Calls: 60})
				if err := Check(history, Strict, patience); err != nil && !errors.Is(err, ErrUndecided) {
					return
				}
			}
			t.Error("20 histories of a broken store all fit the model")
		})
	}
}
