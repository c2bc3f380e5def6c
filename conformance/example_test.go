package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// passes runs a test, since an example is given none: what stands in it belongs
// in a func TestConformance(t *testing.T). What the test prints is no output of
// the example.
func passes(test func(t *testing.T)) bool {
	out := os.Stdout
	defer func() { os.Stdout = out }()
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		defer null.Close()
		os.Stdout = null
	}
	all := func(string, string) (bool, error) { return true, nil }
	return testing.RunTests(all, []testing.InternalTest{{Name: "TestConformance", F: test}})
}

// store is a provider that is a map, with a clock
// that tests can move.
type store struct {
	mu      sync.Mutex
	ahead   time.Duration
	entries map[string]stored
	closed  bool
}

type stored struct {
	value []byte
	until time.Time
}

var errClosed = errors.New("store: closed")

func newStore() *store { return &store{entries: make(map[string]stored)} }

func (s *store) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func (s *store) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, errClosed
	}
	e, ok := s.entries[key]
	if !ok || !time.Now().Add(s.ahead).Before(e.until) {
		return nil, false, nil
	}
	return e.value, true, nil
}

func (s *store) Set(_ context.Context, key string, value []byte, _ int64, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, errClosed
	}
	s.entries[key] = stored{bytes.Clone(value), time.Now().Add(s.ahead + ttl)}
	return true, nil
}

func (s *store) Del(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	delete(s.entries, key)
	return nil
}

func (s *store) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// A provider that is a map: what it lacks by its nature is declared, with the
// reason.
func ExampleRunProvider() {
	fmt.Println(passes(func(t *testing.T) {
		conformance.RunProvider(t, conformance.ProviderHarness{
			New: func(testing.TB) cascache.Provider { return newStore() },
			Advance: func(_ testing.TB, p cascache.Provider, d time.Duration) {
				p.(*store).advance(d)
			},
			Lacks: map[conformance.Lack]string{
				conformance.ContextErrors: "it does no I/O",
				conformance.Failures:      "it is memory",
			},
		})
	}))
	// Output:
	// true
}

func ExampleRunCodec() {
	fmt.Println(passes(func(t *testing.T) {
		conformance.RunCodec(t, conformance.CodecHarness[string]{
			New:    func(testing.TB) cascache.Codec[string] { return cascache.String{} },
			Values: func() []string { return []string{"", "tea", "téa", "a longer line of text"} },
		})
	}))
	// Output:
	// true
}

// The ways in which a store can lose generations are for the harness to name:
// nothing may come back to life after any of them.
func ExampleRunGenStore() {
	fmt.Println(passes(func(t *testing.T) {
		conformance.RunGenStore(t, conformance.GenStoreHarness{
			New: func(testing.TB) cascache.GenStore { return cascache.NewLocalGenStore(0, 0) },
			Losses: []conformance.Loss{{
				Name: "a prune",
				Lose: func(_ testing.TB, s cascache.GenStore) { s.(*cascache.LocalGenStore).Cleanup(0) },
			}},
			Lacks: map[conformance.Lack]string{
				conformance.Sharing:       "it is the memory of one process",
				conformance.LostReplies:   "nothing lies between it and its caller",
				conformance.ContextErrors: "it does no I/O",
				conformance.Failures:      "it is memory",
			},
		})
	}))
	// Output:
	// true
}

// near keeps strings under their generations.
type near struct {
	mu      sync.Mutex
	ahead   time.Duration
	entries map[string]kept
	closed  bool
}

type kept struct {
	value string
	gen   uint64
	until time.Time
}

func (n *near) Get(key string) (string, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.entries[key]
	if !ok || n.closed || !time.Now().Add(n.ahead).Before(e.until) {
		return "", 0, false
	}
	return e.value, e.gen, true
}

func (n *near) Set(key, value string, gen uint64, ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries[key] = kept{value, gen, time.Now().Add(n.ahead + ttl)}
}

func (n *near) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, key)
}

func (n *near) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	return nil
}

func ExampleRunNear() {
	fmt.Println(passes(func(t *testing.T) {
		conformance.RunNear(t, conformance.NearHarness[string]{
			New:    func(testing.TB) cascache.Near[string] { return &near{entries: make(map[string]kept)} },
			Values: func() []string { return []string{"tea", "coffee", "water", "milk"} },
			Advance: func(_ testing.TB, n cascache.Near[string], d time.Duration) {
				tier := n.(*near)
				tier.mu.Lock()
				defer tier.mu.Unlock()
				tier.ahead += d
			},
			Lacks: map[conformance.Lack]string{
				conformance.Bounds: "a map is as large as what is put into it",
			},
		})
	}))
	// Output:
	// true
}

// A whole assembly, as its users open it.
func ExampleRunCache() {
	fmt.Println(passes(func(t *testing.T) {
		conformance.RunCache(t, conformance.CacheHarness{
			New: func(testing.TB, int) []cascache.Options[string] {
				return []cascache.Options[string]{{
					Namespace: "shop", Provider: newStore(), Codec: cascache.String{},
				}}
			},
			Losses: []conformance.Loss{{
				Name: "a prune",
				Lose: func(_ testing.TB, s cascache.GenStore) { s.(*cascache.LocalGenStore).Cleanup(0) },
			}},
			Lacks: map[conformance.Lack]string{
				conformance.Sharing: "local generations are for one process",
			},
		})
	}))
	// Output:
	// true
}

// A checker watches any cache, of whatever make: here cache-aside with a delete,
// where a slow load stores what it has read before the delete.
func ExampleChecker() {
	checker := conformance.NewChecker(conformance.CheckerOptions{MaxKeys: 100})
	cache := make(map[string]uint64) // of versions, for this example
	database := uint64(1)

	load := checker.BeginLoad("price")
	loaded := database
	load.End(loaded)

	// Before it is stored, another goroutine writes and deletes.
	database++
	invalidation := checker.BeginInvalidation("price")
	delete(cache, "price")
	invalidation.End(nil)

	cache["price"] = loaded

	read := checker.BeginRead("price")
	if version, ok := cache["price"]; ok {
		fmt.Println("allowed:", read.Hit(version))
	}

	counts := checker.Counts()
	fmt.Println(counts.Hits, "hit,", counts.Violations, "violation")
	for _, v := range checker.Violations() {
		fmt.Println(v.Key, "was served in version", v.Version)
	}
	// Output:
	// allowed: false
	// 1 hit, 1 violation
	// price was served in version 1
}
