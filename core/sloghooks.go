package cascache

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// SlogHooks returns hooks that write to logger: hits, misses and skipped sets
// at debug level, self-heals and declined or rejected entries at info, failures
// of a backend at warn, and a failed invalidation, after which other processes
// may serve stale data, at error. Events carry keys, never values:
// [NewSlogHooks] can hide them. A nil logger means slog.Default().
//
// The result may be changed before it is given to New, to drop an event, or
// joined with other hooks by [JoinHooks].
func SlogHooks(logger *slog.Logger) *Hooks { return NewSlogHooks(logger, SlogOptions{}) }

// SlogOptions configures [NewSlogHooks]. The zero value writes what [SlogHooks]
// does.
type SlogOptions struct {
	// Redact returns what to write in place of a key, for keys that name people;
	// [HashKey] is one such function. It is applied to keys, to the keys in
	// storage keys, and to the text of errors: to all that is in double quotes
	// there, as the errors of this package and of its backends quote keys, and
	// to the keys of the event wherever they are. Errors are written as text
	// then. An error of somebody else's that names other keys without quotes is
	// not recognized. nil: keys are written as they are.
	Redact func(key string) string

	// MaxPerSecond bounds how many lines of each kind of event are written in
	// a second. The next line of the kind after some were left out has their
	// number as left_out. 0 or below: all are written.
	MaxPerSecond int
}

