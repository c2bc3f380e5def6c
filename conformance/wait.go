package conformance

import "time"

// watchTime is for how long, by the real clock, a case looks for something
// that must not come back.
const watchTime = 20 * time.Millisecond

// watch calls look at once, and on until watchTime has passed.
func watch(a *attempt, look func()) {
	for end := time.Now().Add(watchTime); ; {
		look()
		if !time.Now().Before(end) {
			return
		}
		sleep(a, watchTime/8)
	}
}

// sleep returns after d, or when the case is over.
func sleep(a *attempt, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.Context().Done():
	}
}
