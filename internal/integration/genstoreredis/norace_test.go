//go:build !race

package genstoreredis

const raceEnabled = false
