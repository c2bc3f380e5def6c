package cascache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errNoUser = errors.New("not a user")

// plainProvider is all that a provider has to be. This one keeps what it is
// given until it expires or is deleted, without any bound; a real one has one.
type plainProvider struct {
	mu      sync.Mutex
	entries map[string]plainEntry
}

type plainEntry struct {
	value   []byte
	expires time.Time
}

func newPlainProvider() *plainProvider {
	return &plainProvider{entries: make(map[string]plainEntry)}
}

func (p *plainProvider) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.entries[key]
	if !ok || time.Now().After(e.expires) {
		return nil, false, nil
	}
	return e.value, true, nil
}

func (p *plainProvider) Set(_ context.Context, key string, value []byte, _ int64, ttl time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries[key] = plainEntry{value: value, expires: time.Now().Add(ttl)}
	return true, nil
}

func (p *plainProvider) Del(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.entries, key)
	return nil
}

func (p *plainProvider) Close(context.Context) error { return nil }

func Example() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name",
		Provider:  newPlainProvider(),
		Codec:     cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	database := map[string]string{"1": "Ada"}

	// Read: from the cache, or in three steps from the database.
	name := func(id string) (string, error) {
		if name, ok, err := cache.Get(ctx, id); ok || err != nil {
			return name, err
		}
		obs := cache.SnapshotGen(id) // before the database is read
		name := database[id]
		return name, cache.SetWithGen(ctx, id, name, obs, 0)
	}
	// Write: the database first, then the cache.
	rename := func(id, name string) error {
		database[id] = name
		return cache.Invalidate(ctx, id)
	}

	fmt.Println(name("1"))
	fmt.Println(rename("1", "Grace"))
	fmt.Println(name("1"))
	// Output:
	// Ada <nil>
	// <nil>
	// Grace <nil>
}

func ExampleNew() {
	cache, err := cascache.New(cascache.Options[[]byte]{
		Namespace:  "thumbnail",
		Provider:   newPlainProvider(),
		Codec:      cascache.Bytes{},
		DefaultTTL: time.Hour,
		TTLJitter:  0.1, // entries live for 54 to 60 minutes
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(context.Background())
	fmt.Println(cache.Enabled())

	_, err = cascache.New(cascache.Options[[]byte]{Namespace: "thumbnail", Codec: cascache.Bytes{}})
	fmt.Println(err)
	// Output:
	// true
	// cascache: Options.Provider is nil; it is required unless Options.Near is set
}

// A fill that began before an invalidation stores nothing.
func ExampleHandle_SetWithGen() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "price", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	obs := cache.SnapshotGen("book")
	loaded := "10 EUR" // read from the database…

	// …while somebody writes 12 EUR there, and invalidates.
	if err := cache.Invalidate(ctx, "book"); err != nil {
		log.Fatal(err)
	}

	fmt.Println(cache.SetWithGen(ctx, "book", loaded, obs, 0))
	_, ok, err := cache.Get(ctx, "book")
	fmt.Println(ok, err)
	// Output:
	// <nil>
	// false <nil>
}

func ExampleHandle_GetBulk() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	database := map[string]string{"1": "Ada", "2": "Grace", "3": "Barbara"}

	names := func(ids ...string) (map[string]string, error) {
		values, missing, err := cache.GetBulk(ctx, ids)
		if err != nil || len(missing) == 0 {
			return values, err
		}
		fmt.Println("loading", missing)
		obs := cache.SnapshotGens(missing) // before the database is read
		loaded := make(map[string]string)
		for _, id := range missing {
			loaded[id] = database[id]
			values[id] = database[id]
		}
		return values, cache.SetBulkWithGens(ctx, loaded, obs, 0)
	}

	fmt.Println(names("1", "2"))
	fmt.Println(names("1", "2", "3"))
	fmt.Println(cache.InvalidateBulk(ctx, []string{"1", "3"}))
	fmt.Println(names("3", "2", "1"))
	// Output:
	// loading [1 2]
	// map[1:Ada 2:Grace] <nil>
	// loading [3]
	// map[1:Ada 2:Grace 3:Barbara] <nil>
	// <nil>
	// loading [3 1]
	// map[1:Ada 2:Grace 3:Barbara] <nil>
}

func ExampleHooks() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
		Hooks: &cascache.Hooks{
			Hit: func(_ context.Context, e cascache.HitEvent) {
				fmt.Println("hit", e.Key)
			},
			Miss: func(_ context.Context, e cascache.MissEvent) {
				fmt.Println("miss", e.Key, e.Reason)
			},
			SetSkipped: func(_ context.Context, e cascache.SetSkippedEvent) {
				fmt.Println("set skipped", e.Key, e.Reason)
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	_, _, _ = cache.Get(ctx, "1")
	obs := cache.SnapshotGen("1")
	_ = cache.SetWithGen(ctx, "1", "Ada", obs, 0)
	_, _, _ = cache.Get(ctx, "1")
	if err := cache.Invalidate(ctx, "1"); err != nil {
		log.Fatal(err)
	}
	_ = cache.SetWithGen(ctx, "1", "Ada", obs, 0)
	// Output:
	// miss 1 not_found
	// hit 1
	// set skipped 1 stale
}

// A provider is four methods. Entries from elsewhere do it no harm.
func ExampleProvider() {
	ctx := context.Background()
	var provider cascache.Provider = newPlainProvider()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: provider, Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	_ = cache.SetWithGen(ctx, "1", "Ada", cache.SnapshotGen("1"), 0)
	raw, ok, _ := provider.Get(ctx, "single:name:1")
	fmt.Println(ok, len(raw), "bytes")

	_, _ = provider.Set(ctx, "single:name:1", []byte("not ours"), 0, time.Minute)
	_, ok, err = cache.Get(ctx, "1")
	fmt.Println(ok, err)
	// Output:
	// true 21 bytes
	// false <nil>
}

func ExampleLimit() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "page", Provider: newPlainProvider(),
		Codec: cascache.Limit[string]{Codec: cascache.String{}, Max: 10},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	obs := cache.SnapshotGen("home")
	fmt.Println(cache.SetWithGen(ctx, "home", "short", obs, 0))
	err = cache.SetWithGen(ctx, "home", "much too long", obs, 0)
	fmt.Println(errors.Is(err, cascache.ErrValueTooLarge))
	// Output:
	// <nil>
	// true
}

func ExampleInvalidateError() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
		GenStore: brokenStore{cascache.NewLocalGenStore(0, 0)},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = cache.Invalidate(ctx, "1")
	var failed *cascache.InvalidateError
	if errors.As(err, &failed) {
		fmt.Println("other processes may still serve", failed.Key)
	}
	// Output:
	// other processes may still serve 1
}

// Of many keys, the error lists those that failed.
func ExampleInvalidateBulkError() {
	ctx := context.Background()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{},
		GenStore: brokenStore{cascache.NewLocalGenStore(0, 0)},
	})
	if err != nil {
		log.Fatal(err)
	}
	var failed *cascache.InvalidateBulkError
	if err := cache.InvalidateBulk(ctx, []string{"1", "2"}); errors.As(err, &failed) {
		fmt.Println("not known to be invalidated:", failed.Keys)
	}
	// Output: not known to be invalidated: [1 2]
}

// brokenStore cannot bump.
type brokenStore struct{ cascache.GenStore }

func (brokenStore) Bump(context.Context, string) (uint64, error) {
	return 0, errors.New("no connection")
}
