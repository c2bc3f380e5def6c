package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// defaultDeadline bounds one case where the harness sets no other: far more
// than any takes on a busy machine.
const defaultDeadline = 30 * time.Second

// A suite is a list of rules and what it takes to try them on one
// implementation.
type suite[S any] struct {
	rules []rule[S]

	// subject makes a fresh subject for one case, in the goroutine of the
	// case. What it opens, it closes by a.Cleanup.
	subject func(a *attempt) S

	// lacks is what the harness declares, allowed what it may.
	lacks   map[Lack]string
	allowed []Lack

	deadline time.Duration // per case; 0 means defaultDeadline
}

// run reports each case as a subtest of t.
func (s *suite[S]) run(t *testing.T) {
	t.Helper()
	s.judge(t, func(name string, attempt func(testing.TB) outcome) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			attempt(t).deliver(t)
		})
	})
}

// box runs the whole suite without a word to tb and returns the outcome of
// each case by name. The tests of the suites use it to run them on broken
// implementations.
func (s *suite[S]) box(tb testing.TB) map[string]outcome {
	outcomes := make(map[string]outcome)
	s.judge(tb, func(name string, attempt func(testing.TB) outcome) { outcomes[name] = attempt(tb) })
	return outcomes
}

// judge hands every case to report: the rules in their order, and then one for
// each declared lack.
func (s *suite[S]) judge(tb testing.TB, report func(name string, attempt func(testing.TB) outcome)) {
	tb.Helper()
	tried := make(map[Lack][]status)
	for _, r := range s.rules {
		report(r.name, func(tb testing.TB) outcome {
			o := s.try(tb, r)
			reason, declared := s.lacks[r.lack]
			if r.lack == "" || !declared {
				return o
			}
			tried[r.lack] = append(tried[r.lack], o.status)
			o.status = optedOut
			o.text = fmt.Sprintf("%s is declared as lacking: %s", r.lack, reason)
			return o
		})
	}
	for _, lack := range slices.Sorted(maps.Keys(s.lacks)) {
		report("Lack"+string(lack), func(testing.TB) outcome { return s.judgeLack(lack, tried[lack]) })
	}
}

// judgeLack decides over a declaration, given how the cases ended that it
// leaves out.
func (s *suite[S]) judgeLack(lack Lack, tried []status) outcome {
	if !slices.Contains(s.allowed, lack) {
		return outcome{status: failed, text: fmt.Sprintf(
			"%q is nothing that can be left out here; the harness may declare %q", lack, s.allowed)}
	}
	if s.lacks[lack] == "" {
		return outcome{status: failed, text: fmt.Sprintf(
			"%s is declared as lacking without a reason; the reason is for those who read the skips", lack)}
	}
	cases := 0
	for _, r := range s.rules {
		if r.lack == lack {
			cases++
		}
	}
	switch {
	case len(tried) < cases:
		return outcome{status: inapplicable, text: "not all cases of the opt-out were run"}
	case slices.ContainsFunc(tried, func(st status) bool { return st == failed || st == inconclusive }):
		return outcome{}
	case !slices.Contains(tried, passed):
		return outcome{} // none of its cases applies
	}
	return outcome{status: failed, text: fmt.Sprintf(
		"%s is declared as lacking (%s), and works all the same: all of its cases pass. Remove the declaration, "+
			"so that the suite notices when it stops working", lack, s.lacks[lack])}
}

// try runs one case and returns how it ended. It takes little longer than the
// deadline, whatever the implementation does.
func (s *suite[S]) try(tb testing.TB, r rule[S]) outcome {
	deadline := s.deadline
	if deadline <= 0 {
		deadline = defaultDeadline
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	a := &attempt{TB: tb, ctx: ctx, name: r.name, says: r.says, harm: r.harm}

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The cleanups run whichever way the case ends, and under the same
		// deadline.
		defer a.clean()
		defer cancel()
		a.body(func() {
			subject := s.subject(a)
			if r.needs != nil {
				if missing := r.needs(subject); missing != "" {
					a.end(inapplicable, missing)
				}
			}
			r.try(a, subject)
		})
	}()
	timer := time.NewTimer(deadline + min(deadline, cleanupTime))
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		a.fail(fmt.Sprintf("rule: Every call returns. (Tried here: %s)\nseen: the case has not ended after %v\nwant: an answer, or an error\n"+
			"harm: requests pile up behind a call that never comes back, until the process is out of memory.\ncase: %s%s",
			r.says, deadline, r.name, stacksOf(16<<10)))
	}
	return a.take()
}
