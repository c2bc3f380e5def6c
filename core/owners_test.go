package cascache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared opens a cache over parts that other caches may have too.
func shared(t *testing.T, namespace string, provider Provider, store GenStore) *Handle[string] {
	t.Helper()
	h, err := New(Options[string]{Namespace: namespace, Provider: provider, Codec: String{}, GenStore: store})
	if err != nil {
		t.Fatalf("several caches may have one provider and one store: %v", err)
	}
	return h
}

func shut(t *testing.T, h *Handle[string]) {
	t.Helper()
	for range 2 {
		if err := h.Close(t.Context()); err != nil {
			t.Errorf("nothing in the way of Close: %v", err)
		}
	}
}

func TestTheLastCacheClosesWhatSeveralHave(t *testing.T) {
	provider, store := &closeCounter{mapProvider: newMapProvider()}, newStubStore()
	var caches []*Handle[string]
	for i := range 20 {
		caches = append(caches, shared(t, fmt.Sprint("n", i), provider, store))
	}
	for i, h := range caches {
		if got := [2]int{provider.count("close"), store.count("close")}; got != [2]int{} {
			t.Fatalf("while a cache is open nobody closes its provider or store: after %d of %d were closed: got %v calls", i, len(caches), got)
		}
		fill(t, h, "k", "v")
		wantHit(t, h, "a cache works until it is closed, whichever others are", "k", "v")
		shut(t, h)
		if _, _, err := h.Get(t.Context(), "k"); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed cache is closed though its store is not: got %v, want %v", err, ErrClosed)
		}
	}
	if got := [2]int{provider.count("close"), store.count("close")}; got != [2]int{1, 1} {
		t.Errorf("the last cache closes the provider and the store, once: got %v calls", got)
	}
}

// joinedCounter counts the calls of Close of one value that is both.
type joinedCounter struct {
	*joined
	mu     sync.Mutex
	closes int
}

func (j *joinedCounter) Close(ctx context.Context) error {
	j.mu.Lock()
	j.closes++
	j.mu.Unlock()
	return j.joined.Close(ctx)
}

func TestSeveralCachesOverOneCombined(t *testing.T) {
	both := &joinedCounter{joined: &joined{provider: newMapProvider(), store: newStubStore()}}
	a, b := shared(t, "a", both, both), shared(t, "b", both, both)
	for _, h := range []*Handle[string]{a, b} {
		if _, ok := h.port.(*together); !ok {
			t.Error("one value for both sides is used as a Combined, also by several caches")
		}
	}
	shut(t, a)
	fill(t, b, "k", "v")
	wantHit(t, b, "a cache works until it is closed, whichever others are", "k", "v")
	if both.closes != 0 {
		t.Errorf("a backend that a cache still has stays open: got %d calls of Close", both.closes)
	}
	shut(t, b)
	if both.closes != 1 {
		t.Errorf("the last cache closes the backend, once, though it has it as two things: got %d calls of Close", both.closes)
	}
}

func TestNewRefusesWhatIsClosed(t *testing.T) {
	for name, newStore := range map[string]func() GenStore{
		"local":              func() GenStore { return NewLocalGenStore(0, 0) },
		"striped":            func() GenStore { return NewStripedGenStore(0) },
		"an equal wrapper":   func() GenStore { return closedTelling{NewLocalGenStore(0, 0)} },
		"closed by somebody": func() GenStore { s := NewLocalGenStore(0, 0); _ = s.Close(context.Background()); return s },
	} {
		t.Run(name, func(t *testing.T) {
			provider, store := &closeCounter{mapProvider: newMapProvider()}, newStore()
			if name != "closed by somebody" {
				a, b := shared(t, "a", newMapProvider(), store), shared(t, "b", newMapProvider(), store)
				shut(t, a)
				shut(t, b)
			}
			h, err := New(Options[string]{Namespace: "n", Provider: provider, Codec: String{}, GenStore: store})
			if err == nil || h != nil || !strings.Contains(err.Error(), "Options.GenStore") || !strings.Contains(err.Error(), "closed") {
				t.Fatalf("New refuses a store that is closed, and says so: got %v, %v", h, err)
			}
			// The New that failed has no part in the provider.
			shut(t, shared(t, "n", provider, newStubStore()))
			if got := provider.count("close"); got != 1 {
				t.Errorf("a New that fails owns nothing: the only cache closed its provider %d times, want once", got)
			}
		})
	}
}

// closedTelling forwards a store's abilities by value.
type closedTelling struct{ *LocalGenStore }

func (c closedTelling) Unwrap() any { return c.LocalGenStore }

// A provider that outlives its caches, as those of tests do, does not say that
// it is closed.
func TestNewTakesWhatDoesNotSayThatItIsClosed(t *testing.T) {
	provider := &closeCounter{mapProvider: newMapProvider()}
	for range 3 {
		shut(t, shared(t, "n", provider, nil))
	}
	if got := provider.count("close"); got != 3 {
		t.Errorf("each cache that is alone closes its provider: got %d calls, want 3", got)
	}
}

