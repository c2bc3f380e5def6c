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

// plainNear keeps entries until they expire, without any bound. Get and Set are
// all that a near tier has to have. With GetEntry and SetEntry it also keeps that
// the source has no such key.
type plainNear struct {
	mu   sync.Mutex
	kept map[string]keptNear
}

type keptNear struct {
	entry   cascache.NearEntry[string]
	expires time.Time
}

func newPlainNear() *plainNear { return &plainNear{kept: make(map[string]keptNear)} }

func (n *plainNear) GetEntry(key string) (cascache.NearEntry[string], bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.kept[key]
	return k.entry, ok && time.Now().Before(k.expires)
}

func (n *plainNear) SetEntry(key string, entry cascache.NearEntry[string], ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept[key] = keptNear{entry, time.Now().Add(ttl)}
}

func (n *plainNear) Get(key string) (string, uint64, bool) {
	entry, ok := n.GetEntry(key)
	return entry.Value, entry.Gen, ok && !entry.Absent
}

func (n *plainNear) Set(key, value string, gen uint64, ttl time.Duration) {
	n.SetEntry(key, cascache.NearEntry[string]{Value: value, Gen: gen}, ttl)
}

func (n *plainNear) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.kept, key)
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

// A key that the source does not have is asked for once per AbsentTTL.
func ExampleEntryNear() {
	ctx := context.Background()
	var near cascache.EntryNear[string] = newPlainNear()
	cache, err := cascache.New(cascache.Options[string]{Namespace: "name", Near: near.(cascache.Near[string])})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)
	loads := 0
	names, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		Load:      func(context.Context, string) (string, error) { loads++; return "", cascache.ErrNotFound },
		AbsentTTL: time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		_, err = names.Get(ctx, "nobody")
	}
	fmt.Println(errors.Is(err, cascache.ErrNotFound), "after", loads, "load")

	var entry cascache.NearEntry[string]
	entry, ok := near.GetEntry("nobody")
	fmt.Println(entry.Absent, ok)
	// Output:
	// true after 1 load
	// true true
}
