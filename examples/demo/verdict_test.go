package main

import (
	"strings"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name string
		r    result
		want string // in the error; empty for none
	}{
		{"kept", result{promises: true, reads: 10, hits: 9}, ""},
		{"one hit is enough", result{promises: true, reads: 10, hits: 1}, ""},
		{"one stale read", result{promises: true, reads: 10, hits: 9, stale: 1, worst: time.Millisecond}, "1 stale read,"},
		{"many stale reads", result{promises: true, reads: 9_000, hits: 9_000, stale: 2_000}, "2,000 stale reads"},
		{"no hits", result{promises: true, reads: 10}, "no hits"},
		{"no reads", result{promises: true}, "no hits"},
		{"stale without a promise", result{reads: 10, hits: 9, stale: 9}, ""},
		{"no hits without a promise", result{reads: 10}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.name = "X"
			err := verdict([]result{{name: "other", reads: 5, stale: 5}, c.r})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("the demo fails for a broken promise only: got %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("a broken promise fails the demo: got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	want := "Under 1,500 writes each, the caches without generations served 34,001 stale reads out of 1,235,467, " +
		"the worst 1,003.3 ms after the invalidation had returned; CasCache served none out of 800,000, with a hit ratio of 100.0 %."
	if got := summary(sampleResults); got != want {
		t.Errorf("the summary says what was measured:\ngot  %s\nwant %s", got, want)
	}
	want = "Under 6 to 7 writes each, the caches without generations served 0 stale reads out of 1; " +
		"CasCache served none out of 4, with a hit ratio of 75.0 %."
	if got := summary([]result{{name: "a", reads: 1, writes: 7}, {name: "CasCache", promises: true, reads: 4, hits: 3, writes: 6}}); got != want {
		t.Errorf("the summary claims nothing that was not measured:\ngot  %s\nwant %s", got, want)
	}
}
