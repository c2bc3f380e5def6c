package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sound returns the files of a workspace whose pages leave nothing to ask.
func sound() map[string]string {
	return map[string]string{
		"go.work":               "go 1.26.0\n\nuse (\n\t./internal/proof\n\t./provider-x\n\t./server-y\n)\n",
		"internal/proof/go.mod": "module example.com/internal/proof\n\ngo 1.26.0\n",
		"internal/proof/p.go":   "package proof\n\nfunc Bare() {}\n",

		"provider-x/go.mod": "module example.com/provider-x\n\ngo 1.26.0\n",
		"provider-x/doc.go": "// Package xprovider keeps things.\npackage xprovider\n",
		"provider-x/x.go": `package xprovider

// Max is the most, Min the least.
const (
	Max = 3
	min = 1
)

// The kinds.
const (
	Small Kind = "small"
	Large Kind = "large"
)

// A Kind is of a store.
type Kind string

// Config configures New.
type Config struct {
	// Size is in bytes.
	Size int

	// Low and High bound it.
	Low  int
	High int

	Loud bool // prints

	hidden int
}

// Stats counts.
type Stats struct{ Hits, Misses int }

// A Store keeps.
type Store struct{}

// New returns a store.
func New(Config) *Store { return &Store{} }

// Stats returns what was counted.
func (*Store) Stats() Stats { return Stats{} }

// A Namer has a name.
type Namer interface{ Name() string }

// A Keeper keeps.
type Keeper interface {
	// Keep keeps.
	Keep()
	// Drop drops.
	Drop()
}

// An Error says why.
type Error struct{}

func (Error) Error() string { return "" }

func (Error) hidden() {}

type secret struct{}

func (secret) Open() {}
`,
		"provider-x/example_test.go": `package xprovider_test

import (
	"fmt"

	xp "example.com/provider-x"
)

func Example() {
	store := xp.New(xp.Config{})
	fmt.Println(store.Stats(), xp.Small)
	var _ xp.Namer
	var _ xp.Keeper
	fmt.Println(xp.Error{})
	// Output:
	// { 0 0 } small
}
`,
		"provider-x/internal/deep/d.go": "package deep\n\nfunc Bare() {}\n",
		"provider-x/testdata/t.go":      "package t\n\nfunc Bare() {}\n",
		"provider-x/cmd/tool/main.go":   "package main\n\nfunc main() {}\n",

		"server-y/go.mod": "module example.com/server-y\n\ngo 1.26.0\n\nrequire github.com/redis/go-redis/v9 v9.23.0\n",
		"server-y/y.go":   "// Package y asks a server.\npackage y\n\n// Ask asks.\nfunc Ask() {}\n",
		"server-y/y_test.go": `package y

func ExampleAsk() {
	Ask()
}
`,
	}
}

func breaches(t *testing.T, files, unshown map[string]string) []string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := check(root, unshown)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSoundPagesPass(t *testing.T) {
	for _, b := range breaches(t, sound(), nil) {
		t.Errorf("a page that keeps every rule is reported: %s", b)
	}
}

func TestEachRuleIsHeld(t *testing.T) {
	tests := []struct {
		rule, file, old, new string
		want                 []string // one part of each breach, in order
	}{
		{"a field that is filled in has a comment", "provider-x/x.go", " // prints", "", []string{"Config.Loud has no comment"}},
		{"a comment ends at an empty line", "provider-x/x.go", "\tLow  int\n\tHigh int", "\tLow  int\n\n\tHigh int", []string{"Config.High has no comment"}},
		{"a method of an interface has a comment", "provider-x/x.go", "\t// Drop drops.\n", "\n", []string{"Keeper.Drop has no comment"}},
		{"a package has an example", "provider-x/example_test.go", "func Example()", "func notAnExample()", []string{
			"provider-x: package xprovider has no example",
			"type Config is in no example", "type Error is in no example", "type Keeper is in no example",
			"type Kind is in no example", "type Namer is in no example", "type Stats is in no example", "type Store is in no example",
		}},
		{"an example runs", "provider-x/example_test.go", "// Output:", "// It prints:", []string{"Example has no output"}},
		{"a type is in an example by its name", "provider-x/example_test.go", "\tvar _ xp.Namer\n", "", []string{"type Namer is in no example"}},
		{"or by one of its constants", "provider-x/example_test.go", ", xp.Small", "", []string{"type Kind is in no example"}},
		{"or by what returns it", "provider-x/example_test.go", "store.Stats()", "store", []string{"type Stats is in no example"}},
		{"a name of another package shows nothing", "provider-x/example_test.go", "xp.Keeper", "fmt.Keeper", []string{"type Keeper is in no example"}},
		{"an example that needs no server runs", "server-y/go.mod", "github.com/redis/go-redis/v9", "example.com/other/v9", []string{"ExampleAsk has no output"}},
		{"new modules are looked at", "go.work", "internal/proof", "provider-z", nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			files := sound()
			if !strings.Contains(files[test.file], test.old) {
				t.Fatalf("the fixture's %s does not hold %q any more", test.file, test.old)
			}
			files[test.file] = strings.Replace(files[test.file], test.old, test.new, 1)
			if strings.Contains(files["go.work"], "provider-z") {
				files["provider-z/go.mod"] = "module example.com/provider-z\n\ngo 1.26.0\n"
				files["provider-z/z.go"] = "package z\n"
				test.want = []string{"provider-z: package z has no example"}
			}
			got := breaches(t, files, nil)
			if len(got) != len(test.want) {
				t.Fatalf("rule %q: got the breaches %q, want those with %q", test.rule, got, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("rule %q: got the breaches %q, want one with %q", test.rule, got, want)
				}
			}
		})
	}
}

func TestAnExcuseHoldsForOneTypeThatNeedsIt(t *testing.T) {
	files := sound()
	files["provider-x/example_test.go"] = strings.Replace(files["provider-x/example_test.go"], "\tvar _ xp.Namer\n", "", 1)
	if got := breaches(t, files, map[string]string{"provider-x.Namer": "a reason"}); len(got) != 0 {
		t.Errorf("a type that is excused needs no example: got %q", got)
	}
	for name, excuses := range map[string]map[string]string{
		"without a reason":         {"provider-x.Namer": ""},
		"for a type with examples": {"provider-x.Namer": "a reason", "provider-x.Store": "a reason"},
		"for a type that is gone":  {"provider-x.Namer": "a reason", "provider-x.Gone": "a reason"},
	} {
		if got := breaches(t, files, excuses); len(got) == 0 {
			t.Errorf("an excuse %s is reported: got nothing", name)
		}
	}
}
