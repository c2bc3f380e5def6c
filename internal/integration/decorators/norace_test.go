//go:build !race

package decorators

const raceEnabled = false
