package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// A budget is what a path may cost, at the most.
type budget struct {
	Path       string   `json:"path"`
	Row        string   `json:"row"`
	Pattern    pattern  `json:"pattern"`
	Parallel   bool     `json:"parallel"` // on all processors; with Redis, 64 goroutines
	Contender  string   `json:"contender"`
	Ratio      float64  `json:"ratio"`            // to the row's raw contender
	Target     float64  `json:"target,omitempty"` // what was aimed at, where that is less
	Allocs     *float64 `json:"allocs,omitempty"` // exactly, of one operation
	RoundTrips *float64 `json:"trips,omitempty"`  // exactly, of one operation
}

// budgets are committed; see docs/performance.md for how they came about.
type budgets struct {
	// Room is the share that a ratio may be over its budget: the noise of a
	// machine that does other things. ShortRoom is for -short.
	Room      float64       `json:"room"`
	ShortRoom float64       `json:"shortRoom"`
	Budgets   []budget      `json:"budgets"`
	Mixed     []mixedBudget `json:"mixed"`
}

// A mixedBudget is how many reads a contender serves under the mixed load, at
// the least, beside plain cache-aside. None of them may be stale.
type mixedBudget struct {
	Contender string  `json:"contender"`
	Least     float64 `json:"least"`
	Target    float64 `json:"target,omitempty"` // what was aimed at, where that is more
}

// breaches returns what of the budget the results break, in words; room is the
// share that the reads may be under it.
func (b *mixedBudget) breaches(results []mixedResult, room float64) []string {
	i := slices.IndexFunc(results, func(m mixedResult) bool { return m.Contender == b.Contender })
	if i < 0 {
		return []string{fmt.Sprintf("mixed: nothing was measured of contender %q", b.Contender)}
	}
	m := results[i]
	var broken []string
	if least := b.Least / (1 + room); !(m.Ratio.Median >= least) {
		broken = append(broken, fmt.Sprintf("mixed, %s: %.2f times the reads of cache-aside (quartiles %.2f and %.2f), the budget is %.2f and the room for noise %.0f %%",
			b.Contender, m.Ratio.Median, m.Ratio.Q1, m.Ratio.Q3, b.Least, 100*room))
	}
	if m.Stale > 0 {
		broken = append(broken, fmt.Sprintf("mixed, %s: %d of %d reads were stale, none may be", b.Contender, m.Stale, m.Total))
	}
	return broken
}

//go:embed budgets.json
var committedBudgets []byte

func readBudgets(b []byte) (budgets, error) {
	var all budgets
	if err := json.Unmarshal(b, &all); err != nil {
		return all, fmt.Errorf("bench: budgets.json: %w", err)
	}
	return all, nil
}

// find returns the result that a budget is about.
func (b *budget) find(results []result) (result, bool) {
	for _, res := range results {
		if res.Row == b.Row && res.Pattern == b.Pattern && (res.Goroutines > 1) == b.Parallel && res.Contender == b.Contender {
			return res, true
		}
	}
	return result{}, false
}

// breaches returns what of the budget results break, in words; room is the share
// that a ratio may be over it.
func (b *budget) breaches(results []result, room float64) []string {
	res, ok := b.find(results)
	if !ok {
		return []string{fmt.Sprintf("%s: nothing was measured of row %q, contender %q", b.Path, b.Row, b.Contender)}
	}
	var broken []string
	if most := b.Ratio * (1 + room); !(res.Ratio.Median <= most) {
		broken = append(broken, fmt.Sprintf("%s: %.2f times the raw storage (quartiles %.2f and %.2f), the budget is %.2f and the room for noise %.0f %%",
			b.Path, res.Ratio.Median, res.Ratio.Q1, res.Ratio.Q3, b.Ratio, 100*room))
	}
	// What goroutines in the background allocate now and then is a small part of
	// one operation.
	if b.Allocs != nil && math.Floor(res.Allocs) != *b.Allocs {
		broken = append(broken, fmt.Sprintf("%s: %.2f allocations, the budget is exactly %g", b.Path, res.Allocs, *b.Allocs))
	}
	if b.RoundTrips != nil && math.Round(res.Trips) != *b.RoundTrips {
		broken = append(broken, fmt.Sprintf("%s: %.2f round trips, the budget is exactly %g", b.Path, res.Trips, *b.RoundTrips))
	}
	return broken
}

// checkTries is how often a row is measured before a ratio counts as broken.
const checkTries = 3

// check measures every row that has a budget, and returns what is broken.
func (all *budgets) check(rows []row, room float64, measure func(row) ([]result, error)) ([]string, error) {
	var broken []string
	known := make(map[string]bool)
	for _, r := range rows {
		known[r.name] = true
		var mine []budget
		for _, b := range all.Budgets {
			if b.Row == r.name {
				mine = append(mine, b)
			}
		}
		for try := 1; len(mine) > 0; try++ {
			results, err := measure(r)
			if err != nil {
				return nil, err
			}
			var still []budget
			var why []string
			for _, b := range mine {
				if breaches := b.breaches(results, room); len(breaches) > 0 {
					still = append(still, b)
					why = append(why, breaches...)
				}
			}
			if mine = still; len(mine) > 0 && try == checkTries {
				broken = append(broken, why...)
				break
			}
		}
	}
	for _, b := range all.Budgets {
		if !known[b.Row] {
			broken = append(broken, fmt.Sprintf("%s: there is no row %q", b.Path, b.Row))
		}
	}
	return broken, nil
}
