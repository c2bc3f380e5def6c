package otelhooks

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// New makes the instruments and returns hooks that report with them. The hooks are
// for any number of caches. They are to be made once for a MeterProvider and last
// as long as it does; where they are made several times, the SDK adds up what they
// count.
func New(cfg Config) (*cascache.Hooks, error) {
	meters, tracers, err := cfg.providers()
	if err != nil {
		return nil, err
	}
	i, err := newInstruments(meters, tracers)
	if err != nil {
		return nil, fmt.Errorf("otelhooks: Config.MeterProvider, a %T, must make the instruments whose names begin with cascache: %w", meters, err)
	}
	return i.hooks(), nil
}

// hooks returns the functions that report.
func (i *instruments) hooks() *cascache.Hooks {
	return &cascache.Hooks{
		Hit: func(_ context.Context, e cascache.HitEvent) {
			if n := i.hits.of(e.Namespace); e.Bulk {
				n.bulk.Add(1)
			} else {
				n.single.Add(1)
			}
		},
		Miss: func(ctx context.Context, e cascache.MissEvent) {
			i.misses.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, reason: string(e.Reason)}).add...)
		},
		SelfHeal: func(ctx context.Context, e cascache.SelfHealEvent) {
			outcome := ok
			if e.Err != nil {
				outcome = failed
			}
			i.selfHeals.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, reason: string(e.Reason), outcome: outcome}).add...)
		},
		SetSkipped: func(ctx context.Context, e cascache.SetSkippedEvent) {
			i.setsSkipped.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, reason: string(e.Reason)}).add...)
		},
		SetRejected: func(ctx context.Context, e cascache.SetRejectedEvent) {
			entry := single
			if e.Bulk {
				entry = bulk
			}
			i.setsRejected.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, entry: entry}).add...)
		},
		BulkRejected: func(ctx context.Context, e cascache.BulkRejectedEvent) {
			op := read
			if e.Write {
				op = write
			}
			i.bulkRejects.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, op: op, reason: string(e.Reason)}).add...)
		},
		GenStoreError: func(ctx context.Context, e cascache.GenStoreErrorEvent) {
			i.genStoreErrors.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, op: string(e.Op)}).add...)
		},
		DeleteFailed: func(ctx context.Context, e cascache.DeleteFailedEvent) {
			i.deleteFailures.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace}).add...)
		},
		NearFailed: func(ctx context.Context, e cascache.NearFailedEvent) {
			i.nearFailures.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace, op: string(e.Op)}).add...)
		},
		InvalidateFailed: func(ctx context.Context, e cascache.InvalidateFailedEvent) {
			i.invalidateFailed.Add(ctx, int64(1+e.More), i.options.get(labels{namespace: e.Namespace}).add...)
		},
		InvalidateRecovered: func(ctx context.Context, e cascache.InvalidateRecoveredEvent) {
			i.invalidateCured.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace}).add...)
		},
		LeaseEnded: func(ctx context.Context, e cascache.LeaseEndedEvent) {
			i.leasesEnded.Add(ctx, 1, i.options.get(labels{namespace: e.Namespace}).add...)
		},
		Load: i.load,
		SharedProvider: func(ctx context.Context, e cascache.SharedProviderEvent) {
			i.sharedProvider.Record(ctx, 1, i.options.get(labels{namespace: e.Namespace}).record...)
		},
	}
}

// load reports a load that has just ended, as far as the hook can know.
func (i *instruments) load(ctx context.Context, e cascache.LoadEvent) {
	outcome := ok
	switch {
	case e.Err != nil:
		outcome = failed
	case e.StoreErr != nil:
		outcome = storeError
	}
	result := labels{namespace: e.Namespace, outcome: outcome}

	end := time.Now()
	set := result.set()
	ctx, span := i.tracer.Start(ctx, "cascache.load", trace.WithTimestamp(end.Add(-e.Duration)), trace.WithAttributes(set.ToSlice()...),
		trace.WithAttributes(keyLoadKeys.Int(len(e.Keys)), keyLoadAbsent.Int(e.Absent)))
	if e.Err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(keyErrorType.String(fmt.Sprintf("%T", e.Err)))
	}
	span.End(trace.WithTimestamp(end))

	// In the context of the span, to which an exemplar then leads.
	i.loads.Record(ctx, e.Duration.Seconds(), i.options.get(result).record...)
	of := i.options.get(labels{namespace: e.Namespace})
	i.loadKeys.Add(ctx, int64(len(e.Keys)), of.add...)
	i.loadAbsent.Add(ctx, int64(e.Absent), of.add...)
}
