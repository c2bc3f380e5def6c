package conformance

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// An attempt is one run of one case, in a goroutine of its own. It takes the
// place of the *testing.T there, also for the functions of the harness: what is
// reported to it is kept, and handed to the *testing.T, or to a test of the
// suite itself, when the case has ended or its deadline has passed. So a case
// that hangs fails and holds up nothing, and what it reports too late is
// dropped.
//
// Of the methods of testing.TB those that report are its own; the others, such
// as TempDir, are those of the test that runs the suite.
type attempt struct {
	testing.TB
	ctx  context.Context
	name string
	says string
	harm string

	mu       sync.Mutex // guards what follows; a case may use goroutines
	sealed   bool       // the outcome has been taken: nothing counts any more
	outcome  outcome
	cleanups []func()
}

// violated reports that the rule is broken, and ends the goroutine: want is
// what should have been seen, and the rest what was.
func (a *attempt) violated(want, seen string, args ...any) {
	where := ""
	if _, file, line, ok := runtime.Caller(1); ok {
		where = fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}
	a.fail(fmt.Sprintf("rule: %s\nseen: %s\nwant: %s\nharm: %s\ncase: %s, %s",
		a.says, fmt.Sprintf(seen, args...), want, a.harm, a.name, where))
	runtime.Goexit()
}

// inconclusive ends the case without a verdict: the implementation behaved
// lawfully, and in such a way that nothing could be seen of the rule. That is
// a pass, but no proof that a declared [Lack] is wrong.
func (a *attempt) inconclusive(why string, args ...any) {
	a.end(inconclusive, fmt.Sprintf(why, args...))
}

// end ends the goroutine, and the case with that status unless it has failed.
func (a *attempt) end(st status, why string) {
	a.mu.Lock()
	if a.outcome.status == passed {
		a.outcome.status, a.outcome.text = st, why
	}
	a.mu.Unlock()
	runtime.Goexit()
}

// each runs f in n goroutines at once and waits for them. When one of them has
// come to a verdict, it ends the case.
func (a *attempt) each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			a.body(func() { f(i) })
		}()
	}
	wg.Wait()
	a.mu.Lock()
	over := a.outcome.status != passed
	a.mu.Unlock()
	if over {
		runtime.Goexit()
	}
}

// body runs f and turns a panic into a failure.
func (a *attempt) body(f func()) {
	defer func() {
		if p := recover(); p != nil {
			a.fail(fmt.Sprintf("rule: No call panics, whatever it is given. (Tried here: %s)\nseen: panic: %v\nwant: no panic\n"+
				"harm: one request takes down the process, and every other request with it.\ncase: %s\n\n%s",
				a.says, p, a.name, debug.Stack()))
		}
	}()
	f()
}

func (a *attempt) fail(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sealed {
		return
	}
	a.outcome.status = failed
	// What comes after the first few is a consequence or a repetition.
	if a.outcome.reports++; a.outcome.reports <= maxReports {
		a.outcome.text = join(a.outcome.text, text)
	}
}

const maxReports = 3

func join(text, more string) string {
	if text == "" {
		return more
	}
	return text + "\n\n" + more
}

// Context is done when the case has ended or its deadline has passed.
func (a *attempt) Context() context.Context { return a.ctx }

// Name is the name of the test and of the case.
func (a *attempt) Name() string { return a.TB.Name() + "/" + a.name }

// Cleanup registers f to be called when the case has ended, last one first.
func (a *attempt) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanups = append(a.cleanups, f)
}

// clean runs the cleanups, each whatever the one before did.
func (a *attempt) clean() {
	a.mu.Lock()
	n := len(a.cleanups)
	if n == 0 {
		a.mu.Unlock()
		return
	}
	f := a.cleanups[n-1]
	a.cleanups = a.cleanups[:n-1]
	a.mu.Unlock()
	defer a.clean() // also when f ends the goroutine, as Fatal does
	a.body(f)
}

// The rest is for the functions of a harness: they are given the attempt as a
// testing.TB and may report that the case could not be set up.

func (a *attempt) Helper() {}

func (a *attempt) Fail()    { a.fail("the harness called Fail") }
func (a *attempt) FailNow() { a.fail("the harness called FailNow"); runtime.Goexit() }

func (a *attempt) Error(args ...any)                 { a.fail(fmt.Sprint(args...)) }
func (a *attempt) Errorf(format string, args ...any) { a.fail(fmt.Sprintf(format, args...)) }
func (a *attempt) Fatal(args ...any)                 { a.fail(fmt.Sprint(args...)); runtime.Goexit() }
func (a *attempt) Fatalf(format string, args ...any) {
	a.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (a *attempt) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.outcome.status == failed
}

func (a *attempt) Log(args ...any)                 { a.log(fmt.Sprint(args...)) }
func (a *attempt) Logf(format string, args ...any) { a.log(fmt.Sprintf(format, args...)) }

func (a *attempt) log(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.sealed {
		a.outcome.logs = append(a.outcome.logs, text)
	}
}

func (a *attempt) Skip(args ...any)                 { a.log(fmt.Sprint(args...)); a.SkipNow() }
func (a *attempt) Skipf(format string, args ...any) { a.log(fmt.Sprintf(format, args...)); a.SkipNow() }

// SkipNow is a failure: what can be left out is declared as a [Lack].
func (a *attempt) SkipNow() {
	a.fail("the harness skipped the case; what an implementation may do without is declared in Lacks, and nothing else is left out")
	runtime.Goexit()
}

func (a *attempt) Skipped() bool { return false }

// take returns the outcome, and closes the attempt for later reports.
func (a *attempt) take() outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sealed = true
	return a.outcome
}

// An outcome is how an attempt ended.
type outcome struct {
	status  status
	text    string // why, unless it passed
	logs    []string
	reports int
}

type status int

const (
	passed       status = iota
	inconclusive        // lawful, and nothing to be seen
	inapplicable        // the rule is about what the subject does not have
	optedOut            // the harness declares a Lack
	failed
)

// deliver tells t of the outcome.
func (o outcome) deliver(t *testing.T) {
	t.Helper()
	for _, line := range o.logs {
		t.Log(line)
	}
	switch o.status {
	case failed:
		t.Error("\n" + o.text)
	case inapplicable, optedOut:
		t.Skip(o.text)
	case inconclusive:
		t.Log("nothing to be seen of the rule: " + o.text)
	}
}

// stacksOf returns the stacks of the goroutines that run cases, as far as they
// fit: where a case hangs.
func stacksOf(limit int) string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var out strings.Builder
	for _, stack := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(stack, "conformance.(*attempt).body") && out.Len()+len(stack) < limit {
			out.WriteString("\n\n" + stack)
		}
	}
	return out.String()
}

// cleanupTime is what a case and its cleanups may take, beyond the deadline, to
// end by themselves once their context is done.
const cleanupTime = 2 * time.Second
