package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A package with a test for one of its two functions.
var module = map[string]string{
	"go.mod": "module example.test/m\n\ngo 1.25.0\n",
	"m.go": `package m

func Abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func Forgotten(n int) bool { return n > 3 }
`,
	"m_test.go": `package m

import "testing"

func TestAbs(t *testing.T) {
	if Abs(-2) != 2 || Abs(2) != 2 {
		t.Fatal("wrong")
	}
}
`,
}

func TestMutantsAreKilledByTheTestsThatCoverThem(t *testing.T) {
	dir := t.TempDir()
	for name, text := range module {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	_, survivors, err := run([]string{dir}, options{n: 100, seed: 1, workers: 1, slow: time.Minute, limit: time.Minute}, &out)
	if err != nil {
		t.Fatal(err)
	}
	// `n <= 0` and `n < 1` of Abs change nothing that a test could see (2 is
	// asked for, and 0 is its own negative; 1 is not asked for), and nobody
	// tests the other function.
	want := []string{
		"m.go:10:39: `>` -> `>=` (survived, no test goes there)",
		"m.go:10:41: `3` -> `4` (survived, no test goes there)",
		"m.go:4:7: `<` -> `<=` (survived)",
		"m.go:4:9: `0` -> `1` (survived)",
	}
	if survivors != len(want) {
		t.Errorf("%d mutants survive, want %d", survivors, len(want))
	}
	for _, text := range want {
		if !strings.Contains(out.String(), text) {
			t.Errorf("a change that no test sees must be told: want %q", text)
		}
	}
	if !strings.Contains(out.String(), "m.go:4:5: `n < 0` -> `!(n < 0)` by TestAbs") {
		t.Error("a negated condition must be killed by the test that covers it")
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestTheSampleFollowsFromTheSeed(t *testing.T) {
	source := "package m\n\nfunc f(a, b int) bool { return a < b && b+1 == 3 || !true }\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	mutants, err := mutantsOf(dir, "m.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mutants {
		got = append(got, string(m.apply([]byte(source))))
	}
	for _, want := range []string{"a <= b &&", "a < b ||", "b-1 ==", "b+2 ==", "b+1 !=", "== 4", "3 && !true", "!false"} {
		if !strings.Contains(strings.Join(got, ""), want) {
			t.Errorf("no mutant says %q", want)
		}
	}
	if len(got) != 8 {
		t.Errorf("got %d mutants, want 8", len(got))
	}
}
