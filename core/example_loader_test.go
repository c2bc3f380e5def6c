package cascache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A loader puts the three steps of a fill behind one call. Callers that ask for
// the same key at the same time share a load.
func ExampleLoader() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	database := map[string]string{"1": "Ada"}

	names, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		Load: func(_ context.Context, id string) (string, error) {
			fmt.Println("loading", id)
			name, ok := database[id]
			if !ok {
				return "", cascache.ErrNotFound
			}
			return name, nil
		},
		AbsentTTL: time.Minute, // "no such user" is worth remembering, too
	})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(names.Get(ctx, "1"))
	fmt.Println(names.Get(ctx, "1"))
	for range 2 {
		_, err = names.Get(ctx, "2")
		fmt.Println(errors.Is(err, cascache.ErrNotFound))
	}
	database["2"] = "Grace"
	if err := cache.Invalidate(ctx, "2"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(names.Get(ctx, "2"))
	// Output:
	// loading 1
	// Ada <nil>
	// Ada <nil>
	// loading 2
	// true
	// true
	// loading 2
	// Grace <nil>
}

// All missing keys are loaded by one call.
func ExampleLoader_GetBulk() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	database := map[string]string{"1": "Ada", "2": "Grace", "3": "Barbara"}

	names, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		LoadBulk: func(_ context.Context, ids []string) (map[string]string, error) {
			fmt.Println("loading", len(ids))
			rows := make(map[string]string)
			for _, id := range ids {
				if name, ok := database[id]; ok {
					rows[id] = name
				}
			}
			return rows, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names.GetBulk(ctx, []string{"1", "2"}))
	fmt.Println(names.GetBulk(ctx, []string{"1", "2", "3", "4"})) // 4 is not in the database
	// Output:
	// loading 2
	// map[1:Ada 2:Grace] <nil>
	// loading 2
	// map[1:Ada 2:Grace 3:Barbara] <nil>
}

// A load that panics is an error to each of its callers, and wedges nothing.
func ExampleLoadPanicError() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{Disabled: true})
	if err != nil {
		log.Fatal(err)
	}
	names, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		Load: func(context.Context, string) (string, error) { panic("no rows") },
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = names.Get(ctx, "1")
	var panicked *cascache.LoadPanicError
	if errors.As(err, &panicked) {
		fmt.Println("panicked with:", panicked.Value)
	}
	// Output:
	// panicked with: no rows
}

// A load that fails for some keys returns the values of the others beside its
// error.
func ExampleBulkLoadError() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	names, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		LoadBulk: func(context.Context, []string) (map[string]string, error) {
			return map[string]string{"1": "Ada"}, errors.New("one shard is down")
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	got, err := names.GetBulk(ctx, []string{"1", "2", "3"})
	fmt.Println(got)
	var failed *cascache.BulkLoadError
	if errors.As(err, &failed) {
		fmt.Println(failed.Keys, failed.Err)
	}
	// Output:
	// map[1:Ada]
	// [2 3] one shard is down
}

// countedReads is a cache that somebody has put something around. A loader takes any
// CAS.
type countedReads struct {
	cascache.CAS[string]
	reads int
}

func (c *countedReads) Get(ctx context.Context, key string) (string, bool, error) {
	c.reads++
	return c.CAS.Get(ctx, key)
}

func ExampleNewLoader() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	counted := &countedReads{CAS: cache}
	names, err := cascache.NewLoader(counted, cascache.LoaderOptions[string]{
		Load: func(context.Context, string) (string, error) { return "Ada", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		fmt.Println(names.Get(ctx, "1"))
	}
	fmt.Println(counted.reads, "reads")
	// Output:
	// Ada <nil>
	// Ada <nil>
	// Ada <nil>
	// 3 reads
}
