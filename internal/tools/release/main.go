// Release makes releases of modules: for each, a commit in which the module is
// as its users get it, and the tag <folder>/vX.Y.Z that points to it.
//
//	go run ./internal/tools/release [-tag] [-short] <folder>@vX.Y.Z ...
//
// What is released is the commit that is checked out. In a clone that is thrown
// away, for one module after the other, siblings first, it checks that the
// version follows the last tag and that the changelog lists it; requires
// siblings at their last releases and drops the replaces; tidies against a
// module proxy made of the tags; compares the API with the last release, whose
// rules the version must fit (patch versions break nothing, nor does anything
// from v1 on; from v1 on what is new takes a new minor version); vets, tests and
// tags; and builds the release from that proxy in a module outside.
//
// Without -tag all that is thrown away at the end. With it, the tags are fetched
// into the repository, all or none; pushing them is left to you. Nothing else
// of the repository is ever touched: the release commits are reached by their
// tags alone, and the branches keep the working form.
//
// Tags that were never fetched are unknown to it: git fetch --tags first.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

func main() {
	tag := flag.Bool("tag", false, "keep the tags, instead of throwing everything away")
	short := flag.Bool("short", false, "without the long tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := releaseAll(ctx, ".", flag.Args(), *tag, *short, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// releaseAll makes the releases that are asked for, of the repository in root.
func releaseAll(ctx context.Context, root string, asked []string, tag, short bool, out io.Writer) (err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	source := repository(root)
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.RemoveAll(dir); err == nil {
			err = removed
		}
	}()
	w, err := open(ctx, source, dir, short, out)
	if err != nil {
		return err
	}
	modules, err := workspace.Modules(string(w.clone))
	if err != nil {
		return err
	}
	releases, err := plan(modules, asked)
	if err != nil {
		return err
	}
	if err := checkCommitted(ctx, source, releases); err != nil {
		return err
	}
	var tags []string
	for _, r := range releases {
		if err := w.make(ctx, r, time.Now()); err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		tags = append(tags, r.tag())
	}
	if !tag {
		fmt.Fprintf(out, "dry run: nothing is kept. To keep the tags, add -tag.\n")
		return nil
	}
	if err := w.deliver(ctx, source, releases); err != nil {
		return err
	}
	fmt.Fprintf(out, "tagged. To publish: git push origin %s\n", strings.Join(tags, " "))
	return nil
}
