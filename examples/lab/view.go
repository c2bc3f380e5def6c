package main

import (
	"fmt"
	"html/template"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// A view is a run as the page and the report show it.
type view struct {
	Running  bool           `json:"running"`
	Started  bool           `json:"started"` // there is something to show
	Elapsed  string         `json:"elapsed"`
	Seconds  float64        `json:"seconds"`
	Writes   string         `json:"writes"`
	Verdict  string         `json:"verdict"`
	Kept     bool           `json:"kept"` // CasCache has served nothing stale
	Error    string         `json:"error"`
	Controls map[string]int `json:"controls"` // in the units of the page
	Replicas string         `json:"replicas"`
	Notices  []string       `json:"notices"`
	Lanes    []laneView     `json:"lanes"`
}

// A laneView is one lane in a view.
type laneView struct {
	Key       string                 `json:"key"`
	Numbers   map[string]string      `json:"numbers"`
	Bar       template.HTML          `json:"bar"`
	Charts    map[string]chartOfLane `json:"charts"`
	Explained int                    `json:"explained"` // changes with the explanation; 0 for none

	Lane        lane         `json:"-"`
	Explanation *explanation `json:"-"`
	Figures     figures      `json:"-"`
	Points      []point      `json:"-"`
}

// A chartOfLane is a chart with what stands beside it.
type chartOfLane struct {
	SVG template.HTML `json:"svg"`
	Now string        `json:"now"`
	Top string        `json:"top"`
}

// The controls in the units of the page, with their bounds there.
type control struct {
	Key, Name, Unit, What string
	Min, Max, Step        int
	get                   func(controls) int
	set                   func(*controls, int)
}

var allControls = []control{
	{"write_rate", "Write rate", "writes/s", "All writers together; one commit is followed by an invalidation in every lane.", minWriteRate, maxWriteRate, 10,
		func(c controls) int { return c.WriteRate }, func(c *controls, n int) { c.WriteRate = n }},
	{"readers", "Readers", "per lane", "In each process that runs the lane. Each pauses about 4 ms between two reads.", minReaders, maxReaders, 1,
		func(c controls) int { return c.Readers }, func(c *controls, n int) { c.Readers = n }},
	{"load_delay_ms", "Load delay", "ms", "From the moment a row is read in the database to its arrival at the cache.", 0, int(maxLoadDelay / time.Millisecond), 1,
		func(c controls) int { return int(c.LoadDelay / time.Millisecond) }, func(c *controls, n int) { c.LoadDelay = time.Duration(n) * time.Millisecond }},
	{"lag_ms", "Database lag", "ms", "How far the database replica that readers use may be behind. What is as old as that replica is counted apart: no cache can know.", 0, int(maxLag / time.Millisecond), 10,
		func(c controls) int { return int(c.Lag / time.Millisecond) }, func(c *controls, n int) { c.Lag = time.Duration(n) * time.Millisecond }},
}

// viewOf shows r, nil for a lab that has not run yet.
func viewOf(r *run, all []lane, c controls) view {
	v := view{Kept: true}
	counts := make([]series, len(all))
	var explained map[int]explanation
	var told map[int]story
	var elapsed time.Duration
	if r != nil {
		v.Started, v.Running = true, !r.over()
		r.mu.Lock()
		defer r.mu.Unlock()
		counts, elapsed, explained, told, c = r.series, r.elapsed, r.explained, r.told, r.controls
		v.Notices = r.notices
		if r.err != nil {
			v.Error = r.err.Error()
		}
		if r.fleet != nil {
			for slot := 1; slot < r.fleet.assignment.Slots; slot++ {
				v.Replicas += fmt.Sprintf("Replica %d: %s. ", slot, r.fleet.states()[slot])
			}
		}
		v.Writes = text.Grouped(r.writes)
	}
	v.Seconds = elapsed.Seconds()
	v.Elapsed = fmt.Sprintf("%.0f s", elapsed.Seconds())
	v.Controls = make(map[string]int)
	for _, one := range allControls {
		v.Controls[one.Key] = one.get(c)
	}
	scale := scaleOf(counts)
	var others, kept figures
	worst := 0.0
	for i := range all {
		f := counts[i].last.figures(elapsed)
		worst = max(worst, ratio(f.Stale, f.Reads))
		into := &others
		if all[i].Promises {
			into = &kept
		}
		into.Reads += f.Reads
		into.Stale += f.Stale
	}
	for i, l := range all {
		f := counts[i].last.figures(elapsed)
		var now point
		if n := len(counts[i].points); n > 0 {
			now = counts[i].points[n-1]
		}
		if !v.Running { // then the whole run counts
			now = point{Stale: perSecond(f.Stale, elapsed), Hits: f.Hits, Reads: f.PerSec, Median: f.MedianUs, Tail: f.TailUs}
		}
		drawn := draw(l.Name, counts[i], scale)
		lv := laneView{
			Key: l.Key, Lane: l, Figures: f, Points: counts[i].points,
			Numbers: map[string]string{
				"reads": text.Grouped(f.Reads), "stale": text.Grouped(f.Stale), "share": percent(ratio(f.Stale, f.Reads)),
				"hits": percent(f.Hits), "per_second": number(f.PerSec), "p50": micros(f.MedianUs), "p99": micros(f.TailUs),
				"old": text.Grouped(f.Old), "refused": text.Grouped(f.Refused), "errors": text.Grouped(f.Errors),
			},
			Bar: bar(ratio(f.Stale, f.Reads), worst),
			Charts: map[string]chartOfLane{
				"stale":   {drawn.Stale, number(now.Stale), number(scale.Stale)},
				"hits":    {drawn.Hits, percent(now.Hits), "100 %"},
				"reads":   {drawn.Reads, number(now.Reads), number(scale.Reads)},
				"latency": {drawn.Latency, micros(now.Median) + " / " + micros(now.Tail), micros(scale.Latency)},
			},
		}
		if x, ok := explained[i]; ok {
			lv.Explanation, lv.Explained = &x, told[i].rank(l.Lasting)
		}
		v.Lanes = append(v.Lanes, lv)
	}
	v.Kept = kept.Stale == 0
	switch {
	case r == nil:
		v.Verdict = "Nothing has been measured yet."
	case !v.Kept:
		v.Verdict = fmt.Sprintf("CasCache served %s. It promises none: that is a bug.", text.Counted(kept.Stale, "stale read"))
	default:
		v.Verdict = fmt.Sprintf("Other lanes: %s out of %s. CasCache: none out of %s.",
			text.Counted(others.Stale, "stale read"), text.Grouped(others.Reads), text.Grouped(kept.Reads))
	}
	return v
}
