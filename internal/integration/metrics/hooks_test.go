package metrics

import (
	"maps"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	cascache "github.com/unkn0wn-root/cascache/core"
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
	var told recorder
	if err := live(t.Context(), cascache.JoinHooks(prom, told.hooks()), 0); err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if told.told[event] == 0 {
			t.Errorf("this test must bring about every event: there was none for %s", event)
		}
	}
	compare(t, "Prometheus", gather(t, registry), told.told)
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
