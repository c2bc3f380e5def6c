package redistest

import (
	"testing"
	"time"
)

const (
	pollEvery = 5 * time.Millisecond

	// Patience is how long the package waits for a state that it has brought
	// about itself, such as a server that comes up. It is generous, since it
	// is only spent on a failure.
	Patience = 20 * time.Second
)

// Eventually waits until cond holds and fails the test with what when it does
// not within the limit.
func Eventually(tb testing.TB, limit time.Duration, what string, cond func() bool) {
	tb.Helper()
	if !poll(limit, cond) {
		tb.Fatalf("redistest: waited %v in vain for this: %s", limit, what)
	}
}

func poll(limit time.Duration, cond func() bool) bool {
	for deadline := time.Now().Add(limit); ; {
		if cond() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pollEvery)
	}
}
