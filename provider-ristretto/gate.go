package ristrettoprovider

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A gate lets calls in until it is closed, and lets close wait for those that
// are inside. Ristretto needs it: a Get, Set or Del that runs while its Close
// closes the channels sends on a closed one.
//
// It is what a read-write lock would be, but its readers meet on no shared
// cache line: each adds to one of many counters, picked by the address of its
// own stack.
type gate struct {
	closed atomic.Bool
	inside [64]counter
}

// A counter has a cache line of its own.
type counter struct {
	atomic.Int64
	_ [56]byte
}

// enter returns the counter to leave by, or nil once the gate is closed.
func (g *gate) enter() *counter {
	var here byte
	c := &g.inside[uintptr(unsafe.Pointer(&here))>>11%uintptr(len(g.inside))]
	// First count, then look: close first closes, then counts. Whichever
	// comes second sees the other.
	c.Add(1)
	if g.closed.Load() {
		c.Add(-1)
		return nil
	}
	return c
}

func (c *counter) leave() { c.Add(-1) }

// close closes the gate and returns once nobody is inside. No call inside
// waits for more than Ristretto's worker, so neither does close.
func (g *gate) close() {
	g.closed.Store(true)
	for i := range g.inside {
		for g.inside[i].Load() != 0 {
			runtime.Gosched()
		}
	}
}