func TestNewRefusesWhatIsBeingClosed(t *testing.T) {
	store := &slowToClose{stubStore: newStubStore(), begun: make(chan struct{}), end: make(chan struct{})}
	a := shared(t, "a", newMapProvider(), store)
	closed := make(chan error, 1)
	go func() { closed <- a.Close(context.Background()) }()
	<-store.begun
	if h, err := New(Options[string]{Namespace: "b", Provider: newMapProvider(), Codec: String{}, GenStore: store}); err == nil || h != nil {
		t.Errorf("New refuses a store that the last cache is closing: got %v, %v", h, err)
	}
	close(store.end)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	owners.mu.Lock()
	defer owners.mu.Unlock()
	if n, ok := owners.of[store]; ok {
		t.Errorf("a store that is closed is forgotten: got a count of %d", n)
	}
}

type slowToClose struct {
	*stubStore
	begun, end chan struct{}
}

func (s *slowToClose) Close(ctx context.Context) error {
	close(s.begun)
	<-s.end
	return s.stubStore.Close(ctx)
}

// uncomparableProvider is a store that cannot be told from others.
type uncomparableProvider struct {
	GenStore
	_ []int
}

func TestAStoreThatCannotBeToldFromOthers(t *testing.T) {
	store := newStubStore()
	shut(t, shared(t, "n", newMapProvider(), uncomparableProvider{GenStore: store}))
	if got := store.count("close"); got != 1 {
		t.Errorf("a store of an uncomparable type belongs to the cache that has it: got %d calls of Close, want 1", got)
	}
}

// whileOpen is a store that must not be closed while anybody has it.
type whileOpen struct {
	*stubStore
	mu     sync.Mutex
	users  int
	closed int
}

func (s *whileOpen) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	if s.users > 0 {
		return fmt.Errorf("closed while %d caches have it", s.users)
	}
	return nil
}

func TestCachesComeAndGoOverOneStore(t *testing.T) {
	store, provider := &whileOpen{stubStore: newStubStore()}, newMapProvider()
	first := shared(t, "first", provider, store) // held open, so that no New comes too late
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				store.mu.Lock()
				store.users++
				store.mu.Unlock()
				h, err := New(Options[string]{Namespace: fmt.Sprint(i), Provider: provider, Codec: String{}, GenStore: store})
				if err != nil {
					t.Errorf("a store that a cache has can be given to another one: %v", err)
					return
				}
				_ = h.SnapshotGen("k")
				store.mu.Lock()
				store.users--
				store.mu.Unlock()
				if err := h.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if store.closed != 0 {
		t.Errorf("a store that a cache has stays open: got %d calls of Close", store.closed)
	}
	shut(t, first)
	if store.closed != 1 {
		t.Errorf("the last cache closes the store: got %d calls of Close", store.closed)
	}
}

func TestACacheThatNobodyClosesOwnsNothingForEver(t *testing.T) {
	provider, store := &closeCounter{mapProvider: newMapProvider()}, newStubStore()
	kept := shared(t, "kept", provider, store)
	for range 16 {
		func() { use(t, shared(t, "dropped", provider, nonBlocking{store})) }()
	}
	owned := func() int {
		owners.mu.Lock()
		defer owners.mu.Unlock()
		return owners.of[provider]
	}
	for range 100 {
		if runtime.GC(); owned() == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond) // the cleanups run on a goroutine of the runtime
	}
	if n := owned(); n > 2 {
		t.Fatalf("a cache that was freed owns nothing: %d still own the provider, want 1", n)
	}
	if owned() == 1 {
		shut(t, kept)
		if got := provider.count("close"); got != 1 {
			t.Errorf("caches that were dropped do not keep a provider open: got %d calls of Close, want 1", got)
		}
	}
	runtime.KeepAlive(kept)
}

// Two caches of one namespace over one local store are right together, each with
// a near tier of its own.
func TestAnInvalidationEndsTheEntriesOfEveryCacheOverTheStore(t *testing.T) {
	for name, store := range map[string]GenStore{"local": NewLocalGenStore(0, 0), "striped": NewStripedGenStore(0)} {
		provider := newMapProvider()
		near := func(namespace string) *Handle[string] {
			return made(New(Options[string]{Namespace: namespace, Provider: provider, Codec: String{}, Near: newMapNear(), GenStore: store}))
		}
		a, b, other := near("n"), near("n"), near("other")
		fill(t, a, "k", "old")
		fill(t, other, "k", "other")
		wantHit(t, b, name+": caches of one namespace share entries", "k", "old")
		if err := a.Invalidate(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		wantMiss(t, b, name+": an invalidation ends the entry of every cache of the namespace", "k")
		if name == "local" { // keys of other namespaces may share a slot of the striped one
			wantHit(t, other, name+": and of no other namespace", "k", "other")
		}
		obs := a.SnapshotGen("k")
		if err := b.InvalidateBulk(t.Context(), []string{"k"}); err != nil {
			t.Fatal(err)
		}
		if err := a.SetWithGen(t.Context(), "k", "late", obs, 0); err != nil {
			t.Fatal(err)
		}
		wantMiss(t, a, name+": a fill from before the other cache's invalidation stores nothing", "k")
	}
}
