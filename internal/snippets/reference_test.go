package snippets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parsed returns all documents by their paths from the root, and the tree.
func parsed(t *testing.T) (map[string]*text, *tree) {
	t.Helper()
	has, err := readTree(root)
	if err != nil {
		t.Fatal(err)
	}
	docs := make(map[string]*text)
	for _, file := range documents(t, root) {
		markdown, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.ToSlash(name)] = parse(string(markdown))
	}
	return docs, has
}

func TestWhatTheDocumentsNameIsThere(t *testing.T) {
	docs, has := parsed(t)
	for name, doc := range docs {
		for _, f := range references(doc, has) {
			t.Errorf("what a document names must be there: %s:%d: %s", name, f.line, f.what)
		}
	}
}

func TestReferences(t *testing.T) {
	has, err := readTree(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, markdown string
		want           string // a part of the fault; "": none
	}{
		{"a test", "See `TestReferences`.", ""},
		{"a test outside of code", "See TestReferences/a_test.", ""},
		{"a test that is gone", "See `TestThatIsGone`.", "TestThatIsGone"},
		{"a test that is gone, in a command", "    go test -run TestThatIsGone ./core", "selects nothing"},
		{"a test that is gone beside another", "    go test -run 'TestRuleG1|TestThatIsGone' ./core", "TestThatIsGone selects nothing"},
		{"a function for benchmarks", "`conformance.BenchmarkCodec`", ""},
		{"a command to be adapted", "`go work use ./folder`", ""},
		{"a test in a block of Go", fenced("go fragment", "func TestOfTheReader(*testing.T) {}\n"), ""},
		{"parts of a test", "(`TestFaults`, \"generation expired\") or `TestFaults` (\"FLUSHALL\", \"generation evicted\")", ""},
		{"a part of a test that is gone", "(`TestFaults`, \"generation stolen\")", "stolen"},
		{"a second part of a test that is gone", "`TestFaults` (\"FLUSHALL\", \"generation stolen\")", "stolen"},
		{"words that begin like tests", "Examples, Tests and Fuzzing.", ""},
		{"a target", "`make race lint`", ""},
		{"a target that is gone", "`make race linty`", "linty"},
		{"a target in a block", fenced("sh", "make test # everything\nmake linty\n"), "linty"},
		{"a variable of make", "`make fuzz FUZZTIME=30s`", ""},
		{"to make", "They make sense.", ""},
		{"a folder", "in `internal/redistest` and `conformance`", ""},
		{"a file", "`core/get.go`, `guards_test.go` and `docs/adr/`", ""},
		{"a file that is gone", "`core/got.go`", "core/got.go"},
		{"a test file that is gone", "`gone_test.go`", "gone_test.go"},
		{"a module that is gone", "`provider-none`", "provider-none"},
		{"another repository", "`golang.org/x/sync/singleflight` and `log/slog`", ""},
		{"a command", "    go test -run 'TestRuleG1|TestRuleG2' ./core", ""},
		{"a command with settings", "`GOWORK=off go test -short ./core`", ""},
		{"a command whose pattern selects nothing", "`go test -run 'NoSuch' ./core`", "selects nothing"},
		{"a command whose pattern is of another folder", "`go test -run 'RuleG1' ./wire`", "selects nothing"},
		{"a command for all folders", "`go test -run 'RuleG1' ./...`", ""},
		{"a benchmark", "`go test -run '^$' -bench Get ./core`", ""},
		{"a benchmark that is a test", "`go test -run '^$' -bench RuleG1 ./core`", "selects nothing"},
		{"a command in a folder that is gone", "`go test ./none`", "there is no ./none"},
		{"a subtest", "`go test -run TestFaults/flush ./internal/integration/genstoreredis`", ""},
		{"a program", "`go run ./examples/demo -duration 2s`", ""},
		{"names", "`cascache.New`, `Options.GenTimeout`, `cascache.Handle.Mutate`, `ReasonStale`, `ErrClosed`", ""},
		{"an instance", "`jsoncodec.JSON[User]{}`", ""},
		{"a name that is gone", "`cascache.Now`", "does not export Now"},
		{"a field that is gone", "`Options.GenTimeOut`", "GenTimeOut"},
		{"a method that is gone", "`cascache.Handle.Mutated`", "Mutated"},
		{"a reason that is gone", "`ReasonOld`", "ReasonOld"},
		{"a name of another package", "`redis.Ring`", ""},
		{"a name of a variable's type", "`users.Get`", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := references(parse(c.markdown), has)
			switch {
			case c.want == "" && len(faults) > 0:
				t.Errorf("%q is right, and is refused: %v", c.markdown, faults)
			case c.want != "" && (len(faults) == 0 || !strings.Contains(faults[0].what, c.want)):
				t.Errorf("%q must be refused with %q: got %v", c.markdown, c.want, faults)
			}
		})
	}
}

func TestShellWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                        nil,
		"go test -run '^$' ./a":   {"go", "test", "-run", "^$", "./a"},
		`a "b c"d  # e`:           {"a", "b cd"},
		"make test\t# everything": {"make", "test"},
		"a#b ''":                  {"a#b", ""},
	} {
		if got := shellWords(line); !slices.Equal(got, want) {
			t.Errorf("a line must be split as a shell does: %q: got %q, want %q", line, got, want)
		}
	}
}
