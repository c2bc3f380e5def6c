package cascache

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// awayFor is how long a call takes of a store that does not answer.
const awayFor = 3 * time.Second

// timeoutError is how a client tells that it has given up.
type timeoutError struct{}

func (timeoutError) Error() string { return "i/o timeout" }
func (timeoutError) Timeout() bool { return true }

// awayProvider is a provider of one key at a time that does not answer while it is
// away.
type awayProvider struct {
	*mapProvider
	away *atomic.Bool
}

func (p awayProvider) wait() error {
	if !p.away.Load() {
		return nil
	}
	time.Sleep(awayFor)
	return timeoutError{}
}

func (p awayProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := p.wait(); err != nil {
		return nil, false, err
	}
	return p.mapProvider.Get(ctx, key)
}

func (p awayProvider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if err := p.wait(); err != nil {
		return false, err
	}
	return p.mapProvider.Set(ctx, key, value, cost, ttl)
}

func (p awayProvider) Del(ctx context.Context, key string) error {
	if err := p.wait(); err != nil {
		return err
	}
	return p.mapProvider.Del(ctx, key)
}

// awayBulk is the same with bulk calls.
type awayBulk struct {
	awayProvider
	bulk bulkProvider
}

func (p awayBulk) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	if err := p.wait(); err != nil {
		return nil, err
	}
	return p.bulk.GetBulk(ctx, keys)
}

func (p awayBulk) SetBulk(ctx context.Context, items []Item) ([]bool, error) {
	if err := p.wait(); err != nil {
		return nil, err
	}
	return p.bulk.SetBulk(ctx, items)
}

func (p awayBulk) DelBulk(ctx context.Context, keys []string) error {
	if err := p.wait(); err != nil {
		return err
	}
	return p.bulk.DelBulk(ctx, keys)
}

func TestABulkWhileAStoreIsAwayFailsOnce(t *testing.T) {
	const n = 10 * partSize
	for name, bulk := range map[string]bool{"one key at a time": false, "bulk": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var away atomic.Bool
				inner := newBulkProvider()
				var provider Provider = awayProvider{inner.mapProvider, &away}
				stub := newStubStore()
				var store GenStore = stub
				if bulk {
					provider, store = awayBulk{awayProvider{inner.mapProvider, &away}, inner}, bulkStore{stub}
				}
				opts := Options[string]{Namespace: "n", Provider: provider, GenStore: store, Codec: String{}}
				h := open(t, opts)
				opts.DisableBulk = true
				singles := open(t, opts)
				keys := manyKeys(n)
				values := make(map[string]string, n)
				for _, key := range keys {
					values[key] = "v"
				}
				gens := h.SnapshotGens(keys)
				if err := h.SetBulkWithGens(t.Context(), values, gens, 0); err != nil {
					t.Fatal(err)
				}
				within := func(what string, bound time.Duration, do func() error) {
					t.Helper()
					begun := time.Now()
					wantShort(t, what, do())
					if took := time.Since(begun); took > bound {
						t.Errorf("%s waits for a store that is away once, and not again for each part: took %v, want at most %v", what, took, bound)
					}
				}
				away.Store(true)
				within("GetBulk", awayFor, func() error { _, _, err := h.GetBulk(t.Context(), keys); return err })
				within("GetBulk of singles", awayFor, func() error { _, _, err := singles.GetBulk(t.Context(), keys); return err })
				within("SetBulk", awayFor, func() error { return h.SetBulkWithGens(t.Context(), values, gens, 0) })
				within("DelBulk", awayFor, func() error { return h.values.delBulk(t.Context(), keys) })
				away.Store(false)

				late := func(context.Context, string) (uint64, error) { time.Sleep(awayFor); return 0, timeoutError{} }
				stub.replace(GenCurrent, late)
				for _, h := range []*Handle[string]{h, singles} {
					within("GetBulk without generations", DefaultGenTimeout, func() error {
						got, missing, err := h.GetBulk(t.Context(), keys)
						if len(got) > 0 || len(missing) != n || err != nil {
							t.Errorf("G2: no generation, no proof: got %d values, %d missing, %v", len(got), len(missing), err)
						}
						return errBroken // there is none to judge
					})
				}
				stub.replace(GenCurrent, nil)
				stub.replace(GenBump, late)
				within("InvalidateBulk", DefaultBumpTimeout, func() error { return h.InvalidateBulk(t.Context(), keys) })
				stub.replace(GenBump, nil)
				time.Sleep(time.Hour) // what was given up returns
			})
		})
	}
}

func TestABulkEntryThatCannotBeReadLeavesTheSingles(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
		r.provider.keyErrs = map[string]error{bulkOfAB: errBroken}
		for range 2 { // a Combined reads the bulk entry in two ways
			r.log.reset()
			got, missing, err := r.GetBulk(t.Context(), []string{"a", "b"})
			if !maps.Equal(got, map[string]string{"a": "1", "b": "2"}) || len(missing) > 0 || !errors.Is(err, errBroken) {
				t.Errorf("the singles are served, beside the error of the bulk entry: got %v, %q, %v", got, missing, err)
			}
			r.log.want(t, "each key is told once", HitEvent{Namespace: "n", Key: "a"}, HitEvent{Namespace: "n", Key: "b"})
		}
		r.provider.put("single:n:b", nil)
		got, missing, err := r.GetBulk(t.Context(), []string{"a", "b"})
		if !maps.Equal(got, map[string]string{"a": "1"}) || len(missing) != 1 || !errors.Is(err, errBroken) {
			t.Errorf("what is readable is served: got %v, %q, %v", got, missing, err)
		}
		r.provider.getErr = errBroken
		if got, _, err := r.GetBulk(t.Context(), []string{"a", "b"}); len(got) > 0 || !errors.Is(err, errBroken) {
			t.Errorf("a provider that fails is an error: got %v, %v", got, err)
		}
	})
}

