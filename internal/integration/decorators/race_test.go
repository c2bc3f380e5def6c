//go:build race

package decorators

// raceEnabled tells that sync.Pool drops things at random, which makes
// allocations impossible to count.
const raceEnabled = true
