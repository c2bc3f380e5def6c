package cascache

import "context"

// JoinHooks returns hooks that tell each of the given ones, in their order. A nil
// is skipped, and an event that none of them has a function for costs nothing.
// The functions are those that are set now.
//
// A panic in one function does not keep the event from the next ones; then it
// reaches the caller, as that of a single function does. If several panic, the
// last panic does.
func JoinHooks(hooks ...*Hooks) *Hooks {
	return &Hooks{
		Hit:                 joinedHook(hooks, func(h *Hooks) func(context.Context, HitEvent) { return h.Hit }),
		Miss:                joinedHook(hooks, func(h *Hooks) func(context.Context, MissEvent) { return h.Miss }),
		SelfHeal:            joinedHook(hooks, func(h *Hooks) func(context.Context, SelfHealEvent) { return h.SelfHeal }),
		SetSkipped:          joinedHook(hooks, func(h *Hooks) func(context.Context, SetSkippedEvent) { return h.SetSkipped }),
		SetRejected:         joinedHook(hooks, func(h *Hooks) func(context.Context, SetRejectedEvent) { return h.SetRejected }),
		BulkRejected:        joinedHook(hooks, func(h *Hooks) func(context.Context, BulkRejectedEvent) { return h.BulkRejected }),
		GenStoreError:       joinedHook(hooks, func(h *Hooks) func(context.Context, GenStoreErrorEvent) { return h.GenStoreError }),
		DeleteFailed:        joinedHook(hooks, func(h *Hooks) func(context.Context, DeleteFailedEvent) { return h.DeleteFailed }),
		NearFailed:          joinedHook(hooks, func(h *Hooks) func(context.Context, NearFailedEvent) { return h.NearFailed }),
		InvalidateFailed:    joinedHook(hooks, func(h *Hooks) func(context.Context, InvalidateFailedEvent) { return h.InvalidateFailed }),
		InvalidateRecovered: joinedHook(hooks, func(h *Hooks) func(context.Context, InvalidateRecoveredEvent) { return h.InvalidateRecovered }),
		LeaseEnded:          joinedHook(hooks, func(h *Hooks) func(context.Context, LeaseEndedEvent) { return h.LeaseEnded }),
		Load:                joinedHook(hooks, func(h *Hooks) func(context.Context, LoadEvent) { return h.Load }),
		SharedProvider:      joinedHook(hooks, func(h *Hooks) func(context.Context, SharedProviderEvent) { return h.SharedProvider }),
	}
}

// joinedHook returns the functions for one event as one, or nil if there is none.
func joinedHook[E any](hooks []*Hooks, of func(*Hooks) func(context.Context, E)) func(context.Context, E) {
	var all []func(context.Context, E)
	for _, h := range hooks {
		if h == nil {
			continue
		}
		if f := of(h); f != nil {
			all = append(all, f)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return func(ctx context.Context, e E) { callAll(all, ctx, e) }
}

// callAll calls the functions in their order, also after one has panicked.
func callAll[E any](all []func(context.Context, E), ctx context.Context, e E) {
	if len(all) > 1 {
		defer callAll(all[1:], ctx, e)
	}
	all[0](ctx, e)
}
