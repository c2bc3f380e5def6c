package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/ranged"
	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// config is what the flags say.
type config struct {
	address  string // of the page
	redis    string // address, "new", or empty for none
	replicas int
	once     bool
	out      string
	duration time.Duration
	seed     uint64
	controls controls // at the start
}

// controls is what can be changed while a run goes on.
type controls struct {
	WriteRate int           `json:"write_rate"` // per second
	Readers   int           `json:"readers"`    // per lane and process
	LoadDelay time.Duration `json:"-"`
	Lag       time.Duration `json:"-"`
}

// The bounds of the flags.
const (
	minDuration, maxDuration   = time.Second, 10 * time.Minute
	minReplicas, maxReplicas   = 2, 4
	minWriteRate, maxWriteRate = 0, 2_000
	minReaders, maxReaders     = 1, 64
	minLoadDelay, maxLoadDelay = time.Duration(0), 500 * time.Millisecond
	minLag, maxLag             = time.Duration(0), 2 * time.Second
)

// newRedis as the address asks for a server of the lab's own.
const newRedis = "new"

func defaults() config {
	return config{
		address:  "127.0.0.1:0",
		replicas: 2,
		duration: 15 * time.Second,
		seed:     1,
		controls: controls{WriteRate: 200, Readers: 8, LoadDelay: 10 * time.Millisecond},
	}
}

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
	if cfg.out != "" && !cfg.once {
		return config{}, errors.New("flag -out names the file of a report, which -once writes: give both")
	}
	return cfg, nil
}

func flagSet(cfg *config) *flag.FlagSet {
	fs := flag.NewFlagSet("lab", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.StringVar(&cfg.address, "addr", cfg.address, "the `address` of the page; port 0 is a free one")
	fs.StringVar(&cfg.redis, "redis", cfg.redis, "the `address` of a Redis 7 or later, host:port, for the strategies that need one, "+
		"each in several processes; or \"new\", for a redis-server that lives as long as the lab")
	fs.Var(ranged.Int(&cfg.replicas, minReplicas, maxReplicas), "replicas", "the `number` of processes that share the Redis")
	fs.BoolVar(&cfg.once, "once", cfg.once, "show no page: measure for -duration, print a table, and fail if CasCache served anything stale")
	fs.StringVar(&cfg.out, "out", cfg.out, "with -once, the HTML `file` of a report; its figures (.json) and its picture (.svg) are written beside it")
	fs.Var(ranged.Duration(&cfg.duration, minDuration, maxDuration), "duration", "the `time` that -once measures")
	fs.Var(ranged.Int(&cfg.controls.WriteRate, minWriteRate, maxWriteRate), "write-rate", "how many `writes` are begun each second")
	fs.Var(ranged.Int(&cfg.controls.Readers, minReaders, maxReaders), "readers", "the `number` of readers of each lane, in each process")
	fs.Var(ranged.Duration(&cfg.controls.LoadDelay, minLoadDelay, maxLoadDelay), "load-delay", "the `time` from a query to the arrival of the row at the cache")
	fs.Var(ranged.Duration(&cfg.controls.Lag, minLag, maxLag), "lag", "how far the database replica that is read may be `behind`")
	fs.Var(ranged.Uint64(&cfg.seed, 0, 1<<64-1), "seed", "a `number` that decides the products and the order in which they are read and written")
	return fs
}

// usage explains the program.
func usage(w io.Writer) {
	fmt.Fprint(w, `Usage: go run ./examples/lab [flags]

Runs caching strategies side by side, before one database and under the same
writes, and shows on a web page who serves stale data: reads that began after
an invalidation had returned, and were given what it had replaced.

Flags:
`)
	cfg := defaults()
	flagSet(&cfg).VisitAll(func(f *flag.Flag) {
		name, meaning := flag.UnquoteUsage(f)
		if v, ok := f.Value.(interface{ Allowed() string }); ok {
			meaning += " (" + v.Allowed() + ")"
		}
		if f.DefValue != "" && f.DefValue != "false" {
			meaning += "; default " + f.DefValue
		}
		if name != "" {
			name = " " + name
		}
		fmt.Fprintf(w, "  -%s%s\n%s\n", f.Name, name, text.Wrapped(meaning, "        ", 80))
	})
}
