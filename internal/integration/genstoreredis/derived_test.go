package genstoreredis

import (
	"context"
	"fmt"
	"strings"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// pages are two caches over one store: rows, and pages that a load makes of the rows
// in their keys.
type pages struct {
	rows, pages *cascache.Handle[string]
	page        *cascache.Loader[string]
}

func openPages(t *testing.T, provider cascache.Provider, s cascache.GenStore, known bool) pages {
	t.Helper()
	opts := cascache.Options[string]{
		Namespace: t.Name() + " rows", Provider: provider, GenStore: s, Codec: cascache.String{}, GenTimeout: redistest.Patience,
	}
	var p pages
	open := func() *cascache.Handle[string] {
		h, err := cascache.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	p.rows = open()
	opts.Namespace = t.Name() + " pages"
	if known {
		opts.Clearable = true
		opts.Tags = func(key string) []string { return []string{"{tenant} " + key[:1], "{all}"} }
	}
	p.pages = open()
	load := func(_ context.Context, key string) (string, error) { return "row " + key, nil }
	row, err := cascache.NewLoader(p.rows, cascache.LoaderOptions[string]{Load: load})
	if err != nil {
		t.Fatal(err)
	}
	p.page, err = cascache.NewLoader(p.pages, cascache.LoaderOptions[string]{
		NoTracking: known,
		Load: func(ctx context.Context, key string) (string, error) {
			var all []string
			for _, name := range strings.Fields(key) {
				value, err := row.Get(ctx, name)
				if err != nil {
					return "", err
				}
				all = append(all, value)
			}
			return strings.Join(all, " "), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cached reports whether a page is served without a load.
func (p pages) cached(t *testing.T, key string) bool {
	t.Helper()
	_, ok, err := p.pages.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// TestTripsOfDependencies counts what docs/round-trips.md says of entries that depend
// on others.
func TestTripsOfDependencies(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	client := connect(t, proxy.Addr())
	values, err := redisprovider.New(redisprovider.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name               string
		provider           cascache.Provider
		store              store
		known              bool
		read, invalidation int
	}{
		{"in process, tracked", providerFor(open(t, client)), open(t, client), false, 1, 1},
		{"in process, known", providerFor(open(t, client)), open(t, client), true, 1, 1},
		{"apart, tracked", values, open(t, client), false, 2, 2},
		{"apart, known", values, open(t, client), true, 2, 2},
		{"together, tracked", nil, openBackend(t, client), false, 2, 1},
		{"together, known", nil, openBackend(t, client), true, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			provider := c.provider
			if provider == nil {
				provider = c.store.(cascache.Combined)
			}
			p := openPages(t, provider, c.store, c.known)
			count := func(when string, want int, do func() error) {
				t.Helper()
				proxy.ResetTrips()
				if err := do(); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				if n := proxy.RoundTrips(); n != want {
					t.Errorf("%s took %d round trips, want %d: %v", when, n, want, proxy.Trips())
				}
			}
			get := func() error { _, err := p.page.Get(t.Context(), "a b c d"); return err }
			for range 2 { // the server learns the scripts
				if err := p.pages.Invalidate(t.Context(), "a b c d"); err != nil {
					t.Fatal(err)
				}
				if err := get(); err != nil {
					t.Fatal(err)
				}
			}
			count("a warm read with four dependencies", c.read, get)
			if got, _, err := p.pages.GetBulk(t.Context(), []string{"a b c d"}); len(got) != 1 || err != nil {
				t.Errorf("a bulk read finds what is cached: got %v, %v", got, err)
			}
			count("an invalidation", c.invalidation, func() error { return p.rows.Invalidate(t.Context(), "b") })
			if p.cached(t, "a b c d") != c.known {
				t.Error("a page that depends on a row dies with it, and another does not")
			}
			count("an invalidation of tags", 2, func() error { return p.pages.InvalidateTags(t.Context(), "{tenant} a", "x", "y") })
			if p.cached(t, "a b c d") {
				t.Error("a page dies with its row or tag")
			}
			if !c.known {
				return
			}
			if err := get(); err != nil {
				t.Fatal(err)
			}
			count("a clear", 1, func() error { return p.pages.Clear(t.Context()) })
			if p.cached(t, "a b c d") {
				t.Error("a page dies with all of them")
			}
		})
	}
}

// What an entry depends on may lie in any slot of a Cluster.
func TestDependenciesInOtherSlots(t *testing.T) {
	cluster := redistest.StartCluster(t)
	client := connectCluster(t, cluster.Addrs())
	values, err := redisprovider.New(redisprovider.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	batching, err := client.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		provider cascache.Provider
		store    store
	}{
		"apart":                   {values, open(t, client)},
		"together":                {nil, openBackend(t, client)},
		"together, autopipeliner": {nil, openBackend(t, batching)},
	} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, known %v", name, known), func(t *testing.T) {
				provider := c.provider
				if provider == nil {
					provider = c.store.(cascache.Combined)
				}
				p := openPages(t, provider, c.store, known)
				rows := names("{r", 30)
				key := strings.Join(rows, " ")
				sweeps := map[string]func() error{
					"its tag":  func() error { return p.pages.InvalidateTags(t.Context(), "{tenant} {", "other") },
					"all":      func() error { return p.pages.Clear(t.Context()) },
					"the page": func() error { return p.pages.Invalidate(t.Context(), key) },
				}
				if !known {
					sweeps = map[string]func() error{
						"the first row": func() error { return p.rows.Invalidate(t.Context(), rows[0]) },
						"the last row":  func() error { return p.rows.Invalidate(t.Context(), rows[29]) },
						"some rows":     func() error { return p.rows.InvalidateBulk(t.Context(), rows[5:10]) },
					}
				}
				for what, sweep := range sweeps {
					if _, err := p.page.Get(t.Context(), key); err != nil {
						t.Fatal(err)
					}
					if !p.cached(t, key) {
						t.Fatalf("a page that was loaded is cached, before %s is invalidated", what)
					}
					if err := sweep(); err != nil {
						t.Fatal(err)
					}
					if p.cached(t, key) {
						t.Errorf("%s was invalidated, and the page is served all the same", what)
					}
				}
			})
		}
	}
}
