package cascache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxCalls is how many calls of a store may be under way at once, stuck
	// ones included: the bound on the goroutines that a store costs which
	// never returns.
	maxCalls = 512

	// maxIdleCallers is how many goroutines wait for the next call.
	maxIdleCallers = 64

	// idleTime is how long a goroutine waits for the next call.
	idleTime = 10 * time.Second
)

// A pool bounds the goroutines of those calls that share it.
type pool struct {
	places chan struct{} // holds one element for each call under way
	stuck  atomic.Int64  // of these, calls that nobody waits for any more
	idle   atomic.Int64  // goroutines that wait for the next call
	closed chan struct{}
}

func newPool() *pool {
	return &pool{places: make(chan struct{}, maxCalls), closed: make(chan struct{})}
}

// take takes a place, or waits for one until ctx is done or the time is up.
func (p *pool) take(ctx context.Context, late <-chan time.Time) error {
	select {
	case <-p.closed:
		return ErrClosed
	default:
	}
	select {
	case p.places <- struct{}{}:
		return nil
	default:
	}
	if p.stuck.Load() >= maxCalls {
		return ErrGenStoreStuck
	}
	select {
	case p.places <- struct{}{}:
		return nil
	case <-p.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return context.DeadlineExceeded
	}
}

// close lets idle goroutines go. Calls under way go on until they return.
func (p *pool) close() {
	if p != nil {
		close(p.closed)
	}
}

// A bounded is one method of a store, with a bound on its time and goroutines:
// a call that may never return runs on a goroutine of the pool, and the caller
// waits for the result, its own context or the timeout, whichever is first. A
// call that it gives up goes on alone until it returns. A panic is an error.
type bounded[A, T any] struct {
	what    string // for errors
	pool    *pool
	timeout time.Duration // 0: the caller's deadline, or else DefaultBumpTimeout
	f       func(context.Context, A) (T, error)

	work chan *call[A, T] // to a goroutine that is idle
	free sync.Pool        // of *call; here, so that no channel leaves its cache
}

// newBounded returns f with a bound of that timeout, or the one of an invalidation
// for 0. Without a pool, f never blocks, and only its panics are contained. An
// error that wraps a context's says that the call was given up.
func newBounded[A, T any](what string, p *pool, timeout time.Duration, f func(context.Context, A) (T, error)) func(context.Context, A) (T, error) {
	if p == nil {
		return func(ctx context.Context, arg A) (value T, err error) {
			defer contain(&err, what)
			return f(ctx, arg)
		}
	}
	b := &bounded[A, T]{what: what, pool: p, timeout: timeout, f: f, work: make(chan *call[A, T])}
	return b.do
}

// A call belongs to the goroutine that runs it while it is under way; when that
// one has sent on done, to the caller. One that was given up is never used again.
type call[A, T any] struct {
	ctx   *callContext
	arg   A
	value T
	err   error

	done  chan struct{} // capacity 1
	timer *time.Timer
	state atomic.Uint32
}

const (
	callPending uint32 = iota
	callReturned
	callGivenUp
)

// do makes the call.
func (b *bounded[A, T]) do(ctx context.Context, arg A) (value T, err error) {
	if err := ctx.Err(); err != nil {
		return value, b.givenUp(err)
	}
	deadline, bound := ctx.Deadline()
	if b.timeout > 0 || !bound {
		own := time.Now().Add(orDefault(b.timeout, DefaultBumpTimeout))
		if !bound || own.Before(deadline) {
			deadline = own
		}
	}
	c, ok := b.free.Get().(*call[A, T])
	if !ok {
		c = &call[A, T]{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	}
	callCtx := &callContext{Context: ctx, deadline: deadline}
	c.ctx, c.arg = callCtx, arg
	c.timer.Reset(time.Until(deadline))
	if err := b.pool.take(ctx, c.timer.C); err != nil {
		c.timer.Stop()
		return value, b.givenUp(err)
	}
	select {
	case b.work <- c:
	default:
		go b.serve(c)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.timer.C:
		err = context.DeadlineExceeded
	}
	c.timer.Stop()
	if err != nil {
		// Counted before it is given up: whoever finds the pool full must not
		// miss it.
		b.pool.stuck.Add(1)
		if c.state.CompareAndSwap(callPending, callGivenUp) {
			// The call's goroutine may have the struct for ever; only the
			// context, which ends it in a store that listens, is still shared.
			callCtx.end(err)
			return value, b.givenUp(err)
		}
		b.pool.stuck.Add(-1)
		<-c.done
	}
	callCtx.end(context.Canceled)
	value, err = c.value, c.err
	*c = call[A, T]{done: c.done, timer: c.timer}
	b.free.Put(c)
	return value, err
}

func (b *bounded[A, T]) givenUp(err error) error {
	return fmt.Errorf("cascache: %s: %w", b.what, err)
}

var errStoreExited = errors.New("cascache: the store ended its goroutine")

// serve runs c, and then what is handed to it. A panic would end the process
// from here, where nobody can guard: it ends the goroutine alone.
func (b *bounded[A, T]) serve(c *call[A, T]) {
	defer func() {
		if c == nil {
			return
		}
		c.err = errStoreExited
		if r := recover(); r != nil {
			c.err = &panicError{b.what, r, debug.Stack()}
		}
		b.finish(c)
	}()
	idle := time.NewTimer(idleTime)
	idle.Stop()
	for c != nil {
		c.value, c.err = b.f(c.ctx, c.arg)
		b.finish(c)
		c = b.next(idle)
	}
}

// finish gives up the place of a call that has returned, and hands it over to
// the caller if that one still waits.
func (b *bounded[A, T]) finish(c *call[A, T]) {
	awaited := c.state.CompareAndSwap(callPending, callReturned)
	if !awaited {
		b.pool.stuck.Add(-1)
	}
	<-b.pool.places
	if awaited {
		c.done <- struct{}{}
	}
}

// next waits for the next call, or returns nil when there are enough who wait, or
// none has come for idleTime: a goroutine keeps the store, and so a cache that
// nobody closes, from the garbage collector.
func (b *bounded[A, T]) next(idle *time.Timer) *call[A, T] {
	defer b.pool.idle.Add(-1)
	if b.pool.idle.Add(1) > maxIdleCallers {
		return nil
	}
	idle.Reset(idleTime)
	defer idle.Stop()
	select {
	case c := <-b.work:
		return c
	case <-idle.C:
		return nil
	case <-b.pool.closed:
		return nil
	}
}

// panicError is a panic in what was given to New, as the error of the call.
type panicError struct {
	what  string // that panicked
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("cascache: %s panicked: %v\n%s", e.what, e.value, e.stack)
}

// Unwrap returns the value of the panic if it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// contain makes a panic in the call that defers it that call's error.
func contain(err *error, what string) {
	if r := recover(); r != nil {
		*err = caught(r, what)
	}
}

// caught is contain for a call on a hit's way, which asks for a panic only where
// it has not returned: it is given what was recovered, or nil.
func caught(recovered any, what string) error {
	if recovered == nil {
		return nil // the goroutine ends
	}
	return &panicError{what, recovered, debug.Stack()}
}

// callContext is the context that a store is called with: the caller's, which
// it must not outlive, with a deadline of its own. It is ended by the
// goroutine that waits for the call, so that it costs one allocation and no
// timer beside the one that goroutine has.
type callContext struct {
	context.Context
	deadline time.Time

	mu   sync.Mutex // guards what follows
	done chan struct{}
	err  error
}

func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *callContext) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
}
