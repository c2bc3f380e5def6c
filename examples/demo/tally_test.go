package main

import (
	"testing"
	"time"
)

func TestSumOfTallies(t *testing.T) {
	tallies := make([]tally, 3)
	tallies[0].read(true)
	tallies[0].read(false)
	tallies[0].staleRead(2 * time.Millisecond)
	tallies[1].read(true)
	tallies[1].staleRead(5 * time.Millisecond)
	tallies[1].staleRead(3 * time.Millisecond)
	tallies[2].writes.Add(4)
	want := result{reads: 3, hits: 2, stale: 3, worst: 5 * time.Millisecond, writes: 4}
	if got := sum(tallies); got != want {
		t.Errorf("a result adds up what each reader and writer counted: got %+v, want %+v", got, want)
	}
}

func TestResultOfNoReads(t *testing.T) {
	var r result
	if r.hitRatio() != 0 || r.readsPerSecond() != 0 {
		t.Errorf("without reads all figures are 0: got %v %% and %v a second", r.hitRatio(), r.readsPerSecond())
	}
}
