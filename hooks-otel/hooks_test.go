package otelhooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errBroken = errors.New("broken")

// newHooks returns hooks whose metrics the reader has.
func newHooks(t testing.TB, reader sdkmetric.Reader) *cascache.Hooks {
	t.Helper()
	hooks, err := New(Config{
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		TracerProvider: noop.NewTracerProvider(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return hooks
}

func collect(t testing.TB, reader sdkmetric.Reader) []metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var metrics []metricdata.Metrics
	for _, s := range all.ScopeMetrics {
		if s.Scope.Name != scope {
			t.Errorf("metrics name the library: got %q, want %q", s.Scope.Name, scope)
		}
		metrics = append(metrics, s.Metrics...)
	}
	return metrics
}

// values returns the measurements of a reader that are not 0, each under its name
// and attributes. A histogram has a count and a sum.
func values(t testing.TB, reader sdkmetric.Reader) map[string]float64 {
	t.Helper()
	got := make(map[string]float64)
	note := func(name string, attrs attribute.Set, value float64) {
		var labels []string
		for _, a := range attrs.ToSlice() {
			labels = append(labels, strings.TrimPrefix(string(a.Key), "cascache.")+"="+a.Value.AsString())
		}
		if value != 0 {
			got[name+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	for _, m := range collect(t, reader) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				note(m.Name, p.Attributes, float64(p.Value))
			}
		case metricdata.Gauge[int64]:
			for _, p := range data.DataPoints {
				note(m.Name, p.Attributes, float64(p.Value))
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				note(m.Name+".count", p.Attributes, float64(p.Count))
				note(m.Name+".sum", p.Attributes, p.Sum)
			}
		default:
			t.Errorf("a metric is a sum, a gauge or a histogram: %s is %T", m.Name, m.Data)
		}
	}
	return got
}

// TestEachEventIsCounted tells the hooks of each kind of event, with each attribute.
func TestEachEventIsCounted(t *testing.T) {
	const ns, key = "user", "secret"
	keys := []string{key, key + "2", key + "3"}
	tests := []struct {
		hook string
		tell func(context.Context, *cascache.Hooks)
		want map[string]float64
	}{
		{"Hit", func(ctx context.Context, h *cascache.Hooks) {
			h.Hit(ctx, cascache.HitEvent{Namespace: ns, Key: key})
			h.Hit(ctx, cascache.HitEvent{Namespace: ns, Key: key})
			h.Hit(ctx, cascache.HitEvent{Namespace: ns, Key: key, Bulk: true})
		}, map[string]float64{
			"cascache.hits{entry=single,namespace=user}": 2,
			"cascache.hits{entry=bulk,namespace=user}":   1,
		}},
		{"Miss", func(ctx context.Context, h *cascache.Hooks) {
			h.Miss(ctx, cascache.MissEvent{Namespace: ns, Key: key, Reason: cascache.ReasonNotFound})
			h.Miss(ctx, cascache.MissEvent{Namespace: ns, Key: key, Reason: "a reason of tomorrow"})
			h.Miss(ctx, cascache.MissEvent{Namespace: ns, Key: key, Reason: "a reason of tomorrow"})
		}, map[string]float64{
			"cascache.misses{namespace=user,reason=not_found}":            1,
			"cascache.misses{namespace=user,reason=a reason of tomorrow}": 2,
		}},
		{"SelfHeal", func(ctx context.Context, h *cascache.Hooks) {
			h.SelfHeal(ctx, cascache.SelfHealEvent{Namespace: ns, StorageKey: key, Reason: cascache.ReasonStale})
			h.SelfHeal(ctx, cascache.SelfHealEvent{Namespace: ns, StorageKey: key, Reason: cascache.ReasonStale, Err: errBroken})
			h.SelfHeal(ctx, cascache.SelfHealEvent{Namespace: ns, StorageKey: key, Reason: cascache.ReasonCorrupt, Err: errBroken})
		}, map[string]float64{
			"cascache.self_heals{namespace=user,outcome=ok,reason=stale}":      1,
			"cascache.self_heals{namespace=user,outcome=error,reason=stale}":   1,
			"cascache.self_heals{namespace=user,outcome=error,reason=corrupt}": 1,
		}},
		{"SetSkipped", func(ctx context.Context, h *cascache.Hooks) {
			h.SetSkipped(ctx, cascache.SetSkippedEvent{Namespace: ns, Key: key, Reason: cascache.ReasonSuspect})
		}, map[string]float64{"cascache.sets_skipped{namespace=user,reason=suspect}": 1}},
		{"SetRejected", func(ctx context.Context, h *cascache.Hooks) {
			h.SetRejected(ctx, cascache.SetRejectedEvent{Namespace: ns, StorageKey: key, Cost: 7})
			h.SetRejected(ctx, cascache.SetRejectedEvent{Namespace: ns, StorageKey: key, Bulk: true})
			h.SetRejected(ctx, cascache.SetRejectedEvent{Namespace: ns, StorageKey: key, Bulk: true})
		}, map[string]float64{
			"cascache.sets_rejected{entry=single,namespace=user}": 1,
			"cascache.sets_rejected{entry=bulk,namespace=user}":   2,
		}},
		{"BulkRejected", func(ctx context.Context, h *cascache.Hooks) {
			h.BulkRejected(ctx, cascache.BulkRejectedEvent{Namespace: ns, Keys: keys, Reason: cascache.ReasonMemberMissing})
			h.BulkRejected(ctx, cascache.BulkRejectedEvent{Namespace: ns, Keys: keys, Write: true, Reason: cascache.ReasonStale})
		}, map[string]float64{
			"cascache.bulk_rejects{namespace=user,op=read,reason=member_missing}": 1,
			"cascache.bulk_rejects{namespace=user,op=write,reason=stale}":         1,
		}},
		{"GenStoreError", func(ctx context.Context, h *cascache.Hooks) {
			h.GenStoreError(ctx, cascache.GenStoreErrorEvent{Namespace: ns, Key: key, Keys: 9, Op: cascache.GenBump, Err: errBroken})
			h.GenStoreError(ctx, cascache.GenStoreErrorEvent{Namespace: ns, Key: key, Keys: 9, Op: cascache.GenCurrent, Err: errBroken})
		}, map[string]float64{
			"cascache.generation_store_errors{namespace=user,op=bump}":    1,
			"cascache.generation_store_errors{namespace=user,op=current}": 1,
		}},
		{"DeleteFailed", func(ctx context.Context, h *cascache.Hooks) {
			h.DeleteFailed(ctx, cascache.DeleteFailedEvent{Namespace: ns, Key: key, Keys: 9, Err: errBroken})
		}, map[string]float64{"cascache.delete_failures{namespace=user}": 1}},
		{"NearFailed", func(ctx context.Context, h *cascache.Hooks) {
			h.NearFailed(ctx, cascache.NearFailedEvent{Namespace: ns, Key: key, Op: cascache.NearDel, Err: errBroken})
		}, map[string]float64{"cascache.near_failures{namespace=user,op=del}": 1}},
		{"InvalidateFailed", func(ctx context.Context, h *cascache.Hooks) {
			h.InvalidateFailed(ctx, cascache.InvalidateFailedEvent{Namespace: ns, Key: key})
			h.InvalidateFailed(ctx, cascache.InvalidateFailedEvent{Namespace: ns, Key: key, More: 41})
		}, map[string]float64{"cascache.invalidation_failures{namespace=user}": 43}},
		{"InvalidateRecovered", func(ctx context.Context, h *cascache.Hooks) {
			h.InvalidateRecovered(ctx, cascache.InvalidateRecoveredEvent{Namespace: ns, Key: key})
		}, map[string]float64{"cascache.invalidation_recoveries{namespace=user}": 1}},
		{"LeaseEnded", func(ctx context.Context, h *cascache.Hooks) {
			h.LeaseEnded(ctx, cascache.LeaseEndedEvent{Namespace: ns, Keys: keys})
		}, map[string]float64{"cascache.leases_ended{namespace=user}": 1}},
		{"Load", func(ctx context.Context, h *cascache.Hooks) {
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Absent: 2, Duration: 250 * time.Millisecond})
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Duration: 2 * time.Second, Err: errBroken})
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Duration: 4 * time.Second, StoreErr: errBroken})
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Duration: 8 * time.Second, Err: errBroken, StoreErr: errBroken})
		}, map[string]float64{
			"cascache.load_duration.count{namespace=user,outcome=ok}":          1,
			"cascache.load_duration.sum{namespace=user,outcome=ok}":            0.25,
			"cascache.load_duration.count{namespace=user,outcome=error}":       2,
			"cascache.load_duration.sum{namespace=user,outcome=error}":         10,
			"cascache.load_duration.count{namespace=user,outcome=store_error}": 1,
			"cascache.load_duration.sum{namespace=user,outcome=store_error}":   4,
			"cascache.load_keys{namespace=user}":                               12,
			"cascache.load_absent_keys{namespace=user}":                        2,
		}},
		{"SharedProvider", func(ctx context.Context, h *cascache.Hooks) {
			h.SharedProvider(ctx, cascache.SharedProviderEvent{Namespace: ns})
			h.SharedProvider(ctx, cascache.SharedProviderEvent{Namespace: ns})
		}, map[string]float64{"cascache.shared_provider{namespace=user}": 1}},
	}
	var told []string
	for _, test := range tests {
		told = append(told, test.hook)
		t.Run(test.hook, func(t *testing.T) {
			reader := sdkmetric.NewManualReader()
			test.tell(t.Context(), newHooks(t, reader))
			if got := values(t, reader); !maps.Equal(got, test.want) {
				t.Errorf("each event is counted under its name and attributes, and nothing else is:\n got %v\nwant %v", got, test.want)
			}
		})
	}
	for i := range reflect.TypeFor[cascache.Hooks]().NumField() {
		if hook := reflect.TypeFor[cascache.Hooks]().Field(i).Name; !slices.Contains(told, hook) {
			t.Errorf("each hook has a metric, and this test: nothing is known about Hooks.%s", hook)
		}
	}
}

