package cascache

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestADrawIsGreaterThanWhatItReplaces(t *testing.T) {
	clock := newGenClock()
	now := genAt(time.Now())
	for name, prev := range map[string]uint64{
		"none":                             0,
		"an old one":                       now / 2,
		"one of this moment":               now + genTail - 1,
		"one drawn before a clock step":    now + uint64(time.Hour.Microseconds())*genTail,
		"one drawn ages ahead":             math.MaxUint64 - 10,
		"the largest that can be replaced": math.MaxUint64 - 1,
	} {
		for range 100 {
			if got := clock.draw(prev); got <= prev {
				t.Fatalf("G1: a generation is strictly greater than the one it replaces, %s: got %d after %d", name, got, prev)
			}
		}
	}
}

// In one microsecond, a draw can hit the very number that it replaces.
func TestADrawIsNeverWhatItReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newGenClock()
		prev := genAt(time.Now()) + genTail/2
		// Without a hit once in more than 10^8 runs.
		for range 20_000 {
			if got := clock.draw(prev); got <= prev {
				t.Fatalf("G1: a generation is strictly greater than the one it replaces: got %d after %d", got, prev)
			}
		}
	})
}

// With the clock set back, nothing but what was replaced keeps draws apart.
func TestDrawsUnderAClockThatWentBack(t *testing.T) {
	clock := newGenClock()
	ahead := genAt(time.Now().Add(time.Hour))
	prev := ahead
	for range 1000 {
		gen := clock.draw(prev)
		if gen != prev+1 {
			t.Fatalf("G1: where the clock has not moved past the predecessor, the next number is drawn: got %d after %d", gen, prev)
		}
		prev = gen
	}
}

func TestDrawsAreOrderedByTimeWithARandomTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newGenClock()
		begin := uint64(time.Now().UnixMicro()) * 1000
		seen := make(map[uint64]bool)
		for range 1000 {
			gen := clock.draw(0)
			if gen < begin || gen >= begin+1000 {
				t.Fatalf("G1: a generation is the time in microseconds and three random digits: got %d, want it in [%d, %d)", gen, begin, begin+1000)
			}
			seen[gen] = true
		}
		// 632 on average; below 500 once in more than 10^20 runs.
		if len(seen) < 500 {
			t.Errorf("G1: the tail is random: 1000 draws in one microsecond gave %d numbers", len(seen))
		}
		time.Sleep(time.Microsecond)
		for range 100 {
			if gen := clock.draw(0); gen < begin+1000 {
				t.Fatalf("G1: a later draw is greater even when the predecessor is forgotten: got %d, want at least %d", gen, begin+1000)
			}
		}
	})
}

func TestNoTimeGivesGenerationZero(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1<<40, 0)} {
		if got := genAt(at); got == 0 {
			t.Errorf("G2: 0 is never a generation, whatever the clock says: drawn at %v", at)
		}
	}
	if got, want := genAt(time.UnixMicro(1_700_000_000_000_000)), uint64(1_700_000_000_000_000_000); got != want {
		t.Errorf("a generation is 16 digits of microseconds and three more: got %d, want %d", got, want)
	}
}

func TestGenClockGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newGenClock()
		before := clock.draw(0)
		time.Sleep(time.Second)
		after := clock.draw(0)
		if want := genAt(time.Now()); after < want || after >= want+genTail {
			t.Errorf("G1: generations go with the time: got %d a second later, want %d and up to %d more", after, want, genTail)
		}
		if after <= before {
			t.Errorf("G1: a later draw is greater even when the predecessor is forgotten: got %d after %d", after, before)
		}
		if got, want := clock.at(-time.Minute), genAt(time.Now().Add(-time.Minute)); got != want {
			t.Errorf("what was drawn a minute ago must be told from what came later: got %d, want %d", got, want)
		}
	})
}
