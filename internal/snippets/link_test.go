package snippets

import (
	"strings"
	"testing"
)

func TestLinksLeadSomewhere(t *testing.T) {
	docs, has := parsed(t)
	for name := range docs {
		for _, f := range linkFaults(name, docs, has) {
			t.Errorf("every link must lead somewhere: %s:%d: %s", name, f.line, f.what)
		}
	}
}

func TestEveryPageIsReachable(t *testing.T) {
	docs, _ := parsed(t)
	seen := reachable(index, docs)
	for name := range docs {
		if !seen[name] {
			t.Errorf("every page must be reachable from the README by links: nothing leads to %s", name)
		}
	}
}

// The index and the README have every page themselves.
func TestIndexesAreComplete(t *testing.T) {
	docs, _ := parsed(t)
	for _, from := range []string{index, "docs/" + index} {
		if docs[from] == nil {
			t.Fatalf("there must be a %s", from)
		}
		linked := make(map[string]bool)
		for _, l := range docs[from].links {
			to, _ := resolve(from, l.target)
			linked[to], linked[to+"/"+index] = true, true
		}
		for name := range docs {
			if strings.HasPrefix(name, "docs/") && !strings.HasPrefix(name, "docs/adr/0") && name != from && !linked[name] {
				t.Errorf("an index has a row for every page: %s does not link to %s", from, name)
			}
		}
	}
}

// A released module is a folder at the top with a changelog of its own.
func TestReadmeListsEveryModule(t *testing.T) {
	docs, has := parsed(t)
	linked := make(map[string]bool)
	for _, l := range docs[index].links {
		linked[l.target] = true
	}
	found := 0
	for file := range has.files {
		if module, ok := strings.CutSuffix(file, "/CHANGELOG.md"); ok && !strings.Contains(module, "/") {
			found++
			if !linked[module] {
				t.Errorf("the README has a row for every released module: there is none for %s", module)
			}
		}
	}
	if found == 0 {
		t.Error("this test must find the modules")
	}
}

func TestLinkFaults(t *testing.T) {
	has := &tree{files: map[string]bool{"README.md": true, "docs": true, "docs/a.md": true, "docs/README.md": true, "core": true}}
	for _, c := range []struct {
		name, from, markdown string
		want                 string // a part of the fault; "": none
	}{
		{"a page", "README.md", "[a](docs/a.md)", ""},
		{"a page beside", "docs/a.md", "[b](README.md)", ""},
		{"a page above", "docs/a.md", "[b](../README.md#quick-start)", ""},
		{"a folder", "docs/a.md", "[core](../core)", ""},
		{"a page that is gone", "docs/a.md", "[b](b.md)", "no docs/b.md"},
		{"a page that is elsewhere", "README.md", "[a](a.md)", "no a.md"},
		{"a heading", "docs/a.md", "[b](#a-title-its-tail)\n\n# A title: its `tail`", ""},
		{"a heading that is gone", "README.md", "[a](docs/a.md#none)", "#none"},
		{"the second of a name", "docs/a.md", "[b](#t-1)\n\n# T\n\n# T", ""},
		{"another site", "README.md", "[x](https://example.com/none)", ""},
		{"code", "README.md", "`[a](none.md)`\n\n    [a](none.md)\n\n" + fenced("text", "[a](none.md)\n"), ""},
		{"two in a line", "README.md", "[a](docs/a.md) and [b](none.md)", "none.md"},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs := map[string]*text{
				"README.md":      parse("# Quick start\n"),
				"docs/README.md": parse("# Pages\n"),
				"docs/a.md":      parse("# A\n"),
			}
			docs[c.from] = parse(c.markdown + "\n\n# Quick start\n")
			faults := linkFaults(c.from, docs, has)
			switch {
			case c.want == "" && len(faults) > 0:
				t.Errorf("%q is right, and is refused: %v", c.markdown, faults)
			case c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0].what, c.want)):
				t.Errorf("%q must be refused with %q: got %v", c.markdown, c.want, faults)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	docs := map[string]*text{
		"README.md":       parse("[docs](docs)"),
		"docs/README.md":  parse("[a](a.md)"),
		"docs/a.md":       parse("[back](../README.md#x)"),
		"docs/lonely.md":  parse("[a](a.md)"),
		"docs/lonely2.md": parse("[a](lonely.md)"),
	}
	seen := reachable("README.md", docs)
	if !seen["docs/README.md"] || !seen["docs/a.md"] || seen["docs/lonely.md"] || seen["docs/lonely2.md"] {
		t.Errorf("links are followed from where a reader begins, through indexes: got %v", seen)
	}
}
