//go:build race

package conformance

// raceEnabled tells that the race detector runs, which takes the time of many twins.
const raceEnabled = true