// NewSlogHooks is [SlogHooks] with options. A nil logger means slog.Default().
func NewSlogHooks(logger *slog.Logger, opts SlogOptions) *Hooks {
	if logger == nil {
		logger = slog.Default()
	}
	line := func(level slog.Level, msg string) *slogLine {
		return &slogLine{logger: logger, level: level, msg: "cascache: " + msg, perSecond: opts.MaxPerSecond}
	}
	var (
		hit                 = line(slog.LevelDebug, "hit")
		miss                = line(slog.LevelDebug, "miss")
		setSkipped          = line(slog.LevelDebug, "set skipped")
		selfHeal            = line(slog.LevelInfo, "entry dropped")
		setRejected         = line(slog.LevelInfo, "provider declined an entry")
		bulkRejected        = line(slog.LevelInfo, "bulk entry rejected")
		genStoreError       = line(slog.LevelWarn, "generation store failed")
		deleteFailed        = line(slog.LevelWarn, "delete after invalidation failed")
		nearFailed          = line(slog.LevelWarn, "near tier failed")
		invalidateFailed    = line(slog.LevelError, "invalidation not known to be applied")
		invalidateRecovered = line(slog.LevelInfo, "invalidation recovered")
		leaseEnded          = line(slog.LevelWarn, "a write outlasted the lease of its hold")
		load                = line(slog.LevelDebug, "load")
		loadFailed          = line(slog.LevelWarn, "load")
		sharedProvider      = line(slog.LevelWarn, "a shared provider is guarded by local generations, which is safe in one process only")
	)
	r := redactor{replace: opts.Redact}
	return &Hooks{
		Hit: func(ctx context.Context, e HitEvent) {
			hit.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.String("key", r.key(e.Key)), slog.Bool("bulk", e.Bulk)}
			})
		},
		Miss: func(ctx context.Context, e MissEvent) {
			miss.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.String("key", r.key(e.Key)), slog.String("reason", string(e.Reason))}
			})
		},
		SetSkipped: func(ctx context.Context, e SetSkippedEvent) {
			setSkipped.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.String("key", r.key(e.Key)), slog.String("reason", string(e.Reason))}
			})
		},
		SelfHeal: func(ctx context.Context, e SelfHealEvent) {
			selfHeal.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{
					slog.String("storage_key", r.storageKey(e.Namespace, e.StorageKey)),
					slog.String("reason", string(e.Reason)),
					r.err("error", e.Err, e.Namespace, keyIn(e.Namespace, e.StorageKey)),
				}
			})
		},
		SetRejected: func(ctx context.Context, e SetRejectedEvent) {
			setRejected.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{
					slog.String("storage_key", r.storageKey(e.Namespace, e.StorageKey)),
					slog.Bool("bulk", e.Bulk), slog.Int64("cost", e.Cost),
				}
			})
		},
		BulkRejected: func(ctx context.Context, e BulkRejectedEvent) {
			bulkRejected.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.Int("keys", len(e.Keys)), slog.Bool("write", e.Write), slog.String("reason", string(e.Reason))}
			})
		},
		GenStoreError: func(ctx context.Context, e GenStoreErrorEvent) {
			genStoreError.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{
					slog.String("key", r.key(e.Key)), slog.Int("keys", e.Keys), slog.String("op", string(e.Op)),
					r.err("error", e.Err, e.Namespace, e.Key),
				}
			})
		},
		DeleteFailed: func(ctx context.Context, e DeleteFailedEvent) {
			deleteFailed.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.String("key", r.key(e.Key)), slog.Int("keys", e.Keys), r.err("error", e.Err, e.Namespace, e.Key)}
			})
		},
		NearFailed: func(ctx context.Context, e NearFailedEvent) {
			nearFailed.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.String("key", r.key(e.Key)), slog.String("op", string(e.Op)), r.err("error", e.Err, e.Namespace, e.Key)}
			})
		},
		InvalidateFailed: func(ctx context.Context, e InvalidateFailedEvent) {
			invalidateFailed.write(ctx, e.Namespace, func() []slog.Attr {
				attrs := []slog.Attr{slog.String("key", r.key(e.Key)), r.err("error", e.Err, e.Namespace, e.Key)}
				if e.More > 0 {
					attrs = append(attrs, slog.Int("more_keys", e.More))
				}
				return attrs
			})
		},
		InvalidateRecovered: func(ctx context.Context, e InvalidateRecoveredEvent) {
			invalidateRecovered.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.String("key", r.key(e.Key))}
			})
		},
		LeaseEnded: func(ctx context.Context, e LeaseEndedEvent) {
			leaseEnded.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{slog.Any("keys", r.keys(e.Keys)), slog.Duration("lease", e.Lease), slog.Duration("took", e.Took)}
			})
		},
		Load: func(ctx context.Context, e LoadEvent) {
			line := load
			if e.Err != nil || e.StoreErr != nil {
				line = loadFailed
			}
			line.write(ctx, e.Namespace, func() []slog.Attr {
				return []slog.Attr{
					slog.Int("keys", len(e.Keys)), slog.Int("absent", e.Absent), slog.Duration("duration", e.Duration),
					r.err("error", e.Err, e.Namespace, e.Keys...), r.err("store_error", e.StoreErr, e.Namespace, e.Keys...),
				}
			})
		},
		SharedProvider: func(ctx context.Context, e SharedProviderEvent) {
			sharedProvider.write(ctx, e.Namespace, func() []slog.Attr { return nil })
		},
	}
}

// slogLine is one kind of line in the log.
type slogLine struct {
	logger    *slog.Logger
	level     slog.Level
	msg       string
	perSecond int // 0 or below: no bound

	mu      sync.Mutex // guards what follows
	since   time.Time  // when the present second began
	written int        // in it
	leftOut int        // since the last line
}

// write writes a line, unless it is below the logger's level or one too many.
// attrs is called only if the line is written.
func (l *slogLine) write(ctx context.Context, namespace string, attrs func() []slog.Attr) {
	if !l.logger.Enabled(ctx, l.level) {
		return
	}
	leftOut, ok := l.admit()
	if !ok {
		return
	}
	all := append([]slog.Attr{slog.String("namespace", namespace)}, attrs()...)
	if leftOut > 0 {
		all = append(all, slog.Int("left_out", leftOut))
	}
	l.logger.LogAttrs(ctx, l.level, l.msg, all...)
}

// admit reports whether one more line may be written now, and how many were left
// out before it.
func (l *slogLine) admit() (leftOut int, ok bool) {
	if l.perSecond <= 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.since) >= time.Second {
		l.since, l.written = now, 0
	}
	if l.written >= l.perSecond {
		l.leftOut++
		return 0, false
	}
	l.written++
	leftOut, l.leftOut = l.leftOut, 0
	return leftOut, true
}
