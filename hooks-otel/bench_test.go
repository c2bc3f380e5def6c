package otelhooks

import (
	"testing"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// severalCaches returns hooks that count for a few caches already.
func severalCaches(tb testing.TB) *cascache.Hooks {
	tb.Helper()
	hooks := newHooks(tb, sdkmetric.NewManualReader())
	for _, ns := range []string{"user", "order", "product", "session", "price"} {
		hooks.Hit(tb.Context(), cascache.HitEvent{Namespace: ns})
		hooks.Miss(tb.Context(), cascache.MissEvent{Namespace: ns, Reason: cascache.ReasonNotFound})
	}
	return hooks
}

func TestNothingIsAllocated(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	hooks, ctx := severalCaches(t), t.Context()
	for name, tell := range map[string]func(){
		"a hit":      func() { hooks.Hit(ctx, cascache.HitEvent{Namespace: "product", Key: "1"}) },
		"a bulk hit": func() { hooks.Hit(ctx, cascache.HitEvent{Namespace: "product", Key: "1", Bulk: true}) },
		"a miss": func() {
			hooks.Miss(ctx, cascache.MissEvent{Namespace: "product", Key: "1", Reason: cascache.ReasonNotFound})
		},
	} {
		if n := testing.AllocsPerRun(1000, tell); n != 0 {
			t.Errorf("counting %s allocates nothing: got %v allocations", name, n)
		}
	}
}

// BenchmarkHit has a hit beside a counter of the SDK with the same attributes,
// which are made once.
func BenchmarkHit(b *testing.B) {
	ctx := b.Context()
	b.Run("counter", func(b *testing.B) {
		meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())).Meter(scope)
		counter, err := meter.Int64Counter("hits")
		if err != nil {
			b.Fatal(err)
		}
		with := []metric.AddOption{metric.WithAttributeSet(labels{namespace: "product", entry: single}.set())}
		b.ReportAllocs()
		for b.Loop() {
			counter.Add(ctx, 1, with...)
		}
	})
	b.Run("hook", func(b *testing.B) {
		hooks := severalCaches(b)
		event := cascache.HitEvent{Namespace: "product", Key: "1"}
		b.ReportAllocs()
		for b.Loop() {
			hooks.Hit(ctx, event)
		}
	})
}

// BenchmarkMiss has the hook of a miss, which adds to a counter of the SDK.
func BenchmarkMiss(b *testing.B) {
	hooks, ctx := severalCaches(b), b.Context()
	event := cascache.MissEvent{Namespace: "product", Key: "1", Reason: cascache.ReasonNotFound}
	b.ReportAllocs()
	for b.Loop() {
		hooks.Miss(ctx, event)
	}
}
