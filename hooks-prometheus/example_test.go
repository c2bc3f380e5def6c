package promhooks_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	cascache "github.com/unkn0wn-root/cascache/core"
	promhooks "github.com/unkn0wn-root/cascache/hooks-prometheus"
)

func ExampleNew() {
	registry := prometheus.NewRegistry()
	hooks, err := promhooks.New(promhooks.Config{Registerer: registry})
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := cascache.New(cascache.Options[string]{
		Namespace: "name",
		Provider:  newMapProvider(),
		Codec:     cascache.String{},
		Hooks:     cascache.JoinHooks(hooks, cascache.SlogHooks(slog.New(slog.DiscardHandler))),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer names.Close(ctx)

	_, _, _ = names.Get(ctx, "1")
	_ = names.SetWithGen(ctx, "1", "Ada", names.SnapshotGen("1"), time.Minute)
	_, _, _ = names.Get(ctx, "1")

	families, err := registry.Gather() // or promhttp.HandlerFor, for a Prometheus to scrape
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if v := m.GetCounter().GetValue(); v > 0 {
				fmt.Print(f.GetName(), ":")
				for _, l := range m.GetLabel() {
					fmt.Print(" ", l.GetName(), "=", l.GetValue())
				}
				fmt.Println(":", v)
			}
		}
	}
	// Output:
	// cascache_hits_total: entry=single namespace=name: 1
	// cascache_misses_total: namespace=name reason=not_found: 1
}

// mapProvider keeps entries in a map, for examples.
type mapProvider map[string][]byte

func newMapProvider() mapProvider { return make(mapProvider) }

func (p mapProvider) Get(_ context.Context, key string) ([]byte, bool, error) {
	value, ok := p[key]
	return value, ok, nil
}

func (p mapProvider) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p[key] = value
	return true, nil
}

func (p mapProvider) Del(_ context.Context, key string) error {
	delete(p, key)
	return nil
}

func (p mapProvider) Close(context.Context) error { return nil }