// TestMetricsHaveUnits: what a metric is measured in, what kind it is, and where
// the bounds of the histogram are.
func TestMetricsHaveUnits(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	hooks := newHooks(t, reader)
	v := reflect.ValueOf(*hooks)
	for i := range v.NumField() {
		v.Field(i).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.Zero(v.Field(i).Type().In(1))})
	}
	units := map[string]string{
		"cascache.hits": "{hit}", "cascache.misses": "{miss}", "cascache.self_heals": "{entry}",
		"cascache.sets_skipped": "{set}", "cascache.sets_rejected": "{set}", "cascache.bulk_rejects": "{entry}",
		"cascache.generation_store_errors": "{error}", "cascache.near_failures": "{failure}", "cascache.delete_failures": "{failure}",
		"cascache.invalidation_failures": "{key}", "cascache.invalidation_recoveries": "{key}", "cascache.leases_ended": "{write}",
		"cascache.load_duration": "s", "cascache.load_keys": "{key}", "cascache.load_absent_keys": "{key}",
		"cascache.shared_provider": "{cache}",
	}
	for _, m := range collect(t, reader) {
		if want, ok := units[m.Name]; !ok || m.Unit != want || m.Description == "" {
			t.Errorf("a metric has a unit and a description: %s has %q, want %q, and %q", m.Name, m.Unit, want, m.Description)
		}
		delete(units, m.Name)
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			if !data.IsMonotonic {
				t.Errorf("a counter only grows: %s may fall", m.Name)
			}
		case metricdata.Histogram[float64]:
			if !slices.Equal(data.DataPoints[0].Bounds, loadBuckets) {
				t.Errorf("the bounds of the histogram are in seconds: got %v, want %v", data.DataPoints[0].Bounds, loadBuckets)
			}
		}
	}
	if len(units) > 0 {
		t.Errorf("each hook reports a metric: missing are %v", units)
	}
}

