package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"
)

// panicky panics in the calls that are named, and works otherwise.
type panicky struct {
	in map[string]bool
}

func (p panicky) maybe(call string) {
	if p.in[call] || p.in["all"] {
		panic(errBroken)
	}
}

type panickyProvider struct {
	*mapProvider
	panicky
}

func (p panickyProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	p.maybe("get")
	return p.mapProvider.Get(ctx, key)
}

func (p panickyProvider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	p.maybe("set")
	return p.mapProvider.Set(ctx, key, value, cost, ttl)
}

func (p panickyProvider) Del(ctx context.Context, key string) error {
	p.maybe("del")
	return p.mapProvider.Del(ctx, key)
}

func (p panickyProvider) Close(ctx context.Context) error {
	p.maybe("close")
	return p.mapProvider.Close(ctx)
}

// panickyBulks has the bulk abilities and looks up keys in two parts.
type panickyBulks struct{ panickyProvider }

func (p panickyBulks) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return p.Get(ctx, prefix+key)
}

func (p panickyBulks) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	p.maybe("get")
	return bulkProvider{p.mapProvider}.GetBulk(ctx, keys)
}

func (p panickyBulks) SetBulk(ctx context.Context, items []Item) ([]bool, error) {
	p.maybe("set")
	return bulkProvider{p.mapProvider}.SetBulk(ctx, items)
}

func (p panickyBulks) DelBulk(ctx context.Context, keys []string) error {
	p.maybe("del")
	return bulkProvider{p.mapProvider}.DelBulk(ctx, keys)
}

// panickyBackend is one store for both, blocking or not.
type panickyBackend struct {
	spy
	panicky
	blocks bool
}

func (b panickyBackend) NonBlocking() bool { return !b.blocks }

func (b panickyBackend) GetWithGen(ctx context.Context, key string, create bool) ([]byte, uint64, error, error) {
	b.maybe("get")
	return b.spy.GetWithGen(ctx, key, create)
}

func (b panickyBackend) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (BulkReading, error) {
	b.maybe("get")
	return b.spy.GetBulkWithGens(ctx, bulk, keys, wanted)
}

func (b panickyBackend) SetIfGen(ctx context.Context, item Item, gen uint64) (uint64, bool, error) {
	b.maybe("set")
	return b.spy.SetIfGen(ctx, item, gen)
}

func (b panickyBackend) SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) ([]uint64, []bool, error) {
	b.maybe("set")
	return b.spy.SetBulkIfGens(ctx, items, gens)
}

func (b panickyBackend) BumpAndDel(ctx context.Context, keys []string) ([]uint64, error, error) {
	b.maybe("del")
	return b.spy.BumpAndDel(ctx, keys)
}

func (b panickyBackend) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	b.maybe("del")
	return b.spy.DelEqual(ctx, keys, values)
}

func (b panickyBackend) Close(ctx context.Context) error {
	b.maybe("close")
	return b.spy.Close(ctx)
}

