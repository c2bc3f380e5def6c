package cascache

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// poolRun is a pool and calls on it, each of which does what it is given.
type poolRun struct {
	*pool
	calls map[time.Duration]func(context.Context, storeCall) (answered, error) // by timeout
	mu    *sync.Mutex
}

type storeCall func(context.Context) (uint64, error)

type answered struct {
	gen uint64
	err error
}

func newPoolRun(t testing.TB) poolRun {
	p := newPool()
	t.Cleanup(func() {
		select {
		case <-p.closed:
		default:
			p.close()
		}
	})
	return poolRun{p, make(map[time.Duration]func(context.Context, storeCall) (answered, error)), new(sync.Mutex)}
}

// do runs f within timeout, and tells whether it has returned.
func (p poolRun) do(ctx context.Context, timeout time.Duration, f storeCall) (gen uint64, returned bool, err error) {
	p.mu.Lock()
	b := p.calls[timeout]
	if b == nil {
		b = newBounded("a test", p.pool, timeout, func(ctx context.Context, f storeCall) (a answered, _ error) {
			a.gen, a.err = f(ctx)
			return a, nil
		})
		p.calls[timeout] = b
	}
	p.mu.Unlock()
	a, err := b(ctx, f)
	if err != nil {
		return 0, panicked(err), err
	}
	return a.gen, true, a.err
}

// goroutines returns how many there are: in calls, and idle.
func (p *pool) goroutines() int { return len(p.places) + int(p.idle.Load()) }

func giving(gen uint64) storeCall {
	return func(context.Context) (uint64, error) { return gen, nil }
}

// deaf blocks until gate is closed, whatever its context says.
func deaf(gate chan struct{}) storeCall {
	return func(context.Context) (uint64, error) {
		<-gate
		return 666, errors.New("too late")
	}
}

func TestCallReturnsItsResult(t *testing.T) {
	p := newPoolRun(t)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 200 {
				want := uint64(1000*g + i)
				if got, returned, err := p.do(t.Context(), time.Minute, giving(want)); got != want || !returned || err != nil {
					t.Errorf("a caller gets the result of its own call: got %d, %v, %v, want %d", got, returned, err, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestCallEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		defer close(gate)
		begun := time.Now()
		_, returned, err := p.do(t.Context(), 3*time.Second, deaf(gate))
		if returned || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 3*time.Second {
			t.Errorf("a call is given up at its deadline: got %v, %v after %v", returned, err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		_, returned, err = p.do(ctx, time.Hour, deaf(gate))
		if returned || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("a call is given up at the deadline of its context: got %v, %v after %v", returned, err, time.Since(begun))
		}
	})
}

func TestCallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		defer close(gate)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		_, returned, err := p.do(ctx, time.Hour, deaf(gate))
		if returned || !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("a call is given up when its context ends: got %v, %v after %v", returned, err, time.Since(begun))
		}
		_, returned, err = p.do(ctx, time.Hour, func(context.Context) (uint64, error) {
			t.Error("a call whose context has ended is not begun")
			return 0, nil
		})
		if returned || !errors.Is(err, context.Canceled) {
			t.Errorf("a call whose context has ended is not begun: got %v, %v", returned, err)
		}
	})
}

// What a call brings after it was given up goes to nobody.
func TestALateResultReachesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		for range 10 {
			if _, returned, _ := p.do(t.Context(), time.Millisecond, deaf(gate)); returned {
				t.Fatal("the call must be late")
			}
		}
		close(gate)
		for i := range uint64(100) {
			if got, returned, err := p.do(t.Context(), time.Second, giving(i)); got != i || !returned || err != nil {
				t.Fatalf("the result of a call that was given up reaches nobody: got %d, %v, %v, want %d", got, returned, err, i)
			}
		}
		synctest.Wait()
		if got := p.stuck.Load(); got != 0 {
			t.Errorf("a call that returns at last is not stuck any more: %d are counted", got)
		}
	})
}

func TestStuckCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		var begun atomic.Int64
		hang := func(ctx context.Context) (uint64, error) {
			begun.Add(1)
			return deaf(gate)(ctx)
		}
		before := runtime.NumGoroutine()
		var wg sync.WaitGroup
		for range 2_000 {
			wg.Go(func() {
				if _, returned, _ := p.do(t.Context(), time.Second, hang); returned {
					t.Error("the call must be late")
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		// A few more may be the runtime's own.
		if got := runtime.NumGoroutine() - before; got > maxCalls+16 || p.goroutines() > maxCalls {
			t.Errorf("a store that never returns costs a bounded number of goroutines: got %d, of which %d are the pool's, want at most %d",
				got, p.goroutines(), maxCalls)
		}
		// Of many callers at once, some may have been turned away too early.
		for range maxCalls {
			if _, _, err := p.do(t.Context(), time.Second, hang); errors.Is(err, ErrGenStoreStuck) {
				break
			}
		}
		if got := begun.Load(); got != maxCalls {
			t.Errorf("a store that never returns is called a bounded number of times: got %d, want %d", got, maxCalls)
		}
		at := time.Now()
		for range 100 {
			if _, returned, err := p.do(t.Context(), time.Second, hang); returned || !errors.Is(err, ErrGenStoreStuck) {
				t.Fatalf("once all calls are stuck, none is begun: got %v, %v, want %v", returned, err, ErrGenStoreStuck)
			}
		}
		if took := time.Since(at); took != 0 {
			t.Errorf("once all calls are stuck, the next ones fail at once: took %v", took)
		}
		close(gate)
		synctest.Wait()
		for i := range uint64(1000) {
			if got, returned, err := p.do(t.Context(), time.Second, giving(i)); got != i || !returned || err != nil {
				t.Fatalf("a store that answers again is asked again: got %d, %v, %v", got, returned, err)
			}
		}
		if got := p.goroutines(); got > maxIdleCallers {
			t.Errorf("few goroutines stay for the next call: got %d, want at most %d", got, maxIdleCallers)
		}
	})
}

// All places are taken, by calls that somebody waits for: the next one gets
// the first that is free.
func TestACallWaitsForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		var wg sync.WaitGroup
		for range maxCalls {
			wg.Go(func() {
				if _, returned, _ := p.do(t.Context(), time.Hour, deaf(gate)); !returned {
					t.Error("a call that returns in time has returned")
				}
			})
		}
		synctest.Wait()
		at := time.Now()
		if _, returned, err := p.do(t.Context(), time.Second, giving(1)); returned || !errors.Is(err, context.DeadlineExceeded) || time.Since(at) != time.Second {
			t.Errorf("the wait for a place counts: got %v, %v after %v", returned, err, time.Since(at))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, returned, err := p.do(ctx, time.Hour, giving(1)); returned || !errors.Is(err, context.Canceled) {
			t.Errorf("the wait for a place ends with the context: got %v, %v", returned, err)
		}
		for i := range uint64(100) {
			wg.Go(func() {
				if got, returned, err := p.do(t.Context(), time.Hour, giving(i)); got != i || !returned || err != nil {
					t.Errorf("a call gets the first place that is free: got %d, %v, %v, want %d", got, returned, err, i)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if time.Since(at) > 2*time.Second {
			t.Errorf("a call gets the first place that is free, at once: waited until %v", time.Since(at))
		}
	})
}

func TestAPanicInACallIsItsError(t *testing.T) {
	p := newPoolRun(t)
	for range 100 {
		_, returned, err := p.do(t.Context(), time.Minute, func(context.Context) (uint64, error) { panic("at the disco") })
		if !returned || err == nil {
			t.Fatalf("a store that panics has failed, and no more: got %v, %v", returned, err)
		}
		_, returned, err = p.do(t.Context(), time.Minute, func(context.Context) (uint64, error) { runtime.Goexit(); return 0, nil })
		if !returned || err == nil {
			t.Fatalf("a store that ends its goroutine has failed, and no more: got %v, %v", returned, err)
		}
		if got, returned, err := p.do(t.Context(), time.Minute, giving(7)); got != 7 || !returned || err != nil {
			t.Fatalf("the next call knows nothing of it: got %d, %v, %v", got, returned, err)
		}
	}
	if got := p.goroutines(); got > maxIdleCallers {
		t.Errorf("a goroutine that was ended is not counted any more: %d are", got)
	}
}

// A call that was given up and then panics must not end the process either.
func TestALatePanicEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		if _, returned, _ := p.do(t.Context(), time.Second, func(context.Context) (uint64, error) {
			<-gate
			panic("at the disco")
		}); returned {
			t.Fatal("the call must be late")
		}
		close(gate)
		synctest.Wait()
		if got := p.stuck.Load(); got != 0 {
			t.Errorf("a call that panics at last is not stuck any more: %d are counted", got)
		}
	})
}

