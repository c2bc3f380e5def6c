package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// A bar is one line of a chart.
type bar struct {
	label string
	value spread
	ours  bool
}

const (
	chartWidth  = 900
	labelWidth  = 340
	barHeight   = 22
	chartTop    = 34
	chartBottom = 26
)

// style works on a light and on a dark page.
const style = `<style>
text{font:12px system-ui,sans-serif;fill:#24292f}
.title{font-weight:600;font-size:13px}
.faint{fill:#6e7781}
.raw{fill:#8c959f}.other{fill:#6a9fd8}.ours{fill:#2da44e}
.line{stroke:#d0d7de;stroke-width:1}
.whisker{stroke:#24292f;stroke-width:1.5}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9198a1}.line{stroke:#3d444d}.whisker{stroke:#e6edf3}}
</style>`

// barChart draws ratios on a logarithmic scale, each with its quartiles; the
// first is the raw storage.
func barChart(title string, bars []bar) []byte {
	lo, hi := 1.0, 1.0
	for _, b := range bars {
		lo, hi = min(lo, b.value.Median, b.value.Q1), max(hi, b.value.Median, b.value.Q3)
	}
	lo, hi = lo/1.15, hi*1.35
	x := func(v float64) float64 {
		return labelWidth + (chartWidth-labelWidth-10)*math.Log(max(v, lo)/lo)/math.Log(hi/lo)
	}
	height := chartTop + barHeight*len(bars) + chartBottom
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n%s\n",
		chartWidth, height, chartWidth, height, style)
	fmt.Fprintf(&out, `<text x="8" y="18" class="title">%s</text>`+"\n", html.EscapeString(title))
	for _, tick := range ticks(lo, hi) {
		fmt.Fprintf(&out, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" class="line"/><text x="%.1f" y="%d" text-anchor="middle" class="faint">%g×</text>`+"\n",
			x(tick), x(tick), chartTop-4, height-chartBottom+4, x(tick), height-8, tick)
	}
	for i, b := range bars {
		y := chartTop + i*barHeight
		class := "other"
		switch {
		case i == 0:
			class = "raw"
		case b.ours:
			class = "ours"
		}
		fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+14, html.EscapeString(b.label))
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="%.1f" height="%d" class="%s"/>`, labelWidth, y+3, x(b.value.Median)-labelWidth, barHeight-6, class)
		if i > 0 {
			mid := y + barHeight/2
			fmt.Fprintf(&out, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" class="whisker"/>`, x(b.value.Q1), x(b.value.Q3), mid, mid)
		}
		fmt.Fprintf(&out, `<text x="%.1f" y="%d">%s</text>`+"\n", max(x(b.value.Median), x(b.value.Q3))+6, y+15, times(b.value.Median))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// ticks returns round numbers between lo and hi.
func ticks(lo, hi float64) []float64 {
	var all []float64
	for decade := 0.001; decade < hi; decade *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := decade * m; v >= lo && v <= hi {
				// Without what multiplying has left in the last digits.
				all = append(all, math.Round(v*1e6)/1e6)
			}
		}
	}
	return all
}

// times writes a ratio.
func times(v float64) string {
	switch {
	case v < 0.095:
		return fmt.Sprintf("%.3f×", v)
	case v < 9.95:
		return fmt.Sprintf("%.2f×", v)
	default:
		return fmt.Sprintf("%.0f×", v)
	}
}

// A line is a series of points of a chart.
type line struct {
	label  string
	points []point
}

type point struct{ x, y float64 }

var lineColours = []string{"#8c959f", "#2da44e", "#bf3989", "#6a9fd8", "#bc4c00", "#8250df", "#9a6700"}

// lineChart draws series over a logarithmic x and a logarithmic y.
func lineChart(title, xLabel, yLabel string, lines []line) []byte {
	const left, right, top, bottom, height = 70, 250, 40, 44, 340
	loX, hiX, loY, hiY := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, l := range lines {
		for _, p := range l.points {
			loX, hiX, loY, hiY = min(loX, p.x), max(hiX, p.x), min(loY, p.y), max(hiY, p.y)
		}
	}
	loY, hiY = loY/1.3, hiY*1.3
	if loX == hiX {
		hiX *= 2
	}
	// A share may be 0, where a logarithm is not.
	scaleX := func(v float64) float64 { return math.Log(v/loX) / math.Log(hiX/loX) }
	if loX == 0 {
		scaleX = func(v float64) float64 { return v / hiX }
	}
	x := func(v float64) float64 { return left + (chartWidth-left-right)*scaleX(v) }
	y := func(v float64) float64 {
		return height - bottom - (height-top-bottom)*math.Log(v/loY)/math.Log(hiY/loY)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n%s\n",
		chartWidth, height, chartWidth, height, style)
	fmt.Fprintf(&out, `<text x="8" y="18" class="title">%s</text><text x="8" y="34" class="faint">%s</text>`+"\n", html.EscapeString(title), html.EscapeString(yLabel))
	for _, tick := range ticks(loY, hiY) {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="line"/><text x="%d" y="%.1f" text-anchor="end" class="faint">%s</text>`+"\n",
			left, chartWidth-right, y(tick), y(tick), left-6, y(tick)+4, count(tick))
	}
	seen := make(map[float64]bool)
	for _, l := range lines {
		for _, p := range l.points {
			if !seen[p.x] {
				seen[p.x] = true
				fmt.Fprintf(&out, `<text x="%.1f" y="%d" text-anchor="middle" class="faint">%s</text>`+"\n", x(p.x), height-bottom+18, count(p.x))
			}
		}
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle" class="faint">%s</text>`+"\n", (left+chartWidth-right)/2, height-8, html.EscapeString(xLabel))
	for i, l := range lines {
		colour := lineColours[i%len(lineColours)]
		out.WriteString(`<polyline fill="none" stroke-width="2" stroke="` + colour + `" points="`)
		for _, p := range l.points {
			fmt.Fprintf(&out, "%.1f,%.1f ", x(p.x), y(p.y))
		}
		fmt.Fprintf(&out, `"/><rect x="%d" y="%d" width="12" height="3" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n",
			chartWidth-right+14, top+i*18+6, colour, chartWidth-right+32, top+i*18+12, html.EscapeString(l.label))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// count writes a number of things.
func count(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	default:
		return fmt.Sprintf("%g", v)
	}
}
