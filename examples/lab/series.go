package main

import "time"

const (
	// tick is how often the lab looks at the board.
	tick = 500 * time.Millisecond

	// span is how many looks a chart shows.
	span = 120
)

// A point is what one lane did between two looks.
type point struct {
	Stale  float64 `json:"stale"`  // stale reads per second
	Hits   float64 `json:"hits"`   // share of reads that did not ask the database
	Reads  float64 `json:"reads"`  // per second
	Median float64 `json:"p50_us"` // of the reads' durations, in microseconds
	Tail   float64 `json:"p99_us"`
}

// Figures are what one lane did since the beginning of a run.
type figures struct {
	Reads    int64   `json:"reads"`
	Stale    int64   `json:"stale"`
	Old      int64   `json:"old"` // rows that the lagging replica gave, and not the cache's fault
	Loads    int64   `json:"loads"`
	Refused  int64   `json:"refused"` // fills
	Errors   int64   `json:"errors"`
	Hits     float64 `json:"hit_ratio"`
	PerSec   float64 `json:"reads_per_second"`
	MedianUs float64 `json:"p50_us"`
	TailUs   float64 `json:"p99_us"`
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func ratio(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return max(0, float64(part)/float64(whole))
}

func (c *count) figures(elapsed time.Duration) figures {
	return figures{
		Reads: c.reads, Stale: c.stale, Old: c.old, Loads: c.loads, Refused: c.refused, Errors: c.errors,
		Hits:     ratio(c.reads-c.loads, c.reads),
		PerSec:   perSecond(c.reads, elapsed),
		MedianUs: microseconds(c.histogram.quantile(0.5)),
		TailUs:   microseconds(c.histogram.quantile(0.99)),
	}
}

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// A series is the latest points of one lane.
type series struct {
	last   count
	points []point
}

// add notes what was counted by now, d after the last time.
func (s *series) add(now count, d time.Duration) {
	diff := now.minus(s.last)
	s.last = now
	if d < tick/2 {
		return // the end of a run, too short to say anything of
	}
	f := diff.figures(d)
	s.points = append(s.points, point{
		Stale: perSecond(diff.stale, d), Hits: f.Hits, Reads: f.PerSec, Median: f.MedianUs, Tail: f.TailUs,
	})
	if len(s.points) > span {
		s.points = s.points[len(s.points)-span:]
	}
}
