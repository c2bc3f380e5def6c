package cascache_test

import (
	"context"
	"fmt"
	"log"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// openOver opens a cache of strings over the generations that several caches share.
func openOver(namespace string, gens cascache.GenStore, clearable bool) *cascache.Handle[string] {
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: namespace, Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: gens, Clearable: clearable,
	})
	if err != nil {
		log.Fatal(err)
	}
	return cache
}

// A page depends on the rows that its load reads through their cache, and dies with
// each of them.
func ExampleDependOn() {
	ctx := context.Background()
	gens := cascache.NewLocalGenStore(0, 0)
	prices, pages := openOver("price", gens, false), openOver("page", gens, false)
	defer prices.Close(ctx)
	defer pages.Close(ctx)
	database := map[string]string{"tea": "4", "banner": "hello"}

	price, err := cascache.NewLoader(prices, cascache.LoaderOptions[string]{
		Load: func(_ context.Context, id string) (string, error) { return database[id], nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	page, err := cascache.NewLoader(pages, cascache.LoaderOptions[string]{
		Load: func(ctx context.Context, _ string) (string, error) {
			fmt.Println("rendering")
			tea, err := price.Get(ctx, "tea") // with the load's context: the page depends on tea
			if err != nil {
				return "", err
			}
			// The banner is read without a cache, so that what guards it is named
			// before it is read.
			if err := cascache.DependOn(ctx, pages.TagDep("banner")); err != nil {
				return "", err
			}
			return database["banner"] + ", tea is " + tea, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Get(ctx, "home"))
	fmt.Println(page.Get(ctx, "home"))
	database["tea"] = "5"
	fmt.Println(prices.Invalidate(ctx, "tea"))
	fmt.Println(page.Get(ctx, "home"))
	database["banner"] = "welcome"
	fmt.Println(pages.InvalidateTags(ctx, "banner"))
	fmt.Println(page.Get(ctx, "home"))
	// Output:
	// rendering
	// hello, tea is 4 <nil>
	// hello, tea is 4 <nil>
	// <nil>
	// rendering
	// hello, tea is 5 <nil>
	// <nil>
	// rendering
	// welcome, tea is 5 <nil>
}

// Clear invalidates a whole namespace at once. A Dep of it has a name for people.
func ExampleHandle_Clear() {
	ctx := context.Background()
	names := openOver("name", nil, true)
	defer names.Close(ctx)
	if err := names.SetWithGen(ctx, "1", "Ada", names.SnapshotGen("1"), 0); err != nil {
		log.Fatal(err)
	}
	fmt.Println(names.Get(ctx, "1"))
	fmt.Println(names.Clear(ctx))
	_, ok, _ := names.Get(ctx, "1")
	fmt.Println(ok)
	var everything cascache.Dep = names.AllDep()
	fmt.Println(everything)
	// Output:
	// Ada true <nil>
	// <nil>
	// false
	// all of "name"
}
