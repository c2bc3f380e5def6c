package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func testReport(t *testing.T) report {
	t.Helper()
	cfg := stormy()
	cfg.once = true
	r := begin(t, cfg, lanes(false), nil)
	until(t, "a stale read is explained", func() bool { return viewOf(r, r.lanes, cfg.controls).Lanes[1].Explanation != nil })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	p, err := newReport(r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReport(t *testing.T) {
	p := testReport(t)
	dir := t.TempDir()
	if err := p.write(filepath.Join(dir, "report.html")); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range p.Lanes {
		if n := strings.Count(string(page), `aria-label="`+l.Lane.Name+": "); n != 4 {
			t.Errorf("a report has four charts of %s: got %d", l.Lane.Name, n)
		}
	}
	if regexp.MustCompile(`(?i)<script|<link|<img|<iframe|@import|url\(`).Match(page) {
		t.Error("a report is one file: it must not fetch or run anything")
	}
	for _, part := range []string{"step by step", "replayed under CasCache", p.Command} {
		if !strings.Contains(string(page), part) {
			t.Errorf("the report lacks %q", part)
		}
	}

	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var figures figuresFile
	if err := json.Unmarshal(data, &figures); err != nil {
		t.Fatal(err)
	}
	if len(figures.Lanes) != len(p.Lanes) || figures.Lanes[1].Stale != p.Lanes[1].Figures.Stale || figures.Lanes[1].Stale == 0 {
		t.Errorf("the figures are those of the report: got %+v", figures.Lanes)
	}

	picture, err := os.ReadFile(filepath.Join(dir, "report.svg"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(picture))
	for {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the picture is well-formed XML: %v", err)
		}
	}
	for _, l := range p.Lanes {
		if !strings.Contains(string(picture), l.Numbers["stale"]+" of "+l.Numbers["reads"]) {
			t.Errorf("the picture tells the figures of %s", l.Lane.Name)
		}
	}
}

func TestReportNamesItsCommand(t *testing.T) {
	p := testReport(t)
	if want := "go run ./examples/lab -load-delay 20ms -once -readers 12 -write-rate 400"; p.Command != want {
		t.Errorf("a report names the command that makes it, without what is usual: got %q, want %q", p.Command, want)
	}
}

func TestVerdictNeedsHits(t *testing.T) {
	p := report{view: view{Lanes: []laneView{{Lane: lane{Name: "x", Promises: true}, Figures: figures{Reads: 5, Loads: 5}}}}}
	if err := p.verdict(); err == nil {
		t.Error("a cache that never hits kept no promise: want an error")
	}
	p.Lanes[0].Figures.Loads = 4
	if err := p.verdict(); err != nil {
		t.Errorf("a cache that hit and was never stale kept its promise: got %v", err)
	}
}
