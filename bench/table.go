package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// printRow prints the results of a row as a table.
func printRow(out io.Writer, r row, results []result) {
	fmt.Fprintf(out, "\n%s (%s)\n", r.title, r.name)
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "keys\tgoroutines\tcontender\tns\tratio\tquartiles\tB\tallocs\ttrips\t")
	for _, res := range results {
		allocs := "\t"
		if res.Goroutines == 1 {
			allocs = fmt.Sprintf("%.0f\t%.0f", res.Bytes, res.Allocs)
		}
		fmt.Fprintf(tw, "%s\t%d\t%s\t%.4g\t%.2f\t%.2f–%.2f\t%s\t%.2f\t\n",
			res.Pattern, res.Goroutines, res.Contender, res.NS.Median, res.Ratio.Median, res.Ratio.Q1, res.Ratio.Q3, allocs, res.Trips)
	}
	_ = tw.Flush() // the terminal is gone
}

func printMixed(out io.Writer, mixed []mixedResult) {
	fmt.Fprintf(out, "\nReads and writes together (mixed)\n")
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "contender\treads/s\tratio\tquartiles\thits\tstale\treads\tloads\tinvalidations\terrors\t")
	for _, m := range mixed {
		fmt.Fprintf(tw, "%s\t%.0f\t%.2f\t%.2f–%.2f\t%.0f %%\t%d\t%d\t%d\t%d\t%d\t\n", m.Contender, m.Reads.Median,
			m.Ratio.Median, m.Ratio.Q1, m.Ratio.Q3, 100*m.Hits, m.Stale, m.Total, m.Loads, m.Written, m.Errors)
	}
	_ = tw.Flush() // the terminal is gone
}
