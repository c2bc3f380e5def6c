//go:build !race

package zstdcodec

const raceEnabled = false
