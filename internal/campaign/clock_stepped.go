//go:build steppedclock

package campaign

import "time"

// stepsClock tells whether replicas can move their clocks: with this build tag
// the standard library is one that the program clockstep has changed.
const stepsClock = true

func stepClock(d time.Duration) { time.StepWallClock(d) }
