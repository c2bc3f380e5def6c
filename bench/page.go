package main

import (
	"bytes"
	"fmt"
	"strings"
)

// writePage writes docs/benchmarks.md and its charts from the figures that are
// there.
func writePage(dir string, rows []row) error {
	var r report
	if err := readJSON(dir, resultsFile, &r); err != nil {
		return err
	}
	var s scaleReport
	if err := readJSON(dir, scaleFile, &s); err != nil {
		return err
	}
	all, err := readBudgets(committedBudgets)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	writeHead(&page, &r)
	writeBudgets(&page, &all, r.Results, r.Mixed)
	for i := range rows {
		charts, err := rows[i].write(&page, r.Results)
		if err != nil {
			return err
		}
		for name, chart := range charts {
			if err := writeFile(dir, "benchmarks/"+name, chart); err != nil {
				return err
			}
		}
	}
	writeMixed(&page, r.Mixed)
	for name, chart := range s.write(&page) {
		if err := writeFile(dir, "benchmarks/"+name, chart); err != nil {
			return err
		}
	}
	return writeFile(dir, pageFile, page.Bytes())
}

func writeHead(page *bytes.Buffer, r *report) {
	m := r.Machine
	fmt.Fprintf(page, `# Benchmarks

What CasCache costs beside the storage under it, and beside the caches that one would pick instead. This page, its charts
and the figures behind them are written by

    make bench          # everything but how cost grows
    make bench-scale    # how cost grows

Measured on %s/%s, %s, %d cores, Go %s, Redis %s on the loopback (load average %s when the run began, %s
when it ended: above the number of cores, the machine had other work too). **Ratios carry over to another machine, nanoseconds do not.**

How it is measured: all contenders of a row live in one process. A round gives each of them several short slices, in random
order among those of the others, and the fastest of a contender's slices counts, divided by that of the row's first
contender in the same round. The tables show medians over %d rounds; the quartiles of the ratio are the spread. ns are of one
operation, of all goroutines together. Bytes and allocations are those of one operation on one goroutine; round trips are
turns from writing to reading on any connection.

The payload is a struct of six fields, 240 bytes as JSON; there are 1,000 keys of 16 bytes unless the row says otherwise.
*zipf* hits few keys often, *uniform* all alike. *Proof* says whether a hit is checked against the key's
generation before it is served ("yes": never stale, see the [README](../README.md)), kept fresh by messages from the
server ("by push"), or neither ("–").

Compared: %s. Each is configured as its documentation recommends.

`, m.OS, m.Arch, m.CPU, m.Cores, m.Go, m.Redis, m.Load[0], m.Load[1], r.Rounds, strings.Join(r.Libraries, ", "))
}

func writeBudgets(page *bytes.Buffer, all *budgets, results []result, mixed []mixedResult) {
	page.WriteString("## Budgets\n\n`make bench-check` measures these again and fails when one is broken. Where the budget is above what was aimed at, " +
		"[performance.md](performance.md) says what stands in the way.\n\n" +
		"| path | keys | goroutines | aimed at | budget | measured | quartiles | allocations |\n|---|---|---|---|---|---|---|---|\n")
	for _, b := range all.Budgets {
		res, ok := b.find(results)
		if !ok {
			continue
		}
		aim := b.Target
		if aim == 0 {
			aim = b.Ratio
		}
		allocs := "–"
		if b.Allocs != nil {
			allocs = fmt.Sprintf("%g", *b.Allocs)
		}
		fmt.Fprintf(page, "| %s | %s | %d | %s | %s | %s | %.2f–%.2f | %s |\n", b.Path, b.Pattern, res.Goroutines,
			times(aim), times(b.Ratio), times(res.Ratio.Median), res.Ratio.Q1, res.Ratio.Q3, allocs)
	}
	page.WriteString("\nAnd of reads and writes together, how many reads beside those of cache-aside, at the least, with none stale:\n\n" +
		"| contender | aimed at | budget | measured | quartiles | stale |\n|---|---|---|---|---|---|\n")
	for _, b := range all.Mixed {
		for _, m := range mixed {
			if m.Contender == b.Contender {
				fmt.Fprintf(page, "| %s | %s | %s | %s | %.2f–%.2f | %d |\n", b.Contender, times(max(b.Target, b.Least)),
					times(b.Least), times(m.Ratio.Median), m.Ratio.Q1, m.Ratio.Q3, m.Stale)
			}
		}
	}
	page.WriteString("\n")
}

