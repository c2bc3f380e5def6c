package campaign

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// report sums up the results of many runs.
type report struct {
	total  result
	runs   int
	failed []uint64              // seeds
	met    map[string]int        // how often, by nemesis
	took   map[string][]recovery // by nemesis, where it was alone
}

const twoAtOnce = "two at once"

func (r *report) add(seed uint64, res result) {
	t := &r.total
	t.Reads += res.Reads
	t.Hits += res.Hits
	t.Misses += res.Misses
	t.Stale += res.Stale
	t.Writes += res.Writes
	t.Refused += res.Refused
	t.HeldOver += res.HeldOver
	t.ErrorsAllowed += res.ErrorsAllowed
	t.ErrorsRefused += res.ErrorsRefused
	t.ErrorsLate += res.ErrorsLate
	t.Loads += res.Loads
	t.Recorded += res.Recorded
	t.Faults += res.Faults
	t.Took += res.Took
	r.runs++
	if len(res.Broken) > 0 {
		r.failed = append(r.failed, seed)
	}
	if r.took == nil {
		r.took, r.met = map[string][]recovery{}, map[string]int{}
	}
	for _, rec := range res.Recoveries {
		for name := range strings.SplitSeq(rec.Strike, together) {
			r.met[name]++
		}
		name := rec.Strike
		if strings.Contains(name, together) {
			name = twoAtOnce
		}
		r.took[name] = append(r.took[name], rec)
	}
}

// String is the report as the documents have it.
func (r *report) String() string {
	var b strings.Builder
	t := r.total
	fmt.Fprintf(&b, "%d runs in %v: %d reads, %d stale; %d hits, %d loads, %d writes acknowledged (%d of them once a lease had ended), %d refused; %d faults; %d errors allowed, %d not, %d deadlines passed while nothing was broken; %d recorded calls of generation stores checked\n",
		r.runs, t.Took.Round(time.Second), t.Reads, t.Stale, t.Hits, t.Loads, t.Writes+t.HeldOver, t.HeldOver, t.Refused, t.Faults, t.ErrorsAllowed, t.ErrorsRefused, t.ErrorsLate, t.Recorded)
	if len(r.failed) > 0 {
		fmt.Fprintf(&b, "broken by these seeds: %d\n", r.failed)
	}
	fmt.Fprintf(&b, "\n| nemesis | times | alone | then back to 90 %% after (median, worst) | limit |\n|---|---|---|---|---|\n")
	for _, n := range append(nemeses[:len(nemeses):len(nemeses)], nemesis{name: twoAtOnce}) {
		var took []time.Duration
		limit := n.limit
		for _, rec := range r.took[n.name] {
			took = append(took, rec.Took)
			limit = max(limit, rec.Limit)
		}
		slices.Sort(took)
		times := fmt.Sprint(r.met[n.name])
		if n.name == twoAtOnce {
			times = fmt.Sprint(len(took))
		}
		back := "–"
		if len(took) > 0 {
			back = fmt.Sprintf("%v, %v", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %v |\n", n.name, times, len(took), back, limit)
	}
	return b.String()
}
