package main

import (
	"sync/atomic"
	"testing"
	"time"
)

// A contender that takes three times as long as the raw one measures as such, and
// what it allocates is counted.
func TestMeasure(t *testing.T) {
	spin := func(d time.Duration) func(uint32) bool {
		return func(uint32) bool {
			for began := time.Now(); time.Since(began) < d; {
			}
			return true
		}
	}
	var kept atomic.Pointer[[100]byte]
	slow := spin(30 * time.Microsecond)
	r := row{
		name: "spin", keys: 10, patterns: []pattern{uniform}, contenders: []contender{
			{"raw", unchecked, func(*env, *workload) (*instance, error) { return &instance{do: spin(10 * time.Microsecond)}, nil }},
			{"slow", checked, func(*env, *workload) (*instance, error) {
				return &instance{do: func(i uint32) bool { kept.Store(new([100]byte)); return slow(i) }}, nil
			}},
		},
	}
	results, err := r.measure(newEnv(t.Context()), plan{rounds: 10, tries: 5, slice: 500 * time.Microsecond}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 4 { // two contenders, on one goroutine and on two
		t.Fatalf("each contender must be measured serially and in parallel: got %d results", len(results))
	}
	raw, slowed := results[0], results[1]
	if raw.Ratio.Median != 1 || slowed.Ratio.Median < 2 || slowed.Ratio.Median > 4.5 {
		t.Errorf("a ratio must be to the first contender: got %v and %v, want 1 and about 3", raw.Ratio, slowed.Ratio)
	}
	if int(slowed.Allocs) != 1 || int(raw.Allocs) != 0 || slowed.Bytes < 100 {
		t.Errorf("allocations must be counted: got %v and %v (%v bytes), want 0 and 1 (112)", raw.Allocs, slowed.Allocs, slowed.Bytes)
	}
}

func TestMissesAreNoHits(t *testing.T) {
	r := row{name: "lost", keys: 10, patterns: []pattern{uniform}, contenders: []contender{
		{"raw", unchecked, func(*env, *workload) (*instance, error) {
			return &instance{do: func(i uint32) bool { return i != 3 }}, nil
		}},
	}}
	if _, err := r.measure(newEnv(t.Context()), plan{rounds: 1, tries: 1, slice: time.Millisecond}, 1); err == nil {
		t.Error("a row of hits must not be measured on a cache that misses: got no error")
	}
}
