package genstoreredis

import (
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestRestoredWhileTheClockIsBehind restarts a server from a snapshot, again
// and again, whose generations its clock has not reached: after the clock was
// set back, say. What it draws then must not be what it drew after the
// snapshot: the numbers that were lost lie in caches.
func TestRestoredWhileTheClockIsBehind(t *testing.T) {
	const present = "4000000000000000001"
	nothing := func(testing.TB, store) {}
	holds := func(tb testing.TB, s store) { tb.Helper(); hold(tb, s, "holder", time.Hour, row) }
	releases := func(tb testing.TB, s store) { tb.Helper(); release(tb, s, "holder", row) }
	for _, c := range []struct {
		name   string
		before func(tb testing.TB, s store) // the snapshot is taken
		after  func(tb testing.TB, s store) // it was taken, or restored
	}{
		{"a generation", nothing, nothing},
		{"a hold", holds, releases},
		{"a hold that begins later", nothing, func(tb testing.TB, s store) {
			holds(tb, s)
			releases(tb, s)
		}},
		{"a held key that is bumped", holds, func(tb testing.TB, s store) {
			bump(tb, s, row)
			releases(tb, s)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t)
			raw := connect(t, server.Addr())
			s := open(t, connect(t, server.Addr()))
			snapshot(t, s, row)
			replaceGeneration(t, raw, redisKey(t, raw, row), present)
			c.before(t, s)
			server.Save()
			seen := map[uint64]int{}
			for restart := range 4 {
				if restart > 0 {
					server.Kill()
					server.Restart()
				}
				c.after(t, s)
				for draw := range 3 {
					gen := snapshot(t, s, row)
					if old, again := seen[gen]; again {
						t.Fatalf("G1: generation %d, drawn after restart %d, was drawn after restart %d of the same snapshot", gen, restart, old)
					}
					if gen < 4000000000000000001 {
						t.Fatalf("G1: generation %d, draw %d after restart %d, is not greater than the one before", gen, draw, restart)
					}
					seen[gen] = restart
					bump(t, s, row)
				}
			}
		})
	}
}
