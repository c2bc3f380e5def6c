//go:build race

package genstoreredis

// raceEnabled tells that the race detector runs.
const raceEnabled = true
