package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// printTable prints one row per cache, in aligned columns.
func printTable(out io.Writer, results []result) {
	rows := [][]string{{"cache", "reads", "hit ratio", "stale reads", "worst staleness (ms)", "reads per second"}}
	for _, r := range results {
		rows = append(rows, []string{
			r.name,
			text.Grouped(r.reads),
			fmt.Sprintf("%.1f %%", r.hitRatio()),
			text.Grouped(r.stale),
			milliseconds(r),
			text.Grouped(r.readsPerSecond()),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range rows {
		printRow(out, row, widths)
		if i == 0 {
			rule := make([]string, len(widths))
			for c, width := range widths {
				rule[c] = strings.Repeat("-", width)
			}
			printRow(out, rule, widths)
		}
	}
}

// printRow prints the first cell to the left of its column, the others to the
// right.
func printRow(out io.Writer, row []string, widths []int) {
	line := fmt.Sprintf("%-*s", widths[0], row[0])
	for i := 1; i < len(row); i++ {
		line += fmt.Sprintf("  %*s", widths[i], row[i])
	}
	fmt.Fprintln(out, line)
}

// milliseconds returns how late the latest stale read was, with one decimal.
func milliseconds(r result) string {
	whole, decimal, _ := strings.Cut(strconv.FormatFloat(r.worstMilliseconds(), 'f', 1, 64), ".")
	n, _ := strconv.ParseInt(whole, 10, 64)
	return text.Grouped(n) + "." + decimal
}