// midwayProvider ends the caller's context in the read of one key, and fails from
// then on.
type midwayProvider struct {
	bulkProvider
	at  string
	end context.CancelFunc
}

func (p midwayProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if key == p.at {
		p.end()
		return nil, false, ctx.Err()
	}
	return p.mapProvider.Get(ctx, key)
}

func (p midwayProvider) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	raws := make([][]byte, len(keys))
	for i, key := range keys {
		raw, _, err := p.Get(ctx, key)
		if raws[i] = raw; err != nil {
			return raws, err
		}
	}
	return raws, nil
}

// midwaySingles is the same without bulk calls.
type midwaySingles struct {
	*mapProvider
	inner midwayProvider
}

func (p midwaySingles) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return p.inner.Get(ctx, key)
}

func TestGetBulkThatEndsMidwayReturnsWhatItHasRead(t *testing.T) {
	keys := manyKeys(3 * partSize)
	const at = partSize + partSize/2 // the key in whose read the context ends
	for name, c := range map[string]struct {
		local, bulk, near, both bool
		want                    int
	}{
		"local generations, one key at a time":  {local: true, want: at},
		"local generations, bulk":               {local: true, bulk: true, want: at},
		"remote generations, one key at a time": {want: partSize},
		"remote generations, bulk":              {bulk: true, want: partSize},
		"local generations and near":            {local: true, bulk: true, near: true, want: at + 1},
		"both in one store":                     {both: true, bulk: true, want: partSize},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ending := midwayProvider{newBulkProvider(), "", cancel}
			var store GenStore = bulkStore{newStubStore()}
			if c.local {
				store = NewLocalGenStore(0, 0)
			}
			opts := Options[string]{Namespace: "n", GenStore: store, Codec: String{}, DisableBulk: true}
			near := newMapNear()
			openOver := func(provider Provider) *Handle[string] {
				if opts.Provider = provider; c.both {
					both := joined{provider, store}
					opts.Provider, opts.GenStore = both, both
				}
				if c.near {
					opts.Near = quietNear{near}
				}
				h, err := New(opts)
				if err != nil {
					t.Fatal(err)
				}
				return h
			}
			ending.at = "single:n:" + keys[at]
			var provider Provider = ending
			if !c.bulk {
				provider = midwaySingles{ending.mapProvider, ending}
			}
			h := openOver(provider)
			defer h.Close(t.Context())
			values := make(map[string]string, len(keys))
			for _, key := range keys {
				values[key] = "v"
			}
			if err := h.SetBulkWithGens(t.Context(), values, h.SnapshotGens(keys), 0); err != nil {
				t.Fatal(err)
			}
			last := keys[len(keys)-1]
			for _, key := range keys[:len(keys)-1] {
				near.Del(key)
			}
			got, missing, err := h.GetBulk(ctx, keys)
			if len(got) != c.want || len(missing) != len(keys)-len(got) || !errors.Is(err, context.Canceled) {
				t.Errorf("what was read and proved before the context ended is returned, with its error: got %d values, %d missing, %v, want %d values",
					len(got), len(missing), err, c.want)
			}
			if _, ok := got[last]; ok != c.near {
				t.Errorf("what near has is returned too: got %v", ok)
			}
		})
	}
}

// quietNear closes without an error.
type quietNear struct{ *mapNear }

func (quietNear) Close() error { return nil }

// A context that ends while the generations of near entries are read.
func TestGetBulkThatEndsWhileNearIsProved(t *testing.T) {
	r, _ := nearCache(t, true, func(o *Options[string]) { o.GenStore = NewLocalGenStore(0, 0); o.Near = quietNear{newMapNear()} })
	fill(t, r.Handle, "a", "1")
	fill(t, r.Handle, "b", "2")
	ctx, cancel := context.WithCancel(t.Context())
	b := &bulkRead[string]{Handle: r.Handle, keys: []string{"a", "b"}, values: make(map[string]string)}
	b.proven.entries = r.keys.entries(b.keys)
	cancel()
	if err := b.run(ctx); !errors.Is(err, context.Canceled) || !maps.Equal(b.values, map[string]string{"a": "1", "b": "2"}) {
		t.Errorf("what is proved is served, with the error of the context: got %v, %v", b.values, err)
	}
}

func TestLoadsThatNobodyWaitsForDoNotBegin(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	keys := manyKeys(20_000)
	var begun, after atomic.Int64
	l, err := NewLoader(r.Handle, LoaderOptions[string]{MaxLoads: 64, Load: func(context.Context, string) (string, error) {
		time.Sleep(100 * time.Microsecond)
		if begun.Add(1) == 100 {
			cancel()
		}
		if ctx.Err() != nil {
			after.Add(1)
		}
		return "v", nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.GetBulk(ctx, keys)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has gone gets its own error: got %v", err)
	}
	begunThen := begun.Load()
	if len(got) == 0 || len(got) > int(begunThen) {
		t.Errorf("what was loaded by then is returned: got %d values after %d loads", len(got), begunThen)
	}
	time.Sleep(20 * time.Millisecond)
	if n := begun.Load(); n > begunThen+64 {
		t.Errorf("no load begins after the last caller has left: %d began by then, and %d later", begunThen, n-begunThen)
	}
	if n := after.Load(); n > 1000 { // those before the caller noticed; thousands, if it leaves one after the other
		t.Errorf("loads end with their caller: %d of %d began after its context had ended", n, len(keys))
	}
}
