package cascache

import (
	"math/rand/v2"
	"time"
)

// genTail is how many values the random tail of a generation can take.
const genTail = 1000

// drawGen returns a new generation greater than prev (G1): the time in
// microseconds since 1970 followed by three random decimal digits, or prev+1
// where the clock has not moved past prev. Only a store that has forgotten
// prev, in a process whose clock was set back, depends on the random tail.
func drawGen(prev uint64) uint64 {
	gen := genAt(time.Now()) + rand.Uint64N(genTail)
	if gen <= prev {
		return prev + 1
	}
	return gen
}

// genAt returns the smallest generation that can be drawn at t without a
// greater predecessor.
func genAt(t time.Time) uint64 {
	return uint64(max(t.UnixMicro(), 1)) * genTail
}
