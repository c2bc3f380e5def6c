package campaign

import (
	"reflect"
	"testing"
)

func TestARunFollowsFromItsSeed(t *testing.T) {
	for seed := range uint64(100) {
		if a, b := draw(seed).String(), draw(seed).String(); a != b {
			t.Fatalf("a failure is replayed by its seed: %d gave %q and then %q", seed, a, b)
		}
	}
}

func TestEveryNemesisAndAssemblyIsDrawn(t *testing.T) {
	met, alone := map[string]int{}, map[string]int{}
	values := map[assembly]int{}
	for seed := range uint64(1000) {
		r := draw(seed)
		values[r.config.assembly]++
		for _, s := range r.strikes {
			for _, n := range s {
				met[n.name]++
				if len(s) == 1 {
					alone[n.name]++
				}
				if n.topology != anywhere && n.topology != r.config.topology {
					t.Errorf("%q strikes where it can: got %v", n.name, r)
				}
				if n.appendOnly && !r.config.appendOnly || n.snapshot && r.config.appendOnly || n.losesHolds && r.config.holdsKept {
					t.Errorf("%q finds what it needs: got %v", n.name, r)
				}
			}
			if len(s) == 2 && (s[0].name == s[1].name || s[0].down) {
				t.Errorf("two at once are different, and what takes the server down goes last: got %v", s)
			}
		}
	}
	for _, n := range nemeses {
		if n.name == appClockStepped && !stepsClock {
			continue
		}
		if alone[n.name] == 0 || met[n.name] == alone[n.name] {
			t.Errorf("every nemesis is drawn, alone and with another: %q %d times, %d of them alone", n.name, met[n.name], alone[n.name])
		}
	}
	for _, a := range assemblies {
		if values[a] == 0 {
			t.Errorf("every assembly is drawn: %q was not", a)
		}
	}
}

func TestEveryNemesisSaysWhatItNeeds(t *testing.T) {
	for _, n := range nemeses {
		if n.name == "" || n.strike == nil || n.limit == 0 || n.bites == notNaive || reflect.ValueOf(n.bitesIn).IsZero() {
			t.Errorf("a nemesis has a name, a limit, and a design that it fools: %+v", n)
		}
	}
}
