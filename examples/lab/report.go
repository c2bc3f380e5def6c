package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"
)

// A report is a run that is over, on paper.
type report struct {
	view
	Command string
	Machine string
	Seed    uint64
	Style   template.CSS
}

// figuresFile is the JSON beside a report.
type figuresFile struct {
	Command  string         `json:"command"`
	Machine  string         `json:"machine"`
	Seed     uint64         `json:"seed"`
	Seconds  float64        `json:"seconds"`
	Controls map[string]int `json:"controls"`
	Verdict  string         `json:"verdict"`
	Lanes    []laneFigures  `json:"lanes"`
}

type laneFigures struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	Promises bool   `json:"promises_no_stale_read"`
	figures
	StaleShare  float64      `json:"stale_share"`
	Points      []point      `json:"points"` // one every half second
	Explanation *explanation `json:"explanation,omitempty"`
}

// newReport makes the report of a run.
func newReport(r *run, cfg config) (report, error) {
	style, err := pageFiles.ReadFile("page/lab.css")
	if err != nil {
		return report{}, err
	}
	c := cfg.controls
	command := "go run ./examples/lab"
	usual, set := defaults(), cfg
	var given []string
	flagSet(&usual).VisitAll(func(f *flag.Flag) {
		now := flagSet(&set).Lookup(f.Name).Value.String()
		switch {
		case f.Name == "out" || f.Name == "addr" || now == f.DefValue:
		case f.Name == "once":
			given = append(given, "-once")
		default:
			given = append(given, "-"+f.Name+" "+now)
		}
	})
	command = strings.Join(append([]string{command}, given...), " ")
	return report{
		view: viewOf(r, r.lanes, c), Command: command, Seed: cfg.seed, Style: template.CSS(style),
		Machine: fmt.Sprintf("%d cores, %s on %s/%s", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH),
	}, nil
}

// write writes the report to file, its figures to the file's name with .json
// in place of its extension, and its picture to the one with .svg.
func (p report) write(file string) error {
	var page bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&page, "report.html", p); err != nil {
		return err
	}
	figures, err := json.MarshalIndent(p.figures(), "", "\t")
	if err != nil {
		return err
	}
	stem := strings.TrimSuffix(file, filepath.Ext(file))
	for name, content := range map[string][]byte{
		file: page.Bytes(), stem + ".json": append(figures, '\n'), stem + ".svg": p.picture(),
	} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p report) figures() figuresFile {
	f := figuresFile{Command: p.Command, Machine: p.Machine, Seed: p.Seed, Seconds: p.Seconds, Controls: p.Controls, Verdict: p.Verdict}
	for _, l := range p.Lanes {
		f.Lanes = append(f.Lanes, laneFigures{
			Key: l.Key, Name: l.Lane.Name, Promises: l.Lane.Promises, figures: l.Figures,
			StaleShare: ratio(l.Figures.Stale, l.Figures.Reads), Points: l.Points, Explanation: l.Explanation,
		})
	}
	return f
}

// picture draws the share of stale reads of each lane.
func (p report) picture() []byte {
	const width, row, head, left, right = 800, 26, 78, 276, 214
	worst := 0.0
	for _, l := range p.Lanes {
		worst = max(worst, ratio(l.Figures.Stale, l.Figures.Reads))
	}
	height := head + row*len(p.Lanes) + 50
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="13">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title id=\"t\">Stale reads of each caching strategy</title>\n<desc id=\"d\">%s</desc>\n", template.HTMLEscapeString(p.Verdict))
	b.WriteString(`<style>
.ground { fill: #ffffff } .text { fill: #1c2024 } .quiet { fill: #5b6470 } .bar { fill: url(#hatch); stroke: #b3401f } .stripe { stroke: #b3401f; stroke-width: 3 } .kept { fill: #17653a }
@media (prefers-color-scheme: dark) { .ground { fill: #14171a } .text { fill: #eef1f4 } .quiet { fill: #a9b3bd } .bar { stroke: #ff9a73 } .stripe { stroke: #ff9a73 } .kept { fill: #7fdca4 } }
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
`)
	fmt.Fprintf(&b, `<rect class="ground" width="%d" height="%d" rx="8"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="text" x="16" y="26" font-size="16" font-weight="600">Reads that were stale, by caching strategy</text>`+"\n")
	fmt.Fprintf(&b, `<text class="quiet" x="16" y="46">One database, %s writes in %s, rows take %d ms to arrive.</text>`+"\n",
		p.Writes, p.Elapsed, p.Controls["load_delay_ms"])
	fmt.Fprintf(&b, `<text class="quiet" x="16" y="64">%s</text>`+"\n",
		"Stale: begun after an invalidation had returned, and given what it had replaced.")
	for i, l := range p.Lanes {
		y := head + row*i
		class, share := "text", ratio(l.Figures.Stale, l.Figures.Reads)
		if l.Lane.Promises {
			class = "kept"
		}
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d" text-anchor="end"%s>%s</text>`, class, left-10, y+17, weight(l.Lane.Promises), template.HTMLEscapeString(l.Lane.Name))
		length := 0.0
		if worst > 0 {
			length = share / worst * (width - left - right)
		}
		if l.Figures.Stale > 0 {
			fmt.Fprintf(&b, `<rect class="bar" x="%d" y="%d" width="%s" height="%d"/>`, left, y+5, short(max(2, length)), row-10)
		}
		fmt.Fprintf(&b, `<text class="%s" x="%s" y="%d"%s>%s</text>`+"\n", class, short(float64(left)+max(2, length)+8), y+17, weight(l.Lane.Promises),
			template.HTMLEscapeString(fmt.Sprintf("%s of %s (%s)", l.Numbers["stale"], l.Numbers["reads"], percent(share))))
	}
	fmt.Fprintf(&b, `<text class="quiet" x="16" y="%d" font-size="11">%s</text>`+"\n", height-28, template.HTMLEscapeString(p.Command))
	fmt.Fprintf(&b, `<text class="quiet" x="16" y="%d" font-size="11">%s</text>`+"\n</svg>\n", height-12, template.HTMLEscapeString(p.Machine))
	return b.Bytes()
}

func weight(bold bool) string {
	if bold {
		return ` font-weight="600"`
	}
	return ""
}

// table returns the figures as text.
func (p report) table() string {
	rows := [][]string{{"lane", "reads", "stale", "share", "hit ratio", "reads/s", "p50", "p99", "refused", "errors"}}
	for _, l := range p.Lanes {
		n := l.Numbers
		rows = append(rows, []string{l.Lane.Name, n["reads"], n["stale"], n["share"], n["hits"], n["per_second"], n["p50"], n["p99"], n["refused"], n["errors"]})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// verdict returns an error if a lane that promises to serve nothing stale did,
// or kept its promise by serving nothing.
func (p report) verdict() error {
	for _, l := range p.Lanes {
		switch {
		case !l.Lane.Promises:
		case l.Figures.Stale > 0:
			return fmt.Errorf("%s served %s stale reads of %s, and it promises none", l.Lane.Name, l.Numbers["stale"], l.Numbers["reads"])
		case l.Figures.Reads == l.Figures.Loads || l.Figures.Reads == 0:
			return fmt.Errorf("%s served no hits in %s reads, which proves nothing", l.Lane.Name, l.Numbers["reads"])
		}
	}
	return nil
}
