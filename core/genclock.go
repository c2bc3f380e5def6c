package cascache

import (
	"math/rand/v2"
	"time"
)

// genTail is how many values the random tail of a generation can take.
const genTail = 1000

// genClock draws generations in the order of time. It goes by the monotonic clock
// from the time at which it was made, so that nothing that happens to the clock on
// the wall later can make it draw a number again.
type genClock struct {
	began time.Time
}

func newGenClock() genClock { return genClock{began: time.Now()} }

// draw returns a new generation greater than prev (G1): the time in microseconds
// since 1970 followed by three random decimal digits, or prev+1 where the clock has
// not moved past prev. Only a store that has forgotten prev, in a process that was
// started after its clock was set back, depends on the random tail.
func (c *genClock) draw(prev uint64) uint64 {
	gen := c.at(0) + rand.Uint64N(genTail)
	if gen <= prev {
		return prev + 1
	}
	return gen
}

// at returns the smallest generation that can be drawn at that distance from now
// without a greater predecessor.
func (c *genClock) at(distance time.Duration) uint64 {
	return genAt(c.began.Add(time.Since(c.began) + distance))
}

// genAt returns the smallest generation that can be drawn at t without a greater
// predecessor.
func genAt(t time.Time) uint64 {
	return uint64(max(t.UnixMicro(), 1)) * genTail
}
