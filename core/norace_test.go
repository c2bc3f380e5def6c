//go:build !race

package cascache

const raceEnabled = false
