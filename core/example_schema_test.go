package cascache_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	cascache "github.com/unkn0wn-root/cascache/core"
)

type jsonCodec[V any] struct{}

func (jsonCodec[V]) Encode(v V) ([]byte, error)         { return json.Marshal(v) }
func (jsonCodec[V]) Decode(raw []byte) (v V, err error) { return v, json.Unmarshal(raw, &v) }

// Two versions of a service run at once during a rollout. They store values of
// different shapes, and neither reads what the other has stored.
func ExampleSchemaOf() {
	type oldUser struct{ Name string }
	type newUser struct{ FullName string }
	ctx := context.Background()
	provider, gens := newPlainProvider(), cascache.NewLocalGenStore(0, 0)

	before, err := cascache.New(cascache.Options[oldUser]{
		Namespace: "user", Schema: cascache.SchemaOf[oldUser](),
		Provider: provider, Codec: jsonCodec[oldUser]{}, GenStore: gens,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer before.Close(ctx)
	after, err := cascache.New(cascache.Options[newUser]{
		Namespace: "user", Schema: cascache.SchemaOf[newUser](),
		Provider: provider, Codec: jsonCodec[newUser]{}, GenStore: gens,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer after.Close(ctx)

	_ = before.SetWithGen(ctx, "1", oldUser{"Ada"}, before.SnapshotGen("1"), 0)
	_, ok, _ := after.Get(ctx, "1")
	fmt.Println("the new version reads what the old one stored:", ok)

	if err := after.Invalidate(ctx, "1"); err != nil {
		log.Fatal(err)
	}
	_, ok, _ = before.Get(ctx, "1")
	fmt.Println("the old version serves what the new one invalidated:", ok)
	// Output:
	// the new version reads what the old one stored: false
	// the old version serves what the new one invalidated: false
}

// The key of an entry's generation, for whoever implements a Combined.
func ExampleGenKey() {
	fmt.Println(cascache.GenKey("single:user:1"))
	fmt.Println(cascache.GenKey("single:user%@v2:1"))
	// Output:
	// single:user:1
	// single:user:1
}
