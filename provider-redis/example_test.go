package redisprovider_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// One client serves any number of caches, so it stays open when one of them is
// closed.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{
		Addr: "localhost:6379",
		// A cache had better miss than wait: let contexts bound its calls.
		ContextTimeoutEnabled: true,
		ReadTimeout:           500 * time.Millisecond,
		MaxRetries:            1,
	})
	defer client.Close()

	provider, err := redisprovider.New(redisprovider.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	value, ok, err := provider.Get(context.Background(), "single:shop:42")
	fmt.Println(value, ok, err)
}

// With many concurrent callers an AutoPipeliner sends their commands together.
func ExampleNew_autoPipeline() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()
	pipelining, err := client.AutoPipeline()
	if err != nil {
		log.Fatal(err)
	}
	provider, err := redisprovider.New(redisprovider.Config{Client: pipelining})
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close(context.Background())
}
