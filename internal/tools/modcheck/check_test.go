package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sound returns the files of a repository that keeps every rule.
func sound() map[string]string {
	files := map[string]string{
		"go.work": "go 1.26.0\n\nuse (\n\t./conformance\n\t./core\n\t./internal/proof\n\t./provider-x\n\t./wire\n)\n",
		"LICENSE": "the licence\n",

		"wire/go.mod": "module github.com/unkn0wn-root/cascache/wire\n\ngo 1.25.0\n",
		"core/go.mod": `module github.com/unkn0wn-root/cascache/core

go 1.25.0

require github.com/unkn0wn-root/cascache/wire v0.0.0

replace github.com/unkn0wn-root/cascache/wire => ../wire
`,
		"conformance/go.mod": `module github.com/unkn0wn-root/cascache/conformance

go 1.25.0

require github.com/unkn0wn-root/cascache/core v0.0.0

require github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect

replace (
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/wire => ../wire
)
`,
		"provider-x/go.mod": `module github.com/unkn0wn-root/cascache/provider-x

go 1.26.0

require (
	example.com/backend v1.2.3
	github.com/unkn0wn-root/cascache/core v0.0.0
)

replace (
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/wire => ../wire
)
`,
		"internal/proof/go.mod": `module github.com/unkn0wn-root/cascache/internal/proof

go 1.26.0

require github.com/unkn0wn-root/cascache/provider-x v0.0.0

replace (
	github.com/unkn0wn-root/cascache/core => ../../core
	github.com/unkn0wn-root/cascache/provider-x => ../../provider-x
	github.com/unkn0wn-root/cascache/wire => ../../wire
)
`,
		"core/testdata/fixture/go.mod": "module example.com/fixture\n",
	}
	for _, folder := range []string{"wire", "core", "conformance", "provider-x"} {
		files[folder+"/LICENSE"] = "the licence\n"
		files[folder+"/CHANGELOG.md"] = "# Changelog\n"
		files[folder+"/doc.go"] = "package p\n"
	}
	return files
}

// addHarness adds a module that is never released.
func addHarness(files map[string]string) {
	files["internal/harness/go.mod"] = "module github.com/unkn0wn-root/cascache/internal/harness\n\ngo 1.26.0\n"
	files["go.work"] = strings.Replace(files["go.work"], "\t./internal/proof\n", "\t./internal/harness\n\t./internal/proof\n", 1)
}

func checkFiles(t *testing.T, files map[string]string) []string {
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
	breaches, err := check(root)
	if err != nil {
		t.Fatal(err)
	}
	return breaches
}

func TestSoundRepositoryPasses(t *testing.T) {
	for _, b := range checkFiles(t, sound()) {
		t.Errorf("a repository that keeps every rule is reported: %s", b)
	}
}

