//go:build race

package promhooks

// raceEnabled tells that the race detector allocates too.
const raceEnabled = true
