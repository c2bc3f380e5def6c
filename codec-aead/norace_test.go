//go:build !race

package aeadcodec

const raceEnabled = false
