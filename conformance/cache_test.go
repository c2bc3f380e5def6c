package conformance

import (
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestCacheRulesAreWellFormed(t *testing.T) { requireWellFormed(t, cacheRules, cacheLacks) }

func TestPlainCachePasses(t *testing.T) { RunCache(t, plainCacheHarness()) }

func TestToyCachePasses(t *testing.T) { RunCache(t, toyHarness(toyFaults{})) }

// TestOddCachePasses puts a cache together from backends that do every odd
// thing that they may.
func TestOddCachePasses(t *testing.T) {
	h := plainCacheHarness()
	over(openOddGens)(&h)
	right := h.New
	h.New = func(tb testing.TB, n int) []cascache.Options[string] {
		all := right(tb, n)
		shared := newOdd()
		for i := range all {
			all[i].Provider = oddBulked{shared}
		}
		return all
	}
	h.Settle = func(_ testing.TB, opts cascache.Options[string]) { opts.Provider.(oddBulked).settle() }
	RunCache(t, h)
}

// nearMap keeps values without a bound or an end.
type nearMap struct {
	mu     sync.Mutex
	values map[string]nearValue
}

type nearValue struct {
	value string
	gen   uint64
}

func (n *nearMap) Get(key string) (string, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.values[key]
	return v.value, v.gen, ok
}

func (n *nearMap) Set(key, value string, gen uint64, _ time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.values[key] = nearValue{value, gen}
}

func (n *nearMap) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.values, key)
}

func (n *nearMap) Close() error { return nil }

// withNear puts a near tier in front of each replica.
func withNear(h CacheHarness) CacheHarness {
	right := h.New
	h.New = func(tb testing.TB, n int) []cascache.Options[string] {
		all := right(tb, n)
		for i := range all {
			all[i].Near = &nearMap{values: make(map[string]nearValue)}
		}
		return all
	}
	return h
}

func TestNearCachePasses(t *testing.T) { RunCache(t, withNear(plainCacheHarness())) }

func TestNearCacheWithoutAProviderPasses(t *testing.T) {
	h := withNear(plainCacheHarness())
	right := h.New
	h.New = func(tb testing.TB, n int) []cascache.Options[string] {
		all := right(tb, n)
		for i := range all {
			all[i].Provider, all[i].Codec = nil, nil
		}
		return all
	}
	RunCache(t, h)
}

// TestLocalCachePasses is a cache for one process, as New makes it.
func TestLocalCachePasses(t *testing.T) {
	RunCache(t, CacheHarness{
		New: func(testing.TB, int) []cascache.Options[string] {
			return []cascache.Options[string]{{Namespace: "a:b%c", Provider: bulked{newPlain()}, Codec: cascache.String{}}}
		},
		Losses: []Loss{{Name: "a prune", Lose: func(_ testing.TB, s cascache.GenStore) { s.(*cascache.LocalGenStore).Cleanup(0) }}},
		Lacks:  map[Lack]string{Sharing: "local generations are for one process"},
	})
}

func TestStripedCachePasses(t *testing.T) {
	RunCache(t, CacheHarness{
		New: func(testing.TB, int) []cascache.Options[string] {
			return []cascache.Options[string]{{
				Namespace: "striped", Provider: newPlain(), Codec: cascache.String{}, GenStore: cascache.NewStripedGenStore(0),
			}}
		},
		Lacks: map[Lack]string{Sharing: "local generations are for one process", Losing: "it never drops a generation"},
	})
}

func TestCacheHarnessWithoutLossesOrReasonIsToldSo(t *testing.T) {
	h := plainCacheHarness()
	h.Losses = nil
	if o := cacheSuite(h).box(t)["LossRevivesNothing"]; o.status != failed {
		t.Errorf("got %+v, want a failure that asks for Losses or a reason", o)
	}
}

// uncomparableBoth is a Combined that panics when it is compared.
type uncomparableBoth struct {
	*plainBoth
	_ []string
}

func TestACombinedThatCannotBeComparedIsNotOneValue(t *testing.T) {
	both := uncomparableBoth{plainBoth: newPlainBoth("")}
	if _, one := oneValue(cascache.Options[string]{Provider: both, GenStore: both}); one {
		t.Error("the cache takes such a value for two: so must the suite")
	}
	if _, one := oneValue(cascache.Options[string]{Provider: both.plainBoth, GenStore: both.plainBoth}); !one {
		t.Error("a pointer on both sides is one value")
	}
}
