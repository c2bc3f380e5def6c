//go:build !race

package otelhooks

const raceEnabled = false
