// Command demo shows what four ways of caching a database table serve after a
// row has changed: a TTL alone, delete-then-set, write-through, and CasCache.
//
//	go run ./examples/demo -h
//
// It needs no server. Each cache in turn stands before a SQLite database of its
// own in a temporary folder, under the same readers and the same writers. The
// database is the truth, and an [oracle] judges every hit. The program fails
// if CasCache served one stale read or no hits.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/unkn0wn-root/cascache/examples/internal/text"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // CasCache broke its promise, or the demo could not be run
	exitUsage       = 2   // bad flags
	exitInterrupted = 130 // as the shell has it for SIGINT
)

// textWidth is how long a line of running text may be.
const textWidth = 80

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once, should the first not do it.
	context.AfterFunc(ctx, restore)
	os.Exit(run(ctx, os.Args[1:], contenders(), os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments.
func run(ctx context.Context, args []string, caches []contender, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(stdout)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "demo: %v\nRun it with -h for what the flags mean.\n", err)
		return exitUsage
	}
	err = compare(ctx, cfg, caches, stdout)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "demo: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "demo: %v\n", err)
	return exitFailed
}

// compare runs the workload over each cache in turn, prints what it measured,
// and returns an error if a cache broke its promise.
func compare(ctx context.Context, cfg config, caches []contender, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "cascache-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	introduce(out, cfg, len(caches))
	progress := newProgress(out)
	var results []result
	for i, c := range caches {
		label := fmt.Sprintf("%d/%d %s", i+1, len(caches), c.name)
		r, err := measure(ctx, cfg, c, dir, func(now result) { progress.show(label, now, cfg.duration) }, progress.interval)
		progress.clear()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		progress.finish(label, r, cfg.duration)
		results = append(results, r)
	}
	fmt.Fprintln(out)
	printTable(out, results)
	if err := verdict(results); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", text.Wrapped(summary(results), "", textWidth))
	return nil
}

// introduce says in two lines what is about to be shown.
func introduce(out io.Writer, cfg config, caches int) {
	products := text.Grouped(int64(cfg.products()))
	if cfg.keys < cfg.products() {
		products = text.Grouped(int64(cfg.keys)) + " of " + products
	}
	fmt.Fprintf(out, "%d caches in turn, %v each, over %s products in SQLite: %s, %s a second, TTL %v.\n",
		caches, cfg.duration, products, text.Counted(int64(cfg.readers), "reader"), text.Counted(int64(cfg.writeRate), "write"), entryTTL)
	fmt.Fprintf(out, "Stale is a hit older than a version whose invalidation had returned before the read began.\n\n")
}
