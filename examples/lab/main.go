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

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // CasCache broke its promise, or the lab could not run
	exitUsage  = 2 // bad flags
)

var errInterrupted = errors.New("interrupted")

func main() {
	if told := os.Getenv(replicaEnv); told != "" {
		os.Exit(replicaMain(told, os.Stdin, os.Stdout))
	}
	redis.SetLogger(quiet{})
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once, should the first not do it.
	context.AfterFunc(ctx, restore)
	os.Exit(realMain(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// realMain is main with its surroundings as arguments.
func realMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(stdout)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "lab: %v\nRun it with -h for what the flags mean.\n", err)
		return exitUsage
	}
	err = open(ctx, cfg, stdout)
	if err != nil && ctx.Err() != nil {
		err = errInterrupted // whatever that made fail
	}
	if err != nil {
		fmt.Fprintf(stderr, "lab: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// open opens the lab, until ctx ends or the one measurement is done.
func open(ctx context.Context, cfg config, stdout io.Writer) (err error) {
	var server *redisServer
	if cfg.redis != "" {
		if server, err = openRedis(ctx, cfg.redis); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.close()) }()
	}
	if cfg.once {
		return measureOnce(ctx, cfg, server, stdout)
	}
	return serve(ctx, cfg, server, stdout)
}

// measureOnce measures for the time that cfg says, and reports.
func measureOnce(ctx context.Context, cfg config, server *redisServer, stdout io.Writer) error {
	all := lanes(server != nil)
	fmt.Fprintf(stdout, "%d lanes side by side for %v: %d writes a second, %d readers each, load delay %v, database lag %v.\n",
		len(all), cfg.duration, cfg.controls.WriteRate, cfg.controls.Readers, cfg.controls.LoadDelay, cfg.controls.Lag)
	r, err := startRun(ctx, cfg, all, server)
	if err != nil {
		return err
	}
	select {
	case <-r.done: // by itself, so it failed
	default:
		_ = pause.For(ctx, cfg.duration)
	}
	if err := r.stop(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return errInterrupted
	}
	p, err := newReport(r, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\n%s\n", p.table(), p.Verdict)
	if cfg.out != "" {
		if err := p.write(cfg.out); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "The report is in %s.\n", cfg.out)
	}
	return p.verdict()
}
