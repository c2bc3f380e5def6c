package main

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// The size of a small chart, in its own units.
const (
	chartWidth  = 240
	chartHeight = 56
	chartTop    = 6 // above the highest value
)

// A line of a chart. Lines differ by their dashes and by the mark at their end,
// not by colour alone.
type line struct {
	class  string // "solid" or "dashed"
	values []float64
}

// A chart draws lines, or bars, over time, the latest to the right.
type chart struct {
	label string // what it shows and what the latest values are, for who does not see it
	top   float64
	bars  bool
	lines []line
}

// svg draws the chart. All text that matters stands beside it in the page.
func (c chart) svg() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		chartWidth, chartHeight, template.HTMLEscapeString(c.label))
	fmt.Fprintf(&b, `<line class="axis" x1="0" y1="%d" x2="%d" y2="%d"/>`, chartHeight-1, chartWidth, chartHeight-1)
	for _, l := range c.lines {
		if c.bars {
			c.drawBars(&b, l)
		} else {
			c.drawLine(&b, l)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// leastSpan keeps the first points of a run from filling the whole width.
const leastSpan = 20

// step is how far apart the points of n values lie.
func (c chart) step(n int) float64 {
	return float64(chartWidth-6) / float64(max(n, leastSpan)-1)
}

// x is where the i-th of n values lies.
func (c chart) x(i, n int) float64 {
	return float64(chartWidth-6) - float64(n-1-i)*c.step(n)
}

func (c chart) y(value float64) float64 {
	if c.top <= 0 {
		return chartHeight - 1
	}
	return chartHeight - 1 - min(value/c.top, 1)*(chartHeight-1-chartTop)
}

func (c chart) drawLine(b *strings.Builder, l line) {
	if len(l.values) == 0 {
		return
	}
	fmt.Fprintf(b, `<polyline class="line %s" points="`, l.class)
	for i, v := range l.values {
		fmt.Fprintf(b, "%s,%s ", short(c.x(i, len(l.values))), short(c.y(v)))
	}
	b.WriteString(`"/>`)
	x, y := c.x(len(l.values)-1, len(l.values)), c.y(l.values[len(l.values)-1])
	if l.class == "dashed" {
		fmt.Fprintf(b, `<rect class="mark" x="%s" y="%s" width="5" height="5"/>`, short(x-2.5), short(y-2.5))
	} else {
		fmt.Fprintf(b, `<circle class="mark" cx="%s" cy="%s" r="2.8"/>`, short(x), short(y))
	}
}

func (c chart) drawBars(b *strings.Builder, l line) {
	b.WriteString(`<path class="bars" d="`)
	width := c.step(len(l.values)) * 0.8
	for i, v := range l.values {
		if v <= 0 {
			continue
		}
		x, y := c.x(i, len(l.values)), min(c.y(v), chartHeight-3)
		fmt.Fprintf(b, "M%s %dV%sh%sV%d", short(x-width/2), chartHeight-1, short(y), short(width), chartHeight-1)
	}
	b.WriteString(`"/>`)
}

func short(f float64) string {
	return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64)
}

// charts are the small charts of one lane.
type charts struct {
	Stale, Hits, Reads, Latency template.HTML
}

// scales are the upper ends of the charts' axes, the same for all lanes, so
// that lanes can be compared by eye.
type scales struct{ Stale, Reads, Latency float64 }

// scaleOf returns the scales that fit all of the series.
func scaleOf(all []series) scales {
	s := scales{Stale: 10, Reads: 1, Latency: 1}
	for _, one := range all {
		for _, p := range one.points {
			s.Stale = max(s.Stale, p.Stale)
			s.Reads = max(s.Reads, p.Reads)
			s.Latency = max(s.Latency, p.Tail)
		}
	}
	return scales{nice(s.Stale), nice(s.Reads), nice(s.Latency)}
}

// nice rounds up to 1, 2 or 5 times a power of ten.
func nice(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= v {
			return f * power
		}
	}
	return 10 * power
}

// draw draws the charts of one lane.
func draw(name string, one series, s scales) charts {
	column := func(of func(point) float64) []float64 {
		values := make([]float64, len(one.points))
		for i, p := range one.points {
			values[i] = of(p)
		}
		return values
	}
	var now point
	if n := len(one.points); n > 0 {
		now = one.points[n-1]
	}
	return charts{
		// A few stale reads must be seen beside many, so this axis is logarithmic.
		Stale: chart{label: fmt.Sprintf("%s: stale reads per second, now %s, logarithmic, the axis ends at %s", name, number(now.Stale), number(s.Stale)),
			top: math.Log1p(s.Stale), bars: true, lines: []line{{"solid", column(func(p point) float64 { return math.Log1p(p.Stale) })}}}.svg(),
		Hits: chart{label: fmt.Sprintf("%s: hit ratio, now %s", name, percent(now.Hits)),
			top: 1, lines: []line{{"solid", column(func(p point) float64 { return p.Hits })}}}.svg(),
		Reads: chart{label: fmt.Sprintf("%s: reads per second, now %s, the axis ends at %s", name, number(now.Reads), number(s.Reads)),
			top: s.Reads, lines: []line{{"solid", column(func(p point) float64 { return p.Reads })}}}.svg(),
		// Durations span decades, so this axis is logarithmic.
		Latency: chart{label: fmt.Sprintf("%s: duration of reads, now half within %s and 99 %% within %s, logarithmic, the axis ends at %s",
			name, micros(now.Median), micros(now.Tail), micros(s.Latency)),
			top: logOf(s.Latency), lines: []line{
				{"solid", column(func(p point) float64 { return logOf(p.Median) })},
				{"dashed", column(func(p point) float64 { return logOf(p.Tail) })},
			}}.svg(),
	}
}

// logOf is 0 for the least duration that is measured, in microseconds.
func logOf(us float64) float64 { return max(0, math.Log10(us/0.1)) }

// number writes a number for people, with thousands set apart.
func number(f float64) string {
	if f > 0 && f < 10 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return text.Grouped(int64(math.Round(f)))
}

func percent(share float64) string {
	switch {
	case share == 0:
		return "0 %"
	case share > 0 && share < 0.0001:
		return "< 0.01 %"
	case share > 0 && share < 0.01:
		return strconv.FormatFloat(100*share, 'f', 2, 64) + " %"
	}
	return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
}

// micros writes a duration that is given in microseconds.
func micros(us float64) string {
	switch {
	case us == 0:
		return "–"
	case us < 100:
		return strconv.FormatFloat(us, 'f', 1, 64) + " µs"
	case us < 1000:
		return strconv.FormatFloat(us, 'f', 0, 64) + " µs"
	case us < 1e6:
		return strconv.FormatFloat(us/1e3, 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(us/1e6, 'f', 1, 64) + " s"
}

// bar draws a share of the largest one, for the table.
func bar(value, largest float64) template.HTML {
	width := 0.0
	if largest > 0 && value > 0 {
		width = max(1, 100*value/largest)
	}
	return template.HTML(fmt.Sprintf(`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">`+
		`<rect class="track" width="100" height="8"/><rect class="fill" width="%s" height="8"/></svg>`, short(width)))
}
