package main

import (
	"slices"
	"strings"
	"testing"
)

func float(v float64) *float64 { return &v }

func TestBudgetsAreOfRowsThatExist(t *testing.T) {
	all, err := readBudgets(committedBudgets)
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Concat(localRows(), redisRows(), derivedRows())
	for _, b := range all.Budgets {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == b.Row })
		if i < 0 {
			t.Errorf("a budget must be of a row that is measured: %q is none", b.Row)
			continue
		}
		r := rows[i]
		if !slices.ContainsFunc(r.contenders, func(c contender) bool { return c.name == b.Contender }) || !slices.Contains(r.patterns, b.Pattern) {
			t.Errorf("a budget must be of what its row measures: %s has no contender %q with %s keys", b.Row, b.Contender, b.Pattern)
		}
		if b.Ratio <= 0 || b.Target > b.Ratio {
			t.Errorf("a budget must be positive and no less than what is aimed at: %s has %g and %g", b.Path, b.Ratio, b.Target)
		}
	}
}

func TestBudgetBreaks(t *testing.T) {
	measured := result{Row: "r", Pattern: zipf, Goroutines: 1, Contender: "c", Ratio: spread{Median: 1.5}, Allocs: 2.02, Trips: 1.01}
	keep := budget{Path: "p", Row: "r", Pattern: zipf, Contender: "c", Ratio: 1.4, Allocs: float(2), RoundTrips: float(1)}
	for name, c := range map[string]struct {
		change func(*budget)
		want   string // "": kept
	}{
		"kept within the room":  {func(*budget) {}, ""},
		"too slow":              {func(b *budget) { b.Ratio = 1.3 }, "1.50 times"},
		"one allocation more":   {func(b *budget) { b.Allocs = float(1) }, "exactly 1"},
		"one allocation fewer":  {func(b *budget) { b.Allocs = float(3) }, "exactly 3"},
		"one round trip more":   {func(b *budget) { b.RoundTrips = float(0) }, "exactly 0"},
		"another contender":     {func(b *budget) { b.Contender = "d" }, "nothing was measured"},
		"other keys":            {func(b *budget) { b.Pattern = uniform }, "nothing was measured"},
		"several goroutines":    {func(b *budget) { b.Parallel = true }, "nothing was measured"},
		"without allocations":   {func(b *budget) { b.Allocs = nil }, ""},
		"without a round trips": {func(b *budget) { b.RoundTrips = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := keep
			c.change(&b)
			broken := strings.Join(b.breaches([]result{measured}, 0.1), "; ")
			if (broken == "") != (c.want == "") || !strings.Contains(broken, c.want) {
				t.Errorf("a budget must be broken by what exceeds it, and by nothing else: got %q, want %q", broken, c.want)
			}
		})
	}
}

func TestMixedBudgetsAreOfContenders(t *testing.T) {
	all, err := readBudgets(committedBudgets)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Mixed) == 0 {
		t.Error("reads and writes together have a budget")
	}
	for _, b := range all.Mixed {
		if !slices.ContainsFunc(mixedContenders(), func(c mixedContender) bool { return c.name == b.Contender }) {
			t.Errorf("a budget must be of a contender under the mixed load: %q is none", b.Contender)
		}
		if b.Least <= 0 || b.Target != 0 && b.Target < b.Least {
			t.Errorf("a budget must be positive and no more than what is aimed at: %s has %g and %g", b.Contender, b.Least, b.Target)
		}
	}
}

func TestMixedBudgetBreaks(t *testing.T) {
	measured := mixedResult{Contender: "c", Ratio: spread{Median: 0.8}, Total: 100}
	keep := mixedBudget{Contender: "c", Least: 0.85}
	for name, c := range map[string]struct {
		change func(*mixedBudget, *mixedResult)
		want   string // "": kept
	}{
		"kept within the room": {func(*mixedBudget, *mixedResult) {}, ""},
		"too few":              {func(b *mixedBudget, _ *mixedResult) { b.Least = 0.9 }, "0.80 times"},
		"stale":                {func(_ *mixedBudget, m *mixedResult) { m.Stale = 1 }, "1 of 100 reads were stale"},
		"another contender":    {func(b *mixedBudget, _ *mixedResult) { b.Contender = "d" }, "nothing was measured"},
	} {
		t.Run(name, func(t *testing.T) {
			b, m := keep, measured
			c.change(&b, &m)
			broken := strings.Join(b.breaches([]mixedResult{m}, 0.1), "; ")
			if (broken == "") != (c.want == "") || !strings.Contains(broken, c.want) {
				t.Errorf("a budget must be broken by what stays under it, and by nothing else: got %q, want %q", broken, c.want)
			}
		})
	}
}

// A ratio counts as broken only when it stays so, and what was kept once is kept.
func TestCheckMeasuresAgain(t *testing.T) {
	all := budgets{Budgets: []budget{
		{Path: "steady", Row: "r", Pattern: zipf, Contender: "steady", Ratio: 1},
		{Path: "noisy", Row: "r", Pattern: zipf, Contender: "noisy", Ratio: 1},
		{Path: "broken", Row: "r", Pattern: zipf, Contender: "broken", Ratio: 1},
		{Path: "unknown", Row: "gone", Pattern: zipf, Contender: "c", Ratio: 1},
	}}
	tries := 0
	broken, err := all.check([]row{{name: "r"}}, 0.1, func(row) ([]result, error) {
		tries++
		noisy := 9.0
		if tries == 2 {
			noisy = 1
		}
		of := func(name string, ratio float64) result {
			return result{Row: "r", Pattern: zipf, Goroutines: 1, Contender: name, Ratio: spread{Median: ratio}}
		}
		return []result{of("steady", 1), of("noisy", noisy), of("broken", 9)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(broken, "; "); len(broken) != 2 || !strings.Contains(got, "broken: 9.00 times") || !strings.Contains(got, `no row "gone"`) {
		t.Errorf("what stays broken must be reported, and what was noise must not: got %q", got)
	}
	if tries != checkTries {
		t.Errorf("a broken row must be measured %d times: got %d", checkTries, tries)
	}
}
