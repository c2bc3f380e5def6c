package cascache_test

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// An author checks that a store has the abilities it is meant to have.
func ExampleAbilityOf() {
	show := func(name string, store cascache.GenStore) {
		fmt.Println(name)
		_, ok := cascache.AbilityOf[cascache.NonBlocker](store)
		fmt.Println("  never blocks:", ok)
		_, ok = cascache.AbilityOf[cascache.LocalReader](store)
		fmt.Println("  knows generations in this process:", ok)
		_, ok = cascache.AbilityOf[cascache.Holder](store)
		fmt.Println("  holds, for Mutate:", ok)

		// These save round trips, which a store in memory has none of.
		_, bulk := cascache.AbilityOf[cascache.BulkGenStore](store)
		_, commit := cascache.AbilityOf[cascache.CommitReader](store)
		fmt.Println("  made for a network:", bulk || commit)
	}
	show("local", cascache.NewLocalGenStore(0, 0))
	show("embedded", struct{ cascache.GenStore }{cascache.NewLocalGenStore(0, 0)})
	// Output:
	// local
	//   never blocks: true
	//   knows generations in this process: true
	//   holds, for Mutate: true
	//   made for a network: false
	// embedded
	//   never blocks: false
	//   knows generations in this process: false
	//   holds, for Mutate: false
	//   made for a network: false
}

// counted counts the bumps of the store that it wraps. It forwards the one
// ability that its users need; Unwrap keeps it from claiming that ability over a
// store without it.
type counted struct {
	cascache.GenStore
	bumps atomic.Int64
}

func (c *counted) Bump(ctx context.Context, key string) (uint64, error) {
	c.bumps.Add(1)
	return c.GenStore.Bump(ctx, key)
}

func (c *counted) NonBlocking() bool {
	inner, ok := cascache.AbilityOf[cascache.NonBlocker](c.GenStore)
	return ok && inner.NonBlocking()
}

func (c *counted) Unwrap() any { return c.GenStore }

func ExampleWrapper() {
	ctx := context.Background()
	store := &counted{GenStore: cascache.NewLocalGenStore(0, 0)}
	var _ cascache.Wrapper = store
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: store,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	if err := cache.Invalidate(ctx, "1"); err != nil {
		log.Fatal(err)
	}
	if err := cache.Invalidate(ctx, "2"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.bumps.Load())
	// Output:
	// 2
}

// bulky is a provider to which a call costs a round trip, so that it takes
// many keys in one. It says that other processes see what it stores.
type bulky struct {
	*plainProvider
	trips *int
}

func (b bulky) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	*b.trips++
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i], _, _ = b.Get(ctx, key)
	}
	return values, nil
}

func (b bulky) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return b.Get(ctx, prefix+key)
}

func (b bulky) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	*b.trips++
	accepted := make([]bool, len(items))
	for i, item := range items {
		accepted[i], _ = b.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
	}
	return accepted, nil
}

func (b bulky) DelBulk(ctx context.Context, keys []string) error {
	*b.trips++
	for _, key := range keys {
		_ = b.Del(ctx, key)
	}
	return nil
}

func (b bulky) Shared() bool { return true }

// A provider in the network has these abilities, for the sake of bulks.
func ExampleBulkProvider() {
	ctx := context.Background()
	trips := 0
	provider := bulky{newPlainProvider(), &trips}
	var (
		_ cascache.BulkProvider = provider
		_ cascache.PrefixGetter = provider
		_ cascache.Sharer       = provider
		_ cascache.Item         // what SetBulk is given
	)
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: provider, Codec: cascache.String{}, DisableBulk: true,
		Hooks: &cascache.Hooks{
			SharedProvider: func(_ context.Context, e cascache.SharedProviderEvent) {
				fmt.Println("warning: local generations guard the shared provider of", e.Namespace)
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	keys := []string{"1", "2", "3"}
	items := map[string]string{"1": "Ada", "2": "Grace", "3": "Barbara"}
	_ = cache.SetBulkWithGens(ctx, items, cache.SnapshotGens(keys), time.Minute)
	values, missing, err := cache.GetBulk(ctx, keys)
	fmt.Println(len(values), len(missing), err, "in", trips, "round trips")
	// Output:
	// warning: local generations guard the shared provider of name
	// 3 0 <nil> in 2 round trips
}
