//go:build race

package jsoncodec

// raceEnabled tells that sync.Pool drops things at random, which makes
// allocations impossible to count.
const raceEnabled = true
