package ristrettoprovider

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestGateWaitsForThoseInside(t *testing.T) {
	for range 200 {
		var g gate
		var closed atomic.Bool
		var users sync.WaitGroup
		for range 8 {
			users.Go(func() {
				for {
					inside := g.enter()
					if inside == nil {
						return
					}
					if closed.Load() {
						t.Error("close must not return while somebody is inside")
					}
					inside.leave()
				}
			})
		}
		g.close()
		closed.Store(true)
		users.Wait()
		if g.enter() != nil {
			t.Fatal("a closed gate lets nobody in")
		}
	}
}

func TestGateCloseBlocks(t *testing.T) {
	var g gate
	inside := g.enter()
	var returned atomic.Bool
	var closing sync.WaitGroup
	closing.Go(func() {
		g.close()
		returned.Store(true)
	})
	for !g.closed.Load() {
		runtime.Gosched()
	}
	for range 1000 {
		runtime.Gosched()
	}
	if returned.Load() {
		t.Error("close must not return while somebody is inside")
	}
	inside.leave()
	closing.Wait()
}
