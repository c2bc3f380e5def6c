package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// every is each call of a cache that takes a context, on one key.
var every = []struct {
	name string
	call func(ctx context.Context, h *Handle[string], key string) error
}{
	{"Get", func(ctx context.Context, h *Handle[string], key string) error {
		v, ok, err := h.Get(ctx, key)
		if v != "" || ok {
			return errors.New("a hit")
		}
		return err
	}},
	{"SetWithGen", func(ctx context.Context, h *Handle[string], key string) error {
		return h.SetWithGen(ctx, key, "v", 1, 0)
	}},
	{"Invalidate", func(ctx context.Context, h *Handle[string], key string) error {
		return h.Invalidate(ctx, key)
	}},
	{"InvalidateBulk", func(ctx context.Context, h *Handle[string], key string) error {
		return h.InvalidateBulk(ctx, []string{key})
	}},
	{"GetBulk", func(ctx context.Context, h *Handle[string], key string) error {
		values, missing, err := h.GetBulk(ctx, []string{key})
		if len(values) != 0 || !slices.Equal(missing, []string{key}) {
			return errors.New("a value, or a key that is not missing")
		}
		return err
	}},
	{"SetBulkWithGens", func(ctx context.Context, h *Handle[string], key string) error {
		return h.SetBulkWithGens(ctx, map[string]string{key: "v"}, map[string]uint64{key: 1}, 0)
	}},
	{"SnapshotGenContext", func(ctx context.Context, h *Handle[string], key string) error {
		gen, err := h.SnapshotGenContext(ctx, key)
		if gen != 0 {
			return errors.New("a generation")
		}
		return err
	}},
	{"SnapshotGensContext", func(ctx context.Context, h *Handle[string], key string) error {
		gens, err := h.SnapshotGensContext(ctx, []string{key})
		if gen, ok := gens[key]; gen != 0 || !ok {
			return errors.New("a generation, or a key that is not in the result")
		}
		return err
	}},
}

func TestAfterCloseEveryCallReturnsErrClosed(t *testing.T) {
	for _, c := range every {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			fill(t, r.Handle, "k", "v")
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := len(r.log.all())
			if err := c.call(t.Context(), r.Handle, "k"); !errors.Is(err, ErrClosed) {
				t.Errorf("a call after Close does nothing and says so: got %v, want %v", err, ErrClosed)
			}
			if got := len(r.log.all()) - before; got != 0 {
				t.Errorf("a call after Close is not an event: got %d events", got)
			}
		})
	}
	r := newRig(t)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.SnapshotGen("k"); got != 0 {
		t.Errorf("a snapshot after Close makes the later set a no-op: got generation %d, want 0", got)
	}
	if got := r.SnapshotGens([]string{"k"}); !maps.Equal(got, map[string]uint64{"k": 0}) {
		t.Errorf("snapshots after Close make the later set a no-op: got %v", got)
	}
}

func TestCloseClosesProviderAndStoreOnce(t *testing.T) {
	provider, store := &closeCounter{mapProvider: newMapProvider()}, newStubStore()
	h := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}, GenStore: store})
	for range 3 {
		if err := h.Close(t.Context()); err != nil {
			t.Errorf("Close is idempotent: %v", err)
		}
	}
	if got := [2]int{provider.count("close"), store.count("close")}; got != [2]int{1, 1} {
		t.Errorf("Close closes the provider and the store, once: got %v calls, want 1 and 1", got)
	}
}

type closeCounter struct {
	*mapProvider
	err error
}

func (p *closeCounter) Close(ctx context.Context) error {
	p.mu.Lock()
	p.calls["close"]++
	p.mu.Unlock()
	return errors.Join(p.err, p.mapProvider.Close(ctx))
}

func TestCloseReturnsTheSameErrorEachTime(t *testing.T) {
	refused := errors.New("will not close")
	store := newStubStore()
	h, err := New(Options[string]{
		Namespace: "n", Provider: &closeCounter{mapProvider: newMapProvider(), err: refused}, Codec: String{}, GenStore: store,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.Close(t.Context()); !errors.Is(err, refused) {
			t.Errorf("every Close tells how it went: got %v, want %v", err, refused)
		}
	}
	if store.count("close") != 1 {
		t.Errorf("a provider that fails to close does not keep the store open: got %d calls, want 1", store.count("close"))
	}
}

func TestCloseWhileInUse(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v")
	var wg sync.WaitGroup
	for range 4 {
		for _, c := range every {
			wg.Go(func() {
				for range 50 {
					_ = c.call(context.Background(), r.Handle, "k")
				}
			})
		}
		wg.Go(func() {
			if err := r.Close(context.Background()); err != nil {
				t.Errorf("concurrent calls of Close all return what the first one did: %v", err)
			}
			if err := r.Invalidate(context.Background(), "k"); !errors.Is(err, ErrClosed) {
				t.Errorf("no call begins after Close has returned: got %v, want %v", err, ErrClosed)
			}
		})
	}
	wg.Wait()
}

// The bubble would not end with a goroutine left behind.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() { fill(t, r.Handle, "k", "v") })
			wg.Go(func() { _ = r.Invalidate(t.Context(), "k") })
		}
		wg.Wait()
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := r.gens.reads.goroutines() + r.gens.bumps.goroutines(); got != 0 {
			t.Errorf("Close lets every idle goroutine go: %d are left", got)
		}
	})
}

func TestCloseStopsThePruningOfItsOwnStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, CleanupInterval: time.Minute})
		store := h.gens.store.(*LocalGenStore)
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Current(t.Context(), "k"); !errors.Is(err, ErrClosed) {
			t.Errorf("Close closes the store that New has made: got %v, want %v", err, ErrClosed)
		}
		if store.timer.Stop() {
			t.Error("Close stops the background pruning: its timer was still running")
		}
	})
}

func TestDisabledTouchesNothing(t *testing.T) {
	r := newRig(t, func(o *Options[string]) { o.Disabled = true })
	if r.Enabled() {
		t.Error("a disabled cache says so: Enabled() = true")
	}
	for _, c := range every {
		if err := c.call(t.Context(), r.Handle, "k"); err != nil {
			t.Errorf("a disabled cache does nothing, successfully: %s: %v", c.name, err)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Errorf("a disabled cache has nothing to close: %v", err)
	}
	if len(r.provider.calls) != 0 || len(r.store.calls) != 0 || len(r.log.all()) != 0 {
		t.Errorf("a disabled cache calls no backend and no hook: got provider %v, store %v, events %v",
			r.provider.calls, r.store.calls, r.log.all())
	}
}

func TestDisabledNeedsNothing(t *testing.T) {
	h, err := New(Options[string]{Disabled: true})
	if err != nil {
		t.Fatalf("a disabled cache needs no namespace, provider or codec: %v", err)
	}
	for _, c := range every {
		if err := c.call(t.Context(), h, "k"); err != nil {
			t.Errorf("a disabled cache does nothing, successfully: %s: %v", c.name, err)
		}
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEnabled(t *testing.T) {
	if r := newRig(t); !r.Enabled() {
		t.Error("a cache that is not disabled is enabled: got false")
	}
}

func TestCallersEndedContext(t *testing.T) {
	for _, c := range every {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			fill(t, r.Handle, "k", "v")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := c.call(ctx, r.Handle, "k"); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller's own ended context comes back: got %v, want %v", err, context.Canceled)
			}
		})
	}
}

// A caller who stops waiting for a hung store learns that it was his context,
// also when it ends in the very moment that the look-up is given up.
func TestContextThatEndsDuringALookUp(t *testing.T) {
	for _, wait := range []time.Duration{50 * time.Millisecond, DefaultGenTimeout} {
		for _, c := range every {
			t.Run(c.name+"/"+wait.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					fill(t, r.Handle, "k", "v")
					release := r.store.hang(GenCurrent, GenSnapshot, GenBump)
					t.Cleanup(release)
					ctx, cancel := context.WithTimeout(t.Context(), wait)
					defer cancel()
					begun := time.Now()
					if err := c.call(ctx, r.Handle, "k"); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the caller's own ended context comes back: got %v, want %v", err, context.DeadlineExceeded)
					}
					if got := time.Since(begun); got != wait {
						t.Errorf("a call ends with its context: took %v, want %v", got, wait)
					}
				})
			})
		}
	}
}

func TestNewWarnsOfASharedProvider(t *testing.T) {
	for name, c := range map[string]struct {
		provider Provider
		store    GenStore
		want     int
	}{
		"shared, local generations":          {sharedProvider{newMapProvider(), true}, nil, 1},
		"shared, a local store given":        {sharedProvider{newMapProvider(), true}, NewLocalGenStore(0, 0), 1},
		"shared, a striped store":            {sharedProvider{newMapProvider(), true}, NewStripedGenStore(0), 1},
		"shared, a wrapper of a local store": {sharedProvider{newMapProvider(), true}, wrappedStore{NewLocalGenStore(0, 0)}, 1},
		"shared, a wrapper of another store": {sharedProvider{newMapProvider(), true}, wrappedStore{nonBlocking{newStubStore()}}, 0},
		"shared, shared generations":         {sharedProvider{newMapProvider(), true}, newStubStore(), 0},
		"not shared, local generations":      {sharedProvider{newMapProvider(), false}, nil, 0},
		"does not say, local generations":    {newMapProvider(), nil, 0},
		"a wrapper of one, local generation": {wrappedProvider{sharedProvider{newMapProvider(), true}}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			log := &eventLog{}
			open(t, Options[string]{Namespace: "n", Provider: c.provider, Codec: String{}, GenStore: c.store, Hooks: log.hooks()})
			got := eventsOf[SharedProviderEvent](log)
			if len(got) != c.want {
				t.Errorf("New warns once of a shared provider under local generations, and only then: got %v, want %d events", got, c.want)
			}
		})
	}
}

type sharedProvider struct {
	*mapProvider
	shared bool
}

func (p sharedProvider) Shared() bool { return p.shared }

// wrappedProvider forwards what it can of another provider, by the book.
type wrappedProvider struct{ Provider }

func (p wrappedProvider) Unwrap() any { return p.Provider }

func (p wrappedProvider) Shared() bool { return p.Provider.(Sharer).Shared() }
