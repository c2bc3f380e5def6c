package promhooks

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// The labels.
const (
	labelNamespace = "namespace"
	labelEntry     = "entry"
	labelReason    = "reason"
	labelOp        = "op"
	labelOutcome   = "outcome"
)

// The values of labels that are not constants of cascache.
const (
	single = "single"
	bulk   = "bulk"

	read  = "read"
	write = "write"

	ok         = "ok"
	failed     = "error"
	storeError = "store_error"
)

// loadBuckets are the bounds of the histogram of loads, in seconds: from a
// look-up by primary key next door to a query that is about to be given up.
var loadBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics are all metrics of a registry. They are one collector, so that they are
// registered together or not at all.
type metrics struct {
	all []prometheus.Collector

	hits, misses, selfHeals           *prometheus.CounterVec
	setsSkipped, setsRejected         *prometheus.CounterVec
	bulkRejects                       *prometheus.CounterVec
	genStoreErrors, nearFailures      *prometheus.CounterVec
	deleteFailures                    *prometheus.CounterVec
	invalidateFailed, invalidateCured *prometheus.CounterVec
	leasesEnded                       *prometheus.CounterVec
	loads                             *prometheus.HistogramVec
	loadKeys, loadAbsent              *prometheus.CounterVec
	sharedProvider                    *prometheus.GaugeVec

	mu    sync.Mutex                         // held to replace what known points to
	known atomic.Pointer[map[string]*series] // by namespace; never written to, but replaced
}

func newMetrics() *metrics {
	m := new(metrics)
	m.known.Store(&map[string]*series{})
	labels := func(more []string) []string { return append([]string{labelNamespace}, more...) }
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cascache_" + name, Help: help}, labels(more))
		m.all = append(m.all, v)
		return v
	}
	m.hits = counter("hits_total", "Keys that were served.", labelEntry)
	m.misses = counter("misses_total", "Keys that were not served, by reason.", labelReason)
	m.selfHeals = counter("self_heals_total", "Deletes of entries that cannot be served any more, by reason.", labelReason, labelOutcome)
	m.setsSkipped = counter("sets_skipped_total", "Values that were not stored for the sake of the promise, by reason.", labelReason)
	m.setsRejected = counter("sets_rejected_total", "Entries that the provider declined.", labelEntry)
	m.bulkRejects = counter("bulk_rejects_total", "Bulk entries that were not served, or not written, by reason.", labelOp, labelReason)
	m.genStoreErrors = counter("generation_store_errors_total", "Calls of the generation store that failed or took too long.", labelOp)
	m.nearFailures = counter("near_failures_total", "Calls of the near tier that panicked.", labelOp)
	m.deleteFailures = counter("delete_failures_total", "Invalidations that are applied, but could not delete the entry.")
	m.invalidateFailed = counter("invalidation_failures_total", "Keys of invalidations that are not known to be applied.")
	m.invalidateCured = counter("invalidation_recoveries_total", "Keys that were invalidated after all.")
	m.leasesEnded = counter("leases_ended_total", "Writes in Mutate that outlasted the lease of their hold.")
	m.loadKeys = counter("load_keys_total", "Keys that loads were asked for.")
	m.loadAbsent = counter("load_absent_keys_total", "Keys that loads were asked for and the source does not have.")
	m.loads = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "cascache_load_duration_seconds", Help: "How long loads from the source took.", Buckets: loadBuckets,
	}, labels([]string{labelOutcome}))
	m.sharedProvider = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cascache_shared_provider", Help: "1 if local generations guard a shared provider, which is safe in one process only.",
	}, labels(nil))
	m.all = append(m.all, m.loads, m.sharedProvider)
	return m
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(ch)
	}
}

