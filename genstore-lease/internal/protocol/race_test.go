//go:build race

package protocol

// raceEnabled says that the race detector, which takes the time of ten
// explorers and finds nothing in a program of one goroutine, is on.
const raceEnabled = true
