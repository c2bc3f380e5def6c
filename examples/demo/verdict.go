package main

import (
	"errors"
	"fmt"

	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// verdict returns an error for each cache that promises to serve nothing stale
// and did, or that kept its promise by never serving anything.
func verdict(results []result) error {
	var errs []error
	for _, r := range results {
		switch {
		case !r.promises:
		case r.stale > 0:
			errs = append(errs, fmt.Errorf("%s served %s, and it promises none: the worst came %s ms after the invalidation had returned",
				r.name, text.Counted(r.stale, "stale read"), milliseconds(r)))
		case r.hits == 0:
			// Rightly so where each load is overtaken by a write.
			errs = append(errs, fmt.Errorf("%s served no hits in %s, which proves nothing; it needs products that are not written again while they load (-load-delay, -write-rate, -keys)",
				r.name, text.Counted(r.reads, "read")))
		}
	}
	return errors.Join(errs...)
}

// summary says in one sentence what was measured.
func summary(results []result) string {
	var others, kept result
	least, most := results[0].writes, results[0].writes
	for _, r := range results {
		least, most = min(least, r.writes), max(most, r.writes)
		into := &others
		if r.promises {
			into = &kept
		}
		into.name = r.name
		into.reads += r.reads
		into.hits += r.hits
		into.stale += r.stale
		into.worst = max(into.worst, r.worst)
	}
	writes := text.Counted(most, "write")
	if least != most {
		writes = text.Grouped(least) + " to " + writes
	}
	worst := ""
	if others.stale > 0 {
		worst = fmt.Sprintf(", the worst %s ms after the invalidation had returned", milliseconds(others))
	}
	return fmt.Sprintf("Under %s each, the caches without generations served %s out of %s%s; %s served none out of %s, with a hit ratio of %.1f %%.",
		writes, text.Counted(others.stale, "stale read"), text.Grouped(others.reads), worst, kept.name, text.Grouped(kept.reads), kept.hitRatio())
}
