package conformance

import (
	"sync/atomic"
)

// A highest is the greatest generation of a key that is known to be, or to
// have been, current.
type highest struct{ gen atomic.Uint64 }

func (h *highest) raise(gen uint64) {
	for {
		old := h.gen.Load()
		if gen <= old || h.gen.CompareAndSwap(old, gen) {
			return
		}
	}
}
