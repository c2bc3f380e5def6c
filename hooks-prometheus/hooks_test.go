package promhooks

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

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errBroken = errors.New("broken")

func newHooks(t *testing.T, registerer prometheus.Registerer) *cascache.Hooks {
	t.Helper()
	hooks, err := New(Config{Registerer: registerer})
	if err != nil {
		t.Fatal(err)
	}
	return hooks
}

// values returns the samples of a registry that are not 0, each under its name and
// labels. A histogram has a count and a sum.
func values(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			note := func(suffix string, value float64) {
				if value != 0 {
					got[f.GetName()+suffix+"{"+strings.Join(labels, ",")+"}"] = value
				}
			}
			note("", m.GetCounter().GetValue()+m.GetGauge().GetValue())
			note("_count", float64(m.GetHistogram().GetSampleCount()))
			note("_sum", m.GetHistogram().GetSampleSum())
		}
	}
	return got
}

// TestEachEventIsCounted tells the hooks of each kind of event, with each label.
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
			"cascache_hits_total{entry=single,namespace=user}": 2,
			"cascache_hits_total{entry=bulk,namespace=user}":   1,
		}},
		{"Miss", func(ctx context.Context, h *cascache.Hooks) {
			h.Miss(ctx, cascache.MissEvent{Namespace: ns, Key: key, Reason: cascache.ReasonNotFound})
			h.Miss(ctx, cascache.MissEvent{Namespace: ns, Key: key, Reason: "a reason of tomorrow"})
			h.Miss(ctx, cascache.MissEvent{Namespace: ns, Key: key, Reason: "a reason of tomorrow"})
		}, map[string]float64{
			"cascache_misses_total{namespace=user,reason=not_found}":            1,
			"cascache_misses_total{namespace=user,reason=a reason of tomorrow}": 2,
		}},
		{"SelfHeal", func(ctx context.Context, h *cascache.Hooks) {
			h.SelfHeal(ctx, cascache.SelfHealEvent{Namespace: ns, StorageKey: key, Reason: cascache.ReasonStale})
			h.SelfHeal(ctx, cascache.SelfHealEvent{Namespace: ns, StorageKey: key, Reason: cascache.ReasonStale, Err: errBroken})
			h.SelfHeal(ctx, cascache.SelfHealEvent{Namespace: ns, StorageKey: key, Reason: cascache.ReasonCorrupt, Err: errBroken})
		}, map[string]float64{
			"cascache_self_heals_total{namespace=user,outcome=ok,reason=stale}":      1,
			"cascache_self_heals_total{namespace=user,outcome=error,reason=stale}":   1,
			"cascache_self_heals_total{namespace=user,outcome=error,reason=corrupt}": 1,
		}},
		{"SetSkipped", func(ctx context.Context, h *cascache.Hooks) {
			h.SetSkipped(ctx, cascache.SetSkippedEvent{Namespace: ns, Key: key, Reason: cascache.ReasonSuspect})
		}, map[string]float64{"cascache_sets_skipped_total{namespace=user,reason=suspect}": 1}},
		{"SetRejected", func(ctx context.Context, h *cascache.Hooks) {
			h.SetRejected(ctx, cascache.SetRejectedEvent{Namespace: ns, StorageKey: key, Cost: 7})
			h.SetRejected(ctx, cascache.SetRejectedEvent{Namespace: ns, StorageKey: key, Bulk: true})
			h.SetRejected(ctx, cascache.SetRejectedEvent{Namespace: ns, StorageKey: key, Bulk: true})
		}, map[string]float64{
			"cascache_sets_rejected_total{entry=single,namespace=user}": 1,
			"cascache_sets_rejected_total{entry=bulk,namespace=user}":   2,
		}},
		{"BulkRejected", func(ctx context.Context, h *cascache.Hooks) {
			h.BulkRejected(ctx, cascache.BulkRejectedEvent{Namespace: ns, Keys: keys, Reason: cascache.ReasonMemberMissing})
			h.BulkRejected(ctx, cascache.BulkRejectedEvent{Namespace: ns, Keys: keys, Write: true, Reason: cascache.ReasonStale})
		}, map[string]float64{
			"cascache_bulk_rejects_total{namespace=user,op=read,reason=member_missing}": 1,
			"cascache_bulk_rejects_total{namespace=user,op=write,reason=stale}":         1,
		}},
		{"GenStoreError", func(ctx context.Context, h *cascache.Hooks) {
			h.GenStoreError(ctx, cascache.GenStoreErrorEvent{Namespace: ns, Key: key, Keys: 9, Op: cascache.GenBump, Err: errBroken})
			h.GenStoreError(ctx, cascache.GenStoreErrorEvent{Namespace: ns, Key: key, Keys: 9, Op: cascache.GenCurrent, Err: errBroken})
		}, map[string]float64{
			"cascache_generation_store_errors_total{namespace=user,op=bump}":    1,
			"cascache_generation_store_errors_total{namespace=user,op=current}": 1,
		}},
		{"DeleteFailed", func(ctx context.Context, h *cascache.Hooks) {
			h.DeleteFailed(ctx, cascache.DeleteFailedEvent{Namespace: ns, Key: key, Keys: 9, Err: errBroken})
		}, map[string]float64{"cascache_delete_failures_total{namespace=user}": 1}},
		{"NearFailed", func(ctx context.Context, h *cascache.Hooks) {
			h.NearFailed(ctx, cascache.NearFailedEvent{Namespace: ns, Key: key, Op: cascache.NearDel, Err: errBroken})
		}, map[string]float64{"cascache_near_failures_total{namespace=user,op=del}": 1}},
		{"InvalidateFailed", func(ctx context.Context, h *cascache.Hooks) {
			h.InvalidateFailed(ctx, cascache.InvalidateFailedEvent{Namespace: ns, Key: key})
			h.InvalidateFailed(ctx, cascache.InvalidateFailedEvent{Namespace: ns, Key: key, More: 41})
		}, map[string]float64{"cascache_invalidation_failures_total{namespace=user}": 43}},
		{"InvalidateRecovered", func(ctx context.Context, h *cascache.Hooks) {
			h.InvalidateRecovered(ctx, cascache.InvalidateRecoveredEvent{Namespace: ns, Key: key})
		}, map[string]float64{"cascache_invalidation_recoveries_total{namespace=user}": 1}},
		{"LeaseEnded", func(ctx context.Context, h *cascache.Hooks) {
			h.LeaseEnded(ctx, cascache.LeaseEndedEvent{Namespace: ns, Keys: keys})
		}, map[string]float64{"cascache_leases_ended_total{namespace=user}": 1}},
		{"Load", func(ctx context.Context, h *cascache.Hooks) {
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Absent: 2, Duration: 250 * time.Millisecond})
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Duration: 2 * time.Second, Err: errBroken})
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Duration: 4 * time.Second, StoreErr: errBroken})
			h.Load(ctx, cascache.LoadEvent{Namespace: ns, Keys: keys, Duration: 8 * time.Second, Err: errBroken, StoreErr: errBroken})
		}, map[string]float64{
			"cascache_load_duration_seconds_count{namespace=user,outcome=ok}":          1,
			"cascache_load_duration_seconds_sum{namespace=user,outcome=ok}":            0.25,
			"cascache_load_duration_seconds_count{namespace=user,outcome=error}":       2,
			"cascache_load_duration_seconds_sum{namespace=user,outcome=error}":         10,
			"cascache_load_duration_seconds_count{namespace=user,outcome=store_error}": 1,
			"cascache_load_duration_seconds_sum{namespace=user,outcome=store_error}":   4,
			"cascache_load_keys_total{namespace=user}":                                 12,
			"cascache_load_absent_keys_total{namespace=user}":                          2,
		}},
		{"SharedProvider", func(ctx context.Context, h *cascache.Hooks) {
			h.SharedProvider(ctx, cascache.SharedProviderEvent{Namespace: ns})
			h.SharedProvider(ctx, cascache.SharedProviderEvent{Namespace: ns})
		}, map[string]float64{"cascache_shared_provider{namespace=user}": 1}},
	}
	var told []string
	for _, test := range tests {
		told = append(told, test.hook)
		t.Run(test.hook, func(t *testing.T) {
			registry := prometheus.NewPedanticRegistry()
			test.tell(t.Context(), newHooks(t, registry))
			if got := values(t, registry); !maps.Equal(got, test.want) {
				t.Errorf("each event is counted under its name and labels, and nothing else is:\n got %v\nwant %v", got, test.want)
			}
		})
	}
	for i := range reflect.TypeFor[cascache.Hooks]().NumField() {
		if hook := reflect.TypeFor[cascache.Hooks]().Field(i).Name; !slices.Contains(told, hook) {
			t.Errorf("each hook has a metric, and this test: nothing is known about Hooks.%s", hook)
		}
	}
}

