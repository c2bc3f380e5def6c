package cascache_test

import (
	"context"
	"fmt"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Two caches over one generation store, each with a namespace of its own. The
// last one to close closes the store.
func ExampleNew_shared() {
	ctx := context.Background()
	gens := cascache.NewLocalGenStore(0, 0)
	names, err := cascache.New(cascache.Options[string]{Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: gens})
	if err != nil {
		panic(err)
	}
	mails, err := cascache.New(cascache.Options[string]{Namespace: "mail", Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: gens})
	if err != nil {
		panic(err)
	}
	_ = names.Close(ctx)
	fmt.Println(gens.Closed(), mails.SnapshotGen("1") != 0)
	_ = mails.Close(ctx)
	fmt.Println(gens.Closed())
	// Output:
	// false true
	// true
}

func ExampleJoinHooks() {
	count := 0
	metrics := &cascache.Hooks{Miss: func(context.Context, cascache.MissEvent) { count++ }}
	log := &cascache.Hooks{Miss: func(_ context.Context, e cascache.MissEvent) { fmt.Println(e.Key, e.Reason) }}
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, Hooks: cascache.JoinHooks(metrics, log),
	})
	if err != nil {
		panic(err)
	}
	defer cache.Close(context.Background())
	_, _, _ = cache.Get(context.Background(), "1")
	fmt.Println(count)
	// Output:
	// 1 not_found
	// 1
}

// A slow hook does not slow down the cache; what does not fit is counted.
func ExampleAsyncHooks() {
	async := cascache.NewAsyncHooks(&cascache.Hooks{
		Miss: func(_ context.Context, e cascache.MissEvent) { fmt.Println(e.Key, e.Reason) },
	}, 100)
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, Hooks: async.Hooks(),
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, _, _ = cache.Get(ctx, "1")
	_ = cache.Close(ctx)
	_ = async.Close(ctx)
	fmt.Println(async.Dropped(), "dropped")
	// Output:
	// 1 not_found
	// 0 dropped
}
