package cascache

import (
	"context"
	"log/slog"
)

// SlogHooks returns hooks that write to logger: hits, misses and skipped sets
// at debug level, self-heals and declined or rejected entries at info, failures
// of a backend at warn, and a failed invalidation, after which other processes
// may serve stale data, at error. Events carry keys, never values. A nil logger
// means slog.Default().
//
// The result may be changed before it is given to New, to drop an event or to
// count it too.
func SlogHooks(logger *slog.Logger) *Hooks {
	if logger == nil {
		logger = slog.Default()
	}
	log := func(ctx context.Context, level slog.Level, msg, namespace string, attrs ...slog.Attr) {
		if logger.Enabled(ctx, level) {
			logger.LogAttrs(ctx, level, "cascache: "+msg, append([]slog.Attr{slog.String("namespace", namespace)}, attrs...)...)
		}
	}
	return &Hooks{
		// The frequent ones ask before they build their attributes.
		Hit: func(ctx context.Context, e HitEvent) {
			if logger.Enabled(ctx, slog.LevelDebug) {
				log(ctx, slog.LevelDebug, "hit", e.Namespace, slog.String("key", e.Key), slog.Bool("bulk", e.Bulk))
			}
		},
		Miss: func(ctx context.Context, e MissEvent) {
			if logger.Enabled(ctx, slog.LevelDebug) {
				log(ctx, slog.LevelDebug, "miss", e.Namespace, slog.String("key", e.Key), slog.String("reason", string(e.Reason)))
			}
		},
		SetSkipped: func(ctx context.Context, e SetSkippedEvent) {
			if logger.Enabled(ctx, slog.LevelDebug) {
				log(ctx, slog.LevelDebug, "set skipped", e.Namespace, slog.String("key", e.Key), slog.String("reason", string(e.Reason)))
			}
		},
		SelfHeal: func(ctx context.Context, e SelfHealEvent) {
			log(ctx, slog.LevelInfo, "entry dropped", e.Namespace,
				slog.String("storage_key", e.StorageKey), slog.String("reason", string(e.Reason)), slog.Any("error", e.Err))
		},
		SetRejected: func(ctx context.Context, e SetRejectedEvent) {
			log(ctx, slog.LevelInfo, "provider declined an entry", e.Namespace,
				slog.String("storage_key", e.StorageKey), slog.Bool("bulk", e.Bulk), slog.Int64("cost", e.Cost))
		},
		BulkRejected: func(ctx context.Context, e BulkRejectedEvent) {
			log(ctx, slog.LevelInfo, "bulk entry rejected", e.Namespace,
				slog.Int("keys", len(e.Keys)), slog.Bool("write", e.Write), slog.String("reason", string(e.Reason)))
		},
		GenStoreError: func(ctx context.Context, e GenStoreErrorEvent) {
			log(ctx, slog.LevelWarn, "generation store failed", e.Namespace,
				slog.String("key", e.Key), slog.Int("keys", e.Keys), slog.String("op", string(e.Op)), slog.Any("error", e.Err))
		},
		DeleteFailed: func(ctx context.Context, e DeleteFailedEvent) {
			log(ctx, slog.LevelWarn, "delete after invalidation failed", e.Namespace,
				slog.String("key", e.Key), slog.Int("keys", e.Keys), slog.Any("error", e.Err))
		},
		InvalidateFailed: func(ctx context.Context, e InvalidateFailedEvent) {
			attrs := []slog.Attr{slog.String("key", e.Key), slog.Any("error", e.Err)}
			if e.More > 0 {
				attrs = append(attrs, slog.Int("more_keys", e.More))
			}
			log(ctx, slog.LevelError, "invalidation not known to be applied", e.Namespace, attrs...)
		},
		InvalidateRecovered: func(ctx context.Context, e InvalidateRecoveredEvent) {
			log(ctx, slog.LevelInfo, "invalidation recovered", e.Namespace, slog.String("key", e.Key))
		},
		LeaseEnded: func(ctx context.Context, e LeaseEndedEvent) {
			log(ctx, slog.LevelWarn, "a write outlasted the lease of its hold", e.Namespace,
				slog.Any("keys", e.Keys), slog.Duration("lease", e.Lease), slog.Duration("took", e.Took))
		},
		Load: func(ctx context.Context, e LoadEvent) {
			level := slog.LevelDebug
			if e.Err != nil || e.StoreErr != nil {
				level = slog.LevelWarn
			}
			log(ctx, level, "load", e.Namespace, slog.Int("keys", len(e.Keys)), slog.Int("absent", e.Absent),
				slog.Duration("duration", e.Duration), slog.Any("error", e.Err), slog.Any("store_error", e.StoreErr))
		},
		SharedProvider: func(ctx context.Context, e SharedProviderEvent) {
			log(ctx, slog.LevelWarn, "a shared provider is guarded by local generations, which is safe in one process only", e.Namespace)
		},
	}
}
