//go:build !race

package promhooks

const raceEnabled = false
