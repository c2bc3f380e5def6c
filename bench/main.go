package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var (
	fullPlans = plans{
		local: plan{rounds: 40, tries: 5, slice: time.Millisecond},
		redis: plan{rounds: 40, tries: 3, slice: 4 * time.Millisecond},
		mixed: plan{rounds: 30, slice: 300 * time.Millisecond},
	}
	shortPlans = plans{
		local: plan{rounds: 5, tries: 3, slice: 200 * time.Microsecond},
		redis: plan{rounds: 3, tries: 1, slice: 2 * time.Millisecond},
		mixed: plan{rounds: 2, slice: 50 * time.Millisecond},
	}
)

// options are the flags.
type options struct {
	short, check, scale bool
	only                *regexp.Regexp
	times               int
	docs, cpuprofile    string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&o.short, "short", false, "few and short rounds")
	flags.BoolVar(&o.check, "check", false, "compare with budgets.json; an error if one is broken")
	flags.BoolVar(&o.scale, "scale", false, "measure how cost grows, and nothing else")
	only := flags.String("only", "", "rows whose names match this `pattern`")
	flags.IntVar(&o.times, "times", 1, "as many times the usual rounds")
	flags.StringVar(&o.docs, "docs", "", "write page, charts and figures below this `folder`")
	flags.StringVar(&o.cpuprofile, "cpuprofile", "", "profile into this `file` the one contender that -only picks, as row/contender")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.times < 1 {
		return o, fmt.Errorf("bench: -times is %d; it must be 1 or more", o.times)
	}
	if o.docs != "" && *only != "" {
		return o, errors.New("bench: -docs and -only: the page is of all rows")
	}
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}

func (o *options) plans() plans {
	p := fullPlans
	if o.short {
		p = shortPlans
	}
	p.local.rounds *= o.times
	p.redis.rounds *= o.times
	p.mixed.rounds *= o.times
	return p
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	e := newEnv(ctx)
	defer e.close()
	rows := slices.Concat(localRows(), redisRows(), derivedRows())
	switch {
	case o.cpuprofile != "":
		return profile(e, rows, o.only, o.cpuprofile, 5*time.Second)
	case o.scale:
		return o.measureScale(e, rows, out)
	case o.check:
		return o.checkBudgets(e, rows, out)
	default:
		return o.compare(e, rows, out)
	}
}

// compare measures every row that was asked for.
func (o *options) compare(e *env, rows []row, out io.Writer) error {
	r := report{Rounds: o.plans().local.rounds, Libraries: libraries()}
	began := load()
	for i := range rows {
		if !o.only.MatchString(rows[i].name) {
			continue
		}
		results, err := rows[i].measure(e, o.plans().of(&rows[i]), runtime.GOMAXPROCS(0))
		if err != nil {
			return err
		}
		printRow(out, rows[i], results)
		r.Results = append(r.Results, results...)
	}
	var err error
	if r.Mixed, err = o.mixed(e, out); err != nil {
		return err
	}
	if o.only.MatchString("sweep") {
		if err := o.sweep(e, out); err != nil {
			return err
		}
	}
	if o.docs == "" {
		return nil
	}
	r.Machine = e.machine(e.ctx)
	r.Machine.Load = [2]string{began, load()}
	return r.write(o.docs, rows)
}

// mixed measures the mixed load, if it was asked for.
func (o *options) mixed(e *env, out io.Writer) ([]mixedResult, error) {
	if !o.only.MatchString("mixed") {
		return nil, nil
	}
	p := o.plans().mixed
	results, err := measureMixed(e, mixedContenders(), p.rounds, p.slice)
	if err == nil {
		printMixed(out, results)
	}
	return results, err
}

// checkBudgets fails when a budget is broken.
func (o *options) checkBudgets(e *env, rows []row, out io.Writer) error {
	all, err := readBudgets(committedBudgets)
	if err != nil {
		return err
	}
	all.Budgets = slices.DeleteFunc(all.Budgets, func(b budget) bool { return !o.only.MatchString(b.Row) })
	room := all.Room
	if o.short {
		room = all.ShortRoom
	}
	broken, err := all.check(rows, room, func(r row) ([]result, error) {
		results, err := r.measure(e, o.plans().of(&r), runtime.GOMAXPROCS(0))
		if err == nil {
			printRow(out, r, results)
		}
		return results, err
	})
	if err != nil {
		return err
	}
	mixed, err := o.mixed(e, out)
	if err != nil {
		return err
	}
	count := len(all.Budgets)
	if mixed != nil {
		for _, b := range all.Mixed {
			broken = append(broken, b.breaches(mixed, room)...)
		}
		count += len(all.Mixed)
	}
	for _, b := range broken {
		fmt.Fprintln(out, "BROKEN:", b)
	}
	if len(broken) > 0 {
		return fmt.Errorf("bench: %d budgets are broken, of %d", len(broken), count)
	}
	fmt.Fprintf(out, "\nall %d budgets are kept\n", count)
	return nil
}

// measureScale measures how cost grows.
func (o *options) measureScale(e *env, rows []row, out io.Writer) error {
	began := load()
	s, err := measureScale(e, o.short, out)
	if err != nil || o.docs == "" {
		return err
	}
	s.Machine = e.machine(e.ctx)
	s.Machine.Load = [2]string{began, load()}
	if err := writeJSON(o.docs, scaleFile, s); err != nil {
		return err
	}
	return writePage(o.docs, rows)
}
