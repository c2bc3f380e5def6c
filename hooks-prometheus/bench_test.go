package promhooks

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// severalCaches returns hooks that count for a few caches already.
func severalCaches(tb testing.TB) *cascache.Hooks {
	tb.Helper()
	hooks, err := New(Config{Registerer: prometheus.NewRegistry()})
	if err != nil {
		tb.Fatal(err)
	}
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
	keys := []string{"a", "b"}
	for name, tell := range map[string]func(){
		"a hit": func() { hooks.Hit(ctx, cascache.HitEvent{Namespace: "product", Key: "1"}) },
		"hits of two caches in turn": func() {
			hooks.Hit(ctx, cascache.HitEvent{Namespace: "user", Key: "1"})
			hooks.Hit(ctx, cascache.HitEvent{Namespace: "order", Key: "1"})
		},
		"a bulk hit": func() { hooks.Hit(ctx, cascache.HitEvent{Namespace: "product", Key: "1", Bulk: true}) },
		"a miss": func() {
			hooks.Miss(ctx, cascache.MissEvent{Namespace: "product", Key: "1", Reason: cascache.ReasonNotFound})
		},
		"a load": func() { hooks.Load(ctx, cascache.LoadEvent{Namespace: "product", Keys: keys}) },
	} {
		if n := testing.AllocsPerRun(1000, tell); n != 0 {
			t.Errorf("counting %s allocates nothing: got %v allocations", name, n)
		}
	}
}

// BenchmarkHit has a hit beside an increment of a counter, which is the least
// that it can cost.
func BenchmarkHit(b *testing.B) {
	ctx := b.Context()
	b.Run("counter", func(b *testing.B) {
		counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "hits_total"})
		b.ReportAllocs()
		for b.Loop() {
			counter.Inc()
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

// BenchmarkMiss has the hook of a miss, whose counter is looked up by its reason.
func BenchmarkMiss(b *testing.B) {
	hooks, ctx := severalCaches(b), b.Context()
	event := cascache.MissEvent{Namespace: "product", Key: "1", Reason: cascache.ReasonNotFound}
	b.ReportAllocs()
	for b.Loop() {
		hooks.Miss(ctx, event)
	}
}
