//go:build !steppedclock

package campaign

import "time"

// stepsClock tells whether replicas can move their clocks.
const stepsClock = false

func stepClock(time.Duration) {}
