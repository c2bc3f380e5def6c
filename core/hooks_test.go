package cascache

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
)

// eventLog records every event in order.
type eventLog struct {
	mu     sync.Mutex
	events []any
}

func (l *eventLog) add(e any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *eventLog) all() []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]any{}, l.events...)
}

func (l *eventLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}

func noting[E any](l *eventLog) func(context.Context, E) {
	return func(_ context.Context, e E) { l.add(e) }
}

func (l *eventLog) hooks() *Hooks {
	return &Hooks{
		Hit:                 noting[HitEvent](l),
		Miss:                noting[MissEvent](l),
		SelfHeal:            noting[SelfHealEvent](l),
		SetSkipped:          noting[SetSkippedEvent](l),
		SetRejected:         noting[SetRejectedEvent](l),
		BulkRejected:        noting[BulkRejectedEvent](l),
		GenStoreError:       noting[GenStoreErrorEvent](l),
		DeleteFailed:        noting[DeleteFailedEvent](l),
		NearFailed:          noting[NearFailedEvent](l),
		InvalidateFailed:    noting[InvalidateFailedEvent](l),
		InvalidateRecovered: noting[InvalidateRecoveredEvent](l),
		SharedProvider:      noting[SharedProviderEvent](l),
	}
}

// eventsOf returns the events of one kind.
func eventsOf[E any](l *eventLog) []E {
	var out []E
	for _, e := range l.all() {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// want wants exactly these events since the last reset, and resets.
func (l *eventLog) want(t testing.TB, rule string, want ...any) {
	t.Helper()
	got := l.all()
	l.reset()
	if !reflect.DeepEqual(got, append([]any{}, want...)) {
		t.Errorf("%s: got events\n\t%+v\nwant\n\t%+v", rule, got, want)
	}
}

// Every event, with all of its fields. Reasons are told apart in the tests of
// the calls.
func TestEvents(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		act  func(t *testing.T, r *rig)
		want []any
	}{
		"Hit of a single": {
			func(t *testing.T, r *rig) {
				fill(t, r.Handle, "k", "v")
				_, _, _ = r.Get(t.Context(), "k")
			},
			[]any{HitEvent{Namespace: "n", Key: "k"}},
		},
		"Hit of a bulk": {
			func(t *testing.T, r *rig) {
				fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
				_, _, _ = r.GetBulk(t.Context(), []string{"b", "a"})
			},
			[]any{HitEvent{Namespace: "n", Key: "b", Bulk: true}, HitEvent{Namespace: "n", Key: "a", Bulk: true}},
		},
		"Miss": {
			func(t *testing.T, r *rig) { _, _, _ = r.Get(t.Context(), "k") },
			[]any{MissEvent{Namespace: "n", Key: "k", Reason: ReasonNotFound}},
		},
		"SelfHeal": {
			func(t *testing.T, r *rig) {
				r.provider.put("single:n:k", []byte("foreign"))
				_, _, _ = r.Get(t.Context(), "k")
			},
			[]any{
				SelfHealEvent{Namespace: "n", StorageKey: "single:n:k", Reason: ReasonCorrupt},
				MissEvent{Namespace: "n", Key: "k", Reason: ReasonCorrupt},
			},
		},
		"SelfHeal that fails": {
			func(t *testing.T, r *rig) {
				r.provider.put("single:n:k", []byte("foreign"))
				r.provider.delErr = broken
				_, _, _ = r.Get(t.Context(), "k")
			},
			[]any{
				SelfHealEvent{Namespace: "n", StorageKey: "single:n:k", Reason: ReasonCorrupt, Err: broken},
				MissEvent{Namespace: "n", Key: "k", Reason: ReasonCorrupt},
			},
		},
		"SetSkipped": {
			func(t *testing.T, r *rig) { _ = r.SetWithGen(t.Context(), "k", "v", 0, 0) },
			[]any{SetSkippedEvent{Namespace: "n", Key: "k", Reason: ReasonNoSnapshot}},
		},
		"SetRejected": {
			func(t *testing.T, r *rig) {
				r.provider.decline = true
				fill(t, r.Handle, "k", "12345")
			},
			[]any{SetRejectedEvent{Namespace: "n", StorageKey: "single:n:k", Cost: 18 + 5}},
		},
		"BulkRejected, not written": {
			func(t *testing.T, r *rig) {
				obs := r.SnapshotGens([]string{"a", "b"})
				_ = r.Invalidate(t.Context(), "a")
				_ = r.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "2"}, obs, 0)
			},
			[]any{
				SetSkippedEvent{Namespace: "n", Key: "a", Reason: ReasonStale},
				BulkRejectedEvent{Namespace: "n", Keys: []string{"a", "b"}, Write: true, Reason: ReasonStale},
			},
		},
		"BulkRejected, not served": {
			func(t *testing.T, r *rig) {
				r.provider.put(bulkOfAB, []byte("foreign"))
				_, _, _ = r.GetBulk(t.Context(), []string{"b", "a"})
			},
			[]any{
				BulkRejectedEvent{Namespace: "n", Keys: []string{"b", "a"}, Reason: ReasonCorrupt},
				MissEvent{Namespace: "n", Key: "b", Reason: ReasonNotFound},
				MissEvent{Namespace: "n", Key: "a", Reason: ReasonNotFound},
				SelfHealEvent{Namespace: "n", StorageKey: bulkOfAB, Reason: ReasonCorrupt},
			},
		},
		"GenStoreError of a read": {
			func(t *testing.T, r *rig) {
				fill(t, r.Handle, "k", "v")
				r.store.fail(GenCurrent, broken)
				_, _, _ = r.Get(t.Context(), "k")
			},
			[]any{
				GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 1, Op: GenCurrent, Err: broken},
				MissEvent{Namespace: "n", Key: "k", Reason: ReasonGenError},
			},
		},
		"GenStoreError of a set": {
			func(t *testing.T, r *rig) {
				obs := r.SnapshotGen("k")
				r.store.fail(GenCurrent, broken)
				_ = r.SetWithGen(t.Context(), "k", "v", obs, 0)
			},
			[]any{
				GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 1, Op: GenCurrent, Err: broken},
				SetSkippedEvent{Namespace: "n", Key: "k", Reason: ReasonGenError},
			},
		},
		"GenStoreError of a snapshot": {
			func(t *testing.T, r *rig) {
				r.store.fail(GenSnapshot, broken)
				r.SnapshotGen("k")
			},
			[]any{GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 1, Op: GenSnapshot, Err: broken}},
		},
		"DeleteFailed": {
			func(t *testing.T, r *rig) {
				r.provider.delErr = broken
				_ = r.Invalidate(t.Context(), "k")
			},
			[]any{DeleteFailedEvent{Namespace: "n", Key: "k", Keys: 1, Err: broken}},
		},
		"InvalidateFailed and InvalidateRecovered": {
			func(t *testing.T, r *rig) {
				r.store.fail(GenBump, broken)
				_ = r.Invalidate(t.Context(), "k")
				r.store.fail(GenBump, nil)
				_ = r.Invalidate(t.Context(), "k")
			},
			[]any{
				GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 1, Op: GenBump, Err: broken},
				InvalidateFailedEvent{Namespace: "n", Key: "k", Err: &InvalidateError{Key: "k", BumpErr: broken}},
				InvalidateRecoveredEvent{Namespace: "n", Key: "k"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.act(t, r)
			r.log.want(t, "an event tells what happened, and nothing else is told", c.want...)
		})
	}
}

