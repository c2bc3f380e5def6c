// Each runs one command in the folder of every module of the workspace, one
// module after the other, and fails if the command failed in any of them.
//
//	go run ./internal/tools/each [-go version] command [argument...]
package main

import (
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
	flag.Parse()
	if err := run(".", *goVersion, flag.Args(), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "each:", err)
		os.Exit(1)
	}
}

func run(root, goVersion string, command []string, stdout, stderr io.Writer) error {
	if len(command) == 0 {
		return fmt.Errorf("no command")
	}
	modules, err := workspace.Modules(root)
	if err != nil {
		return err
	}
	var ran int
	var failed []string
	for _, m := range modules {
		if goVersion != "" && m.Go() != goVersion {
			continue
		}
		ran++
		fmt.Fprintf(stdout, "== %s: %s\n", m.Folder, strings.Join(command, " "))
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = filepath.Join(root, filepath.FromSlash(m.Folder))
		cmd.Stdout, cmd.Stderr = stdout, stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(stderr, "== %s: %v\n", m.Folder, err)
			failed = append(failed, m.Folder)
		}
	}
	switch {
	case ran == 0:
		return fmt.Errorf("no module to run in")
	case len(failed) > 0:
		return fmt.Errorf("%s failed in %s", strings.Join(command, " "), strings.Join(failed, ", "))
	}
	return nil
}