// write writes the section of a row, and returns its charts by name.
func (r *row) write(page *bytes.Buffer, results []result) (map[string][]byte, error) {
	var mine []result
	for _, res := range results {
		if res.Row == r.name {
			mine = append(mine, res)
		}
	}
	if len(mine) == 0 {
		return nil, nil
	}
	fmt.Fprintf(page, "## %s\n\n", r.title)
	charts := make(map[string][]byte)
	for _, goroutines := range distinctGoroutines(mine) {
		var bars []bar
		for _, res := range mine {
			if res.Pattern == r.patterns[0] && res.Goroutines == goroutines {
				bars = append(bars, bar{label: res.Contender, value: res.Ratio, ours: res.Proof == checked})
			}
		}
		name := fmt.Sprintf("%s-%d.svg", r.name, goroutines)
		title := fmt.Sprintf("%s: time relative to %s, %s", r.title, mine[0].Contender, onGoroutines(goroutines))
		charts[name] = barChart(title, bars)
		fmt.Fprintf(page, "![%s, %s](benchmarks/%s)\n\n", r.title, onGoroutines(goroutines), name)
	}
	page.WriteString("| keys | goroutines | contender | proof | ns | ratio | quartiles | B | allocs |")
	rule := "\n|---|---|---|---|---|---|---|---|---|"
	if r.redis {
		page.WriteString(" round trips |")
		rule += "---|"
	}
	page.WriteString(rule + "\n")
	for _, res := range mine {
		memory := "| |"
		if res.Goroutines == 1 {
			memory = fmt.Sprintf("%.0f | %.0f |", res.Bytes, res.Allocs)
		}
		fmt.Fprintf(page, "| %s | %d | %s | %s | %s | %s | %.2f–%.2f | %s", res.Pattern, res.Goroutines, res.Contender, res.Proof,
			digits(res.NS.Median), times(res.Ratio.Median), res.Ratio.Q1, res.Ratio.Q3, memory)
		if r.redis {
			fmt.Fprintf(page, " %.2f |", res.Trips)
		}
		page.WriteString("\n")
	}
	page.WriteString("\n")
	return charts, nil
}

func distinctGoroutines(results []result) []int {
	var all []int
	for _, res := range results {
		if len(all) == 0 || all[len(all)-1] < res.Goroutines {
			all = append(all, res.Goroutines)
		}
	}
	return all
}

func onGoroutines(n int) string {
	if n == 1 {
		return "one goroutine"
	}
	return fmt.Sprintf("%d goroutines", n)
}

func writeMixed(page *bytes.Buffer, mixed []mixedResult) {
	if len(mixed) == 0 {
		return
	}
	fmt.Fprintf(page, `## Reads and writes together

%d readers and %d writers on %d hot keys, one Redis, %d invalidations a second, and a source whose reads take %v. Each
contender reads the way its users would: cache-aside looks, else loads and stores; CasCache does so through its loader. *Stale* counts the reads that
began after an invalidation had returned, and all the same saw what was there before it.

| contender | reads a second | beside cache-aside | quartiles | hits | stale of all reads | invalidations | failed reads |
|---|---|---|---|---|---|---|---|
`, mixedReaders, mixedWriters, mixedKeys, mixedRate, mixedQuery)
	for _, m := range mixed {
		fmt.Fprintf(page, "| %s | %.0f | %s | %.2f–%.2f | %.0f %% | %d of %d | %d | %d |\n", m.Contender, m.Reads.Median,
			times(m.Ratio.Median), m.Ratio.Q1, m.Ratio.Q3, 100*m.Hits, m.Stale, m.Total, m.Written, m.Errors)
	}
	page.WriteString("\n")
}

// digits writes nanoseconds with three digits that count.
func digits(ns float64) string {
	switch {
	case ns < 100:
		return fmt.Sprintf("%.1f", ns)
	case ns < 10_000:
		return fmt.Sprintf("%.0f", ns)
	default:
		return fmt.Sprintf("%.3g k", ns/1000)
	}
}
