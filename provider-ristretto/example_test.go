package ristrettoprovider_test

import (
	"context"
	"fmt"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

func Example() {
	ctx := context.Background()
	provider, err := ristrettoprovider.New(ristrettoprovider.Config{
		NumCounters: 1_000_000,
		MaxCost:     64 << 20, // bytes
		BufferItems: 64,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := cascache.New(cascache.Options[string]{
		Namespace: "name",
		Provider:  provider,
		Codec:     cascache.String{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer names.Close(ctx) // closes the provider too

	obs := names.SnapshotGen("42") // before the source is read
	if err := names.SetWithGen(ctx, "42", "Ada", obs, 0); err != nil {
		fmt.Println(err)
	}
	provider.Wait() // only so that the example is certain to hit
	name, ok, err := names.Get(ctx, "42")
	fmt.Println(name, ok, err)

	if err := names.Invalidate(ctx, "42"); err != nil {
		fmt.Println(err)
	}
	_, ok, err = names.Get(ctx, "42")
	fmt.Println(ok, err)
	// Output:
	// Ada true <nil>
	// false <nil>
}

func ExampleProvider_Metrics() {
	ctx := context.Background()
	provider, err := ristrettoprovider.New(ristrettoprovider.Config{Metrics: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer provider.Close(ctx)

	_, _ = provider.Set(ctx, "single:name:1", []byte("Ada"), 3, time.Minute)
	provider.Wait()
	_, _, _ = provider.Get(ctx, "single:name:1")
	_, _, _ = provider.Get(ctx, "single:name:2")
	m := provider.Metrics()
	fmt.Println(m.Hits, "hit,", m.Misses, "miss,", m.CostAdded, "bytes")
	// Output:
	// 1 hit, 1 miss, 3 bytes
}
