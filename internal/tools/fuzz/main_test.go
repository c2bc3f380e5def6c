package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	goodTarget = `package a

import "testing"

func FuzzGood(f *testing.F) { f.Fuzz(func(*testing.T, []byte) {}) }
`
	badTarget = `package b

import "testing"

func TestFuzzIsNoTarget(*testing.T) {}

func FuzzBad(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if string(data) != "seed" {
			t.Error("found")
		}
	})
}
`
)

func TestRunFindsEveryTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("builds instrumented test binaries, which takes seconds")
	}
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"go.work":        "go 1.25.0\n\nuse (\n\t./m\n\t./n\n)\n",
		"m/go.mod":       "module example.com/m\n\ngo 1.25.0\n",
		"m/a/a_test.go":  goodTarget,
		"n/go.mod":       "module example.com/n\n\ngo 1.25.0\n",
		"n/none/none.go": "package none\n",
	})
	t.Setenv("GOWORK", "off")

	var out bytes.Buffer
	if err := run(root, "10x", &out); err != nil {
		t.Errorf("no target fails, yet the run does: %v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "== example.com/m/a FuzzGood") {
		t.Errorf("a fuzz target of a sub-package was not run:\n%s", &out)
	}

	writeFiles(t, root, map[string]string{"n/b/b_test.go": badTarget})
	out.Reset()
	err := run(root, "1000x", &out)
	if err == nil || !strings.Contains(err.Error(), "example.com/n/b FuzzBad") {
		t.Errorf("a failing input must fail the run and name the target: got %v\n%s", err, &out)
	}
	if err != nil && strings.Contains(err.Error(), "FuzzGood") {
		t.Errorf("a target that found nothing is reported as failed: %v", err)
	}

	writeFiles(t, root, map[string]string{"m/a/broken_test.go": "package a\n\nvar broken int = \"\"\n"})
	if err := run(root, "10x", &bytes.Buffer{}); err == nil {
		t.Error("a test package that does not compile must fail the run")
	}
}

func TestRunWithoutTargets(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"go.work":  "go 1.25.0\n\nuse ./m\n",
		"m/go.mod": "module example.com/m\n\ngo 1.25.0\n",
		"m/m.go":   "package m\n",
	})
	t.Setenv("GOWORK", "off")
	if err := run(root, "10x", &bytes.Buffer{}); err == nil {
		t.Error("a run that found nothing to fuzz must not pass for a success")
	}
}

func TestDeadlineRace(t *testing.T) {
	tests := []struct {
		name, output string
		want         bool
	}{
		{"the race", "fuzz: elapsed: 5s, execs: 9 (0/sec)\n--- FAIL: FuzzX (5.01s)\n    context deadline exceeded\nFAIL\nexit status 1\n", true},
		{"a failing input", "--- FAIL: FuzzX (0.01s)\n    --- FAIL: FuzzX (0.00s)\n        x_test.go:9: found\n    \n    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\n", false},
		{"a seed that fails with this text", "--- FAIL: FuzzX (0.01s)\n    --- FAIL: FuzzX/seed#0 (0.00s)\n        x_test.go:9: context deadline exceeded\nFAIL\n", false},
		{"more than this text", "--- FAIL: FuzzX (0.01s)\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\n", false},
		{"another target", "--- FAIL: FuzzY (5.01s)\n    context deadline exceeded\nFAIL\n", false},
		{"no test failed", "# example.com/m\nx_test.go:3: syntax error\nFAIL\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := deadlineRace(target{"example.com/m", "FuzzX"}, test.output); got != test.want {
				t.Errorf("only the end of the fuzzing time itself may be forgiven: got %v, want %v for\n%s", got, test.want, test.output)
			}
		})
	}
}
