package promhooks

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// New registers the metrics and returns hooks that count. The hooks are for any
// number of caches. If the registry has the metrics of an earlier New, those are
// counted in. If it has other metrics with one of the names, nothing is
// registered, and New returns the registry's error.
func New(cfg Config) (*cascache.Hooks, error) {
	registerer, err := cfg.registerer()
	if err != nil {
		return nil, err
	}
	m, err := register(registerer)
	if err != nil {
		return nil, err
	}
	return m.hooks(), nil
}

// register returns the metrics of a registry.
func register(registerer prometheus.Registerer) (*metrics, error) {
	m := newMetrics()
	err := registerer.Register(m)
	if err == nil {
		return m, nil
	}
	if there := (prometheus.AlreadyRegisteredError{}); errors.As(err, &there) {
		if m, ok := there.ExistingCollector.(*metrics); ok {
			return m, nil
		}
	}
	return nil, fmt.Errorf("promhooks: Config.Registerer, a %T, refuses the metrics; it must have room for those whose names begin with cascache_: %w", registerer, err)
}

// hooks returns the functions that count.
func (m *metrics) hooks() *cascache.Hooks {
	return &cascache.Hooks{
		Hit: func(_ context.Context, e cascache.HitEvent) {
			if s := m.of(e.Namespace); e.Bulk {
				s.bulkHit.Inc()
			} else {
				s.hit.Inc()
			}
		},
		Miss: func(_ context.Context, e cascache.MissEvent) { m.of(e.Namespace).misses.of(e.Reason).Inc() },
		SelfHeal: func(_ context.Context, e cascache.SelfHealEvent) {
			m.of(e.Namespace).selfHeals.of(heal{reason: e.Reason, failed: e.Err != nil}).Inc()
		},
		SetSkipped: func(_ context.Context, e cascache.SetSkippedEvent) {
			m.of(e.Namespace).setsSkipped.of(e.Reason).Inc()
		},
		SetRejected: func(_ context.Context, e cascache.SetRejectedEvent) {
			if s := m.of(e.Namespace); e.Bulk {
				s.bulkRejected.Inc()
			} else {
				s.setRejected.Inc()
			}
		},
		BulkRejected: func(_ context.Context, e cascache.BulkRejectedEvent) {
			m.of(e.Namespace).bulkRejects.of(bulkReject{write: e.Write, reason: e.Reason}).Inc()
		},
		GenStoreError: func(_ context.Context, e cascache.GenStoreErrorEvent) {
			m.of(e.Namespace).genStoreErrors.of(e.Op).Inc()
		},
		DeleteFailed: func(_ context.Context, e cascache.DeleteFailedEvent) { m.of(e.Namespace).deleteFailures.Inc() },
		NearFailed:   func(_ context.Context, e cascache.NearFailedEvent) { m.of(e.Namespace).nearFailures.of(e.Op).Inc() },
		InvalidateFailed: func(_ context.Context, e cascache.InvalidateFailedEvent) {
			m.of(e.Namespace).invalidateFailed.Add(float64(1 + e.More))
		},
		InvalidateRecovered: func(_ context.Context, e cascache.InvalidateRecoveredEvent) {
			m.of(e.Namespace).invalidateCured.Inc()
		},
		LeaseEnded: func(_ context.Context, e cascache.LeaseEndedEvent) { m.of(e.Namespace).leasesEnded.Inc() },
		Load: func(_ context.Context, e cascache.LoadEvent) {
			s := m.of(e.Namespace)
			took := s.loadOK
			switch {
			case e.Err != nil:
				took = s.loadFailed
			case e.StoreErr != nil:
				took = s.loadNotStored
			}
			took.Observe(e.Duration.Seconds())
			s.loadKeys.Add(float64(len(e.Keys)))
			s.loadAbsent.Add(float64(e.Absent))
		},
		SharedProvider: func(_ context.Context, e cascache.SharedProviderEvent) { m.of(e.Namespace).sharedProvider.Set(1) },
	}
}