// The calls of one cache that fire each hook.
var firing = map[string]struct {
	hook func(*Hooks, func())
	act  func(t *testing.T, r *rig)
}{
	"Hit": {
		func(h *Hooks, f func()) { h.Hit = func(context.Context, HitEvent) { f() } },
		func(t *testing.T, r *rig) {
			fill(t, r.Handle, "k", "v")
			_, _, _ = r.Get(t.Context(), "k")
		},
	},
	"Miss": {
		func(h *Hooks, f func()) { h.Miss = func(context.Context, MissEvent) { f() } },
		func(t *testing.T, r *rig) { _, _, _ = r.Get(t.Context(), "k") },
	},
	"SelfHeal": {
		func(h *Hooks, f func()) { h.SelfHeal = func(context.Context, SelfHealEvent) { f() } },
		func(t *testing.T, r *rig) {
			r.provider.put("single:n:k", []byte("foreign"))
			_, _, _ = r.Get(t.Context(), "k")
		},
	},
	"SetSkipped": {
		func(h *Hooks, f func()) { h.SetSkipped = func(context.Context, SetSkippedEvent) { f() } },
		func(t *testing.T, r *rig) { _ = r.SetWithGen(t.Context(), "k", "v", 0, 0) },
	},
	"SetRejected": {
		func(h *Hooks, f func()) { h.SetRejected = func(context.Context, SetRejectedEvent) { f() } },
		func(t *testing.T, r *rig) {
			r.provider.decline = true
			_ = r.SetWithGen(t.Context(), "k", "v", r.SnapshotGen("k"), 0)
		},
	},
	"BulkRejected": {
		func(h *Hooks, f func()) { h.BulkRejected = func(context.Context, BulkRejectedEvent) { f() } },
		func(t *testing.T, r *rig) {
			r.provider.put(bulkOfAB, []byte("foreign"))
			_, _, _ = r.GetBulk(t.Context(), []string{"a", "b"})
		},
	},
	"GenStoreError": {
		func(h *Hooks, f func()) { h.GenStoreError = func(context.Context, GenStoreErrorEvent) { f() } },
		func(t *testing.T, r *rig) {
			r.store.fail(GenSnapshot, errors.New("broken"))
			r.SnapshotGen("k")
		},
	},
	"DeleteFailed": {
		func(h *Hooks, f func()) { h.DeleteFailed = func(context.Context, DeleteFailedEvent) { f() } },
		func(t *testing.T, r *rig) {
			r.provider.delErr = errors.New("broken")
			_ = r.Invalidate(t.Context(), "k")
		},
	},
	"InvalidateFailed": {
		func(h *Hooks, f func()) { h.InvalidateFailed = func(context.Context, InvalidateFailedEvent) { f() } },
		func(t *testing.T, r *rig) {
			r.store.fail(GenBump, errors.New("broken"))
			_ = r.Invalidate(t.Context(), "k")
		},
	},
	"InvalidateRecovered": {
		func(h *Hooks, f func()) {
			h.InvalidateRecovered = func(context.Context, InvalidateRecoveredEvent) { f() }
		},
		func(t *testing.T, r *rig) {
			r.store.fail(GenBump, errors.New("broken"))
			_ = r.Invalidate(t.Context(), "k")
			r.store.fail(GenBump, nil)
			_ = r.Invalidate(t.Context(), "k")
		},
	},
}

