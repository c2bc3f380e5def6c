//go:build race

package lease

// raceEnabled says that the race detector is on.
const raceEnabled = true
