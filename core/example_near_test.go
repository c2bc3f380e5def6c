package cascache_test

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// plainNear keeps decoded values until they expire, without any bound.
type plainNear struct {
	mu      sync.Mutex
	entries map[string]nearEntry
}

type nearEntry struct {
	value   string
	gen     uint64
	expires time.Time
}

func newPlainNear() *plainNear { return &plainNear{entries: make(map[string]nearEntry)} }

func (n *plainNear) Get(key string) (string, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.entries[key]
	return e.value, e.gen, ok && time.Now().Before(e.expires)
}

func (n *plainNear) Set(key, value string, gen uint64, ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries[key] = nearEntry{value, gen, time.Now().Add(ttl)}
}

func (n *plainNear) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, key)
}

func (n *plainNear) Close() error { return nil }

// Decoded values in process, with no provider behind them. They are served under
// the same check as any entry.
func ExampleNear() {
	ctx := context.Background()
	var near cascache.Near[string] = newPlainNear()
	cache, err := cascache.New(cascache.Options[string]{Namespace: "name", Near: near})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	_ = cache.SetWithGen(ctx, "1", "Ada", cache.SnapshotGen("1"), time.Minute)
	fmt.Println(cache.Get(ctx, "1"))

	near.Set("2", "out of nowhere", 7, time.Minute) // 7 is no generation of the key
	_, ok, err := cache.Get(ctx, "2")
	fmt.Println(ok, err)
	// Output:
	// Ada true <nil>
	// false <nil>
}
