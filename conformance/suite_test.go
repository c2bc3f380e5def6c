package conformance

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func ruleOf(name string, try func(*attempt, int)) rule[int] {
	return rule[int]{name: name, says: "the rule", harm: "the harm", try: try}
}

// one runs a suite of a single rule and returns how it ended.
func one(t *testing.T, r rule[int], deadline time.Duration) outcome {
	t.Helper()
	s := suite[int]{rules: []rule[int]{r}, subject: func(*attempt) int { return 7 }, deadline: deadline}
	return s.box(t)[r.name]
}

func TestCaseThatSeesNothingWrongPasses(t *testing.T) {
	if o := one(t, ruleOf("Fine", func(*attempt, int) {}), 0); o.status != passed {
		t.Errorf("got %+v, want a pass", o)
	}
}

func TestViolationSaysAll(t *testing.T) {
	o := one(t, ruleOf("Broken", func(a *attempt, s int) {
		a.violated("an even number", "%d", s)
		t.Error("a violation must end the case")
	}), 0)
	if o.status != failed {
		t.Fatalf("got %+v, want a failure", o)
	}
	for _, part := range []string{"rule: the rule", "seen: 7", "want: an even number", "harm: the harm", "Broken", "suite_test.go:"} {
		if !strings.Contains(o.text, part) {
			t.Errorf("the report does not say %q:\n%s", part, o.text)
		}
	}
}

func TestPanicFailsItsCase(t *testing.T) {
	for name, try := range map[string]func(*attempt, int){
		"InTheCase":      func(*attempt, int) { panic("oops") },
		"InAGoroutine":   func(a *attempt, _ int) { a.each(2, func(int) { panic("oops") }) },
		"InACleanup":     func(a *attempt, _ int) { a.Cleanup(func() { panic("oops") }) },
		"ByANilPointer":  func(*attempt, int) { var p *int; *p = 1 },
		"AfterAViolated": func(a *attempt, _ int) { defer func() { panic("oops") }(); a.violated("", "") },
	} {
		if o := one(t, ruleOf(name, try), 0); o.status != failed {
			t.Errorf("%s: got %+v, want a failure", name, o)
		}
	}
}

func TestHangFailsItsCaseAndHoldsUpNothing(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := suite[int]{
		rules: []rule[int]{
			ruleOf("Hangs", func(*attempt, int) { <-release }),
			ruleOf("HangsInCleanup", func(a *attempt, _ int) { a.Cleanup(func() { <-release }) }),
			ruleOf("Next", func(*attempt, int) {}),
		},
		subject:  func(*attempt) int { return 0 },
		deadline: time.Millisecond,
	}
	outcomes := s.box(t)
	for name, want := range map[string]status{"Hangs": failed, "HangsInCleanup": failed, "Next": passed} {
		if got := outcomes[name].status; got != want {
			t.Errorf("%s ended with %d, want %d: %s", name, got, want, outcomes[name].text)
		}
	}
	if text := outcomes["Hangs"].text; !strings.Contains(text, "suite_test.go") {
		t.Errorf("the report does not show where it hangs:\n%s", text)
	}
}

func TestLateReportIsDropped(t *testing.T) {
	a := &attempt{TB: t}
	a.take()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Logf("late")
		a.violated("", "late")
	}()
	<-done
	if o := a.take(); o.status != passed || o.logs != nil {
		t.Errorf("an ended attempt took a report: %+v", o)
	}
}

func TestHarnessReportsThroughTheAttempt(t *testing.T) {
	for name, setUp := range map[string]func(testing.TB){
		"Fatalf":  func(tb testing.TB) { tb.Fatalf("no %s", "server") },
		"Errorf":  func(tb testing.TB) { tb.Errorf("no %s", "server") },
		"FailNow": func(tb testing.TB) { tb.FailNow() },
		"Skip":    func(tb testing.TB) { tb.Skip("no server") },
	} {
		s := suite[int]{
			rules:   []rule[int]{ruleOf("Case", func(*attempt, int) {})},
			subject: func(a *attempt) int { setUp(a); return 0 },
		}
		if o := s.box(t)["Case"]; o.status != failed {
			t.Errorf("%s in a harness: got %+v, want a failure", name, o)
		}
	}
}

func TestCleanupsRunInReverseAfterTheCase(t *testing.T) {
	var order []string
	one(t, ruleOf("Case", func(a *attempt, _ int) {
		a.Cleanup(func() { order = append(order, "first") })
		a.Cleanup(func() {
			order = append(order, "second")
			a.Cleanup(func() { order = append(order, "nested") })
			if a.Context().Err() == nil {
				t.Error("the context of a case must be done in its cleanups, as that of a test")
			}
			runtime.Goexit()
		})
		a.violated("", "")
	}), 0)
	// Goexit in a cleanup, as by a Fatal, must not keep the others from running.
	if want := []string{"second", "nested", "first"}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestGroupEndsTheCaseWithItsVerdict(t *testing.T) {
	o := one(t, ruleOf("Case", func(a *attempt, _ int) {
		a.each(4, func(i int) {
			if i == 2 {
				a.violated("", "")
			}
		})
		t.Error("the case goes on after a goroutine has failed it")
	}), 0)
	if o.status != failed {
		t.Errorf("got %+v, want a failure", o)
	}
}

func TestRuleOnWhatIsNotThereIsLeftOut(t *testing.T) {
	r := ruleOf("Case", func(*attempt, int) { t.Error("tried a rule that does not apply") })
	r.needs = func(s int) string { return "no bulk calls" }
	if o := one(t, r, 0); o.status != inapplicable || o.text != "no bulk calls" {
		t.Errorf("got %+v, want that it does not apply", o)
	}
}

func TestLack(t *testing.T) {
	var (
		pass  = func(*attempt, int) {}
		fail  = func(a *attempt, _ int) { a.violated("", "") }
		blind = func(a *attempt, _ int) { a.inconclusive("all misses") }
	)
	for _, test := range []struct {
		name  string
		lacks map[Lack]string
		tries []func(*attempt, int)
		want  status
	}{
		{"that is real", map[Lack]string{"TTL": "none"}, []func(*attempt, int){pass, fail}, passed},
		{"that may be real", map[Lack]string{"TTL": "none"}, []func(*attempt, int){pass, blind}, passed},
		{"that works anyway", map[Lack]string{"TTL": "none"}, []func(*attempt, int){pass, pass}, failed},
		{"without a reason", map[Lack]string{"TTL": ""}, []func(*attempt, int){fail}, failed},
		{"that is not listed", map[Lack]string{"Safety": "too hard"}, []func(*attempt, int){pass}, failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := suite[int]{subject: func(*attempt) int { return 0 }, lacks: test.lacks, allowed: []Lack{"TTL"}}
			for i, try := range test.tries {
				r := ruleOf("Case"+string(rune('A'+i)), try)
				r.lack = "TTL"
				s.rules = append(s.rules, r)
			}
			outcomes := s.box(t)
			for lack, reason := range test.lacks {
				if o := outcomes["Lack"+string(lack)]; o.status != test.want {
					t.Errorf("the declaration ended with %+v, want status %d", o, test.want)
				}
				if o := outcomes["CaseA"]; lack == "TTL" && (o.status != optedOut || !strings.Contains(o.text, reason)) {
					t.Errorf("the case ended with %+v, want a skip that prints %q", o, reason)
				}
			}
		})
	}
}
