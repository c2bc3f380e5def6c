package otelhooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// ended keeps the spans that have ended.
type ended struct{ all []sdktrace.ReadOnlySpan }

func (*ended) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (e *ended) OnEnd(s sdktrace.ReadOnlySpan)                 { e.all = append(e.all, s) }
func (*ended) Shutdown(context.Context) error                  { return nil }
func (*ended) ForceFlush(context.Context) error                { return nil }

func TestALoadHasASpan(t *testing.T) {
	secret := errors.New(`no row "secret"`)
	tests := []struct {
		name   string
		event  cascache.LoadEvent
		want   map[string]string
		status codes.Code
	}{
		{"ok", cascache.LoadEvent{Keys: []string{"secret", "secret2", "secret3"}, Absent: 1}, map[string]string{
			"cascache.namespace": "user", "cascache.outcome": "ok", "cascache.load.keys": "3", "cascache.load.absent_keys": "1",
		}, codes.Unset},
		{"failed", cascache.LoadEvent{Keys: []string{"secret"}, Err: secret}, map[string]string{
			"cascache.namespace": "user", "cascache.outcome": "error", "cascache.load.keys": "1", "cascache.load.absent_keys": "0",
			"error.type": "*errors.errorString",
		}, codes.Error},
		{"not stored", cascache.LoadEvent{Keys: []string{"secret"}, StoreErr: secret}, map[string]string{
			"cascache.namespace": "user", "cascache.outcome": "store_error", "cascache.load.keys": "1", "cascache.load.absent_keys": "0",
		}, codes.Unset},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spans := new(ended)
				tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
				hooks, err := New(Config{MeterProvider: sdkmetric.NewMeterProvider(), TracerProvider: tracers})
				if err != nil {
					t.Fatal(err)
				}
				ctx, parent := tracers.Tracer("test").Start(t.Context(), "request")
				began := time.Now()
				time.Sleep(3 * time.Second)
				event := test.event
				event.Namespace, event.Duration = "user", 3*time.Second
				hooks.Load(ctx, event)

				if len(spans.all) != 1 {
					t.Fatalf("a load has one span: got %d", len(spans.all))
				}
				s := spans.all[0]
				if s.Name() != "cascache.load" || s.Parent().SpanID() != parent.SpanContext().SpanID() {
					t.Errorf("the span of a load is a child of its caller's: got %s below %v", s.Name(), s.Parent().SpanID())
				}
				if !s.StartTime().Equal(began) || !s.EndTime().Equal(began.Add(3*time.Second)) {
					t.Errorf("the span is as long as the load: got %v to %v, want %v and 3 s", s.StartTime(), s.EndTime(), began)
				}
				got := make(map[string]string)
				for _, a := range s.Attributes() {
					got[string(a.Key)] = a.Value.String()
				}
				if !maps.Equal(got, test.want) || s.Status().Code != test.status {
					t.Errorf("the span says how the load went: got %v, status %v; want %v, status %v", got, s.Status(), test.want, test.status)
				}
				if said := fmt.Sprint(s.Attributes(), s.Status(), s.Events()); strings.Contains(said, "secret") {
					t.Errorf("no key is in a span: %s", said)
				}
			})
		})
	}
}

// TestTheDurationOfALoadLeadsToItsSpan by an exemplar.
func TestTheDurationOfALoadLeadsToItsSpan(t *testing.T) {
	reader, spans := sdkmetric.NewManualReader(), new(ended)
	hooks, err := New(Config{
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
	})
	if err != nil {
		t.Fatal(err)
	}
	hooks.Load(t.Context(), cascache.LoadEvent{Namespace: "user", Keys: []string{"1"}, Duration: time.Second})
	for _, m := range collect(t, reader) {
		if h, ok := m.Data.(metricdata.Histogram[float64]); ok {
			want := spans.all[0].SpanContext().SpanID()
			if e := h.DataPoints[0].Exemplars; len(e) != 1 || string(e[0].SpanID) != string(want[:]) {
				t.Errorf("the duration of a load leads to its span: got exemplars %v, want span %v", e, want)
			}
			return
		}
	}
	t.Error("a load has a duration: there is no histogram")
}