// A panic of a provider is an error of the call, as a codec's or a store's is.
func TestAPanicOfAProviderIsAnErrorOfTheCall(t *testing.T) {
	for name, assemble := range map[string]func(p panicky) (Options[string], *mapProvider, *LocalGenStore){
		"plain": func(p panicky) (Options[string], *mapProvider, *LocalGenStore) {
			m, s := newMapProvider(), NewLocalGenStore(0, 0)
			return Options[string]{Provider: panickyProvider{m, p}, GenStore: s}, m, s
		},
		"in bulk": func(p panicky) (Options[string], *mapProvider, *LocalGenStore) {
			m, s := newMapProvider(), NewLocalGenStore(0, 0)
			return Options[string]{Provider: panickyBulks{panickyProvider{m, p}}, GenStore: s}, m, s
		},
		"together": func(p panicky) (Options[string], *mapProvider, *LocalGenStore) {
			both, m, s := newSpy()
			b := &panickyBackend{both, p, true}
			return Options[string]{Provider: b, GenStore: b}, m, s.local
		},
		"together, never blocking": func(p panicky) (Options[string], *mapProvider, *LocalGenStore) {
			both, m, s := newSpy()
			b := &panickyBackend{both, p, false}
			return Options[string]{Provider: b, GenStore: b}, m, s.local
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			p := panicky{make(map[string]bool)}
			opts, entries, gens := assemble(p)
			log := &eventLog{}
			opts.Namespace, opts.Codec, opts.Hooks = "n", String{}, log.hooks()
			opts.Hooks.Load = noting[LoadEvent](log)
			h, err := New(opts)
			if err != nil {
				t.Fatal(err)
			}
			only := func(call string) { clear(p.in); p.in[call] = true }
			obs := fillBulk(t, h, ab)

			only("get")
			if _, ok, err := h.Get(ctx, "a"); ok || !errors.Is(err, errBroken) {
				t.Errorf("a panic is the error of a read: got %v, %v", ok, err)
			}
			for _, keys := range [][]string{{"a", "b"}, {"a", "c"}} {
				if values, missing, err := h.GetBulk(ctx, keys); len(values) != 0 || len(missing) != 2 || !errors.Is(err, errBroken) {
					t.Errorf("a panic is the error of a bulk read: got %v, %v, %v", values, missing, err)
				}
			}
			only("set")
			if err := h.SetWithGen(ctx, "a", "3", obs["a"], 0); !errors.Is(err, errBroken) {
				t.Errorf("a panic is the error of a set: got %v", err)
			}
			if err := h.SetBulkWithGens(ctx, ab, obs, 0); !errors.Is(err, errBroken) {
				t.Errorf("a panic is the error of a bulk set: got %v", err)
			}
			only("all")
			loader, err := NewLoader(h, LoaderOptions[string]{
				LoadMany: func(_ context.Context, keys []string) (map[string]string, error) { return ab, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			log.reset()
			if v, err := loader.Get(ctx, "a"); v != "1" || err != nil {
				t.Errorf("a panic of the provider is not the load's: got %q, %v", v, err)
			}
			if values, err := loader.GetMany(ctx, []string{"a", "b"}); !maps.Equal(values, ab) || err != nil {
				t.Errorf("a panic of the provider is not the load's: got %v, %v", values, err)
			}
			only("set")
			entries.traffic()
			for _, entry := range []string{"single:n:a", "single:n:b", bulkOfAB} {
				if err := entries.Del(ctx, entry); err != nil {
					t.Fatal(err)
				}
			}
			log.reset()
			if v, err := loader.Get(ctx, "a"); v != "1" || err != nil {
				t.Errorf("a value is not lost since it could not be stored: got %q, %v", v, err)
			}
			if e := eventsOf[LoadEvent](log); len(e) != 1 || e[0].Err != nil || !errors.Is(e[0].StoreErr, errBroken) {
				t.Errorf("that a loaded value could not be stored is told: got %+v", e)
			}

			clear(p.in)
			fillBulk(t, h, ab)
			only("del")
			for _, key := range []string{"a", "b"} {
				if _, err := gens.Bump(ctx, h.keys.entry(key)); err != nil {
					t.Fatal(err)
				}
			}
			log.reset()
			wantMiss(t, h, "a heal that panics is no error of the read", "a")
			wantBulk(t, h, "a heal that panics is no error of the read", []string{"a", "b"}, nil, "a", "b")
			healed := eventsOf[SelfHealEvent](log)
			if len(healed) != 4 || slices.ContainsFunc(healed, func(e SelfHealEvent) bool { return !errors.Is(e.Err, errBroken) }) {
				t.Errorf("a heal that panics is told: got %+v", healed)
			}
			err, bulkErr := h.Invalidate(ctx, "a"), h.InvalidateBulk(ctx, []string{"a", "b"})
			if apart := opts.GenStore == GenStore(gens); apart && (err != nil || bulkErr != nil) || !apart && (!errors.Is(err, errBroken) || !errors.Is(bulkErr, errBroken)) {
				t.Errorf("a delete that panics after the bump is no error, a bump that panics is one: got %v, %v", err, bulkErr)
			}
			clear(p.in)
			_ = h.InvalidateBulk(ctx, []string{"a", "b"})
			only("close")
			if err := h.Close(ctx); !errors.Is(err, errBroken) {
				t.Errorf("a panic is the error of Close: got %v", err)
			}
		})
	}
}

// A panic of ComputeSetCost loses what it was asked about, and no loaded value.
func TestAPanicOfComputeSetCost(t *testing.T) {
	r := newRig(t, func(o *Options[string]) {
		o.ComputeSetCost = func(string, []byte, bool, int) int64 { panic(errBroken) }
	})
	l, err := NewLoader(r.Handle, LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "v", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
		t.Errorf("a value is not lost since it could not be stored: got %q, %v", v, err)
	}
	if err := r.SetBulkWithGens(t.Context(), ab, r.SnapshotGens([]string{"a", "b"}), 0); !errors.Is(err, errBroken) {
		t.Errorf("a panic is the error of a set: got %v", err)
	}
}
