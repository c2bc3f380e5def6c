package metrics

import (
	"context"
	"sync"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// recorder counts events under the names and labels that Prometheus should have
// for them.
type recorder struct {
	mu   sync.Mutex
	told map[string]float64
}

func (r *recorder) add(series string, n int) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil {
		r.told = make(map[string]float64)
	}
	r.told[series] += float64(n)
}

func (r *recorder) hooks() *cascache.Hooks {
	entry := func(bulk bool) string {
		if bulk {
			return "bulk"
		}
		return "single"
	}
	outcome := func(err error) string {
		if err != nil {
			return "error"
		}
		return "ok"
	}
	return &cascache.Hooks{
		Hit: func(_ context.Context, e cascache.HitEvent) {
			r.add("cascache_hits_total{entry="+entry(e.Bulk)+",namespace="+e.Namespace+"}", 1)
		},
		Miss: func(_ context.Context, e cascache.MissEvent) {
			r.add("cascache_misses_total{namespace="+e.Namespace+",reason="+string(e.Reason)+"}", 1)
		},
		SelfHeal: func(_ context.Context, e cascache.SelfHealEvent) {
			r.add("cascache_self_heals_total{namespace="+e.Namespace+",outcome="+outcome(e.Err)+",reason="+string(e.Reason)+"}", 1)
		},
		SetSkipped: func(_ context.Context, e cascache.SetSkippedEvent) {
			r.add("cascache_sets_skipped_total{namespace="+e.Namespace+",reason="+string(e.Reason)+"}", 1)
		},
		SetRejected: func(_ context.Context, e cascache.SetRejectedEvent) {
			r.add("cascache_sets_rejected_total{entry="+entry(e.Bulk)+",namespace="+e.Namespace+"}", 1)
		},
		BulkRejected: func(_ context.Context, e cascache.BulkRejectedEvent) {
			op := "read"
			if e.Write {
				op = "write"
			}
			r.add("cascache_bulk_rejects_total{namespace="+e.Namespace+",op="+op+",reason="+string(e.Reason)+"}", 1)
		},
		GenStoreError: func(_ context.Context, e cascache.GenStoreErrorEvent) {
			r.add("cascache_generation_store_errors_total{namespace="+e.Namespace+",op="+string(e.Op)+"}", 1)
		},
		DeleteFailed: func(_ context.Context, e cascache.DeleteFailedEvent) {
			r.add("cascache_delete_failures_total{namespace="+e.Namespace+"}", 1)
		},
		NearFailed: func(_ context.Context, e cascache.NearFailedEvent) {
			r.add("cascache_near_failures_total{namespace="+e.Namespace+",op="+string(e.Op)+"}", 1)
		},
		InvalidateFailed: func(_ context.Context, e cascache.InvalidateFailedEvent) {
			r.add("cascache_invalidation_failures_total{namespace="+e.Namespace+"}", 1+e.More)
		},
		InvalidateRecovered: func(_ context.Context, e cascache.InvalidateRecoveredEvent) {
			r.add("cascache_invalidation_recoveries_total{namespace="+e.Namespace+"}", 1)
		},
		LeaseEnded: func(_ context.Context, e cascache.LeaseEndedEvent) {
			r.add("cascache_leases_ended_total{namespace="+e.Namespace+"}", 1)
		},
		Load: func(_ context.Context, e cascache.LoadEvent) {
			result := outcome(e.Err)
			if e.Err == nil && e.StoreErr != nil {
				result = "store_error"
			}
			r.add("cascache_load_duration_seconds_count{namespace="+e.Namespace+",outcome="+result+"}", 1)
			r.add("cascache_load_keys_total{namespace="+e.Namespace+"}", len(e.Keys))
			r.add("cascache_load_absent_keys_total{namespace="+e.Namespace+"}", e.Absent)
		},
		SharedProvider: func(_ context.Context, e cascache.SharedProviderEvent) {
			r.add("cascache_shared_provider{namespace="+e.Namespace+"}", 1)
		},
	}
}

// events are what live must bring about, so that a comparison with the recorder
// says something.
var events = []string{
	"cascache_hits_total{entry=single,namespace=user}",
	"cascache_hits_total{entry=bulk,namespace=user}",
	"cascache_misses_total{namespace=user,reason=not_found}",
	"cascache_misses_total{namespace=user,reason=stale}",
	"cascache_misses_total{namespace=user,reason=suspect}",
	"cascache_misses_total{namespace=user,reason=generation_error}",
	"cascache_misses_total{namespace=user,reason=provider_error}",
	"cascache_misses_total{namespace=user,reason=corrupt}",
	"cascache_misses_total{namespace=user,reason=decode}",
	"cascache_misses_total{namespace=user,reason=absent}",
	"cascache_misses_total{namespace=near,reason=not_found}",
	"cascache_self_heals_total{namespace=user,outcome=ok,reason=stale}",
	"cascache_self_heals_total{namespace=user,outcome=error,reason=stale}",
	"cascache_self_heals_total{namespace=user,outcome=ok,reason=corrupt}",
	"cascache_self_heals_total{namespace=user,outcome=ok,reason=decode}",
	"cascache_sets_skipped_total{namespace=user,reason=stale}",
	"cascache_sets_skipped_total{namespace=user,reason=no_snapshot}",
	"cascache_sets_rejected_total{entry=single,namespace=user}",
	"cascache_sets_rejected_total{entry=bulk,namespace=user}",
	"cascache_bulk_rejects_total{namespace=user,op=read,reason=stale}",
	"cascache_bulk_rejects_total{namespace=user,op=write,reason=stale}",
	"cascache_generation_store_errors_total{namespace=user,op=current}",
	"cascache_generation_store_errors_total{namespace=user,op=snapshot}",
	"cascache_generation_store_errors_total{namespace=user,op=bump}",
	"cascache_delete_failures_total{namespace=user}",
	"cascache_near_failures_total{namespace=near,op=get}",
	"cascache_near_failures_total{namespace=near,op=set}",
	"cascache_near_failures_total{namespace=near,op=del}",
	"cascache_invalidation_failures_total{namespace=user}",
	"cascache_invalidation_recoveries_total{namespace=user}",
	"cascache_leases_ended_total{namespace=user}",
	"cascache_load_duration_seconds_count{namespace=user,outcome=ok}",
	"cascache_load_duration_seconds_count{namespace=user,outcome=error}",
	"cascache_load_duration_seconds_count{namespace=user,outcome=store_error}",
	"cascache_load_keys_total{namespace=user}",
	"cascache_load_absent_keys_total{namespace=user}",
	"cascache_shared_provider{namespace=shared}",
}
