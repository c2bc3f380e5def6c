package cascache_test

import (
	"context"
	"fmt"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// What a cache does with a generation store: a snapshot creates, a bump
// replaces, and to read never writes.
func ExampleGenStore() {
	ctx := context.Background()
	var store cascache.GenStore = cascache.NewLocalGenStore(0, 0)
	defer store.Close(ctx)
	const key = "single:user:1"

	none, _ := store.Current(ctx, key)
	first, _ := store.Snapshot(ctx, key)
	same, _ := store.Current(ctx, key)
	next, _ := store.Bump(ctx, key)
	fmt.Println(none, same == first, next > first)
	// Output:
	// 0 true true
}

// The local store in numbers: one generation per key, until it is pruned.
func ExampleLocalGenStore() {
	ctx := context.Background()
	store := cascache.NewLocalGenStore(time.Hour, 24*time.Hour)
	defer store.Close(ctx)
	store.SetMaxKeys(100_000)

	for _, key := range []string{"single:user:1", "single:user:2"} {
		_, _ = store.Bump(ctx, key)
	}
	fmt.Println(store.Len())
	store.Cleanup(0) // whatever the age: a generation may go at any time, for a miss
	fmt.Println(store.Len())
	// Output:
	// 2
	// 0
}

// A striped store has a fixed size. Keys that share a slot share a generation,
// so that one's invalidation costs the others a miss.
func ExampleStripedGenStore() {
	ctx := context.Background()
	store := cascache.NewStripedGenStore(1 << 20)
	defer store.Close(ctx)

	obs, _ := store.Snapshot(ctx, "single:user:1")
	_, _ = store.Bump(ctx, "single:user:1")
	now, _ := store.Current(ctx, "single:user:1")
	fmt.Println(now > obs)
	// Output:
	// true
}

// While a key is held it has no generation: nothing is served or filled. The
// cache does this in Mutate.
func ExampleHolder() {
	ctx := context.Background()
	store := cascache.NewLocalGenStore(0, 0)
	defer store.Close(ctx)
	holder, ok := cascache.AbilityOf[cascache.Holder](store)
	fmt.Println("can hold:", ok)

	keys := []string{"single:user:1"}
	before, _ := store.Snapshot(ctx, keys[0])
	fmt.Println(holder.Hold(ctx, keys, "a random token", 10*time.Second))
	held, _ := store.Current(ctx, keys[0])
	fmt.Println(holder.Release(ctx, keys, "a random token"))
	after, _ := store.Current(ctx, keys[0])
	fmt.Println(held, after > before)
	// Output:
	// can hold: true
	// <nil>
	// <nil>
	// 0 true
}
