package cascache

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestLocalHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewLocalGenStore(0, 0)
		defer s.Close(t.Context())
		ctx, keys := t.Context(), []string{"k"}
		held := func(rule string, want bool) {
			t.Helper()
			current, err1 := s.Current(ctx, "k")
			snapshot, err2 := s.Snapshot(ctx, "k")
			if err1 != nil || err2 != nil || (snapshot == 0) != want || want && current != 0 {
				t.Errorf("%s: got current %d, snapshot %d, %v, %v, want held %v", rule, current, snapshot, err1, err2, want)
			}
		}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		before, _ := s.Snapshot(ctx, "k")
		check(s.Hold(ctx, keys, "a", time.Second))
		held("a hold takes the place of the generation", true)
		time.Sleep(time.Second / 2)
		check(s.Hold(ctx, keys, "a", time.Second))
		time.Sleep(time.Second / 2)
		held("holding again with the same token begins the lease anew", true)
		check(s.Release(ctx, keys, "a"))
		held("holding twice with one token is one hold", false)

		check(s.Hold(ctx, keys, "a", time.Second))
		check(s.Hold(ctx, keys, "b", 2*time.Second))
		if gen, err := s.Bump(ctx, "k"); gen != 0 || err != nil {
			t.Errorf("a bump of a held key succeeds and leaves it held: got %d, %v", gen, err)
		}
		check(s.Release(ctx, keys, "b"))
		held("a release removes its own token only", true)
		check(s.Release(ctx, keys, "never held"))
		held("a release of a token that holds nothing leaves the others", true)
		time.Sleep(time.Second)
		if gen, _ := s.Current(ctx, "k"); gen != 0 {
			t.Errorf("the end of a lease leaves no generation: got %d", gen)
		}
		held("expired holds do not count", false)
		after, _ := s.Current(ctx, "k")
		if after <= before {
			t.Errorf("a generation after a hold is greater than all before (G1): got %d, want > %d", after, before)
		}
		check(s.Release(ctx, keys, "a"))
		if gen, _ := s.Current(ctx, "k"); gen <= after {
			t.Errorf("a release bumps although its hold has vanished: got %d, want > %d", gen, after)
		}
	})
}

func TestLocalHoldsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewLocalGenStore(0, 0)
		defer s.Close(t.Context())
		count := func() (n int) {
			for i := range s.shards {
				n += len(s.shards[i].held.byKey)
			}
			return n
		}
		const rounds, perRound = 20, 10_000
		for round := range rounds {
			for i := range perRound {
				if err := s.Hold(t.Context(), []string{strconv.Itoa(round*perRound + i)}, "dead", time.Second); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		if n := count(); n > 4*perRound+minHoldSweep*localShards {
			t.Errorf("holds that have expired are forgotten: %d of %d remain", n, rounds*perRound)
		}
		s.Cleanup(time.Hour)
		if n := count(); n != 0 {
			t.Errorf("Cleanup forgets all holds that have expired: %d remain", n)
		}
	})
}

func TestHoldsThatNobodyReleasesAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l localHolds
		for i := range uint64(20 * minHoldSweep) {
			l.add(i+1, "token", time.Now().Add(time.Second))
			time.Sleep(50 * time.Millisecond) // 20 are live at a time
			if n := len(l.byKey); n > minHoldSweep {
				t.Fatalf("holds that have expired are forgotten: %d are kept, and about 20 live", n)
			}
		}
		for i := range uint64(4 * minHoldSweep) {
			l.add(i+1, "live", time.Now().Add(time.Hour))
		}
		if l.sweepAt <= minHoldSweep {
			t.Errorf("holds that live are not looked through at every turn: the next sweep is at %d of %d", l.sweepAt, len(l.byKey))
		}
	})
}
