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
			var stdout, stderr bytes.Buffer
			err := run(root, test.goVersion, test.command, &stdout, &stderr)
			switch {
			case test.failed == "" && err != nil:
				t.Errorf("the command succeeded in every module, yet each fails: %v", err)
			case test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)):
				t.Errorf("a failure in one module must fail the whole: got %v, want an error with %q", err, test.failed)
			}
			var ran []string
			for line := range strings.Lines(stdout.String()) {
				folder, _, _ := strings.Cut(strings.TrimPrefix(line, "== "), ":")
				ran = append(ran, folder)
			}
			if got, want := strings.Join(ran, " "), strings.Join(test.ran, " "); got != want {
				t.Errorf("the command ran in the wrong modules: got %q, want %q", got, want)
			}
		})
	}
}
