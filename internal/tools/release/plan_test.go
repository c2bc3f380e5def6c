package main

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

// modules returns a workspace in which each folder requires those after the colon.
func modules(t *testing.T, lines ...string) []workspace.Module {
	t.Helper()
	var all []workspace.Module
	for _, line := range lines {
		folder, requires, _ := strings.Cut(line, ":")
		text := "module " + workspace.Base + "/" + folder + "\n\ngo 1.25.0\n"
		for s := range strings.FieldsSeq(requires) {
			text += "\nrequire " + workspace.Base + "/" + s + " v0.0.0\n\nreplace " + workspace.Base + "/" + s + " => ../" + s + "\n"
		}
		file, err := modfile.Parse(folder, []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, workspace.Module{Folder: folder, File: file})
	}
	return all
}

func TestSiblingsComeFirst(t *testing.T) {
	all := modules(t, "codec: conformance core", "conformance: core wire", "core: wire", "internal/proof: core", "wire")
	got, err := plan(all, []string{"codec@v0.1.0", "wire@v1.0.0", "conformance@v0.2.0"})
	want := []release{{"wire", "v1.0.0"}, {"conformance", "v0.2.0"}, {"codec", "v0.1.0"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("a module is released after those that it requires: got %v, %v, want %v", got, err, want)
	}

	for name, test := range map[string]struct {
		asked []string
		want  string
	}{
		"nothing":                 {nil, "nothing to release"},
		"no version":              {[]string{"core"}, "want <folder>@vX.Y.Z"},
		"a version of no release": {[]string{"core@v0.1.0-rc.1"}, "want <folder>@vX.Y.Z"},
		"no such module":          {[]string{"cores@v0.1.0"}, "no module that is released"},
		"an internal module":      {[]string{"internal/proof@v0.1.0"}, "no module that is released"},
		"twice":                   {[]string{"core@v0.1.0", "core@v0.2.0"}, "asked for twice"},
	} {
		if got, err := plan(all, test.asked); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s must not be planned: got %v, %v, want an error with %q", name, got, err, test.want)
		}
	}

	circle := modules(t, "a: b", "b: a")
	if _, err := plan(circle, []string{"a@v0.1.0"}); err == nil || !strings.Contains(err.Error(), "a → b → a") {
		t.Errorf("a circle can't be released: got %v", err)
	}
}

func TestReleasedForm(t *testing.T) {
	file := modules(t, "codec: core wire")[0].File
	if err := checkReleasedForm(file); err == nil {
		t.Error("the working form is taken for the released one")
	}
	err := workspace.Release(file, func(folder string) (string, error) {
		return map[string]string{"core": "v0.3.1", "wire": "v0.2.0"}[folder], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	formed, err := file.Format()
	if err != nil {
		t.Fatal(err)
	}
	got, err := modfile.Parse("go.mod", formed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkReleasedForm(got); err != nil {
		t.Errorf("the released form holds nothing of the working form: %v", err)
	}
	var requires []string
	for _, r := range got.Require {
		requires = append(requires, r.Mod.String())
	}
	if want := []string{workspace.Base + "/core@v0.3.1", workspace.Base + "/wire@v0.2.0"}; !slices.Equal(requires, want) {
		t.Errorf("siblings are required at their releases: got %q, want %q", requires, want)
	}
}
