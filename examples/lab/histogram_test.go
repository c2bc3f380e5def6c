package main

import (
	"testing"
	"time"
)

func TestBucketsCoverDurations(t *testing.T) {
	for d := time.Duration(1); d < 20*time.Second; d += d/37 + 1 {
		i := bucketOf(d)
		if i < 0 || i >= histogramBuckets {
			t.Fatalf("%v lies in bucket %d of %d", d, i, histogramBuckets)
		}
		end := bucketEnd(i)
		if d < 17*time.Second && d >= end {
			t.Errorf("a bucket ends above its members: %v is in the one that ends at %v", d, end)
		}
		if d >= 256 && d < 17*time.Second && float64(end) > 1.13*float64(d)+1 {
			t.Errorf("a bucket is an eighth wide: %v is in the one that ends at %v", d, end)
		}
	}
}

func TestQuantile(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("nothing has no median: got %v", got)
	}
	for i := 1; i <= 1000; i++ {
		h[bucketOf(time.Duration(i)*time.Millisecond)]++
	}
	for q, want := range map[float64]time.Duration{0: time.Millisecond, 0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.quantile(q); got < want || float64(got) > 1.13*float64(want) {
			t.Errorf("the quantile %v of 1 ms to 1 s is about %v: got %v", q, want, got)
		}
	}
}
