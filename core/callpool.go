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
)

// callPool runs calls that may never return, each for a bounded time, on a
// bounded number of goroutines. The caller waits for the result, its own
// context or the deadline, whichever is first, and a call that it gives up
// goes on alone until it returns.
type callPool struct {
	gens    *generations
	work    chan *call
	closed  chan struct{}
	running atomic.Int64 // goroutines alive
	idle    atomic.Int64 // of these, waiting for work
	stuck   atomic.Int64 // of these, in a call that nobody waits for any more
	free    sync.Pool    // of *call; per pool, so that no channel leaves its cache
}

func newCallPool(gens *generations) *callPool {
	return &callPool{gens: gens, work: make(chan *call), closed: make(chan struct{})}
}

// storeCall is what a call does: a method expression, so that no call allocates
// a closure.
type storeCall func(*generations, context.Context, *call)

// call is one call of a store, with its arguments and results. While it is
// under way it belongs to the goroutine that runs it; when that one has sent
// on done, to the caller. One that was abandoned is never used again.
type call struct {
	run   storeCall
	ctx   *callContext
	done  chan struct{} // capacity 1
	timer *time.Timer
	state atomic.Uint32

	// What run reads and writes.
	key  string
	keys []string
	gen  uint64
	gens []uint64
	errs []error // per key, where the store tells
	err  error

	// And of the calls of a Combined.
	create   bool
	value    []byte
	valueErr error
	item     Item
	observed uint64
	stored   bool
	batch    *combinedBatch
}

const (
	callPending uint32 = iota
	callReturned
	callAbandoned
)

// get returns a call to fill in, for do.
func (p *callPool) get() *call {
	if c, ok := p.free.Get().(*call); ok {
		return c
	}
	c := &call{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	c.timer.Stop()
	return c
}

// put takes back a call whose do returned true.
func (p *callPool) put(c *call) {
	c.run, c.ctx, c.key, c.keys, c.gen, c.gens, c.errs, c.err = nil, nil, "", nil, 0, nil, nil, nil
	c.create, c.value, c.valueErr, c.item, c.observed, c.stored, c.batch = false, nil, nil, Item{}, 0, false, nil
	c.state.Store(callPending)
	p.free.Put(c)
}

// do runs c, at most until deadline or until ctx is done. It returns true when
// the call has returned, its results then being in c, which the caller gives
// back with put. Otherwise the error says why it was given up or not begun,
// and c is not the caller's any more.
func (p *callPool) do(ctx context.Context, c *call, deadline time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	c.ctx = &callContext{Context: ctx, deadline: deadline}
	callCtx := c.ctx
	c.timer.Reset(time.Until(deadline))
	if err := p.submit(ctx, c); err != nil {
		c.timer.Stop()
		return false, err
	}
	var err error
	select {
	case <-c.done:
		c.timer.Stop()
		callCtx.end(context.Canceled)
		return true, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.timer.C:
		err = context.DeadlineExceeded
	}
	c.timer.Stop()
	// Counted before it is given up: whoever finds the pool full must not
	// miss it.
	p.stuck.Add(1)
	if !c.state.CompareAndSwap(callPending, callAbandoned) {
		p.stuck.Add(-1)
		<-c.done
		callCtx.end(context.Canceled)
		return true, nil
	}
	// The call's goroutine may have the struct for ever; only the context,
	// which ends it in a store that listens, is still shared.
	callCtx.end(err)
	return false, err
}

// submit hands c to an idle goroutine, or to a new one while there are fewer
// than maxCalls, or to the first one that becomes free.
func (p *callPool) submit(ctx context.Context, c *call) error {
	select {
	case p.work <- c:
		return nil
	case <-p.closed:
		return ErrClosed
	default:
	}
	if p.running.Add(1) <= maxCalls {
		go p.serve(c)
		return nil
	}
	p.running.Add(-1)
	if p.stuck.Load() >= maxCalls {
		return ErrGenStoreStuck
	}
	select {
	case p.work <- c:
		return nil
	case <-p.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case <-c.timer.C:
		return context.DeadlineExceeded
	}
}

// serve runs c and then whatever is handed to it.
func (p *callPool) serve(c *call) {
	defer p.running.Add(-1)
	for {
		p.invoke(c)
		if p.idle.Add(1) > maxIdleCallers {
			p.idle.Add(-1)
			// Somebody may wait for a place because all were taken.
			select {
			case c = <-p.work:
				continue
			default:
				return
			}
		}
		select {
		case c = <-p.work:
			p.idle.Add(-1)
		case <-p.closed:
			p.idle.Add(-1)
			return
		}
	}
}

var errStoreExited = errors.New("cascache: the generation store ended its goroutine")

// invoke runs one call. A store that panics has failed, and no more: the panic
// would otherwise end the process from a goroutine that nobody can guard.
func (p *callPool) invoke(c *call) {
	returned := false
	defer func() {
		if !returned {
			c.err = errStoreExited
			if r := recover(); r != nil {
				c.err = fmt.Errorf("cascache: the generation store panicked: %v\n%s", r, debug.Stack())
			}
		}
		if c.state.CompareAndSwap(callPending, callReturned) {
			c.done <- struct{}{}
			return
		}
		p.stuck.Add(-1)
	}()
	c.run(p.gens, c.ctx, c)
	returned = true
}

// close lets idle goroutines go. Calls under way go on until they return.
func (p *callPool) close() { close(p.closed) }

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
