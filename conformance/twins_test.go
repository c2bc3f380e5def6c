package conformance

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// A twin is an implementation with a single fault. The tables of twins are the
// tests of the suites: each one must fail the case that names its fault, and no
// other.
type twin struct {
	fault string   // what its author did wrong, in words
	fails string   // the case that must fail
	also  []string // others that cannot but fail with it, as few as can be
}

// caught reports whether every case failed that must.
func (tw twin) caught(outcomes map[string]outcome) bool {
	for _, name := range append([]string{tw.fails}, tw.also...) {
		if outcomes[name].status != failed {
			return false
		}
	}
	return true
}

// requireAllCaught runs the suites on their twins, several at once, as they
// spend most of their time waiting.
func requireAllCaught[S any](t *testing.T, twins []twin, suites []*suite[S]) {
	t.Helper()
	if testing.Short() && raceEnabled {
		t.Skip("the short form looks for broken implementations without -race")
	}
	outcomes := make([]map[string]outcome, len(suites))
	var wg sync.WaitGroup
	free := make(chan struct{}, 6)
	for i, s := range suites {
		wg.Add(1)
		free <- struct{}{}
		go func() {
			defer wg.Done()
			defer func() { <-free }()
			// What only goes wrong when two goroutines meet may not do so the
			// first time, on a busy machine.
			for try := 0; try < 5 && (try == 0 || !twins[i].caught(outcomes[i])); try++ {
				outcomes[i] = s.box(t)
			}
		}()
	}
	wg.Wait()
	for i, tw := range twins {
		t.Run(tw.fault, func(t *testing.T) { requireCaught(t, tw, outcomes[i]) })
	}
	t.Logf("%d broken implementations", len(twins))
}

// requireCaught judges how a suite ended that was run on a twin.
func requireCaught(t *testing.T, tw twin, outcomes map[string]outcome) {
	t.Helper()
	want := append([]string{tw.fails}, tw.also...)
	for _, name := range want {
		if _, known := outcomes[name]; !known {
			t.Errorf("the suite has no case %s", name)
		}
	}
	for name, o := range outcomes {
		expected := slices.Contains(want, name)
		switch {
		case expected && o.status != failed:
			t.Errorf("%s lets it pass: %s", name, tw.fault)
		case !expected && o.status == failed:
			t.Errorf("%s fails too; the fault is: %s\n%s", name, tw.fault, o.text)
		case expected:
			requireExplained(t, name, o)
		}
	}
}

// requireExplained makes sure that a failure says all that it should.
func requireExplained(t *testing.T, name string, o outcome) {
	t.Helper()
	if strings.HasPrefix(name, "Lack") {
		return // they say in one sentence what to change in the harness
	}
	for _, part := range []string{"rule: ", "seen: ", "want: ", "harm: "} {
		if !strings.Contains(o.text, part) {
			t.Errorf("the failure of %s does not say %q:\n%s", name, part, o.text)
		}
	}
}

// requireTwins makes sure that there is a twin for every rule: a case that no
// implementation has ever failed may be unable to fail.
func requireTwins[S any](t *testing.T, rules []rule[S], twins []twin) {
	t.Helper()
	for _, r := range rules {
		if !slices.ContainsFunc(twins, func(tw twin) bool { return tw.fails == r.name }) {
			t.Errorf("no broken implementation fails %s", r.name)
		}
	}
}

// requireWellFormed makes sure that the rules can be read and run.
func requireWellFormed[S any](t *testing.T, rules []rule[S], allowed []Lack) {
	t.Helper()
	seen := make(map[string]bool)
	for _, r := range rules {
		switch {
		case r.name == "" || strings.ContainsAny(r.name, " /") || strings.HasPrefix(r.name, "Lack"):
			t.Errorf("%q is no name for a case", r.name)
		case seen[r.name]:
			t.Errorf("two cases are named %s", r.name)
		case r.says == "" || r.harm == "" || r.try == nil:
			t.Errorf("%s lacks its sentence, its harm or its code", r.name)
		case r.lack != "" && !slices.Contains(allowed, r.lack):
			t.Errorf("%s can be left out by %s, which no harness may declare", r.name, r.lack)
		}
		seen[r.name] = true
	}
	for _, lack := range allowed {
		if !slices.ContainsFunc(rules, func(r rule[S]) bool { return r.lack == lack }) {
			t.Errorf("%s leaves out nothing", lack)
		}
	}
}
