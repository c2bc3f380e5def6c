package leasegenstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
)

// values stands for a provider or a near tier in this process: a lease is for
// these.
var values cascache.Provider

// Every process of a service opens the same namespace with the same lease.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()

	var store *leasegenstore.Store
	store, err := leasegenstore.New(leasegenstore.Config{Client: client, Namespace: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	names, err := cascache.New(cascache.Options[string]{
		Namespace: "names",
		Provider:  values,
		GenStore:  store,
		Codec:     cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer names.Close(context.Background()) // closes the store, which leaves the namespace

	name, ok, err := names.Get(context.Background(), "42")
	fmt.Println(name, ok, err)
}

// A lease that is too short for its heartbeats is refused.
func ExampleNew_refused() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()
	_, err := leasegenstore.New(leasegenstore.Config{Client: client, Lease: 1})
	fmt.Println(err)
	// Output: leasegenstore: Config.Lease is 1ns; it must be 0, for 100ms, or from 10ms to 1m0s
}