func TestMetricsFollowTheConventions(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	newHooks(t, registry).Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("names and help follow the conventions of Prometheus: %s: %s", p.Metric, p.Text)
	}
}

// Prometheus tells an increase only of a series that was there before it.
func TestWhatAlertsAreAboutIsThereBeforeItHappens(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	newHooks(t, registry).Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	for name, want := range map[string]int{
		"cascache_invalidation_failures_total":   1,
		"cascache_invalidation_recoveries_total": 1,
		"cascache_leases_ended_total":            1,
		"cascache_shared_provider":               1,
		"cascache_load_duration_seconds":         3, // outcomes
		"cascache_generation_store_errors_total": 3, // operations
		"cascache_misses_total":                  3, // of the reasons
	} {
		if got, err := testutil.GatherAndCount(registry, name); got != want || err != nil {
			t.Errorf("%s has its series from the first event on: got %d, want %d (%v)", name, got, want, err)
		}
	}
}

func TestSeveralNewOnOneRegistryCountTogether(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	a, b := newHooks(t, registry), newHooks(t, registry)
	a.Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	b.Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	b.Hit(t.Context(), cascache.HitEvent{Namespace: "order"})
	want := map[string]float64{
		"cascache_hits_total{entry=single,namespace=user}":  2,
		"cascache_hits_total{entry=single,namespace=order}": 1,
	}
	if got := values(t, registry); !maps.Equal(got, want) {
		t.Errorf("hooks of one registry count together: got %v, want %v", got, want)
	}
}