func TestEachRuleIsHeld(t *testing.T) {
	replace := func(name, old, new string) func(*testing.T, map[string]string) {
		return func(t *testing.T, files map[string]string) {
			t.Helper()
			if !strings.Contains(files[name], old) {
				t.Fatalf("the fixture's %s does not hold %q any more", name, old)
			}
			files[name] = strings.Replace(files[name], old, new, 1)
		}
	}
	remove := func(name string) func(*testing.T, map[string]string) {
		return func(_ *testing.T, files map[string]string) { delete(files, name) }
	}
	tests := []struct {
		rule  string
		spoil func(*testing.T, map[string]string)
		want  []string // one part of each breach, in order
	}{
		{"go.work holds no replace",
			replace("go.work", "use (", "replace example.com/backend => ./wire\n\nuse ("),
			[]string{"go.work: holds a replace line"}},
		{"go.work holds no toolchain",
			replace("go.work", "use (", "toolchain go1.26.1\n\nuse ("),
			[]string{"go.work: holds a toolchain line"}},
		{"go.work uses every module",
			replace("go.work", "\t./provider-x\n", ""),
			[]string{"go.work: does not use ./provider-x"}},
		{"go.work uses nothing else",
			replace("go.work", "\t./wire\n", "\t./wire\n\t./gone\n"),
			[]string{"go.work: uses ./gone"}},
		{"a module is named after its folder",
			replace("provider-x/go.mod", "cascache/provider-x", "cascache/provider-y"),
			[]string{"provider-x/go.mod: the module is called"}},
		{"siblings are required at v0.0.0",
			replace("provider-x/go.mod", "core v0.0.0", "core v0.1.0"),
			[]string{"provider-x/go.mod: requires github.com/unkn0wn-root/cascache/core at v0.1.0"}},
		{"siblings exist",
			replace("provider-x/go.mod", "core v0.0.0", "core v0.0.0\n\tgithub.com/unkn0wn-root/cascache/gone v0.0.0"),
			[]string{"provider-x/go.mod: requires github.com/unkn0wn-root/cascache/gone, which is no module"}},
		{"released modules require released ones",
			func(_ *testing.T, files map[string]string) {
				addHarness(files)
				files["provider-x/go.mod"] += "\nrequire github.com/unkn0wn-root/cascache/internal/harness v0.0.0\n" +
					"\nreplace github.com/unkn0wn-root/cascache/internal/harness => ../internal/harness\n"
				files["internal/proof/go.mod"] += "\nreplace github.com/unkn0wn-root/cascache/internal/harness => ../harness\n"
			},
			[]string{"provider-x/go.mod: requires github.com/unkn0wn-root/cascache/internal/harness, which is never released"}},
		{"a neighbour in the same folder is replaced",
			func(_ *testing.T, files map[string]string) {
				addHarness(files)
				files["internal/proof/go.mod"] += "\nrequire github.com/unkn0wn-root/cascache/internal/harness v0.0.0\n"
			},
			[]string{"internal/proof/go.mod: lacks `replace github.com/unkn0wn-root/cascache/internal/harness => ../harness`"}},
		{"a neighbour may be named from the root",
			func(_ *testing.T, files map[string]string) {
				addHarness(files)
				files["internal/proof/go.mod"] += "\nrequire github.com/unkn0wn-root/cascache/internal/harness v0.0.0\n" +
					"\nreplace github.com/unkn0wn-root/cascache/internal/harness => ../../internal/harness\n"
			},
			nil},
		{"a direct sibling is replaced",
			replace("core/go.mod", "replace github.com/unkn0wn-root/cascache/wire => ../wire\n", ""),
			[]string{"core/go.mod: lacks `replace github.com/unkn0wn-root/cascache/wire => ../wire`"}},
		{"an indirect sibling is replaced",
			replace("internal/proof/go.mod", "\tgithub.com/unkn0wn-root/cascache/wire => ../../wire\n", ""),
			[]string{"internal/proof/go.mod: lacks `replace github.com/unkn0wn-root/cascache/wire => ../../wire`"}},
		{"no sibling is replaced without need",
			replace("core/go.mod", "=> ../wire\n", "=> ../wire\n\nreplace github.com/unkn0wn-root/cascache/provider-x => ../provider-x\n"),
			[]string{"core/go.mod: replaces github.com/unkn0wn-root/cascache/provider-x, which is not in its graph"}},
		{"a sibling is replaced by its own folder",
			replace("provider-x/go.mod", "core => ../core", "core => ../wire"),
			[]string{"provider-x/go.mod: replaces github.com/unkn0wn-root/cascache/core by other than its folder"}},
		{"a sibling is replaced in every version",
			replace("provider-x/go.mod", "core => ../core", "core v0.0.0 => ../core"),
			[]string{"provider-x/go.mod: replaces github.com/unkn0wn-root/cascache/core by other than its folder"}},
		{"a sibling is not replaced by a version",
			replace("provider-x/go.mod", "core => ../core", "core => example.com/fork v1.0.0"),
			[]string{"provider-x/go.mod: replaces github.com/unkn0wn-root/cascache/core by other than its folder"}},
		{"no third party is replaced",
			replace("provider-x/go.mod", "replace (", "replace (\n\texample.com/backend => example.com/fork v1.0.0"),
			[]string{"provider-x/go.mod: replaces example.com/backend"}},
		{"nothing is excluded",
			replace("provider-x/go.mod", "replace (", "exclude example.com/backend v1.2.4\n\nreplace ("),
			[]string{"provider-x/go.mod: excludes example.com/backend"}},
		{"core has no third party, nor has what requires it",
			replace("core/go.mod", "wire v0.0.0\n", "wire v0.0.0\n\nrequire example.com/assert v1.0.0\n"),
			[]string{"conformance/go.mod: has the third party example.com/assert", "core/go.mod: has the third party example.com/assert"}},
		{"core has no sibling but wire",
			func(_ *testing.T, files map[string]string) {
				files["core/go.mod"] += "\nrequire github.com/unkn0wn-root/cascache/conformance v0.0.0\n" +
					"\nreplace github.com/unkn0wn-root/cascache/conformance => ../conformance\n" +
					"\nreplace github.com/unkn0wn-root/cascache/core => ../core\n"
				for _, m := range []string{"conformance", "provider-x", "internal/proof"} {
					files[m+"/go.mod"] += "\nreplace github.com/unkn0wn-root/cascache/conformance => " + relative(m, "conformance") + "\n"
				}
			},
			[]string{
				"conformance/go.mod: has github.com/unkn0wn-root/cascache/conformance in its graph",
				"core/go.mod: has github.com/unkn0wn-root/cascache/conformance in its graph",
				"core/go.mod: has github.com/unkn0wn-root/cascache/core in its graph",
			}},
		{"no newer Go than needed",
			replace("wire/go.mod", "go 1.25.0", "go 1.26.0"),
			[]string{"wire/go.mod: says go 1.26.0"}},
		{"a released module has a licence", remove("core/LICENSE"), []string{"core: has no LICENSE"}},
		{"a released module has a changelog", remove("provider-x/CHANGELOG.md"), []string{"provider-x: has no CHANGELOG.md"}},
		{"a released module has a doc.go", remove("wire/doc.go"), []string{"wire: has no doc.go"}},
		{"all have the same licence", replace("core/LICENSE", "the", "another"), []string{"core/LICENSE: differs"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			files := sound()
			test.spoil(t, files)
			breaches := checkFiles(t, files)
			if len(breaches) != len(test.want) {
				t.Fatalf("rule %q is broken: got the breaches %q, want those with %q", test.rule, breaches, test.want)
			}
			for i, b := range breaches {
				if !strings.Contains(b, test.want[i]) {
					t.Errorf("rule %q is broken: got breach %q, want one with %q", test.rule, b, test.want[i])
				}
			}
		})
	}
}
