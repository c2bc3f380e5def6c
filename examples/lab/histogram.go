package main

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets that are at most an eighth wide:
// eight for each power of two from 256 ns to 17 s.
type histogram [histogramBuckets]int64

const (
	histogramLow     = 8 // the exponent of the first power of two
	histogramHigh    = 34
	histogramBuckets = (histogramHigh - histogramLow) * 8
)

func bucketOf(d time.Duration) int {
	if d < 1<<histogramLow {
		return 0
	}
	exponent := bits.Len64(uint64(d)) - 1
	if exponent >= histogramHigh {
		return histogramBuckets - 1
	}
	return (exponent-histogramLow)*8 + int(d>>(exponent-3))&7
}

// bucketEnd returns the duration that no member of the bucket reaches.
func bucketEnd(i int) time.Duration {
	exponent, eighth := histogramLow+i/8, i%8
	return time.Duration(9+eighth) << (exponent - 3)
}

// quantile returns a duration that the share q of all do not exceed, up to the
// width of a bucket; 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	var total int64
	for _, n := range h {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank := int64(q*float64(total-1)) + 1
	for i, n := range h {
		if rank -= n; rank <= 0 {
			return bucketEnd(i)
		}
	}
	return bucketEnd(histogramBuckets - 1)
}
