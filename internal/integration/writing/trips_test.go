package writing

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestRoundTrips counts what docs/writing.md says each way to write costs.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := server.Proxy()
	for _, name := range []string{"hold", "release", "bump"} {
		proxy.NameScript(name, script(t, name))
	}
	cache, err := cascache.New(setup{Redis: proxy.Addr(), Values: proxy.Addr(), Namespace: "trips"}.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close(context.Background()) })
	ctx := t.Context()
	write := func(context.Context) error { return nil }
	var keys []string
	for i := range 50 {
		keys = append(keys, keyOf(i))
	}
	for _, test := range []struct {
		name string
		call func() error
		want []string
	}{
		{"Invalidate", func() error { return cache.Invalidate(ctx, keys[0]) }, []string{"EVALSHA bump", "DEL"}},
		{"InvalidateBulk of 50", func() error { return cache.InvalidateBulk(ctx, keys) }, []string{"EVALSHA bump", "DEL"}},
		{"Mutate of 1", func() error { return cache.Mutate(ctx, keys[:1], write) }, []string{"EVALSHA hold", "EVALSHA release", "DEL"}},
		{"Mutate of 50", func() error { return cache.Mutate(ctx, keys, write) }, []string{"EVALSHA hold", "EVALSHA release", "DEL"}},
		{"Mutate that fails", func() error {
			_ = cache.Mutate(ctx, keys, func(context.Context) error { return errNoAnswer })
			return nil
		}, []string{"EVALSHA hold"}},
		{"Mutate that was not committed", func() error {
			_ = cache.Mutate(ctx, keys, func(context.Context) error { return cascache.ErrNotCommitted })
			return nil
		}, []string{"EVALSHA hold", "EVALSHA release"}},
	} {
		if err := test.call(); err != nil { // the server learns the scripts
			t.Fatal(err)
		}
		proxy.ResetTrips()
		if err := test.call(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, trip := range proxy.Trips() {
			got = append(got, trip.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s costs one round trip to hold, one to bump or release, one to delete, whatever the number of keys\n  got  %s\n  want %s",
				test.name, fmt.Sprintf("%q", got), fmt.Sprintf("%q", test.want))
		}
	}
}

// TestFiftyKeysAreHeld sees that the one call holds all of them.
func TestFiftyKeysAreHeld(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	cache, err := cascache.New(setup{Redis: server.Addr(), Namespace: "fifty", GenTimeout: 10 * time.Second}.options()) // far above what a busy machine takes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close(context.Background()) })
	var keys []string
	for i := range 50 {
		keys = append(keys, keyOf(i))
	}
	want := func(held bool) {
		t.Helper()
		gens, err := cache.SnapshotGensContext(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		for key, gen := range gens {
			if (gen == 0) != held {
				t.Errorf("Mutate holds all of its keys, and releases all of them\n  got  generation %d of %s\n  want held: %t", gen, key, held)
			}
		}
	}
	want(false)
	if err := cache.Mutate(t.Context(), keys, func(context.Context) error { want(true); return nil }); err != nil {
		t.Fatal(err)
	}
	want(false)
}
