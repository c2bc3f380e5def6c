package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// A progress tells how far a run is: on a terminal in one line that is written
// over and over, otherwise in a line per second.
type progress struct {
	out      io.Writer
	terminal bool
	interval time.Duration
}

func newProgress(out io.Writer) progress {
	if isTerminal(out) {
		return progress{out: out, terminal: true, interval: 100 * time.Millisecond}
	}
	return progress{out: out, interval: time.Second}
}

// isTerminal reports whether out is a terminal that can clear a line. The null
// device passes for one too, which nobody sees.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const clearLine = "\r\x1b[K"

// show tells what is measured so far.
func (p progress) show(label string, r result, of time.Duration) {
	if !p.terminal && of-r.elapsed < p.interval/2 {
		return // finish is about to say the same
	}
	p.print(label, r, of)
}

func (p progress) print(label string, r result, of time.Duration) {
	line := fmt.Sprintf("%-19s %4.1f of %.1f s  %10s reads  %5.1f %% hits  %8s stale",
		label, min(r.elapsed, of).Seconds(), of.Seconds(), text.Grouped(r.reads), r.hitRatio(), text.Grouped(r.stale))
	if p.terminal {
		fmt.Fprint(p.out, clearLine, line)
		return
	}
	fmt.Fprintln(p.out, line)
}

// clear removes the line of a run that is over.
func (p progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, clearLine)
	}
}

// finish tells how a run ended, where lines stay.
func (p progress) finish(label string, r result, of time.Duration) {
	if !p.terminal {
		p.print(label, r, of)
	}
}
