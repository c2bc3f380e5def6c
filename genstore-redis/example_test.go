package redisgenstore_test

import (
	"context"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
)

// Generations that all replicas of a service share. The client is one that asks
// masters only; it stays open when the store is closed.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()

	store, err := redisgenstore.New(redisgenstore.Config{
		Client:    client,
		Namespace: "shop",
		TTL:       24 * time.Hour, // of a generation that no fill uses
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close(context.Background())

	// GenStore: store, in the cache's Options.
}

// Two replicas have every bump before it is said to be done. Without them, an
// invalidation fails, and its key is suspect until it has been repeated.
func ExampleConfig_waitReplicas() {
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:    "main",
		SentinelAddrs: []string{"sentinel-1:26379", "sentinel-2:26379", "sentinel-3:26379"},
	})
	defer client.Close()

	store, err := redisgenstore.New(redisgenstore.Config{
		Client:       client,
		Namespace:    "shop",
		WaitReplicas: 2,
		WaitTimeout:  time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close(context.Background())
}

// What lies beside the generations, as backend-redis reads it: an entry and its
// generation in one round trip. A cache over that module does so by itself.
func ExampleStore_Values() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()
	store := redisgenstore.NewRedisGenStore(client, "shop")

	value, gen, valueErr, genErr := store.Values().GetWithGen(context.Background(), "single:user:1", false)
	log.Println(len(value), gen, valueErr, genErr)
}
