package lease

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
)

// connect returns a client that retries and waits as little as a test should.
func connect(tb testing.TB, addr string, change ...func(*redis.Options)) *redis.Client {
	tb.Helper()
	opts := &redis.Options{
		Addr:                  addr,
		ContextTimeoutEnabled: true,
		ReadTimeout:           2 * time.Second,
		MinRetryBackoff:       time.Millisecond,
		MaxRetryBackoff:       10 * time.Millisecond,
	}
	for _, f := range change {
		f(opts)
	}
	client := redis.NewClient(opts)
	tb.Cleanup(func() { client.Close() })
	return client
}

func open(tb testing.TB, client redis.UniversalClient, change ...func(*leasegenstore.Config)) *leasegenstore.Store {
	tb.Helper()
	config := leasegenstore.Config{Client: client, Namespace: "test"}
	for _, f := range change {
		f(&config)
	}
	store, err := leasegenstore.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

func connectCluster(tb testing.TB, addrs []string, change ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	tb.Helper()
	opts := &redis.ClusterOptions{
		Addrs:                 addrs,
		ContextTimeoutEnabled: true,
		ReadTimeout:           time.Second,
		MinRetryBackoff:       time.Millisecond,
		MaxRetryBackoff:       10 * time.Millisecond,
	}
	for _, f := range change {
		f(opts)
	}
	client := redis.NewClusterClient(opts)
	tb.Cleanup(func() { client.Close() })
	return client
}
