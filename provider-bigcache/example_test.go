package bigcacheprovider_test

import (
	"context"
	"fmt"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	bigcacheprovider "github.com/unkn0wn-root/cascache/provider-bigcache"
)

func Example() {
	ctx := context.Background()
	provider, err := bigcacheprovider.New(bigcacheprovider.Config{
		LifeWindow:         10 * time.Minute,
		HardMaxCacheSizeMB: 64,
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
