package redisbackend_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// One value is both the provider and the generation store of a cache. A client
// serves any number of them, so it stays open when one is closed.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()

	backend, err := redisbackend.New(redisbackend.Config{Client: client, Namespace: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	names, err := cascache.New(cascache.Options[string]{
		Namespace: "names",
		Provider:  backend,
		GenStore:  backend,
		Codec:     cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer names.Close(context.Background())

	name, ok, err := names.Get(context.Background(), "42")
	fmt.Println(name, ok, err)
}

// Clients that could answer with what was invalidated are refused.
func ExampleNew_refused() {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"localhost:6379"}, RouteRandomly: true})
	defer client.Close()
	_, err := redisbackend.New(redisbackend.Config{Client: client})
	fmt.Println(err)
	// Output: redisbackend: redisgenstore: Config.Client reads from replicas, which lag behind; use a client without RouteRandomly
}
