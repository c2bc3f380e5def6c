package consumer

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/internal/tools/modproxy"
)

const consumerPath = "example.com/consumer"

// A goCommand runs the go command as on a machine of a user who knows nothing
// of the repository: no workspace, no settings, a module cache of its own.
type goCommand struct {
	env []string
}

// newGoCommand returns one that finds the staged modules in p.
func newGoCommand(t *testing.T, p modproxy.Dir) goCommand {
	t.Helper()
	env, err := p.Env(t.TempDir(), base)
	if err != nil {
		t.Fatal(err)
	}
	return goCommand{env: append(env,
		"GOFLAGS=-mod=mod -modcacherw -trimpath", // as the user's go get would, who has no go.sum yet
		"GOSUMDB=off",
		"GOTOOLCHAIN=local",
	)}
}

// run runs the go command in dir and returns its standard output.
func (g goCommand) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return g.exec(t, dir, "go", args...)
}

func (g goCommand) exec(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, g.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, &stderr)
	}
	return string(out)
}

// writeConsumer writes a module outside the workspace that requires modules of
// this repository, given as folder@version, and returns its directory.
func writeConsumer(t *testing.T, requires []string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	goMod := "module " + consumerPath + "\n\ngo 1.26.0\n"
	for _, r := range requires {
		folder, version, _ := strings.Cut(r, "@")
		goMod += "\nrequire " + base + "/" + folder + " " + version + "\n"
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", goMod)
	for name, text := range files {
		write(name, text)
	}
	return dir
}

// intruders returns the modules in the graph of the module in dir that are not
// allowed, by each of the two commands that show the graph.
func (g goCommand) intruders(t *testing.T, dir string, allowed []string) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, args := range [][]string{
		{"list", "-m", "-f", "{{.Path}}", "all"},
		{"mod", "graph"},
	} {
		modules := modulePaths(g.run(t, dir, args...))
		if len(modules) == 0 {
			t.Errorf("go %s shows no module at all: it cannot have looked", strings.Join(args, " "))
		}
		found["go "+strings.Join(args, " ")] = slices.DeleteFunc(modules, func(m string) bool {
			return slices.Contains(allowed, m)
		})
	}
	return found
}

// modulePaths returns the distinct module paths in a text of path or
// path@version fields, sorted, without the program itself and without the go
// command, whose version the graph shows like a module's.
func modulePaths(text string) []string {
	var paths []string
	for field := range strings.FieldsSeq(text) {
		path, _, _ := strings.Cut(field, "@")
		if path != consumerPath && path != "go" && path != "toolchain" {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
