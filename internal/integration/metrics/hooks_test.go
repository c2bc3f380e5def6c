package metrics

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace/noop"

	cascache "github.com/unkn0wn-root/cascache/core"
	otelhooks "github.com/unkn0wn-root/cascache/hooks-otel"
	promhooks "github.com/unkn0wn-root/cascache/hooks-prometheus"
)

// TestEveryEventOfACacheIsAMetric compares the metrics with what a hook of the
// test was told by the same caches.
func TestEveryEventOfACacheIsAMetric(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	prom, err := promhooks.New(promhooks.Config{Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	reader := sdkmetric.NewManualReader()
	otel, err := otelhooks.New(otelhooks.Config{
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		TracerProvider: noop.NewTracerProvider(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var told recorder
	if err := live(t.Context(), cascache.JoinHooks(prom, otel, told.hooks()), 0); err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if told.told[event] == 0 {
			t.Errorf("this test must bring about every event: there was none for %s", event)
		}
	}
	compare(t, "Prometheus", gather(t, registry), told.told)
	compare(t, "OpenTelemetry", collect(t, reader), told.told)
	explained(t, told.told)
}

func compare(t *testing.T, system string, got, want map[string]float64) {
	t.Helper()
	for series := range want {
		if got[series] != want[series] {
			t.Errorf("%s has what the cache told, under the names of the documentation: %s is %v, want %v", system, series, got[series], want[series])
		}
	}
	for series, n := range got {
		if _, ok := want[series]; !ok {
			t.Errorf("%s has nothing that the cache did not tell: %s is %v", system, series, n)
		}
		if strings.Contains(series, "secret") {
			t.Errorf("no key is a label: %s", series)
		}
	}
}

// explained looks for the names of all metrics where they are listed.
func explained(t *testing.T, told map[string]float64) {
	t.Helper()
	for file, name := range map[string]func(metric string) string{
		"docs/metrics.md":         func(m string) string { return "| `" + m + "` | `" + otelName(m) + "` |" },
		"hooks-prometheus/doc.go": func(m string) string { return "//\t" + m + " " },
		"hooks-otel/doc.go":       func(m string) string { return "//\t" + otelName(m) + " " },
	} {
		text, err := os.ReadFile("../../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for series := range told {
			metric := strings.TrimSuffix(series[:strings.Index(series, "{")], "_count")
			if want := name(metric); !strings.Contains(string(text), want) {
				t.Errorf("%s lists every metric: %q is missing", file, want)
			}
		}
	}
}

// otelName returns what OpenTelemetry calls a metric of Prometheus.
func otelName(metric string) string {
	metric = strings.TrimSuffix(strings.TrimSuffix(metric, "_total"), "_seconds")
	return "cascache." + strings.TrimPrefix(metric, "cascache_")
}

// gather returns the samples of a registry that are not 0, and of histograms the
// counts.
func gather(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name, n := f.GetName(), m.GetCounter().GetValue()+m.GetGauge().GetValue()
			if h := m.GetHistogram(); h != nil {
				name, n = name+"_count", float64(h.GetSampleCount())
			}
			labels := make([]string, 0, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			got[name+"{"+strings.Join(labels, ",")+"}"] += n
		}
	}
	maps.DeleteFunc(got, func(_ string, n float64) bool { return n == 0 })
	return got
}

// collect is gather for OpenTelemetry, under the names that an exporter makes for
// Prometheus: counters end with _total, units other than those in braces are
// written out. The names of attributes are without the cascache that they begin
// with.
func collect(t *testing.T, reader sdkmetric.Reader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	note := func(name string, attrs attribute.Set, n float64) {
		labels := make([]string, 0, attrs.Len())
		for _, a := range attrs.ToSlice() {
			labels = append(labels, strings.TrimPrefix(string(a.Key), "cascache.")+"="+a.Value.AsString())
		}
		got[strings.ReplaceAll(name, ".", "_")+"{"+strings.Join(labels, ",")+"}"] += n
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					note(m.Name+"_total", p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					note(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					note(m.Name+"_seconds_count", p.Attributes, float64(p.Count))
				}
			default:
				t.Errorf("a metric is a sum, a gauge or a histogram: %s is %T", m.Name, m.Data)
			}
		}
	}
	maps.DeleteFunc(got, func(_ string, n float64) bool { return n == 0 })
	return got
}
