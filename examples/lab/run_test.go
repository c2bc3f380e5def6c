package main

import (
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// stormy is a run with many writes and slow loads, so that most fills of the
// popular products cross a write.
func stormy() config {
	cfg := defaults()
	cfg.controls = controls{WriteRate: 400, Readers: 12, LoadDelay: 20 * time.Millisecond}
	return cfg
}

func begin(t *testing.T, cfg config, all []lane, server *redisServer) *run {
	t.Helper()
	r, err := startRun(t.Context(), cfg, all, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// counted returns what was counted so far, by lane.
func counted(r *run) map[string]figures {
	m := make(map[string]figures)
	for _, l := range viewOf(r, r.lanes, controls{}).Lanes {
		m[l.Key] = l.Figures
	}
	return m
}

func mustKeepPromises(t *testing.T, r *run) {
	t.Helper()
	figures := counted(r)
	for i, l := range r.lanes {
		f := figures[l.Key]
		if f.Reads == 0 {
			t.Errorf("%s: no reads; every lane runs the workload", l.Name)
		}
		if !l.Promises {
			continue
		}
		if f.Stale != 0 {
			s, _ := r.history.story(i)
			t.Errorf("%s served %d stale reads of %d, and promises none; what led to one:\n%+v", l.Name, f.Stale, f.Reads, s.Events)
		}
		if f.Reads-f.Loads <= 0 {
			t.Errorf("%s: %d reads and %d loads; a cache that never hits proves nothing", l.Name, f.Reads, f.Loads)
		}
	}
}

func TestRunInProcess(t *testing.T) {
	t.Parallel()
	r := begin(t, stormy(), lanes(false), nil)
	others := []string{"ttl", "delete", "double", "flight", "sturdyc"}
	until(t, "every lane without generations has served a stale read, and CasCache has refused a fill", func() bool {
		f := counted(r)
		for _, key := range others {
			if f[key].Stale == 0 {
				return false
			}
		}
		return f["cas"].Refused > 0 && f["cas"].Reads > f["cas"].Loads
	})
	until(t, "a stale read of the lane that deletes is explained", func() bool {
		for _, l := range viewOf(r, r.lanes, controls{}).Lanes {
			if l.Key == "delete" {
				return l.Explanation != nil
			}
		}
		return false
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	mustKeepPromises(t, r)
	for _, l := range viewOf(r, r.lanes, controls{}).Lanes {
		if l.Explanation == nil {
			continue
		}
		last := l.Explanation.Steps[len(l.Explanation.Steps)-1]
		if last.Mark != "stale" {
			t.Errorf("%s: an explanation ends with the stale read: got %+v", l.Key, last)
		}
		for _, s := range l.Explanation.Steps {
			if s.CasMark == "stale" {
				t.Errorf("%s: replayed under CasCache, the schedule is stale at %+v", l.Key, s)
			}
		}
	}
	if err := r.control(defaults().controls); err == nil {
		t.Error("a run that is over can still be controlled, want an error")
	}
}

// The lab finds a CasCache that breaks its promise.
func TestRunFindsABrokenCasCache(t *testing.T) {
	broken := []lane{{Key: "cas", Name: "CasCache", Promises: true, After: "gives no new generation", open: openBroken}}
	cfg := stormy()
	r := begin(t, cfg, broken, nil)
	until(t, "a CasCache whose bumps change nothing is seen to serve stale reads", func() bool { return counted(r)["cas"].Stale > 0 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	p, err := newReport(r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if p.verdict() == nil || p.Kept {
		t.Errorf("a broken promise fails the measurement: got %v and %q", p.verdict(), p.Verdict)
	}
}

// A database replica that lags makes rows old. That is not the cache's doing,
// and the oracle tells the two apart.
func TestRunWithALaggingDatabase(t *testing.T) {
	t.Parallel()
	cfg := stormy()
	cfg.controls.Lag = 200 * time.Millisecond
	r := begin(t, cfg, lanes(false), nil)
	until(t, "the lag is seen in every lane, and staleness in those that delete", func() bool {
		f := counted(r)
		return f["cas"].Old > 0 && f["delete"].Old > 0 && f["delete"].Stale > 0 && f["cas"].Reads > f["cas"].Loads
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	mustKeepPromises(t, r)
}

func testRedis(t *testing.T) *redisServer {
	t.Helper()
	redistest.Binary(t) // skips or fails without one
	server, err := openRedis(t.Context(), newRedis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Replicas in processes of their own, through every fault.
func TestRunWithReplicasAndFaults(t *testing.T) {
	t.Parallel()
	server := testRedis(t)
	// Gentle, so that there are hits on a busy machine and under -race too.
	cfg := defaults()
	cfg.controls = controls{WriteRate: 60, Readers: 2, LoadDelay: 5 * time.Millisecond}
	r := begin(t, cfg, lanes(true), server)
	until(t, "every lane in the replicas reads, and those without generations serve stale data", func() bool {
		f := counted(r)
		var others int64
		for _, l := range r.lanes {
			if f[l.Key].Reads < 20 {
				return false
			}
			if l.Redis {
				others += f[l.Key].Stale
			}
		}
		return others > 0
	})
	short := testing.Short()
	for _, f := range faults {
		if short && (f.Key == "pause" || f.Key == "redis-pause" || f.Key == "redis-kill") {
			continue
		}
		before := counted(r)
		if err := r.inflict(f, 1); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		// Hits since the reads without one came to an end: on a busy machine a
		// fault may cost more of these than are soon made up for.
		fewest := make(map[string]int64) // of the reads that were no loads
		until(t, "after \""+f.Name+"\" the caches are read, and CasCache hits", func() bool {
			now, hits := counted(r), true
			for _, key := range []string{"cas", "cas-gens", "cas-lease", "cas-redis"} {
				n := now[key].Reads - now[key].Loads
				if least, seen := fewest[key]; !seen || n < least {
					fewest[key] = n
				}
				hits = hits && n > fewest[key]+20 // more than are under way
			}
			for _, l := range r.lanes {
				if now[l.Key].Reads <= before[l.Key].Reads+20 {
					return false
				}
			}
			return hits
		})
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	mustKeepPromises(t, r)
	for slot, state := range r.fleet.states() {
		if state != "runs" {
			t.Errorf("a replica is back after its fault: %s is %q", describe(slot), state)
		}
	}
}

// A writer that dies between commit and invalidation leaves the old value to
// all who read it, except where the write went through Mutate.
func TestRunCrash(t *testing.T) {
	t.Parallel()
	server := testRedis(t)
	cfg := stormy()
	cfg.controls.WriteRate = 40 // so that staleness is the crash's doing
	cfg.controls.LoadDelay = 0
	cfg.controls.Readers = 2
	r := begin(t, cfg, lanes(true), server)
	until(t, "the caches are filled", func() bool { return counted(r)["redis-delete"].Reads > 200 })
	crash, _ := findFault("crash")
	if err := r.inflict(crash, 2); err != nil {
		t.Fatal(err)
	}
	var index int
	for i, l := range r.lanes {
		if l.Key == "redis-delete" {
			index = i
		}
	}
	until(t, "a stale read that comes of the crash is told", func() bool {
		s, ok := r.history.story(index)
		_, crashed := s.find(kindCrash)
		return ok && crashed
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	mustKeepPromises(t, r)
}

func TestFaultsNeedTheirSurroundings(t *testing.T) {
	r := begin(t, defaults(), lanes(false), nil)
	for _, f := range faults {
		if err := r.inflict(f, 1); (err == nil) == f.Redis {
			t.Errorf("%s needs a Redis: %v; without one it returned %v", f.Name, f.Redis, err)
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := r.inflict(faults[0], 1); err == nil {
		t.Error("a run that is over suffers no fault, want an error")
	}
}

// Somebody else's data is not the lab's to flush, nor their server to kill.
func TestForeignRedisIsLeftAlone(t *testing.T) {
	s := redistest.Start(t)
	s.Do("SET", "theirs", "1")
	server, err := openRedis(t.Context(), s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	if err := server.flush(t.Context()); err == nil {
		t.Error("a Redis that held data is flushed, want an error")
	}
	if err := server.kill(t.Context()); err == nil {
		t.Error("a Redis that the lab did not start is killed, want an error")
	}
	if got := s.Do("GET", "theirs"); got != "1" {
		t.Errorf("somebody else's data is untouched: got %v", got)
	}
}
