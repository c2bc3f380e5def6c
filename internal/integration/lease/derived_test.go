package lease

import (
	"context"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// Two replicas with pages made of rows: the generations of rows and tags are learned
// and forgotten like those of any key, so that a warm read asks nobody, and what one
// replica invalidates the other one does not serve.
func TestDependenciesUnderALease(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	type replica struct {
		rows, pages *cascache.Handle[string]
		page        *cascache.Loader[string]
	}
	replicas := make([]replica, 2)
	for i := range replicas {
		client := connect(t, proxy.Addr())
		gens := open(t, client, long)
		values, err := redisprovider.New(redisprovider.Config{Client: connect(t, server.Addr())})
		if err != nil {
			t.Fatal(err)
		}
		r := &replicas[i]
		newCache := func(namespace string) *cascache.Handle[string] {
			h, err := cascache.New(cascache.Options[string]{
				Namespace: namespace, Provider: values, Codec: cascache.String{}, GenStore: gens, Clearable: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = h.Close(context.Background()) })
			return h
		}
		r.rows, r.pages = newCache("rows"), newCache("pages")
		row, err := cascache.NewLoader(r.rows, cascache.LoaderOptions[string]{
			Load: func(_ context.Context, key string) (string, error) { return "row " + key, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		r.page, err = cascache.NewLoader(r.pages, cascache.LoaderOptions[string]{
			TagsOf: func(string, string) []string { return []string{"a tag"} },
			Load: func(ctx context.Context, _ string) (string, error) {
				a, err := row.Get(ctx, "a")
				if err != nil {
					return "", err
				}
				b, err := row.Get(ctx, "b")
				return a + " " + b, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	writer, reader := &replicas[0], &replicas[1]
	cached := func() bool {
		_, ok, err := reader.pages.Get(t.Context(), "page")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for what, sweep := range map[string]func() error{
		"a row":     func() error { return writer.rows.Invalidate(t.Context(), "b") },
		"its tag":   func() error { return writer.pages.InvalidateTags(t.Context(), "a tag") },
		"all rows":  func() error { return writer.rows.Clear(t.Context()) },
		"all pages": func() error { return writer.pages.Clear(t.Context()) },
		"a row in a hold": func() error {
			return writer.rows.Mutate(t.Context(), []string{"a"}, func(context.Context) error { return nil })
		},
	} {
		redistest.Eventually(t, redistest.Patience, "a page that was loaded is cached", func() bool {
			if _, err := reader.page.Get(t.Context(), "page"); err != nil {
				t.Fatal(err)
			}
			return cached()
		})
		redistest.Eventually(t, redistest.Patience, "a warm page takes no round trip", func() bool {
			const reads = 1000
			proxy.ResetTrips()
			for range reads {
				if !cached() {
					return false
				}
			}
			return proxy.RoundTrips() < reads/4 // those of the lease itself
		})
		if err := sweep(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); time.Since(begin) < 10*time.Millisecond; {
			if cached() {
				t.Fatalf("%s was invalidated on one replica, and the other one serves the page", what)
			}
		}
	}
}
