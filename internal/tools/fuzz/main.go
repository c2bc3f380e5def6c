// Fuzz runs every fuzz target of the workspace for a while, one after the
// other, and fails if any of them found a failing input.
//
//	go run ./internal/tools/fuzz [-time duration or Nx]
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

func main() {
	budget := flag.String("time", "30s", "what each target may spend: a `duration`, or a number of executions such as 10000x")
	flag.Parse()
	if err := run(".", *budget, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(root, budget string, out io.Writer) error {
	modules, err := workspace.Modules(root)
	if err != nil {
		return err
	}
	var ran int
	var failed []string
	for _, m := range modules {
		dir := filepath.Join(root, filepath.FromSlash(m.Folder))
		targets, err := list(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Folder, err)
		}
		for _, t := range targets {
			ran++
			fmt.Fprintf(out, "== %s %s\n", t.pkg, t.name)
			if err := fuzz(dir, t, budget, out); err != nil {
				failed = append(failed, t.pkg+" "+t.name)
			}
		}
	}
	switch {
	case ran == 0:
		return errors.New("no fuzz targets found")
	case len(failed) > 0:
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

type target struct{ pkg, name string }

// list asks the test binaries of the module in dir for their fuzz targets.
func list(dir string) ([]target, error) {
	cmd := exec.Command("go", "test", "-json", "-list", "^Fuzz", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &stderr)
	}
	var targets []target
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var event struct{ Action, Package, Output string }
		if err := dec.Decode(&event); errors.Is(err, io.EOF) {
			return targets, nil
		} else if err != nil {
			return nil, err
		}
		if name := strings.TrimSuffix(event.Output, "\n"); isTarget.MatchString(name) {
			targets = append(targets, target{event.Package, name})
		}
	}
}

var isTarget = regexp.MustCompile(`^Fuzz\w*$`)

// fuzz runs one target.
func fuzz(dir string, t target, budget string, out io.Writer) error {
	cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+budget, t.pkg)
	cmd.Dir = dir
	var copied bytes.Buffer
	cmd.Stdout = io.MultiWriter(out, &copied)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	if err != nil && deadlineRace(t, copied.String()) {
		fmt.Fprintf(out, "== %s found nothing: this is https://go.dev/issue/75804\n", t.name)
		return nil
	}
	return err
}

// deadlineRace reports whether a run failed for nothing but the end of its own
// fuzzing time, which Go before 1.27 sometimes takes for a failure
// (https://go.dev/issue/75804). The test then fails with that one line, and no
// failing input is written.
func deadlineRace(t target, output string) bool {
	_, failure, found := strings.Cut(output, "--- FAIL: "+t.name)
	if !found {
		return false
	}
	lines := strings.Split(failure, "\n")
	return len(lines) > 2 && lines[1] == "    context deadline exceeded" && lines[2] == "FAIL"
}