// TestHitsOfEachTemporality: hits are observed as totals, of which the SDK makes
// differences for readers that want those.
func TestHitsOfEachTemporality(t *testing.T) {
	for _, test := range []struct {
		temporality metricdata.Temporality
		want        []float64
	}{
		{metricdata.CumulativeTemporality, []float64{3, 5}},
		{metricdata.DeltaTemporality, []float64{3, 2}},
	} {
		reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(func(sdkmetric.InstrumentKind) metricdata.Temporality {
			return test.temporality
		}))
		hooks := newHooks(t, reader)
		for i, hits := range []int{3, 2} {
			for range hits {
				hooks.Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
			}
			if got := values(t, reader)["cascache.hits{entry=single,namespace=user}"]; got != test.want[i] {
				t.Errorf("%v: collection %d has %v hits, want %v", test.temporality, i+1, got, test.want[i])
			}
		}
	}
}

func TestSeveralNewForOneProviderCountTogether(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	for range 2 {
		hooks, err := New(Config{MeterProvider: provider, TracerProvider: noop.NewTracerProvider()})
		if err != nil {
			t.Fatal(err)
		}
		for _, ns := range []string{"user", "order"} {
			hooks.Hit(t.Context(), cascache.HitEvent{Namespace: ns})
			hooks.Miss(t.Context(), cascache.MissEvent{Namespace: ns, Reason: cascache.ReasonStale})
		}
	}
	want := map[string]float64{
		"cascache.hits{entry=single,namespace=user}":    2,
		"cascache.hits{entry=single,namespace=order}":   2,
		"cascache.misses{namespace=user,reason=stale}":  2,
		"cascache.misses{namespace=order,reason=stale}": 2,
	}
	for range 2 { // observing changes nothing
		if got := values(t, reader); !maps.Equal(got, want) {
			t.Errorf("hooks of one provider count together: got %v, want %v", got, want)
		}
	}
}

