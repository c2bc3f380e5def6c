package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgressOnATerminalIsOneLine(t *testing.T) {
	var out bytes.Buffer
	p := progress{out: &out, terminal: true, interval: 100 * time.Millisecond}
	p.show("1/4 TTL only", result{elapsed: time.Second, reads: 2_000, hits: 1_000, stale: 3}, 3*time.Second)
	if got, want := out.String(), "\r\x1b[K1/4 TTL only         1.0 of 3.0 s       2,000 reads   50.0 % hits         3 stale"; got != want {
		t.Errorf("the line is written over the one before: got %q, want %q", got, want)
	}
	p.clear()
	p.finish("1/4 TTL only", result{}, 3*time.Second)
	if !strings.HasSuffix(out.String(), clearLine) || strings.Contains(out.String(), "\n") {
		t.Errorf("on a terminal nothing remains of the progress: got %q", out.String())
	}
}

func TestProgressElsewhereIsPlainLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	if p.terminal {
		t.Fatal("a buffer passes for a terminal")
	}
	for _, elapsed := range []time.Duration{time.Second, 2 * time.Second, 2_999 * time.Millisecond} {
		p.show("4/4 CasCache", result{elapsed: elapsed}, 3*time.Second)
	}
	p.clear()
	p.finish("4/4 CasCache", result{elapsed: 3_001 * time.Millisecond}, 3*time.Second)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "1.0 of 3.0 s") || !strings.Contains(lines[2], "3.0 of 3.0 s") {
		t.Errorf("there is a line per second, and one at the end: got %q", lines)
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("plain lines hold no control characters: got %q", out.String())
	}
}

func TestFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(file) {
		t.Error("a file passes for a terminal")
	}
}
