package conformance

import (
	"runtime"
	"sync/atomic"
)

// closeUnderLoad closes instances, one after the other, each while workers use
// it. A worker uses an instance once more after it has been closed.
func closeUnderLoad[T any](a *attempt, workers int, open func() T, use func(live T, worker int), end func(live T)) {
	const rounds = 4
	for range rounds {
		live := open()
		begun := make(chan struct{}, workers)
		var closed atomic.Bool
		a.each(workers+1, func(i int) {
			if i == workers {
				defer closed.Store(true)
				for range workers {
					<-begun
				}
				end(live)
				return
			}
			begun <- struct{}{}
			for last := false; !last; {
				last = closed.Load() || a.Context().Err() != nil
				use(live, i)
				runtime.Gosched() // lets the one that closes have its turn
			}
		})
	}
}
