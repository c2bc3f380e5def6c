package cascache_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Code that uses a cache takes the interface, so that it can be given another
// one: here a disabled one, which misses and stores nothing.
func ExampleCAS() {
	ctx := context.Background()
	greet := func(cache cascache.CAS[string], id string) string {
		if name, ok, err := cache.Get(ctx, id); ok && err == nil {
			return "hello " + name + ", from the cache"
		}
		obs := cache.SnapshotGen(id)
		name := "Ada" // from the database
		_ = cache.SetWithGen(ctx, id, name, obs, 0)
		return "hello " + name
	}
	open := func(disabled bool) cascache.Cache[string] { // the same type by its other name
		cache, err := cascache.New(cascache.Options[string]{
			Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, Disabled: disabled,
		})
		if err != nil {
			log.Fatal(err)
		}
		return cache
	}
	for _, disabled := range []bool{false, true} {
		cache := open(disabled)
		fmt.Println(greet(cache, "1"))
		fmt.Println(greet(cache, "1"))
		_ = cache.Close(ctx)
	}
	// Output:
	// hello Ada
	// hello Ada, from the cache
	// hello Ada
	// hello Ada
}

// A process that dies between the commit and the invalidation leaves nothing
// stale behind: while write runs the keys are held, and a hold ends by itself.
func ExampleHandle_Mutate() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	database := map[string]string{"1": "Ada"}
	_ = cache.SetWithGen(ctx, "1", "Ada", cache.SnapshotGen("1"), 0)

	err = cache.Mutate(ctx, []string{"1"}, func(ctx context.Context) error {
		_, ok, _ := cache.Get(ctx, "1")
		fmt.Println("served meanwhile:", ok)
		database["1"] = "Grace" // BEGIN … COMMIT, under ctx
		return nil
	})
	fmt.Println(err)

	// What is known not to be committed is released at once.
	err = cache.Mutate(ctx, []string{"1"}, func(context.Context) error {
		return fmt.Errorf("no such row: %w", cascache.ErrNotCommitted)
	})
	fmt.Println(errors.Is(err, cascache.ErrNotCommitted), cache.SnapshotGen("1") != 0)
	// Output:
	// served meanwhile: false
	// <nil>
	// true true
}

// Count everything, for a metrics library of your choice.
func ExampleHooks_metrics() {
	ctx := context.Background()
	type counter struct {
		event  string
		reason cascache.Reason
	}
	counters := make(map[counter]int) // a real one is safe for concurrent use
	count := func(event string, reason cascache.Reason, n int) { counters[counter{event, reason}] += n }

	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
		Hooks: &cascache.Hooks{
			Hit:          func(_ context.Context, e cascache.HitEvent) { count("hit", "", 1) },
			Miss:         func(_ context.Context, e cascache.MissEvent) { count("miss", e.Reason, 1) },
			SelfHeal:     func(_ context.Context, e cascache.SelfHealEvent) { count("self-heal", e.Reason, 1) },
			SetSkipped:   func(_ context.Context, e cascache.SetSkippedEvent) { count("skipped", e.Reason, 1) },
			SetRejected:  func(_ context.Context, e cascache.SetRejectedEvent) { count("declined", "", 1) },
			BulkRejected: func(_ context.Context, e cascache.BulkRejectedEvent) { count("bulk", e.Reason, 1) },
			GenStoreError: func(_ context.Context, e cascache.GenStoreErrorEvent) {
				if e.Op == cascache.GenBump {
					count("bump error", "", e.Keys)
				} else {
					count("generation error", "", e.Keys)
				}
			},
			DeleteFailed: func(_ context.Context, e cascache.DeleteFailedEvent) { count("delete failed", "", e.Keys) },
			NearFailed: func(_ context.Context, e cascache.NearFailedEvent) {
				if e.Op == cascache.NearSet {
					count("near set failed", "", 1)
				}
			},
			InvalidateFailed:    func(_ context.Context, e cascache.InvalidateFailedEvent) { count("suspect", "", 1) },
			InvalidateRecovered: func(_ context.Context, e cascache.InvalidateRecoveredEvent) { count("suspect", "", -1) },
			LeaseEnded:          func(_ context.Context, e cascache.LeaseEndedEvent) { count("lease ended", "", len(e.Keys)) },
			Load:                func(_ context.Context, e cascache.LoadEvent) { count("loaded", "", len(e.Keys)-e.Absent) },
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	_, _, _ = cache.Get(ctx, "1")
	obs := cache.SnapshotGen("1")
	_ = cache.SetWithGen(ctx, "1", "Ada", obs, 0)
	_, _, _ = cache.Get(ctx, "1")
	if err := cache.Invalidate(ctx, "1"); err != nil {
		log.Fatal(err)
	}
	_ = cache.SetWithGen(ctx, "1", "Ada", obs, 0)
	fmt.Println("hits:", counters[counter{event: "hit"}])
	fmt.Println("misses, nothing there:", counters[counter{"miss", cascache.ReasonNotFound}])
	fmt.Println("fills skipped, overtaken:", counters[counter{"skipped", cascache.ReasonStale}])
	// Output:
	// hits: 1
	// misses, nothing there: 1
	// fills skipped, overtaken: 1
}

// A fill that was overtaken by an invalidation is no error, and is not stored.
func ExampleHandle_SetWithGenResult() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	obs := cache.SnapshotGen("42")
	fmt.Println(cache.SetWithGenResult(ctx, "42", "Ada", obs, 0))

	obs = cache.SnapshotGen("42")
	// Somebody writes while the source is being read.
	if err := cache.Invalidate(ctx, "42"); err != nil {
		log.Fatal(err)
	}
	result, err := cache.SetWithGenResult(ctx, "42", "Ada", obs, 0)
	fmt.Println(result.Outcome == cascache.SetSkipped, result.Reason, err)
	// Output:
	// {stored } <nil>
	// true stale <nil>
}

// What was not stored of many values, and why.
func ExampleHandle_SetBulkWithGensResult() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	obs := cache.SnapshotGens([]string{"1", "2", "3"})
	// Somebody writes while the source is being read.
	if err := cache.Invalidate(ctx, "2"); err != nil {
		log.Fatal(err)
	}
	names := map[string]string{"1": "Ada", "2": "Grace", "3": "Barbara"}
	got, err := cache.SetBulkWithGensResult(ctx, names, obs, 0)
	fmt.Println(got.NotStored, err)
	fmt.Println(got.Bulk)
	// Output:
	// map[2:{skipped stale}] <nil>
	// {skipped stale}
}
