package otelhooks

import (
	"fmt"
	"reflect"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Config says where metrics and spans go. The zero value means the global
// providers, those that are set later included.
type Config struct {
	// MeterProvider makes the metrics. nil means the global one,
	// [otel.GetMeterProvider].
	MeterProvider metric.MeterProvider

	// TracerProvider makes the spans. nil means the global one,
	// [otel.GetTracerProvider]. That of go.opentelemetry.io/otel/trace/noop makes
	// none.
	TracerProvider trace.TracerProvider
}

// providers returns the providers to use, or an error that names the field.
func (c *Config) providers() (metric.MeterProvider, trace.TracerProvider, error) {
	meters, tracers := c.MeterProvider, c.TracerProvider
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	for _, field := range []struct {
		name  string
		value any
	}{{"MeterProvider", meters}, {"TracerProvider", tracers}} {
		if v := reflect.ValueOf(field.value); v.Kind() == reflect.Pointer && v.IsNil() {
			return nil, nil, fmt.Errorf("otelhooks: Config.%s is a nil %T; it must be nil, for the global one, or a provider", field.name, field.value)
		}
	}
	return meters, tracers, nil
}