// TestGlobalProviders: the hooks report to providers that are set after New.
func TestGlobalProviders(t *testing.T) {
	hooks, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	reader, spans := sdkmetric.NewManualReader(), new(ended)
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	t.Cleanup(func() {
		otel.SetMeterProvider(metricnoop.NewMeterProvider())
		otel.SetTracerProvider(noop.NewTracerProvider())
	})
	hooks.Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	hooks.Load(t.Context(), cascache.LoadEvent{Namespace: "user", Keys: []string{"1"}})
	got := values(t, reader)
	if got["cascache.hits{entry=single,namespace=user}"] != 1 || got["cascache.load_keys{namespace=user}"] != 1 || len(spans.all) != 1 {
		t.Errorf("no provider means the global one, also if it is set later: got %v and %d spans", got, len(spans.all))
	}
}

func TestConfig(t *testing.T) {
	var meters *sdkmetric.MeterProvider
	var tracers *sdktrace.TracerProvider
	for want, cfg := range map[string]Config{
		"Config.MeterProvider is a nil *metric.MeterProvider":  {MeterProvider: meters},
		"Config.TracerProvider is a nil *trace.TracerProvider": {TracerProvider: tracers},
		"Config.MeterProvider, a otelhooks.refusing":           {MeterProvider: refusing{}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error names the field and what is in it: got %v, want %q", err, want)
		}
	}
	if _, err := New(Config{MeterProvider: refusing{}}); !errors.Is(err, errBroken) {
		t.Errorf("the provider's error is wrapped: got %v", err)
	}
}

// refusing makes no counters.
type refusing struct{ metricnoop.MeterProvider }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

type refusingMeter struct{ metricnoop.Meter }

func (refusingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errBroken
}

func TestNamespacesOfAnyBytes(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	hooks := newHooks(t, reader)
	for _, ns := range []string{"a\xff", "", "a\xff", "\"\n"} {
		hooks.Hit(t.Context(), cascache.HitEvent{Namespace: ns})
		hooks.DeleteFailed(t.Context(), cascache.DeleteFailedEvent{Namespace: ns})
	}
	want := map[string]float64{
		"cascache.hits{entry=single,namespace=a\uFFFD}": 2,
		"cascache.hits{entry=single,namespace=}":        1,
		"cascache.hits{entry=single,namespace=\"\n}":    1,
		"cascache.delete_failures{namespace=a\uFFFD}":   2,
		"cascache.delete_failures{namespace=}":          1,
		"cascache.delete_failures{namespace=\"\n}":      1,
	}
	if got := values(t, reader); !maps.Equal(got, want) {
		t.Errorf("a namespace may have any bytes: got %v, want %v", got, want)
	}
}

func TestConcurrentEvents(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	hooks := newHooks(t, reader)
	const goroutines, rounds = 8, 200
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range rounds {
				ns := fmt.Sprint("ns", i%20)
				hooks.Hit(context.Background(), cascache.HitEvent{Namespace: ns, Bulk: i%2 == 0})
				hooks.Miss(context.Background(), cascache.MissEvent{Namespace: ns, Reason: cascache.Reason(fmt.Sprint("r", i%7))})
				hooks.Load(context.Background(), cascache.LoadEvent{Namespace: ns, Keys: []string{"k"}})
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_ = reader.Collect(context.Background(), new(metricdata.ResourceMetrics))
		}
	})
	wg.Wait()
	sums := make(map[string]float64)
	for name, v := range values(t, reader) {
		sums[name[:strings.Index(name, "{")]] += v
	}
	for _, name := range []string{"cascache.hits", "cascache.misses", "cascache.load_keys", "cascache.load_duration.count"} {
		if got, want := sums[name], float64(goroutines*rounds); got != want {
			t.Errorf("no event is lost or counted twice: %s sums up to %v, want %v", name, got, want)
		}
	}
}