func TestAPanicInAHookReachesTheCaller(t *testing.T) {
	for name, c := range firing {
		t.Run(name, func(t *testing.T) {
			hooks := &Hooks{}
			c.hook(hooks, func() { panic(name) })
			r := newRig(t, func(o *Options[string]) { o.Hooks = hooks })
			func() {
				defer func() {
					if got := recover(); got != name {
						t.Errorf("a panic in a hook reaches the caller as it is: got %v, want %v", got, name)
					}
				}()
				c.act(t, r)
			}()
			r.emit.hooks = Hooks{}
			r.provider.decline = false
			r.store.fail(GenSnapshot, nil)
			fill(t, r.Handle, "after", "v")
			wantHit(t, r.Handle, "a panic in a hook leaves the cache working", "after", "v")
		})
	}
}

// A hook may use the cache that calls it, which would lock up were it called
// under a lock.
func TestHooksRunUnderNoLock(t *testing.T) {
	for name, c := range firing {
		t.Run(name, func(t *testing.T) {
			hooks := &Hooks{}
			r := newRig(t, func(o *Options[string]) { o.Hooks = hooks })
			inside := false
			c.hook(&r.emit.hooks, func() {
				if inside {
					return
				}
				inside = true
				ctx := context.Background()
				_, _, _ = r.Get(ctx, "k")
				_ = r.Invalidate(ctx, "k")
				_, _, _ = r.GetBulk(ctx, []string{"k", "a"})
			})
			c.act(t, r)
			if !inside {
				t.Errorf("what this test does fires %s: it did not", name)
			}
		})
	}
}

func TestHooksGetTheCallersContext(t *testing.T) {
	type mark struct{}
	var got any
	r := newRig(t, func(o *Options[string]) {
		o.Hooks = &Hooks{Miss: func(ctx context.Context, _ MissEvent) { got = ctx.Value(mark{}) }}
	})
	_, _, _ = r.Get(context.WithValue(t.Context(), mark{}, "mine"), "k")
	if got != "mine" {
		t.Errorf("a hook gets the context of the call: got value %v, want %q", got, "mine")
	}
}

func TestNilHooks(t *testing.T) {
	for _, hooks := range []*Hooks{nil, {}} {
		for name, c := range firing {
			t.Run(name, func(t *testing.T) {
				c.act(t, newRig(t, func(o *Options[string]) { o.Hooks = hooks }))
			})
		}
	}
}

func TestHooksAreCopied(t *testing.T) {
	hooks := &Hooks{}
	r := newRig(t, func(o *Options[string]) { o.Hooks = hooks })
	hooks.Miss = func(context.Context, MissEvent) { t.Error("New copies the hooks: a change afterwards took effect") }
	_, _, _ = r.Get(t.Context(), "k")
}
