package genstoreredis

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
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

func open(tb testing.TB, client redis.UniversalClient, change ...func(*redisgenstore.Config)) *redisgenstore.Store {
	tb.Helper()
	config := redisgenstore.Config{Client: client, Namespace: "test"}
	for _, f := range change {
		f(&config)
	}
	store, err := redisgenstore.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// store is what is tested here: a Store, or a Backend, which has all of its
// methods and keeps the values beside the generations.
type store interface {
	cascache.GenStore
	cascache.CommitReader
	cascache.BulkGenStore
	cascache.BulkGenStore
	cascache.BulkGenStore
	cascache.Holder
}

// An opening makes a store of one kind.
type opening func(tb testing.TB, client redis.UniversalClient, change ...func(*redisgenstore.Config)) store

// kinds are the stores that everything here must hold for.
var kinds = []struct {
	name string
	open opening
}{
	{"store", func(tb testing.TB, client redis.UniversalClient, change ...func(*redisgenstore.Config)) store {
		return open(tb, client, change...)
	}},
	{"backend", openBackend},
}

func openBackend(tb testing.TB, client redis.UniversalClient, change ...func(*redisgenstore.Config)) store {
	tb.Helper()
	config := redisgenstore.Config{Client: client, Namespace: "test"}
	for _, f := range change {
		f(&config)
	}
	backend, err := redisbackend.New(redisbackend.Config{
		Client:       config.Client,
		Namespace:    config.Namespace,
		TTL:          config.TTL,
		Unguarded:    config.Unguarded,
		WaitReplicas: config.WaitReplicas,
		WaitTimeout:  config.WaitTimeout,
		CloseClient:  config.CloseClient,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return backend
}

// eachKind runs a test for each of them.
func eachKind(t *testing.T, test func(t *testing.T, open opening)) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) { test(t, kind.open) })
	}
}

// providerFor returns the provider of a cache over s: s itself where it keeps
// values too, and otherwise one that loses nothing.
func providerFor(s cascache.GenStore) cascache.Provider {
	if both, ok := s.(cascache.Combined); ok {
		return both
	}
	return new(values)
}

func current(tb testing.TB, s store, key string) uint64 {
	tb.Helper()
	gen, err := s.Current(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return gen
}

func snapshot(tb testing.TB, s store, key string) uint64 {
	tb.Helper()
	gen, err := s.Snapshot(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return gen
}

func bump(tb testing.TB, s store, key string) uint64 {
	tb.Helper()
	gen, err := s.Bump(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return gen
}

// redisKey returns the one Redis key that ends with a storage key.
func redisKey(tb testing.TB, client redis.UniversalClient, storageKey string) string {
	tb.Helper()
	var found []string
	for _, key := range client.Keys(tb.Context(), "*").Val() {
		if strings.HasSuffix(key, ":"+storageKey) {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		tb.Fatalf("the generation of %q lies in %d Redis keys, not one: %q", storageKey, len(found), found)
	}
	return found[0]
}

func names(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = prefix + strconv.Itoa(i)
	}
	return keys
}

// source returns the text of a script that writes, to tell its calls apart.
func source(tb testing.TB, script string) string {
	tb.Helper()
	return scriptFile(tb, "prelude") + scriptFile(tb, script)
}

func scriptFile(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile("../../../internal/redisgen/scripts/" + name + ".lua")
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// long skips a test that waits for elections, time-outs and restarts, where -short
// asks for what is quick.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for what takes its time")
	}
}
