package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

// goFloor is the go directive of a released module whose graph holds no third
// party; a third party may demand more.
const goFloor = "1.25.0"

// closed lists the modules whose graphs hold these siblings and nothing else.
var closed = map[string][]string{
	"wire":        nil,
	"core":        {"wire"},
	"conformance": {"core", "wire"},
}

// check returns every breach of the rules under root, each as one line that
// names the file and the rule. An error means that it could not look.
func check(root string) ([]string, error) {
	work, err := workspace.Work(root)
	if err != nil {
		return nil, err
	}
	folders, err := moduleFolders(root)
	if err != nil {
		return nil, err
	}
	c := checker{root: root, modules: make(map[string]workspace.Module)}
	for _, folder := range folders {
		m, err := workspace.Read(root, folder)
		if err != nil {
			return nil, err
		}
		c.modules[folder] = m
	}
	c.checkWork(work, folders)
	for _, folder := range folders {
		m := c.modules[folder]
		c.checkPath(m)
		c.checkRequires(m)
		c.checkReplaces(m)
		c.checkGraph(m)
		if m.Released() {
			c.checkFiles(m)
		}
	}
	return c.breaches, nil
}

// moduleFolders returns the folder of every go.mod below root that the go
// command would see, sorted.
func moduleFolders(root string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && file != root &&
			(name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return fs.SkipDir
		}
		if d.Name() != "go.mod" || d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		folders = append(folders, filepath.ToSlash(rel))
		return err
	})
	slices.Sort(folders)
	return folders, err
}

type checker struct {
	root     string
	modules  map[string]workspace.Module // by folder
	breaches []string
}

func (c *checker) breach(file, format string, args ...any) {
	c.breaches = append(c.breaches, file+": "+fmt.Sprintf(format, args...))
}

// checkWork: go.work holds go and use lines only, and uses every module.
func (c *checker) checkWork(work *modfile.WorkFile, folders []string) {
	for _, line := range work.Syntax.Stmt {
		if verb := firstToken(line); verb != "" && verb != "go" && verb != "use" {
			c.breach("go.work", "holds a %s line; only go and use belong here", verb)
		}
	}
	var used []string
	for _, use := range work.Use {
		used = append(used, path.Clean(use.Path))
	}
	for _, folder := range folders {
		if !slices.Contains(used, folder) {
			c.breach("go.work", "does not use ./%s, which has a go.mod", folder)
		}
	}
	for _, folder := range used {
		if !slices.Contains(folders, folder) {
			c.breach("go.work", "uses ./%s, which is no module of this tree", folder)
		}
	}
}

// firstToken returns the verb of a line or block, or "" for a comment.
func firstToken(expr modfile.Expr) string {
	switch expr := expr.(type) {
	case *modfile.Line:
		return expr.Token[0]
	case *modfile.LineBlock:
		return expr.Token[0]
	}
	return ""
}

// checkPath: a module's path says where it lies.
func (c *checker) checkPath(m workspace.Module) {
	if want := workspace.Base + "/" + m.Folder; m.Path() != want {
		c.breach(goMod(m), "the module is called %s, and its folder %s", m.Path(), want)
	}
}

// checkRequires: siblings are required at v0.0.0, and a released module
// requires released ones only, since its users could not download the others.
func (c *checker) checkRequires(m workspace.Module) {
	for _, r := range m.File.Require {
		folder, ok := workspace.Sibling(r.Mod.Path)
		if !ok {
			continue
		}
		if r.Mod.Version != workspace.Unreleased {
			c.breach(goMod(m), "requires %s at %s instead of %s", r.Mod.Path, r.Mod.Version, workspace.Unreleased)
		}
		required, exists := c.modules[folder]
		if !exists {
			c.breach(goMod(m), "requires %s, which is no module of this tree", r.Mod.Path)
		} else if m.Released() && !required.Released() {
			c.breach(goMod(m), "requires %s, which is never released", r.Mod.Path)
		}
	}
}

