package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/ranged"
	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// config is what the flags say.
type config struct {
	duration  time.Duration
	keys      int
	readers   int
	writeRate int
	loadDelay time.Duration
	seed      uint64
}

// The bounds of the flags.
const (
	minDuration, maxDuration   = 200 * time.Millisecond, 10 * time.Minute
	minKeys, maxKeys           = 1, 200_000
	minReaders, maxReaders     = 1, 512
	minWriteRate, maxWriteRate = 1, 10_000
	minLoadDelay, maxLoadDelay = time.Duration(0), time.Second
)

// minProducts is how many rows the table has at the least, however few of them
// the workload uses.
const minProducts = 10_000

func defaults() config {
	return config{
		duration:  3 * time.Second,
		keys:      10_000,
		readers:   32,
		writeRate: 500,
		loadDelay: 5 * time.Millisecond,
		seed:      1,
	}
}

// products is the number of rows of the table.
func (c config) products() int { return max(c.keys, minProducts) }

// parseFlags returns what args say. The error names the flag, the value and
// what is allowed; it is [flag.ErrHelp] if help was asked for.
func parseFlags(args []string) (config, error) {
	cfg := defaults()
	fs := flagSet(&cfg)
	if err := fs.Parse(args); err != nil {
		return config{}, err
	}
	if fs.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q: there are only flags", fs.Arg(0))
	}
	// A load that outlasts a good part of the run leaves nothing to measure.
	if most := cfg.duration / 4; cfg.loadDelay > most {
		return config{}, fmt.Errorf("invalid value %q for flag -load-delay: must be from %v to %v, a quarter of -duration",
			cfg.loadDelay, minLoadDelay, most)
	}
	return cfg, nil
}

func flagSet(cfg *config) *flag.FlagSet {
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.Var(ranged.Duration(&cfg.duration, minDuration, maxDuration), "duration",
		"the `time` that each of the four caches runs")
	fs.Var(ranged.Int(&cfg.keys, minKeys, maxKeys), "keys",
		"how many `products` are read and written, the most popular far more often than the others (Zipf); "+
			"the table always holds at least "+text.Grouped(minProducts))
	fs.Var(ranged.Int(&cfg.readers, minReaders, maxReaders), "readers",
		"the `number` of readers; each reads its next product as soon as it has the last")
	fs.Var(ranged.Int(&cfg.writeRate, minWriteRate, maxWriteRate), "write-rate",
		"how many `writes` are begun each second, all writers together; less if the database is slower than that")
	fs.Var(ranged.Duration(&cfg.loadDelay, minLoadDelay, maxLoadDelay), "load-delay",
		"the `time` from a query to the arrival of what it loaded. An embedded database answers in microseconds; "+
			"over a network, with joins and rendering, milliseconds pass between the moment a row is read and the moment "+
			"the cache is filled, and whatever is written meanwhile makes that fill stale")
	fs.Var(ranged.Uint64(&cfg.seed, 0, 1<<64-1), "seed", "a `number` that decides the products and the order in which they are read and written")
	return fs
}

// usage explains the program.
func usage(w io.Writer) {
	fmt.Fprintf(w, `Usage: go run ./examples/demo [flags]

Runs the same readers and writers over four caches in turn (TTL only,
delete-then-set, write-through, CasCache), each before a SQLite database in a
temporary file, and counts stale reads: hits older than a version whose
invalidation had returned before the read began. Entries live for %v in all
four. It fails if CasCache served one stale read or no hits.

Flags:
`, entryTTL)
	cfg := defaults()
	flagSet(&cfg).VisitAll(func(f *flag.Flag) {
		name, meaning := flag.UnquoteUsage(f)
		allowed := f.Value.(interface{ Allowed() string }).Allowed()
		fmt.Fprintf(w, "  -%s %s\n%s\n", f.Name, name,
			text.Wrapped(fmt.Sprintf("%s (%s; default %s)", meaning, allowed, f.DefValue), "        ", textWidth))
	})
}
