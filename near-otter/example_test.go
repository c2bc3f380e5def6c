package otternear_test

import (
	"context"
	"fmt"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	otternear "github.com/unkn0wn-root/cascache/near-otter"
)

func ExampleNew() {
	near, err := otternear.New(otternear.Config[string]{MaxEntries: 10_000})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := cascache.New(cascache.Options[string]{Namespace: "greeting", Near: near})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer h.Close(ctx)
	_ = h.SetWithGen(ctx, "en", "hello", h.SnapshotGen("en"), time.Minute)
	fmt.Println(h.Get(ctx, "en"))
	if err := h.Invalidate(ctx, "en"); err != nil {
		fmt.Println(err)
		return
	}
	_, ok, _ := h.Get(ctx, "en")
	fmt.Println(ok)
	// Output:
	// hello true <nil>
	// false
}