// checkReplaces: every sibling in the module's transitive graph is replaced by
// its folder, and nothing else is replaced or excluded: users of the module
// would not get it.
func (c *checker) checkReplaces(m workspace.Module) {
	missing := make(map[string]bool)
	for folder := range c.graph(m).siblings {
		missing[folder] = true
	}
	for _, r := range m.File.Replace {
		folder, ok := workspace.Sibling(r.Old.Path)
		switch {
		case !ok:
			c.breach(goMod(m), "replaces %s, which users of the module would not get", r.Old.Path)
			continue
		case !c.graph(m).siblings[folder]:
			c.breach(goMod(m), "replaces %s, which is not in its graph", r.Old.Path)
			continue
		}
		delete(missing, folder)
		if path.Join(m.Folder, r.New.Path) != folder || r.New.Version != "" || r.Old.Version != "" {
			c.breach(goMod(m), "replaces %s by other than its folder: want `replace %s => %s`", r.Old.Path, r.Old.Path, relative(m.Folder, folder))
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(missing)) {
		c.breach(goMod(m), "lacks `replace %s/%s => %s`", workspace.Base, folder, relative(m.Folder, folder))
	}
	for _, e := range m.File.Exclude {
		c.breach(goMod(m), "excludes %s, which users of the module would still get", e.Mod.Path)
	}
}

// checkGraph: the closed modules keep their graphs, and a released module
// without third parties asks for no newer Go than the floor.
func (c *checker) checkGraph(m workspace.Module) {
	g := c.graph(m)
	if allowed, ok := closed[m.Folder]; ok {
		for _, folder := range slices.Sorted(maps.Keys(g.siblings)) {
			if !slices.Contains(allowed, folder) {
				c.breach(goMod(m), "has %s/%s in its graph, which may hold nothing but %v", workspace.Base, folder, allowed)
			}
		}
		for _, third := range slices.Sorted(maps.Keys(g.thirdParties)) {
			c.breach(goMod(m), "has the third party %s in its graph", third)
		}
	}
	if m.Released() && len(g.thirdParties) == 0 && m.Go() != goFloor {
		c.breach(goMod(m), "says go %s; without third parties it is go %s", m.Go(), goFloor)
	}
}

// checkFiles: a released module carries its licence, its changes and its
// introduction.
func (c *checker) checkFiles(m workspace.Module) {
	dir := filepath.Join(c.root, filepath.FromSlash(m.Folder))
	for _, name := range []string{"LICENSE", "CHANGELOG.md", "doc.go"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			c.breach(m.Folder, "has no %s", name)
		}
	}
	ours, err := os.ReadFile(filepath.Join(c.root, "LICENSE"))
	if err != nil {
		c.breach("LICENSE", "%v", err)
	}
	if theirs, err := os.ReadFile(filepath.Join(dir, "LICENSE")); err == nil && !bytes.Equal(ours, theirs) {
		c.breach(m.Folder+"/LICENSE", "differs from the one of the repository")
	}
}

type graph struct {
	siblings     map[string]bool // by folder
	thirdParties map[string]bool // by module path
}

// graph follows the requires of m and of all its siblings.
func (c *checker) graph(m workspace.Module) graph {
	g := graph{siblings: make(map[string]bool), thirdParties: make(map[string]bool)}
	var follow func(m workspace.Module)
	follow = func(m workspace.Module) {
		for _, r := range m.File.Require {
			folder, ok := workspace.Sibling(r.Mod.Path)
			if !ok {
				g.thirdParties[r.Mod.Path] = true
			} else if required, exists := c.modules[folder]; exists && !g.siblings[folder] {
				g.siblings[folder] = true
				follow(required)
			}
		}
	}
	follow(m)
	return g
}

// relative returns how to get from one folder to another in a go.mod. To write
// it by way of the root ("../../internal/x") is as good.
func relative(from, to string) string {
	if rest, ok := strings.CutPrefix(to, path.Dir(from)+"/"); ok {
		return "../" + rest
	}
	return strings.Repeat("../", strings.Count(from, "/")+1) + to
}

func goMod(m workspace.Module) string { return m.Folder + "/go.mod" }
