package main

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clocked returns an oracle of one product whose clock the test moves.
func clocked() (o *oracle, now *time.Duration) {
	now = new(time.Duration)
	o = newOracle(1)
	o.now = func() time.Duration { return *now }
	return o, now
}

func TestOracleJudgesByTheFloorFromBeforeTheRead(t *testing.T) {
	o, now := clocked()
	if _, stale := o.judge(1, 1, o.floor(1)); stale {
		t.Error("a hit counts as stale although nothing was ever invalidated")
	}
	before := o.floor(1)
	*now = 10 * time.Millisecond
	o.invalidated(1, 2)
	if _, stale := o.judge(1, 1, before); stale {
		t.Error("a hit counts as stale although the invalidation returned after the read had begun")
	}
	*now = 25 * time.Millisecond
	staleness, stale := o.judge(1, 1, o.floor(1))
	if !stale {
		t.Error("a hit of version 1 counts as fresh although the invalidation of version 2 had returned before the read began")
	}
	if want := 15 * time.Millisecond; staleness != want {
		t.Errorf("staleness is the time since the newer version's invalidation returned: got %v, want %v", staleness, want)
	}
	for _, version := range []int64{2, 3} {
		if _, stale := o.judge(1, version, o.floor(1)); stale {
			t.Errorf("a hit of version %d counts as stale although nothing newer than 2 was invalidated", version)
		}
	}
}

func TestOracleMeasuresFromTheFirstNewerVersion(t *testing.T) {
	o, now := clocked()
	for i, version := range []int64{2, 3, 6, 7} {
		*now = time.Duration(i+1) * time.Second
		o.invalidated(1, version)
	}
	*now = 10 * time.Second
	for _, c := range []struct {
		version int64
		want    time.Duration
	}{
		{1, 9 * time.Second},
		{2, 8 * time.Second},
		{3, 7 * time.Second},
		{4, 7 * time.Second}, // its own invalidation is still under way
		{5, 7 * time.Second},
		{6, 6 * time.Second},
	} {
		staleness, stale := o.judge(1, c.version, o.floor(1))
		if !stale || staleness != c.want {
			t.Errorf("version %d is late since the first invalidation of a newer one returned: got %v (stale: %v), want %v",
				c.version, staleness, stale, c.want)
		}
	}
}

func TestOracleFloorNeverFalls(t *testing.T) {
	o, now := clocked()
	*now = time.Second
	o.invalidated(1, 3)
	*now = 2 * time.Second
	o.invalidated(1, 2) // the slower of two writers
	if got := o.floor(1); got != 3 {
		t.Errorf("the floor is the highest version whose invalidation returned: got %d, want 3", got)
	}
	*now = 3 * time.Second
	if staleness, stale := o.judge(1, 1, o.floor(1)); !stale || staleness != 2*time.Second {
		t.Errorf("version 1 is late since version 3 retired it: got %v (stale: %v), want 2s", staleness, stale)
	}
}

// A register that is written before the oracle is told never looks stale; one
// that lags behind does, however reads and writes interleave.
func TestOracleUnderConcurrency(t *testing.T) {
	const versions, readers, writers = 2_000, 4, 2
	o := newOracle(1)
	var drawn, latest atomic.Int64
	var done atomic.Bool
	var writing, reading sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for {
				version := drawn.Add(1)
				if version > versions {
					return
				}
				for seen := latest.Load(); seen < version && !latest.CompareAndSwap(seen, version); seen = latest.Load() {
				}
				o.invalidated(1, version)
			}
		})
	}
	for range readers {
		reading.Go(func() {
			for !done.Load() {
				floor := o.floor(1)
				got := latest.Load()
				if staleness, stale := o.judge(1, got, floor); stale {
					t.Errorf("version %d counts as stale for %v although it was read after version %d had been written", got, staleness, floor)
					return
				}
				if floor > 0 {
					if staleness, stale := o.judge(1, floor-1, floor); !stale || staleness < 0 {
						t.Errorf("version %d counts as fresh, or as late by %v, with the floor at %d", floor-1, staleness, floor)
						return
					}
				}
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	if got := o.floor(1); got != versions {
		t.Errorf("the floor is the highest version invalidated: got %d, want %d", got, versions)
	}
}
