package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// together stands between the names of nemeses that strike at once.
const together = " + "

// strike is one or more nemeses at once.
type strike []nemesis

func (s strike) String() string {
	names := make([]string, len(s))
	for i, n := range s {
		names[i] = n.name
	}
	return strings.Join(names, together)
}

// run is a world and what befalls it.
type run struct {
	config  config
	strikes []strike

	// patient tells to allow for a busy machine: recovery may take longer by
	// as much as naps do, and deadlines may pass. Staleness is never allowed.
	patient bool
}

func (r run) String() string {
	names := make([]string, len(r.strikes))
	for i, s := range r.strikes {
		names[i] = s.String()
	}
	return strings.Join(names, ", ") + " (" + r.config.String() + ")"
}

// result is what a run has shown.
type result struct {
	Reads, Hits, Misses, Stale   int64
	Writes, Refused, HeldOver    int64
	ErrorsAllowed, ErrorsRefused int64
	ErrorsLate                   int64
	Loads                        int64

	Recorded   int // calls checked by porcupine
	Undecided  bool
	Faults     int
	Recoveries []recovery
	Took       time.Duration

	Broken []string // criteria that do not hold
}

// recovery is how long the hits took to come back after a strike.
type recovery struct {
	Strike   string
	Took     time.Duration
	Limit    time.Duration
	Slowdown float64
	Before   float64 // the hit ratio
	InTime   bool
}

const (
	warmUp   = 700 * time.Millisecond
	baseline = 500 * time.Millisecond
	settle   = 300 * time.Millisecond
)

// do runs it. What does not hold is in the result; a test fails by itself only
// when a run cannot be done.
func (r run) do(tb testing.TB) (res result) {
	tb.Helper()
	start := now()
	w := startWorld(tb, r.config)
	line := startTimeline(w.memory)
	tb.Cleanup(line.end) // before the memory goes, also where the run cannot be done
	time.Sleep(warmUp)
	for _, s := range r.strikes {
		res.Recoveries = append(res.Recoveries, r.hit(w, line, s))
		res.Faults += len(s)
		time.Sleep(settle)
		if r.config.naive != notNaive {
			time.Sleep(5 * settle)
		}
	}
	if w.config.holdsKept {
		time.Sleep(lease + leaseMargin) // of what the last fault has left
	}
	// Closing a cache while its writes are refused is another story.
	w.memory.setFaulty(true)
	left := w.stop()
	line.end()

	m := w.memory
	res.Reads, res.Hits, res.Misses, res.Stale = m.total(reads), m.total(hits), m.total(misses), m.total(stale)
	res.Writes, res.Refused, res.HeldOver = m.total(writes), m.total(refused), m.total(heldOver)
	res.ErrorsAllowed, res.ErrorsRefused, res.Loads = m.total(errorsOK), m.total(errorsBad), m.total(loads)
	res.ErrorsLate = m.total(errorsLate)
	res.Took = now() - start

	broken := func(format string, args ...any) { res.Broken = append(res.Broken, fmt.Sprintf(format, args...)) }
	if res.Stale > 0 {
		broken("the promise: %d of %d reads were stale, such as\n    %s", res.Stale, res.Reads, strings.Join(first(w.said("stale"), 5), "\n    "))
	}
	if r.config.naive != notNaive {
		return res
	}
	for _, text := range left {
		broken("nothing is left over: %s", text)
	}
	if res.Hits == 0 || res.Writes == 0 {
		broken("a run with %d hits and %d writes proves nothing", res.Hits, res.Writes)
	}
	if res.ErrorsRefused > 0 {
		broken("%d errors that the contract does not allow, such as\n    %s", res.ErrorsRefused, strings.Join(first(w.said("error"), 5), "\n    "))
	}
	if res.ErrorsLate > 0 && !r.patient {
		broken("%d deadlines passed while nothing was broken, such as\n    %s", res.ErrorsLate, strings.Join(first(w.said("error"), 5), "\n    "))
	}
	for _, rec := range res.Recoveries {
		limit := rec.Limit
		if r.patient {
			limit = time.Duration(float64(limit) * rec.Slowdown)
		}
		if !rec.InTime || rec.Took > limit {
			broken("after %s, hits are back to 90 %% of what they were within %v: it took %v (longer than that: %t; naps took %.1f times as long as asked)",
				rec.Strike, limit, rec.Took.Round(time.Millisecond), !rec.InTime, rec.Slowdown)
		}
	}
	if !r.ordered() {
		return res
	}
	calls, err := checkHistory(m)
	res.Recorded = calls
	switch {
	case errors.Is(err, errUndecided):
		res.Undecided = true
	case err != nil:
		broken("%v", err)
	}
	return res
}

// ordered tells whether generations are bound to move forward: on a server
// whose clock is set back, what is drawn after a loss is new, and smaller.
func (r run) ordered() bool {
	for _, s := range r.strikes {
		for _, n := range s {
			if n.stepsRedis {
				return false
			}
		}
	}
	return true
}

func first(texts []string, n int) []string { return texts[:min(n, len(texts))] }

// limit is how long after a nemesis the hit ratio must be back. What an
// AutoPipeliner of a Cluster sends waits for the slowest node of its batch, and
// so for all attempts to reach one that is gone.
func (r run) limit(n nemesis) time.Duration {
	if n.topology == cluster && r.config.batching {
		return max(n.limit, restart)
	}
	return n.limit
}

// hit lets the nemeses of a strike do their work, and waits for the hits to
// come back.
func (r run) hit(w *world, line *timeline, s strike) recovery {
	time.Sleep(baseline)
	began := now()
	before, _ := line.ratio(began-baseline, began)
	limit := time.Duration(0)
	w.memory.setFaulty(true)
	var mends []func()
	for _, n := range s {
		mends = append(mends, n.strike(w))
		limit = max(limit, r.limit(n))
	}
	for _, mend := range slices.Backward(mends) {
		mend()
	}
	over := now()
	const patience = 10
	rec := recovery{Strike: s.String(), Limit: limit, Before: before}
	rec.InTime = eventually(patience*limit, func() (ok bool) {
		rec.Took, ok = line.recovered(over, 0.9*before)
		return ok
	})
	if !rec.InTime {
		rec.Took = patience * limit
	}
	rec.Slowdown = line.slowdown(over)
	// Connections that broke under the fault may still come to light.
	time.Sleep(max(0, limit-(now()-over)))
	w.memory.setFaulty(false)
	return rec
}
