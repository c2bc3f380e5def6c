//go:build !race

package cborcodec

const raceEnabled = false
