// Each runs one command in the folder of every module of the workspace, and fails
// if the command failed in any of them: one after the other, or in several at once.
// What they print is kept apart.
//
//	go run ./internal/tools/each [-go version] [-p n] command [argument...]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

func main() {
	goVersion := flag.String("go", "", "only the modules whose go directive is this `version`")
	atOnce := flag.Int("p", 1, "in how many modules at once")
	flag.Parse()
	if err := run(".", *goVersion, max(*atOnce, 1), flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "each:", err)
		os.Exit(1)
	}
}

// result is what the command did in one module.
type result struct {
	output []byte
	err    error
}

func run(root, goVersion string, atOnce int, command []string, out io.Writer) error {
	if len(command) == 0 {
		return fmt.Errorf("no command")
	}
	modules, err := workspace.Modules(root)
	if err != nil {
		return err
	}
	var folders []string
	var results []chan result
	places := make(chan struct{}, atOnce)
	for _, m := range modules {
		if goVersion != "" && m.Go() != goVersion {
			continue
		}
		done := make(chan result, 1)
		folders, results = append(folders, m.Folder), append(results, done)
	}
	go func() {
		for i, folder := range folders {
			places <- struct{}{}
			go func() {
				defer func() { <-places }()
				output, err := runIn(filepath.Join(root, filepath.FromSlash(folder)), command)
				results[i] <- result{output, err}
			}()
		}
	}()
	var failed []string
	for i, folder := range folders {
		fmt.Fprintf(out, "== %s: %s\n", folder, strings.Join(command, " "))
		r := <-results[i]
		_, _ = out.Write(r.output)
		if r.err != nil {
			fmt.Fprintf(out, "== %s: %v\n", folder, r.err)
			failed = append(failed, folder)
		}
	}
	switch {
	case len(folders) == 0:
		return fmt.Errorf("no module to run in")
	case len(failed) > 0:
		return fmt.Errorf("%s failed in %s", strings.Join(command, " "), strings.Join(failed, ", "))
	}
	return nil
}

// runIn runs the command in a folder and returns what it printed.
func runIn(folder string, command []string) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.Bytes(), err
}