func TestARegistererMayAddLabels(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	wrapped := prometheus.WrapRegistererWith(prometheus.Labels{"service": "shop"}, registry)
	for range 2 {
		newHooks(t, wrapped).Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	}
	want := map[string]float64{"cascache_hits_total{entry=single,namespace=user,service=shop}": 2}
	if got := values(t, registry); !maps.Equal(got, want) {
		t.Errorf("a registerer that adds labels serves as well: got %v, want %v", got, want)
	}
}

func TestARegistryWithOtherMetricsOfOneNameIsRefused(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "cascache_hits_total", Help: "Theirs."}))
	_, err := New(Config{Registerer: registry})
	if err == nil || !strings.Contains(err.Error(), "Config.Registerer") || !strings.Contains(err.Error(), "cascache_hits_total") {
		t.Errorf("the error names the field and the metric: got %v", err)
	}
	if n, err := testutil.GatherAndCount(registry); n != 1 || err != nil {
		t.Errorf("metrics are registered together or not at all: %d are there, want theirs alone (%v)", n, err)
	}
}

func TestConfig(t *testing.T) {
	var none *prometheus.Registry
	if _, err := New(Config{Registerer: none}); err == nil || !strings.Contains(err.Error(), "Config.Registerer is a nil *prometheus.Registry") {
		t.Errorf("a nil registry in the field is refused by name: got %v", err)
	}
	defer func(r prometheus.Registerer) { prometheus.DefaultRegisterer = r }(prometheus.DefaultRegisterer)
	registry := prometheus.NewPedanticRegistry()
	prometheus.DefaultRegisterer = registry
	newHooks(t, nil).Hit(t.Context(), cascache.HitEvent{Namespace: "user"})
	if got := values(t, registry); len(got) != 1 {
		t.Errorf("no registerer means the default one: it has %v", got)
	}
}

func TestNamespacesOfAnyBytes(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	hooks := newHooks(t, registry)
	for _, ns := range []string{"a\xff", "", "a\xff", "\"\n"} {
		hooks.Hit(t.Context(), cascache.HitEvent{Namespace: ns})
	}
	want := map[string]float64{
		"cascache_hits_total{entry=single,namespace=a\uFFFD}": 2,
		"cascache_hits_total{entry=single,namespace=}":        1,
		"cascache_hits_total{entry=single,namespace=\"\n}":    1,
	}
	if got := values(t, registry); !maps.Equal(got, want) {
		t.Errorf("a namespace may have any bytes: got %v, want %v", got, want)
	}
}

func TestConcurrentEvents(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	hooks := newHooks(t, registry)
	const goroutines, rounds = 8, 200
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range rounds {
				ns := fmt.Sprint("ns", i%20)
				hooks.Hit(context.Background(), cascache.HitEvent{Namespace: ns})
				hooks.Miss(context.Background(), cascache.MissEvent{Namespace: ns, Reason: cascache.Reason(fmt.Sprint("r", i%7))})
				hooks.Load(context.Background(), cascache.LoadEvent{Namespace: ns, Keys: []string{"k"}})
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_, _ = registry.Gather()
		}
	})
	wg.Wait()
	sums := make(map[string]float64)
	for name, v := range values(t, registry) {
		sums[name[:strings.Index(name, "{")]] += v
	}
	for _, name := range []string{"cascache_hits_total", "cascache_misses_total", "cascache_load_keys_total", "cascache_load_duration_seconds_count"} {
		if got, want := sums[name], float64(goroutines*rounds); got != want {
			t.Errorf("no event is lost or counted twice: %s sums up to %v, want %v", name, got, want)
		}
	}
}