func TestTheContextOfACall(t *testing.T) {
	type mark struct{}
	synctest.Test(t, func(t *testing.T) {
		p := newPoolRun(t)
		ctx := context.WithValue(t.Context(), mark{}, "mine")
		want := time.Now().Add(time.Second)
		var inside context.Context
		var done <-chan struct{}
		if _, returned, _ := p.do(ctx, time.Second, func(ctx context.Context) (uint64, error) {
			inside = ctx
			deadline, ok := ctx.Deadline()
			if !ok || !deadline.Equal(want) {
				t.Errorf("a store sees the deadline of its call: got %v, %v, want %v", deadline, ok, want)
			}
			if got := ctx.Value(mark{}); got != "mine" {
				t.Errorf("a store sees the values of the caller's context: got %v", got)
			}
			if err := ctx.Err(); err != nil {
				t.Errorf("the context of a call lives as long as the call: got %v", err)
			}
			done = ctx.Done()
			return 0, nil
		}); !returned {
			t.Fatal("the call must return")
		}
		if inside.Err() == nil {
			t.Error("the context of a call ends with the call: it has no error")
		}
		select {
		case <-done:
		default:
			t.Error("the context of a call ends with the call: it is not done")
		}
		select {
		case <-inside.Done():
		default:
			t.Error("a context that has ended is done, also when asked for the first time")
		}
	})
}

// A store that listens to its context is not stuck for longer than its caller
// waits.
func TestAListeningStoreIsFreedWhenItsCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolRun(t)
		for _, name := range []string{"the deadline", "the caller"} {
			ctx, cancel := context.WithCancel(t.Context())
			if name == "the caller" {
				time.AfterFunc(time.Second, cancel)
			}
			var got error
			_, returned, err := p.do(ctx, time.Minute, func(ctx context.Context) (uint64, error) {
				derived, stop := context.WithTimeout(ctx, time.Hour)
				defer stop()
				<-derived.Done()
				got = derived.Err()
				return 0, nil
			})
			synctest.Wait()
			if returned || got == nil || !errors.Is(err, got) {
				t.Errorf("ended by %s, a call ends, and its context too, in the same way: got %v and %v", name, err, got)
			}
			cancel()
		}
		if got := p.stuck.Load(); got != 0 {
			t.Errorf("a call that returned is not stuck: %d are counted", got)
		}
	})
}

func TestAClosedPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, gate := newPoolRun(t), make(chan struct{})
		var wg sync.WaitGroup
		for range maxCalls {
			wg.Go(func() { _, _, _ = p.do(t.Context(), time.Hour, deaf(gate)) })
		}
		synctest.Wait()
		wg.Go(func() {
			if _, returned, err := p.do(t.Context(), time.Hour, giving(1)); returned || !errors.Is(err, ErrClosed) {
				t.Errorf("whoever waits for a place learns that the pool is closed: got %v, %v", returned, err)
			}
		})
		synctest.Wait()
		p.close()
		if _, returned, err := p.do(t.Context(), time.Hour, giving(1)); returned || !errors.Is(err, ErrClosed) {
			t.Errorf("a closed pool begins no call: got %v, %v, want %v", returned, err, ErrClosed)
		}
		close(gate)
		wg.Wait()
		synctest.Wait()
		if got := p.goroutines(); got != 0 {
			t.Errorf("a closed pool keeps no goroutine: %d are left", got)
		}
	})
}

// Deadlines, ends of contexts and results that come at about the same moment.
func TestThePoolUnderRaces(t *testing.T) {
	p := newPoolRun(t)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 300 {
				want := uint64(1000*g + i)
				ctx, cancel := context.WithCancel(context.Background())
				if i%3 == 0 {
					go cancel()
				}
				got, returned, err := p.do(ctx, time.Duration(i%5)*10*time.Microsecond, func(context.Context) (uint64, error) {
					if i%2 == 0 {
						runtime.Gosched()
					}
					return want, nil
				})
				if returned && got != want || !returned && err == nil {
					t.Errorf("a caller gets the result of its own call or an error: got %d, %v, %v, want %d", got, returned, err, want)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	p.close()
	for p.goroutines() > 0 {
		runtime.Gosched()
	}
	if got := p.stuck.Load(); got != 0 {
		t.Errorf("when all calls have returned, none is stuck: %d are counted", got)
	}
}

// A goroutine that waits for ever keeps the store of a cache that nobody closes.
func TestIdleGoroutinesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fill(t, r.Handle, "k", "v")
		synctest.Wait()
		if r.gens.reads.idle.Load() == 0 {
			t.Fatal("a goroutine waits for the next call of a store that may block: got none")
		}
		time.Sleep(idleTime)
		synctest.Wait()
		if got := r.gens.reads.idle.Load(); got != 0 {
			t.Errorf("a goroutine ends when no call has come for %v: %d still wait", idleTime, got)
		}
	})
}
