package otelhooks_test

import (
	"context"
	"fmt"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace/noop"

	cascache "github.com/unkn0wn-root/cascache/core"
	otelhooks "github.com/unkn0wn-root/cascache/hooks-otel"
)

func ExampleNew() {
	reader := sdkmetric.NewManualReader() // stands for one that exports
	hooks, err := otelhooks.New(otelhooks.Config{
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		TracerProvider: noop.NewTracerProvider(), // no spans
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := cascache.New(cascache.Options[string]{
		Namespace: "name",
		Provider:  make(mapProvider),
		Codec:     cascache.String{},
		Hooks:     hooks,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer names.Close(ctx)

	_ = names.SetWithGen(ctx, "1", "Ada", names.SnapshotGen("1"), time.Minute)
	_, _, _ = names.Get(ctx, "1")
	_, _, _ = names.Get(ctx, "1")

	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
			entry, _ := point.Attributes.Value("cascache.entry")
			fmt.Println(m.Name, entry.AsString(), point.Value)
		}
	}
	// Unordered output:
	// cascache.hits single 2
	// cascache.hits bulk 0
}

// mapProvider keeps entries in a map, for examples.
type mapProvider map[string][]byte

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
