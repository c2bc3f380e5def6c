package leasegenstore

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asking is a server that takes its time and notes what it is asked.
type asking struct {
	mu    sync.Mutex
	calls [][]string
	err   error
	lacks string // a key that comes with err; "" for all of them
}

func (a *asking) ask(_ context.Context, keys []string) ([]uint64, error) {
	a.mu.Lock()
	a.calls = append(a.calls, keys)
	a.mu.Unlock()
	time.Sleep(time.Second)
	if a.err != nil && a.lacks == "" {
		return nil, a.err
	}
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		if key == a.lacks {
			continue
		}
		gens[i], _ = strconv.ParseUint(key, 10, 64)
	}
	return gens, a.err
}

func TestCallersShareRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(asking)
		g := newGathering(server.ask)
		var callers sync.WaitGroup
		for i := range 500 {
			callers.Go(func() {
				key := i%250 + 1
				if gen, err := g.one(t.Context(), strconv.Itoa(key)); gen != uint64(key) || err != nil {
					t.Errorf("a caller that asked for %d got (%d, %v)", key, gen, err)
				}
			})
		}
		callers.Wait()
		if n := len(server.calls); n > 2*maxAsking {
			t.Errorf("500 callers took %d round trips", n)
		}
	})
}

// A caller must not get the answer to a question from before it asked.
func TestLateCallerAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(asking)
		g := newGathering(server.ask)
		var callers sync.WaitGroup
		ask := func() {
			callers.Go(func() { _, _ = g.one(t.Context(), "7") })
			synctest.Wait()
		}
		ask()
		ask()
		callers.Wait()
		if len(server.calls) != 2 {
			t.Errorf("G4: a caller joined a question that was under way when it came: %d questions for 2 callers", len(server.calls))
		}
	})
}

func TestCallersLeaveOnTheirOwnContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(asking)
		g := newGathering(server.ask)
		var callers sync.WaitGroup
		for range maxAsking { // all connections are busy
			callers.Go(func() { _, _ = g.one(t.Context(), "1") })
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := g.one(ctx, "2"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller whose context ends gets %v, want DeadlineExceeded", err)
		}
		callers.Wait()
		synctest.Wait()
		for _, keys := range server.calls {
			if keys[0] == "2" {
				t.Error("a question was sent that nobody waits for any more")
			}
		}
	})
}

func TestEveryCallerHearsOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &asking{err: errors.New("down")}
		g := newGathering(server.ask)
		for range 2 {
			if gen, err := g.one(t.Context(), "7"); gen != 0 || !errors.Is(err, server.err) {
				t.Errorf("got (%d, %v), want (0, %v)", gen, err, server.err)
			}
		}
	})
}

func TestWhatWasFoundIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &asking{err: errors.New("out of memory"), lacks: "8"}
		g := newGathering(server.ask)
		var callers sync.WaitGroup
		for range maxAsking { // who comes then shares the next round trip
			callers.Go(func() { _, _ = g.one(t.Context(), "1") })
		}
		synctest.Wait()
		callers.Go(func() {
			if gen, err := g.one(t.Context(), "7"); gen != 7 || err != nil {
				t.Errorf("a generation that was found is returned, whatever became of others: got (%d, %v), want 7", gen, err)
			}
		})
		callers.Go(func() {
			if gen, err := g.one(t.Context(), "8"); gen != 0 || !errors.Is(err, server.err) {
				t.Errorf("one that was not found comes with the error: got (%d, %v), want (0, %v)", gen, err, server.err)
			}
		})
		callers.Wait()
	})
}
