package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// constantGens breaks rule G1: a bump changes nothing, so every fill looks
// current for ever.
type constantGens struct{}

func (constantGens) Current(context.Context, string) (uint64, error)  { return 1, nil }
func (constantGens) Snapshot(context.Context, string) (uint64, error) { return 1, nil }
func (constantGens) Bump(context.Context, string) (uint64, error)     { return 1, nil }
func (constantGens) Close(context.Context) error                      { return nil }

// heldGens never has a generation, so nothing is ever stored.
type heldGens struct{}

func (heldGens) Current(context.Context, string) (uint64, error)  { return 0, nil }
func (heldGens) Snapshot(context.Context, string) (uint64, error) { return 0, nil }
func (heldGens) Bump(context.Context, string) (uint64, error)     { return 0, nil }
func (heldGens) Close(context.Context) error                      { return nil }

// runDemo runs the program with a temporary folder of its own, which must be
// empty afterwards.
func runDemo(t *testing.T, ctx context.Context, caches []contender, out io.Writer, args ...string) (code int, stderr string) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var errs bytes.Buffer
	code = run(ctx, args, caches, out, &errs)
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("the demo removes its temporary files: %d are left", len(left))
	}
	return code, errs.String()
}

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	code, stderr := runDemo(t, t.Context(), contenders(), &out, "-duration", "300ms", "-keys", "100")
	if code != exitOK {
		t.Fatalf("the demo succeeds: exit code %d, %s", code, stderr)
	}
	for _, part := range []string{
		"100 of 10,000 products in SQLite",
		"1/4 TTL only", "4/4 CasCache",
		"reads  hit ratio  stale reads  worst staleness (ms)  reads per second\n",
		"\nTTL only ", "\ndelete-then-set ", "\nwrite-through ", "\nCasCache ",
		"\nUnder ",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the output lacks %q:\n%s", part, out.String())
		}
	}
	if stderr != "" {
		t.Errorf("a success says nothing on the error stream: got %q", stderr)
	}
}

// Nearly every fill of the one product crosses a write here, so that stale
// reads come by the thousand wherever nothing prevents them.
var stormy = []string{"-duration", "600ms", "-keys", "1", "-readers", "8", "-write-rate", "300", "-load-delay", "20ms"}

func TestDemoFailsIfCasCacheIsStale(t *testing.T) {
	broken := []contender{{name: "CasCache", promises: true, open: func() (cache, error) { return openCAS(constantGens{}) }}}
	var out bytes.Buffer
	code, stderr := runDemo(t, t.Context(), broken, &out, stormy...)
	if code != exitFailed || !strings.Contains(stderr, "stale read") {
		t.Errorf("a CasCache whose bumps change nothing fails the demo with a sentence: got exit code %d and %q\n%s", code, stderr, out.String())
	}
	if !strings.Contains(out.String(), "\nCasCache ") {
		t.Errorf("a demo that fails shows its figures all the same: got\n%s", out.String())
	}
}

func TestDemoFailsIfCasCacheNeverHits(t *testing.T) {
	idle := []contender{{name: "CasCache", promises: true, open: func() (cache, error) { return openCAS(heldGens{}) }}}
	code, stderr := runDemo(t, t.Context(), idle, io.Discard, "-duration", "300ms", "-keys", "100")
	if code != exitFailed || !strings.Contains(stderr, "no hits") {
		t.Errorf("a CasCache that never serves anything fails the demo with a sentence: got exit code %d and %q", code, stderr)
	}
}

func TestDemoTakesStaleReadsOfOthers(t *testing.T) {
	caches := []contender{contenders()[0], contenders()[3]}
	var out bytes.Buffer
	code, stderr := runDemo(t, t.Context(), caches, &out, "-duration", "300ms", "-keys", "5")
	if code != exitOK {
		t.Errorf("only CasCache can fail the demo: exit code %d, %s\n%s", code, stderr, out.String())
	}
}

func TestDemoIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	start := time.Now()
	code, stderr := runDemo(t, ctx, contenders(), io.Discard, "-duration", "5m")
	if code != exitInterrupted || !strings.Contains(stderr, "interrupted") {
		t.Errorf("an interrupted demo says so: got exit code %d and %q", code, stderr)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("an interrupted demo ends at once: took %v", took)
	}
}

func TestDemoWithBadFlags(t *testing.T) {
	var out bytes.Buffer
	code, stderr := runDemo(t, t.Context(), nil, &out, "-readers", "0")
	if code != exitUsage || !strings.Contains(stderr, `"0" for flag -readers: must be from 1 to 512`) {
		t.Errorf("a bad flag is named with its value and range: got exit code %d and %q", code, stderr)
	}
	if out.Len() != 0 {
		t.Errorf("a demo with bad flags does not begin: got %q", out.String())
	}
}

func TestDemoHelp(t *testing.T) {
	for _, flag := range []string{"-h", "-help", "--help"} {
		var out bytes.Buffer
		code, stderr := runDemo(t, t.Context(), nil, &out, flag)
		if code != exitOK || !strings.Contains(out.String(), "-load-delay") || stderr != "" {
			t.Errorf("%s explains the flags: got exit code %d, %q and %q", flag, code, out.String(), stderr)
		}
	}
}

func TestDemoWithoutATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	var errs bytes.Buffer
	if code := run(t.Context(), nil, contenders(), io.Discard, &errs); code != exitFailed || errs.Len() == 0 {
		t.Errorf("a demo that cannot begin fails with a sentence: got exit code %d and %q", code, errs.String())
	}
}
