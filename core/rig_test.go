package cascache

import (
	"context"
	"maps"
	"slices"
	"testing"
)

// rig is a cache of strings in the namespace "n", over a provider and a
// generation store that the test controls, with every event on record.
type rig struct {
	*Handle[string]
	provider *mapProvider
	store    *stubStore
	log      *eventLog
}

func newRig(t testing.TB, change ...func(*Options[string])) *rig {
	t.Helper()
	r := &rig{provider: newMapProvider(), store: newStubStore(), log: &eventLog{}}
	opts := Options[string]{
		Namespace: "n",
		Provider:  r.provider,
		Codec:     String{},
		GenStore:  r.store,
		Hooks:     r.log.hooks(),
	}
	for _, f := range change {
		f(&opts)
	}
	join(t, &opts)
	r.Handle = open(t, opts)
	// What a test has broken is whole again when its cache is closed.
	t.Cleanup(func() {
		for _, op := range []GenOp{GenCurrent, GenSnapshot, GenBump} {
			r.store.replace(op, nil)
		}
	})
	return r
}

// newBulkRig is a rig whose provider and store have the bulk calls.
func newBulkRig(t testing.TB, change ...func(*Options[string])) *rig {
	t.Helper()
	provider, store := newBulkProvider(), bulkStore{newStubStore()}
	r := newRig(t, append([]func(*Options[string]){func(o *Options[string]) {
		o.Provider, o.GenStore = provider, store
	}}, change...)...)
	r.provider, r.store = provider.mapProvider, store.stubStore
	return r
}

// open makes a cache that is closed when the test ends.
func open[V any](t testing.TB, opts Options[V]) *Handle[V] {
	t.Helper()
	h, err := New(opts)
	if err != nil {
		t.Fatalf("these options are valid: %v", err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("nothing in the way of Close: %v", err)
		}
	})
	return h
}

// fill stores value by the book and returns the generation that it has.
func fill[V any](t testing.TB, h *Handle[V], key string, value V) uint64 {
	t.Helper()
	obs, err := h.SnapshotGenContext(t.Context(), key)
	if err != nil || obs == 0 {
		t.Fatalf("a working store gives %q a generation: got %d, %v", key, obs, err)
	}
	if err := h.SetWithGen(t.Context(), key, value, obs, 0); err != nil {
		t.Fatalf("a fill of %q with nothing in its way: %v", key, err)
	}
	return obs
}

// fillBulk stores items by the book, together, and returns their generations.
func fillBulk[V any](t testing.TB, h *Handle[V], items map[string]V) map[string]uint64 {
	t.Helper()
	obs, err := h.SnapshotGensContext(t.Context(), slices.Collect(maps.Keys(items)))
	if err != nil {
		t.Fatalf("a working store gives every key a generation: %v", err)
	}
	if err := h.SetBulkWithGens(t.Context(), items, obs, 0); err != nil {
		t.Fatalf("a bulk fill with nothing in its way: %v", err)
	}
	return obs
}

func wantHit(t testing.TB, h *Handle[string], rule, key, want string) {
	t.Helper()
	got, ok, err := h.Get(t.Context(), key)
	if got != want || !ok || err != nil {
		t.Errorf("%s: Get(%q) = %q, %v, %v, want %q, true, nil", rule, key, got, ok, err, want)
	}
}

// wantMiss wants a miss without an error, as G2 has it.
func wantMiss(t testing.TB, h *Handle[string], rule, key string) {
	t.Helper()
	got, ok, err := h.Get(t.Context(), key)
	if got != "" || ok || err != nil {
		t.Errorf("%s: Get(%q) = %q, %v, %v, want a miss without an error", rule, key, got, ok, err)
	}
}

// wantBulk wants exactly these values and missing keys, without an error.
func wantBulk(t testing.TB, h *Handle[string], rule string, keys []string, want map[string]string, missing ...string) {
	t.Helper()
	got, gotMissing, err := h.GetBulk(t.Context(), keys)
	if err != nil || !maps.Equal(got, want) || !slices.Equal(gotMissing, missing) {
		t.Errorf("%s: GetBulk(%q) = %v, missing %q, %v, want %v, missing %q, nil",
			rule, keys, got, gotMissing, err, want, missing)
	}
}

// rigs is a cache without bulk calls and one with all of them, which must
// give the same answers.
var rigs = map[string]func(testing.TB, ...func(*Options[string])) *rig{"plain": newRig, "batch": newBulkRig}

// onBothRigs runs f on a cache without bulk calls and on one with them.
func onBothRigs(t *testing.T, f func(t *testing.T, r *rig), change ...func(*Options[string])) {
	t.Helper()
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) { f(t, newOne(t, change...)) })
	}
}
