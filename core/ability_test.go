package cascache

import (
	"context"
	"maps"
	"testing"
)

// passing forwards everything of a provider, and wraps it honestly.
type passing struct{ Provider }

func (p passing) Unwrap() any { return p.Provider }

func (p passing) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	return p.Provider.(BulkProvider).GetBulk(ctx, keys)
}

func (p passing) SetBulk(ctx context.Context, items []Item) ([]bool, error) {
	return p.Provider.(BulkProvider).SetBulk(ctx, items)
}

func (p passing) DelBulk(ctx context.Context, keys []string) error {
	return p.Provider.(BulkProvider).DelBulk(ctx, keys)
}

// gettingOnly forwards one ability and leaves the others out.
type gettingOnly struct{ Provider }

func (p gettingOnly) Unwrap() any { return p.Provider }

func (p gettingOnly) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	return p.Provider.(BulkProvider).GetBulk(ctx, keys)
}

// concealing does not say what it wraps: what it has, it has.
type concealing struct{ Provider }

func (p concealing) DelBulk(context.Context, []string) error { return nil }

type wrapsNothing struct{ passing }

func (wrapsNothing) Unwrap() any { return nil }

// Three abilities, each of one method.
type (
	getter interface {
		GetBulk(context.Context, []string) ([][]byte, error)
	}
	setter interface {
		SetBulk(context.Context, []Item) ([]bool, error)
	}
	deleter interface {
		DelBulk(context.Context, []string) error
	}
)

func TestAbilityOf(t *testing.T) {
	plain, batch := newMapProvider(), newBulkProvider()
	for name, c := range map[string]struct {
		provider      any
		get, set, del bool
	}{
		"nil":                                  {nil, false, false, false},
		"without":                              {plain, false, false, false},
		"with all":                             {batch, true, true, true},
		"wrapped, with all":                    {passing{batch}, true, true, true},
		"wrapped twice, with all":              {passing{passing{batch}}, true, true, true},
		"wrapped, without":                     {passing{plain}, false, false, false},
		"wrapped twice, without":               {passing{passing{plain}}, false, false, false},
		"one forwarded":                        {gettingOnly{batch}, true, false, false},
		"one forwarded, inside":                {passing{gettingOnly{batch}}, true, false, false},
		"one forwarded, outside":               {gettingOnly{passing{batch}}, true, false, false},
		"one forwarded, without":               {gettingOnly{plain}, false, false, false},
		"an ability of its own":                {concealing{plain}, false, false, true},
		"an ability of its own, wrapped":       {passing{concealing{plain}}, false, false, true},
		"an ability of its own hides the rest": {passing{concealing{batch}}, false, false, true},
		"a wrapper of nothing":                 {wrapsNothing{passing{batch}}, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g, get := AbilityOf[getter](c.provider)
			s, set := AbilityOf[setter](c.provider)
			d, del := AbilityOf[deleter](c.provider)
			if get != c.get || set != c.set || del != c.del {
				t.Errorf("an ability counts when everything down the chain has it: got %v, %v, %v, want %v, %v, %v", get, set, del, c.get, c.set, c.del)
			}
			if (g != nil) != c.get || (s != nil) != c.set || (d != nil) != c.del {
				t.Errorf("an ability comes as the outermost wrapper, and else as nil: got %v, %v, %v", g, s, d)
			}
		})
	}
}

// A wrapper that forwards an ability keeps the cache using it, and one whose
// inner provider lacks it is not called through it.
func TestAbilitiesThroughWrappersInACache(t *testing.T) {
	for name, c := range map[string]struct {
		wrap func(batch bulkProvider) Provider
		want map[string]int
	}{
		"forwarded": {func(b bulkProvider) Provider { return passing{b} }, map[string]int{"setBulk": 1, "get": 1, "getBulk": 1}},
		"lacking":   {func(b bulkProvider) Provider { return passing{b.mapProvider} }, map[string]int{"set": 3, "get": 3}},
		"in part":   {func(b bulkProvider) Provider { return gettingOnly{b} }, map[string]int{"set": 3, "get": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			batch := newBulkProvider()
			h := open(t, Options[string]{Namespace: "n", Provider: c.wrap(batch), Codec: String{}})
			fillBulk(t, h, ab)
			wantBulk(t, h, "a wrapped provider works like its inner one", []string{"b", "c"}, map[string]string{"b": "2"}, "c")
			if got := batch.traffic(); !maps.Equal(got, c.want) {
				t.Errorf("a wrapper does not lose an ability silently, and pretends none: got calls %v, want %v", got, c.want)
			}
		})
	}
}

// wrappedStore forwards that its inner store never blocks.
type wrappedStore struct{ GenStore }

func (s wrappedStore) Unwrap() any { return s.GenStore }

func (s wrappedStore) NonBlocking() bool { return s.GenStore.(NonBlocker).NonBlocking() }

func TestNonBlockingThroughAWrapper(t *testing.T) {
	if g := newGens(t, wrappedStore{newLocal(t, 0, 0)}); g.reads != nil {
		t.Error("a wrapped local store still never blocks: a pool was made for it")
	}
	if g := newGens(t, wrappedStore{newStubStore()}); g.reads == nil {
		t.Error("a wrapper does not make a store non-blocking: no pool was made for it")
	}
}

func TestAppendingThroughALimit(t *testing.T) {
	if _, ok := AbilityOf[AppendEncoder[string]](Limit[string]{Codec: Limit[string]{Codec: String{}}}); !ok {
		t.Error("a limit forwards the appending form of its codec: the ability is lost")
	}
	if _, ok := AbilityOf[AppendEncoder[string]](Limit[string]{Codec: &scriptedCodec{}}); ok {
		t.Error("a limit over a codec without an appending form has none: it pretends to")
	}
}
