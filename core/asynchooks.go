package cascache

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// DefaultHookQueue is how many events wait in [AsyncHooks] that are asked for no
// number.
const DefaultHookQueue = 1024

// AsyncHooks tells other hooks of events later, on a goroutine of its own and in
// the order they came in, so that a slow hook does not slow the cache down. Up
// to a number of events wait for their turn; further ones are dropped and
// counted.
//
// Slices of an event are copied. A hook gets the values of the caller's context,
// but not its end. A panic in a hook ends with that event, and is counted.
//
// The goroutine lives while events wait. Call Close before the process ends, after
// the caches are closed, so that the last events are told. All methods may be
// called concurrently.
type AsyncHooks struct {
	hooks Hooks // what a cache calls
	size  int

	mu      sync.Mutex // guards what follows
	queue   []func()
	running bool          // a goroutine takes from queue
	idle    chan struct{} // closed when it has ended; nil before the first one
	closed  bool
	dropped uint64
	panics  uint64
}

// NewAsyncHooks returns a decorator of hooks, nil for none, in which up to size
// events wait; 0 or below means [DefaultHookQueue].
func NewAsyncHooks(hooks *Hooks, size int) *AsyncHooks {
	if size <= 0 {
		size = DefaultHookQueue
	}
	a := &AsyncHooks{size: size}
	if hooks == nil {
		return a
	}
	a.hooks = Hooks{
		Hit:                 enqueued(a, hooks.Hit, nil),
		Miss:                enqueued(a, hooks.Miss, nil),
		SelfHeal:            enqueued(a, hooks.SelfHeal, nil),
		SetSkipped:          enqueued(a, hooks.SetSkipped, nil),
		SetRejected:         enqueued(a, hooks.SetRejected, nil),
		BulkRejected:        enqueued(a, hooks.BulkRejected, func(e *BulkRejectedEvent) { e.Keys = slices.Clone(e.Keys) }),
		GenStoreError:       enqueued(a, hooks.GenStoreError, nil),
		DeleteFailed:        enqueued(a, hooks.DeleteFailed, nil),
		NearFailed:          enqueued(a, hooks.NearFailed, nil),
		InvalidateFailed:    enqueued(a, hooks.InvalidateFailed, nil),
		InvalidateRecovered: enqueued(a, hooks.InvalidateRecovered, nil),
		LeaseEnded:          enqueued(a, hooks.LeaseEnded, func(e *LeaseEndedEvent) { e.Keys = slices.Clone(e.Keys) }),
		Load:                enqueued(a, hooks.Load, func(e *LoadEvent) { e.Keys = slices.Clone(e.Keys) }),
		SharedProvider:      enqueued(a, hooks.SharedProvider, nil),
	}
	return a
}

// enqueued returns what puts a call of f into the queue, or nil if f is. own gives
// an event slices of its own; nil where it has none.
func enqueued[E any](a *AsyncHooks, f func(context.Context, E), own func(*E)) func(context.Context, E) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, e E) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.closed || len(a.queue) >= a.size {
			a.dropped++
			return
		}
		if own != nil {
			own(&e)
		}
		ctx = context.WithoutCancel(ctx)
		a.queue = append(a.queue, func() { f(ctx, e) })
		if !a.running {
			a.running, a.idle = true, make(chan struct{})
			go a.run(a.idle)
		}
	}
}

// Hooks returns what to give to a cache, or to several.
func (a *AsyncHooks) Hooks() *Hooks { return &a.hooks }

// Dropped returns how many events were dropped so far, for want of room or since
// they came after Close.
func (a *AsyncHooks) Dropped() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dropped
}

// Panics returns how many calls of a hook have panicked so far.
func (a *AsyncHooks) Panics() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.panics
}

// Close drops the events that come from now on, and waits until the hooks have
// been told of those before. When ctx ends first, it drops those that still wait
// and returns an error that wraps that of ctx; a call of a hook that is under way
// goes on. A hook must not call it, since it would wait for itself.
func (a *AsyncHooks) Close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	idle := a.idle
	a.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := len(a.queue)
	a.queue, a.dropped = nil, a.dropped+uint64(n)
	return fmt.Errorf("cascache: close asynchronous hooks: %d events were dropped: %w", n, ctx.Err())
}

// run calls what is in the queue until it is empty.
func (a *AsyncHooks) run(idle chan struct{}) {
	emptied := false
	defer func() {
		if !emptied { // a hook has ended this goroutine
			go a.run(idle)
		}
	}()
	for {
		a.mu.Lock()
		if len(a.queue) == 0 {
			a.queue, a.running = nil, false // nothing is left of a burst
			close(idle)
			a.mu.Unlock()
			emptied = true
			return
		}
		call := a.queue[0]
		a.queue[0] = nil
		a.queue = a.queue[1:]
		a.mu.Unlock()
		a.call(call)
	}
}

func (a *AsyncHooks) call(call func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		_ = recover()
		a.mu.Lock()
		a.panics++
		a.mu.Unlock()
	}()
	call()
	returned = true
}
