//go:build race

package otelhooks

// raceEnabled tells that the race detector allocates too.
const raceEnabled = true
