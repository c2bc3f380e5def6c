package snippets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	abilityOf = regexp.MustCompile(`is an optional\s+ability\s+of\s+a\s+\[(\w+)\]`)
	inBoth    = regexp.MustCompile(`is an optional\s+ability\s+of\s+a\s+value\s+that\s+is\s+both`)
)

// Whoever writes a provider, a codec or a generation store learns from its page
// of every ability that the cache looks for.
func TestEveryAbilityIsExplained(t *testing.T) {
	docs, _ := parsed(t)
	named := func(page, ability string) bool {
		return slices.ContainsFunc(docs[page].spans, func(s span) bool {
			return strings.TrimPrefix(s.text, "cascache.") == ability
		})
	}
	pages := map[string]string{
		"Provider": "docs/writing-a-provider.md",
		"Codec":    "docs/writing-a-codec.md",
		"GenStore": "docs/writing-a-genstore.md",
		"Near":     "docs/assembly.md",
	}
	files, err := filepath.Glob(filepath.Join(root, "core", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			ability, doc := gen.Specs[0].(*ast.TypeSpec).Name.Name, gen.Doc.Text()
			var of []string
			if m := abilityOf.FindStringSubmatch(doc); m != nil {
				of = []string{m[1]}
			} else if inBoth.MatchString(doc) {
				of = []string{"Provider", "GenStore"}
			}
			for _, contract := range of {
				found++
				if !named(pages[contract], ability) {
					t.Errorf("what the cache looks for must be told to authors: %s does not name `cascache.%s`", pages[contract], ability)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("this test must find the abilities in core by their comments: found %d", found)
	}
}
