package faults_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// both is a Combined of a map and a local store, one call at a time.
type both struct {
	*cascache.LocalGenStore
	values map[string][]byte
}

func (b both) Get(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := b.values[key]
	return v, ok, nil
}

func (b both) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	b.values[key] = value
	return true, nil
}

func (b both) Del(_ context.Context, key string) error {
	delete(b.values, key)
	return nil
}

func (b both) GetWithGen(ctx context.Context, key string, create bool) ([]byte, uint64, error, error) {
	gen, err := b.Current(ctx, key)
	if create {
		gen, err = b.Snapshot(ctx, key)
	}
	return b.values[key], gen, nil, err
}

func (b both) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (r cascache.BulkReading, err error) {
	r.Bulk = b.values[bulk]
	for _, key := range keys {
		value, gen, _, err := b.GetWithGen(ctx, key, false)
		if r.Gens, r.GenErr = append(r.Gens, gen), err; wanted {
			r.Values = append(r.Values, value)
		}
	}
	return r, nil
}

func (b both) SetIfGen(ctx context.Context, item cascache.Item, gen uint64) (uint64, bool, error) {
	current, err := b.Current(ctx, item.Key)
	if err == nil && current == gen {
		b.values[item.Key] = item.Value
	}
	return current, current == gen, err
}

func (b both) SetBulkIfGens(context.Context, []cascache.Item, []uint64) ([]uint64, []bool, error) {
	panic("the wrapper sets item by item")
}

func (b both) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	for _, key := range keys {
		gen, err := b.Bump(ctx, key)
		gens, bumpErr = append(gens, gen), err
		delete(b.values, key)
	}
	return gens, bumpErr, nil
}

func (b both) DelEqual(_ context.Context, keys []string, values [][]byte) error {
	for i, key := range keys {
		if string(b.values[key]) == string(values[i]) {
			delete(b.values, key)
		}
	}
	return nil
}

func TestEachPartOfABackendFailsAlone(t *testing.T) {
	ctx := t.Context()
	inner := both{cascache.NewLocalGenStore(0, 0), map[string][]byte{"k": []byte("v"), "b": []byte("all")}}
	gen, err := inner.Snapshot(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	item := cascache.Item{Key: "k", Value: []byte("v"), TTL: time.Minute}
	for name, c := range map[string]struct {
		values, gens []faults.Rule
		check        func(b *faults.Backend) bool
	}{
		"nothing": {nil, nil, func(b *faults.Backend) bool {
			v, g, vErr, gErr := b.GetWithGen(ctx, "k", false)
			r, err := b.GetBulkWithGens(ctx, "b", []string{"k"}, true)
			return string(v) == "v" && g == gen && vErr == nil && gErr == nil &&
				string(r.Bulk) == "all" && string(r.Values[0]) == "v" && r.Gens[0] == gen && r.GenErr == nil && err == nil
		}},
		"the value of a read": {[]faults.Rule{{Call: faults.Get, Kind: faults.Fail}}, nil, func(b *faults.Backend) bool {
			v, g, vErr, gErr := b.GetWithGen(ctx, "k", false)
			r, err := b.GetBulkWithGens(ctx, "b", []string{"k"}, true)
			return v == nil && g == gen && errors.Is(vErr, faults.ErrInjected) && gErr == nil &&
				r.Bulk == nil && r.Values[0] == nil && r.Gens[0] == gen && r.GenErr == nil && errors.Is(err, faults.ErrInjected)
		}},
		"the generation of a read": {nil, []faults.Rule{{Call: faults.Current, Kind: faults.Fail}}, func(b *faults.Backend) bool {
			v, g, vErr, gErr := b.GetWithGen(ctx, "k", false)
			r, err := b.GetBulkWithGens(ctx, "b", []string{"k"}, true)
			return string(v) == "v" && g == 0 && vErr == nil && errors.Is(gErr, faults.ErrInjected) &&
				string(r.Values[0]) == "v" && r.Gens[0] == 0 && errors.Is(r.GenErr, faults.ErrInjected) && err == nil
		}},
		"the reply about a generation": {nil, []faults.Rule{{Call: faults.Current, Kind: faults.LoseReply}}, func(b *faults.Backend) bool {
			_, g, _, gErr := b.GetWithGen(ctx, "k", false)
			return g == 0 && errors.Is(gErr, faults.ErrInjected)
		}},
		"a snapshot": {nil, []faults.Rule{{Call: faults.Snapshot, Kind: faults.Fail}}, func(b *faults.Backend) bool {
			_, g, _, gErr := b.GetWithGen(ctx, "new", true)
			none, _ := inner.Current(ctx, "new")
			return g == 0 && none == 0 && errors.Is(gErr, faults.ErrInjected)
		}},
		"a miss": {[]faults.Rule{{Call: faults.Get, Kind: faults.Miss}}, nil, func(b *faults.Backend) bool {
			v, g, vErr, gErr := b.GetWithGen(ctx, "k", false)
			return v == nil && g == gen && vErr == nil && gErr == nil
		}},
		"the compare of a set": {nil, []faults.Rule{{Call: faults.Current, Kind: faults.Fail}}, func(b *faults.Backend) bool {
			g, stored, err := b.SetIfGen(ctx, item, gen)
			return g == 0 && !stored && errors.Is(err, faults.ErrInjected)
		}},
		"the value of a set": {[]faults.Rule{{Call: faults.Set, Kind: faults.Fail}}, nil, func(b *faults.Backend) bool {
			g, stored, err := b.SetIfGen(ctx, item, gen)
			_, other, otherErr := b.SetIfGen(ctx, item, gen+1)
			return g == gen && !stored && errors.Is(err, faults.ErrInjected) && !other && otherErr == nil
		}},
		"a declined set": {[]faults.Rule{{Call: faults.Set, Kind: faults.Decline}}, nil, func(b *faults.Backend) bool {
			g, stored, err := b.SetBulkIfGens(ctx, []cascache.Item{item}, []uint64{gen})
			return g[0] == gen && !stored[0] && err == nil
		}},
		"a delete": {[]faults.Rule{{Call: faults.Del, Kind: faults.Fail}}, nil, func(b *faults.Backend) bool {
			inner.values["d"] = []byte("v")
			gens, bumpErr, delErr := b.BumpAndDel(ctx, []string{"d"})
			healErr := b.DelEqual(ctx, []string{"d"}, [][]byte{[]byte("v")})
			return gens[0] != 0 && bumpErr == nil && errors.Is(delErr, faults.ErrInjected) && errors.Is(healErr, faults.ErrInjected) && inner.values["d"] != nil
		}},
		"a bump": {nil, []faults.Rule{{Call: faults.Bump, Kind: faults.Fail}}, func(b *faults.Backend) bool {
			gens, bumpErr, delErr := b.BumpAndDel(ctx, []string{"k"})
			now, _ := inner.Current(ctx, "k")
			return gens[0] == 0 && errors.Is(bumpErr, faults.ErrInjected) && errors.Is(delErr, faults.ErrInjected) && now == gen
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if b := faults.NewBackend(inner, faults.NewScript(1, c.values...), faults.NewScript(1, c.gens...)); !c.check(b) {
				t.Error("what fails is the part that the rule is about, and no other")
			}
		})
	}
	b := faults.NewBackend(inner, faults.NewScript(1), faults.NewScript(1))
	if _, ok := cascache.AbilityOf[cascache.Combined](b); !ok {
		t.Error("a wrapper keeps the ability of what it wraps")
	}
}
