package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// fates makes n Sets and tells which of them failed.
func fates(t *testing.T, p *faults.Provider, n int) []bool {
	t.Helper()
	failed := make([]bool, n)
	for i := range failed {
		_, err := p.Set(t.Context(), "k", value, 1, time.Hour)
		failed[i] = err != nil
	}
	return failed
}

func TestSameSeedSameFaults(t *testing.T) {
	run := func(seed uint64) []bool {
		script := faults.NewScript(seed, faults.Rule{Kind: faults.Fail, Chance: 0.3})
		return fates(t, faults.NewProvider(newMemory(), script), 200)
	}
	first := run(7)
	if !slices.Equal(first, run(7)) {
		t.Error("two runs with one seed differ")
	}
	if slices.Equal(first, run(8)) {
		t.Error("two runs with different seeds are the same")
	}
	failed := 0
	for _, f := range first {
		if f {
			failed++
		}
	}
	if failed < 40 || failed > 80 {
		t.Errorf("of 200 calls %d failed, want about 0.3 of them", failed)
	}
}

// What other rules and other calls do has no say in the fate of a call.
func TestRulesDrawOnTheirOwn(t *testing.T) {
	rule := faults.Rule{Call: faults.Set, Kind: faults.Fail, Chance: 0.5}
	alone := fates(t, faults.NewProvider(newMemory(), faults.NewScript(1, rule)), 100)

	script := faults.NewScript(1, rule, faults.Rule{Call: faults.Get, Kind: faults.Miss, Chance: 0.5})
	p := faults.NewProvider(newMemory(), script)
	var together []bool
	for range 100 {
		together = append(together, fates(t, p, 1)...)
		_, _, _ = p.Get(t.Context(), "k")
	}
	if !slices.Equal(alone, together) {
		t.Error("Gets, and a rule on them, have changed which Sets fail")
	}
}

func TestAfterAndTimes(t *testing.T) {
	p, _ := over(faults.Rule{Call: faults.Set, Kind: faults.Fail, After: 2, Times: 3})
	want := []bool{false, false, true, true, true, false, false}
	if got := fates(t, p, len(want)); !slices.Equal(got, want) {
		t.Errorf("failures %v, want %v", got, want)
	}
}

func TestRuleIsForItsKeysAndCalls(t *testing.T) {
	p, _ := over(faults.Rule{Call: faults.Del, Kind: faults.Fail, Key: func(key string) bool { return key == "bad" }})
	for _, key := range []string{"good", "bad"} {
		put(t, p, key)
		if err := p.Del(t.Context(), key); (err != nil) != (key == "bad") {
			t.Errorf("Del(%q) returned %v", key, err)
		}
	}
}

// A rule does not use up its turn on a call that it cannot befall.
func TestKindThatDoesNotApplyIsPassedOver(t *testing.T) {
	p, m := over(faults.Rule{Kind: faults.Drop, Times: 1})
	if _, _, err := p.Get(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	put(t, p, "k")
	if m.has("k") {
		t.Error("the Get used up the one Drop, which is for Sets")
	}
}

func TestSetReplacesTheRules(t *testing.T) {
	script := faults.NewScript(1, faults.Rule{Kind: faults.Fail})
	p := faults.NewProvider(newMemory(), script)
	before := fates(t, p, 2)
	script.Set()
	after := fates(t, p, 2)
	script.Set(faults.Rule{Kind: faults.Fail, Times: 1})
	again := fates(t, p, 2)
	want := []bool{true, true, false, false, true, false}
	if got := slices.Concat(before, after, again); !slices.Equal(got, want) {
		t.Errorf("failures %v, want %v", got, want)
	}
	if n := script.Count(faults.Fail); n != 3 {
		t.Errorf("%d failures were counted, want 3", n)
	}
}

func TestRuleThatCannotBeObeyedPanics(t *testing.T) {
	for _, rule := range []faults.Rule{{}, {Kind: faults.Fail, Chance: 2}, {Kind: faults.Fail, Chance: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewScript took %+v", rule)
				}
			}()
			faults.NewScript(1, rule)
		}()
	}
}

func ExampleScript() {
	script := faults.NewScript(1,
		faults.Rule{Call: faults.Del, Kind: faults.LoseReply, After: 1, Times: 1},
	)
	provider := faults.NewProvider(newMemory(), script)
	for range 3 {
		fmt.Println(provider.Del(ctx, "user:1"))
	}
	// Output:
	// <nil>
	// faults: injected error: LoseReply of Del "user:1"
	// <nil>
}

func TestConstructorsRefuseANil(t *testing.T) {
	script := faults.NewScript(1)
	for name, construct := range map[string]func(){
		"NewProvider":             func() { faults.NewProvider(nil, script) },
		"NewProvider of a nil":    func() { faults.NewProvider((*faults.Provider)(nil), script) },
		"NewProvider, no script":  func() { faults.NewProvider(faults.NewProvider(newMemory(), script), nil) },
		"NewGenStore":             func() { faults.NewGenStore(nil, script) },
		"NewGenStore of a nil":    func() { faults.NewGenStore((*cascache.LocalGenStore)(nil), script) },
		"NewCodec":                func() { faults.NewCodec[[]byte](nil, script) },
		"NewCodec of a nil":       func() { faults.NewCodec[[]byte]((*cascache.Limit[[]byte])(nil), script) },
		"NewBackend":              func() { faults.NewBackend(nil, script, script) },
		"NewBackend of a nil":     func() { faults.NewBackend((*faults.Backend)(nil), script, script) },
		"NewBackend, half script": func() { faults.NewBackend(&faults.Backend{}, script, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				constructor, _, _ := strings.Cut(name, " ")
				constructor = strings.TrimSuffix(constructor, ",")
				if got, ok := recover().(string); !ok || !strings.Contains(got, "faults: "+constructor) {
					t.Errorf("a constructor refuses a nil and says which one it is: got %q", got)
				}
			}()
			construct()
		})
	}
}
