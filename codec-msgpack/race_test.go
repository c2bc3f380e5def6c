//go:build race

package msgpackcodec

// raceEnabled tells that sync.Pool drops things at random, which makes
// allocations impossible to count.
const raceEnabled = true
