package otelhooks

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// scope names the library that metrics and spans come from.
const scope = "github.com/unkn0wn-root/cascache/hooks-otel"

// loadBuckets are the bounds of the histogram of loads, in seconds: from a
// look-up by primary key next door to a query that is about to be given up.
var loadBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// instruments are what the hooks report with.
type instruments struct {
	tracer  trace.Tracer
	hits    hits
	options optionsOf

	misses, selfHeals                 metric.Int64Counter
	setsSkipped, setsRejected         metric.Int64Counter
	bulkRejects                       metric.Int64Counter
	genStoreErrors, nearFailures      metric.Int64Counter
	deleteFailures                    metric.Int64Counter
	invalidateFailed, invalidateCured metric.Int64Counter
	leasesEnded                       metric.Int64Counter
	loadKeys, loadAbsent              metric.Int64Counter
	loads                             metric.Float64Histogram
	sharedProvider                    metric.Int64Gauge
}

func newInstruments(meters metric.MeterProvider, tracers trace.TracerProvider) (*instruments, error) {
	i := &instruments{tracer: tracers.Tracer(scope)}
	meter := meters.Meter(scope)
	var errs []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter("cascache."+name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	i.misses = counter("misses", "{miss}", "Keys that were not served, by reason.")
	i.selfHeals = counter("self_heals", "{entry}", "Deletes of entries that cannot be served any more, by reason.")
	i.setsSkipped = counter("sets_skipped", "{set}", "Values that were not stored for the sake of the promise, by reason.")
	i.setsRejected = counter("sets_rejected", "{set}", "Entries that the provider declined.")
	i.bulkRejects = counter("bulk_rejects", "{entry}", "Bulk entries that were not served, or not written, by reason.")
	i.genStoreErrors = counter("generation_store_errors", "{error}", "Calls of the generation store that failed or took too long.")
	i.nearFailures = counter("near_failures", "{failure}", "Calls of the near tier that panicked.")
	i.deleteFailures = counter("delete_failures", "{failure}", "Invalidations that are applied, but could not delete the entry.")
	i.invalidateFailed = counter("invalidation_failures", "{key}", "Keys of invalidations that are not known to be applied.")
	i.invalidateCured = counter("invalidation_recoveries", "{key}", "Keys that were invalidated after all.")
	i.leasesEnded = counter("leases_ended", "{write}", "Writes in Mutate that outlasted the lease of their hold.")
	i.loadKeys = counter("load_keys", "{key}", "Keys that loads were asked for.")
	i.loadAbsent = counter("load_absent_keys", "{key}", "Keys that loads were asked for and the source does not have.")

	var err error
	i.loads, err = meter.Float64Histogram("cascache.load_duration", metric.WithUnit("s"),
		metric.WithDescription("How long loads from the source took."), metric.WithExplicitBucketBoundaries(loadBuckets...))
	errs = append(errs, err)
	i.sharedProvider, err = meter.Int64Gauge("cascache.shared_provider", metric.WithUnit("{cache}"),
		metric.WithDescription("1 if local generations guard a shared provider, which is safe in one process only."))
	errs = append(errs, err)
	hits, err := meter.Int64ObservableCounter("cascache.hits", metric.WithUnit("{hit}"), metric.WithDescription("Keys that were served."))
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return i, i.hits.register(meter, hits)
}
