package cascache

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// abandon has make build something n times, drops each at once, and wants the
// garbage collector to free all of them but a few: what a register or a stack
// still points to may stay.
func abandon[T any](t *testing.T, what string, make func() *T) {
	t.Helper()
	const n = 32
	var freed atomic.Int64
	for range n {
		runtime.AddCleanup(make(), func(*atomic.Int64) { freed.Add(1) }, &freed)
	}
	// Several rounds: a cleanup of one object can be what frees the next.
	for range 100 {
		runtime.GC()
		if freed.Load() >= n-2 {
			return
		}
		time.Sleep(10 * time.Millisecond) // the cleanups run on a goroutine of the runtime
	}
	t.Errorf("the garbage collector frees %s that nobody closes: %d of %d were freed", what, freed.Load(), n)
}

func use(t *testing.T, h *Handle[string]) *Handle[string] {
	t.Helper()
	ctx := context.Background()
	if err := h.SetWithGen(ctx, "k", "v", h.SnapshotGen("k"), 0); err != nil {
		t.Fatal(err)
	}
	_, _, _ = h.Get(ctx, "k")
	_, _, _ = h.GetBulk(ctx, []string{"k", "l"})
	if err := h.Invalidate(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	return h
}

func made[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAStoreThatNobodyClosesIsFreed(t *testing.T) {
	abandon(t, "a local store", func() *LocalGenStore { return NewLocalGenStore(0, 0) })
	abandon(t, "a local store whose timer never fires", func() *LocalGenStore { return NewLocalGenStore(1<<63-1, 0) })
	abandon(t, "a local store that has pruned", func() *LocalGenStore {
		s := NewLocalGenStore(time.Millisecond, time.Millisecond)
		_, _ = s.Bump(context.Background(), "k")
		for s.Len() > 0 {
			time.Sleep(time.Millisecond)
		}
		return s
	})
	abandon(t, "a striped store", func() *StripedGenStore { return NewStripedGenStore(64) })
}

func TestACacheThatNobodyClosesIsFreed(t *testing.T) {
	options := func() Options[string] {
		return Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}}
	}
	abandon(t, "a cache", func() *Handle[string] { return use(t, made(New(options()))) })
	abandon(t, "the store of a cache", func() *LocalGenStore {
		h := use(t, made(New(options())))
		return h.gens.store.(*LocalGenStore)
	})
	abandon(t, "the provider of a cache", func() *mapProvider {
		opts := options()
		use(t, made(New(opts)))
		return opts.Provider.(*mapProvider)
	})
	abandon(t, "a store that was given to a cache", func() *LocalGenStore {
		opts, s := options(), NewLocalGenStore(0, 0)
		opts.GenStore = s
		use(t, made(New(opts)))
		return s
	})
	abandon(t, "a provider in a wrapper", func() *mapProvider {
		opts, p := options(), newMapProvider()
		opts.Provider = wrappedByValue{p}
		use(t, made(New(opts)))
		return p
	})
	abandon(t, "a cache with a near tier and hooks that know it", func() *Handle[string] {
		opts := options()
		var h *Handle[string]
		opts.Hooks = &Hooks{Miss: func(context.Context, MissEvent) { h.Enabled() }}
		opts.Near = newMapNear()
		h = made(New(opts))
		return use(t, h)
	})
	abandon(t, "a cache with a loader", func() *Handle[string] {
		h := made(New(options()))
		l := made(NewLoader(h, LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "v", nil }}))
		if _, err := l.Get(context.Background(), "k"); err != nil {
			t.Fatal(err)
		}
		return h
	})
	abandon(t, "a cache that has recovered from a failed invalidation", func() *Handle[string] {
		opts, store := options(), newStubStore()
		opts.GenStore = nonBlocking{store}
		h := made(New(opts))
		store.fail(GenBump, errors.New("broken"))
		if err := h.Invalidate(context.Background(), "k"); err == nil {
			t.Error("the bump was broken: got nil")
		}
		store.fail(GenBump, nil)
		return use(t, h) // its Invalidate clears the suspicion; the goroutine finds nothing to do
	})
}

func TestACacheOverABlockingStoreThatNobodyClosesIsFreed(t *testing.T) {
	abandon(t, "a cache over a store that may block", func() *Handle[string] {
		return use(t, made(New(Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: newStubStore()})))
	})
}

type wrappedByValue struct{ Provider }
