package snippets

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.." // the repository, seen from this folder

func TestGoInTheDocumentsWorks(t *testing.T) {
	for _, name := range documents(t, root) {
		for _, b := range read(t, name) {
			if !isGo(b) {
				continue
			}
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(name), b.line), func(t *testing.T) {
				if err := checkGo(t.Context(), root, b, !testing.Short()); err != nil {
					t.Errorf("code that a reader copies must work: %s, line %d: the block %v", name, b.line, err)
				}
			})
		}
	}
}

func TestReadmeHasQuickStart(t *testing.T) {
	if !hasQuickStart(read(t, filepath.Join(root, "README.md"))) {
		t.Error("the README must have a section \"Quick start\" with a complete program, marked ```go, in package main")
	}
}

// documents returns the README, CONTRIBUTING.md and every Markdown file under
// docs.
func documents(t *testing.T, root string) []string {
	t.Helper()
	names := []string{filepath.Join(root, index), filepath.Join(root, "CONTRIBUTING.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(name) == ".md" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, name string) []*block {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return blocks(string(text))
}

func hasQuickStart(found []*block) bool {
	for _, b := range found {
		if strings.EqualFold(b.section, "quick start") && b.info == "go" && strings.HasPrefix(firstCode(b.text), "package main\n") {
			return true
		}
	}
	return false
}