// of returns the series of a namespace. That is a look-up in a map which nobody
// writes to: a hit takes no lock.
func (m *metrics) of(namespace string) *series {
	if s, ok := (*m.known.Load())[namespace]; ok {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.newSeries(strings.ToValidUTF8(namespace, "\uFFFD"))
	grown := maps.Clone(*m.known.Load())
	grown[namespace] = s
	m.known.Store(&grown)
	return s
}

// series are the metrics of one namespace. What alerts are about is there from the
// first event on, with 0: Prometheus can tell an increase only of a series that it
// has seen before.
type series struct {
	hit, bulkHit              prometheus.Counter
	misses                    children[cascache.Reason]
	selfHeals                 children[heal]
	setsSkipped               children[cascache.Reason]
	setRejected, bulkRejected prometheus.Counter
	bulkRejects               children[bulkReject]
	genStoreErrors            children[cascache.GenOp]
	nearFailures              children[cascache.NearOp]
	deleteFailures            prometheus.Counter
	invalidateFailed          prometheus.Counter
	invalidateCured           prometheus.Counter
	leasesEnded               prometheus.Counter
	loadOK, loadFailed        prometheus.Observer
	loadNotStored             prometheus.Observer
	loadKeys, loadAbsent      prometheus.Counter
	sharedProvider            prometheus.Gauge
}

// heal is what the labels of a self-heal say.
type heal struct {
	reason cascache.Reason
	failed bool
}

// bulkReject is what the labels of a rejected bulk entry say.
type bulkReject struct {
	write  bool
	reason cascache.Reason
}

func (m *metrics) newSeries(namespace string) *series {
	s := &series{
		hit:              m.hits.WithLabelValues(namespace, single),
		bulkHit:          m.hits.WithLabelValues(namespace, bulk),
		setRejected:      m.setsRejected.WithLabelValues(namespace, single),
		bulkRejected:     m.setsRejected.WithLabelValues(namespace, bulk),
		deleteFailures:   m.deleteFailures.WithLabelValues(namespace),
		invalidateFailed: m.invalidateFailed.WithLabelValues(namespace),
		invalidateCured:  m.invalidateCured.WithLabelValues(namespace),
		leasesEnded:      m.leasesEnded.WithLabelValues(namespace),
		loadOK:           m.loads.WithLabelValues(namespace, ok),
		loadFailed:       m.loads.WithLabelValues(namespace, failed),
		loadNotStored:    m.loads.WithLabelValues(namespace, storeError),
		loadKeys:         m.loadKeys.WithLabelValues(namespace),
		loadAbsent:       m.loadAbsent.WithLabelValues(namespace),
		sharedProvider:   m.sharedProvider.WithLabelValues(namespace),
	}
	s.misses.make = func(r cascache.Reason) prometheus.Counter { return m.misses.WithLabelValues(namespace, string(r)) }
	s.setsSkipped.make = func(r cascache.Reason) prometheus.Counter {
		return m.setsSkipped.WithLabelValues(namespace, string(r))
	}
	s.selfHeals.make = func(h heal) prometheus.Counter {
		outcome := ok
		if h.failed {
			outcome = failed
		}
		return m.selfHeals.WithLabelValues(namespace, string(h.reason), outcome)
	}
	s.bulkRejects.make = func(b bulkReject) prometheus.Counter {
		op := read
		if b.write {
			op = write
		}
		return m.bulkRejects.WithLabelValues(namespace, op, string(b.reason))
	}
	s.genStoreErrors.make = func(op cascache.GenOp) prometheus.Counter {
		return m.genStoreErrors.WithLabelValues(namespace, string(op))
	}
	s.nearFailures.make = func(op cascache.NearOp) prometheus.Counter {
		return m.nearFailures.WithLabelValues(namespace, string(op))
	}
	for _, r := range []cascache.Reason{cascache.ReasonNotFound, cascache.ReasonStale, cascache.ReasonSuspect} {
		s.misses.of(r)
	}
	for _, op := range []cascache.GenOp{cascache.GenCurrent, cascache.GenSnapshot, cascache.GenBump} {
		s.genStoreErrors.of(op)
	}
	return s
}

// children are the counters of one metric and namespace, by their other labels.
// Each is looked up in the metric once.
type children[K comparable] struct {
	made sync.Map // a K: its prometheus.Counter
	make func(K) prometheus.Counter
}

func (c *children[K]) of(key K) prometheus.Counter {
	got, ok := c.made.Load(key)
	if !ok {
		got, _ = c.made.LoadOrStore(key, c.make(key))
	}
	return got.(prometheus.Counter)
}
