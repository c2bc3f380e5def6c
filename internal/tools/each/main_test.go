package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeWorkspace makes a workspace of three modules: a and c claim Go 1.25.0,
// b claims 1.26.0 and is the only one that holds a file named here.
func writeWorkspace(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.work":  "go 1.26.0\n\nuse (\n\t./a\n\t./b\n\t./c\n)\n",
		"a/go.mod": "module example.com/a\n\ngo 1.25.0\n",
		"b/go.mod": "module example.com/b\n\ngo 1.26.0\n",
		"b/here":   "",
		"c/go.mod": "module example.com/c\n\ngo 1.25.0\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRun(t *testing.T) {
	root := writeWorkspace(t)
	tests := []struct {
		name      string
		goVersion string
		command   []string
		ran       []string
		failed    string // "": must succeed
	}{
		{"succeeds everywhere", "", []string{"true"}, []string{"a", "b", "c"}, ""},
		{"fails everywhere", "", []string{"false"}, []string{"a", "b", "c"}, "failed in a, b, c"},
		{"fails in the middle only", "", []string{"test", "!", "-e", "here"}, []string{"a", "b", "c"}, "failed in b"},
		{"only one version", "1.25.0", []string{"test", "!", "-e", "here"}, []string{"a", "c"}, ""},
		{"no such version", "1.1.0", []string{"true"}, nil, "no module"},
		{"no such command", "", []string{"no-such-command"}, []string{"a", "b", "c"}, "failed in a, b, c"},
		{"no command", "", nil, nil, "no command"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout bytes.Buffer
			err := run(root, test.goVersion, 2, test.command, &stdout)
			switch {
			case test.failed == "" && err != nil:
				t.Errorf("the command succeeded in every module, yet each fails: %v", err)
			case test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)):
				t.Errorf("a failure in one module must fail the whole: got %v, want an error with %q", err, test.failed)
			}
			var ran []string
			for line := range strings.Lines(stdout.String()) {
				folder, what, _ := strings.Cut(strings.TrimPrefix(line, "== "), ": ")
				if strings.TrimSpace(what) == strings.Join(test.command, " ") {
					ran = append(ran, folder)
				}
			}
			if got, want := strings.Join(ran, " "), strings.Join(test.ran, " "); got != want {
				t.Errorf("the command ran in the wrong modules: got %q, want %q", got, want)
			}
		})
	}
}

// What modules print at the same time must not be mixed.
func TestOutputIsKeptApart(t *testing.T) {
	root := writeWorkspace(t)
	var out bytes.Buffer
	command := []string{"sh", "-c", "for i in 1 2 3 4 5; do echo $(basename $PWD)$i; echo $(basename $PWD)$i >&2; done"}
	if err := run(root, "", 3, command, &out); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, folder := range []string{"a", "b", "c"} {
		want.WriteString("== " + folder + ": " + strings.Join(command, " ") + "\n")
		for _, i := range "12345" {
			want.WriteString(strings.Repeat(folder+string(i)+"\n", 2))
		}
	}
	if out.String() != want.String() {
		t.Errorf("the modules' output follows one another in their order: got\n%swant\n%s", out.String(), want.String())
	}
}

// At most as many run at once as were asked for.
func TestAtOnce(t *testing.T) {
	root := writeWorkspace(t)
	lock := filepath.Join(t.TempDir(), "lock")
	// mkdir fails if the folder is there: somebody else runs.
	command := []string{"sh", "-c", "mkdir " + lock + " && sleep 0.05 && rmdir " + lock}
	if err := run(root, "", 1, command, new(bytes.Buffer)); err != nil {
		t.Errorf("one at a time: %v", err)
	}
	// Each waits for another to have begun.
	folder := t.TempDir()
	command = []string{"sh", "-c", "touch " + folder + "/$(basename $PWD); for i in $(seq 500); do [ $(ls " + folder + " | wc -l) -ge 3 ] && exit 0; sleep 0.02; done; exit 1"}
	if err := run(root, "", 3, command, new(bytes.Buffer)); err != nil {
		t.Errorf("three at a time: %v", err)
	}
}
