package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

// needsServer is in the go.mod of the modules whose examples need a server
// running: they are compiled, not run.
const needsServer = "github.com/redis/go-redis/v9"

// check returns every breach in the released modules under root, each as one
// line. unshown gives the types that need no example, and why. An error means
// that it could not look.
func check(root string, unshown map[string]string) ([]string, error) {
	modules, err := workspace.Modules(root)
	if err != nil {
		return nil, err
	}
	c := checker{root: root, unshown: unshown, excused: make(map[string]bool)}
	for _, m := range modules {
		if !m.Released() || strings.HasPrefix(m.Folder, "internal/") { // no user imports it
			continue
		}
		if err := c.checkModule(m); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unshown)) {
		if !c.excused[name] {
			c.breach(token.Position{Filename: "unshown"}, "excuses %s, which needs no excuse", name)
		}
	}
	return c.breaches, nil
}

type checker struct {
	root     string
	unshown  map[string]string
	excused  map[string]bool // the keys of unshown that were needed
	breaches []string
}

// breach takes a position within root, or in no file.
func (c *checker) breach(at token.Position, format string, args ...any) {
	if rel, err := filepath.Rel(c.root, at.Filename); err == nil && at.Line > 0 {
		at.Filename, at.Column = filepath.ToSlash(rel), 0
	}
	c.breaches = append(c.breaches, at.String()+": "+fmt.Sprintf(format, args...))
}

// checkModule checks each package of a module that users can import.
func (c *checker) checkModule(m workspace.Module) error {
	dir := filepath.Join(c.root, filepath.FromSlash(m.Folder))
	runs := !slices.ContainsFunc(m.File.Require, func(r *modfile.Require) bool { return r.Mod.Path == needsServer })
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		if file != dir {
			_, nested := os.Stat(filepath.Join(file, "go.mod"))
			if name == "testdata" || name == "internal" || name == "vendor" || nested == nil ||
				strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return fs.SkipDir
			}
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		folder := path.Join(m.Folder, filepath.ToSlash(rel))
		p, err := read(file, path.Join(m.Path(), filepath.ToSlash(rel)))
		if err != nil || p == nil || p.doc.Name == "main" {
			return err
		}
		for _, t := range p.doc.Types {
			for _, spec := range t.Decl.Specs {
				c.checkMembers(p, spec.(*ast.TypeSpec))
			}
		}
		c.checkExamples(folder, p, runs)
		return nil
	})
}

// A pkg is one package and its tests.
type pkg struct {
	fset *token.FileSet
	doc  *doc.Package
	path string
	test []*ast.File
}

// read parses the package in a directory; nil if there is none.
func read(dir, importPath string) (*pkg, error) {
	found, err := build.ImportDir(dir, 0)
	var none *build.NoGoError
	if errors.As(err, &none) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	p := &pkg{fset: token.NewFileSet(), path: importPath}
	var files []*ast.File
	for _, name := range slices.Concat(found.GoFiles, found.TestGoFiles, found.XTestGoFiles) {
		f, err := parser.ParseFile(p.fset, filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		if strings.HasSuffix(name, "_test.go") {
			p.test = append(p.test, f)
		}
	}
	p.doc, err = doc.NewFromFiles(p.fset, files, importPath)
	return p, err
}

func (p *pkg) at(n ast.Node) token.Position { return p.fset.Position(n.Pos()) }

// filled matches the structs that users fill in. Their fields say what they
// mean, their zero value and their range; those of a struct that users only
// read may speak for themselves.
var filled = regexp.MustCompile(`^(Config|Rule|Hooks|.*Options|.*Harness)$`)

// checkMembers checks the methods of an interface, unless there is but one,
// which the interface's own comment is about, and the fields of a struct that
// is filled in. One comment may be on several that follow each other without an
// empty line.
func (c *checker) checkMembers(p *pkg, spec *ast.TypeSpec) {
	var members []*ast.Field
	switch t := spec.Type.(type) {
	case *ast.StructType:
		if filled.MatchString(spec.Name.Name) {
			members = t.Fields.List
		}
	case *ast.InterfaceType:
		if len(t.Methods.List) > 1 {
			members = t.Methods.List
		}
	}
	last, said := 0, false
	for _, f := range members {
		first := f.Pos()
		if f.Doc != nil {
			first = f.Doc.Pos()
		}
		if p.fset.Position(first).Line != last+1 {
			said = false
		}
		said = said || f.Doc != nil
		last = p.fset.Position(f.End()).Line
		for _, name := range f.Names {
			if name.IsExported() && !said && f.Comment == nil {
				c.breach(p.at(name), "%s.%s has no comment", spec.Name, name)
			}
		}
	}
}

// checkExamples: there is an example, each runs if it can, and each exported
// type is in one.
func (c *checker) checkExamples(folder string, p *pkg, runs bool) {
	examples := doc.Examples(p.test...)
	if len(examples) == 0 {
		c.breach(token.Position{Filename: folder}, "package %s has no example", p.doc.Name)
	}
	shown := make(map[string]bool)
	for _, e := range examples {
		if runs && e.Output == "" && !e.EmptyOutput {
			c.breach(p.at(e.Code), "Example%s has no output, so that it never runs", e.Name)
		}
		p.shows(e, shown)
	}
	for _, t := range p.doc.Types {
		names := append(p.givers(t.Name), t.Name)
		for _, v := range slices.Concat(t.Consts, t.Vars) {
			names = append(names, v.Names...)
		}
		if slices.ContainsFunc(names, func(n string) bool { return shown[n] }) {
			continue
		}
		key := folder + "." + t.Name
		if c.unshown[key] != "" {
			c.excused[key] = true
			continue
		}
		c.breach(p.at(t.Decl), "type %s is in no example", t.Name)
	}
}

// givers returns what the examples use when they are given a value of a type:
// the functions that return one, and the methods, each after a point.
func (p *pkg) givers(typeName string) []string {
	var names []string
	gives := func(prefix string, f *doc.Func) {
		if f.Decl.Type.Results == nil {
			return
		}
		for _, result := range f.Decl.Type.Results.List {
			ast.Inspect(result.Type, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && id.Name == typeName {
					names = append(names, prefix+f.Name)
				}
				return true
			})
		}
	}
	for _, f := range p.doc.Funcs {
		gives("", f)
	}
	for _, t := range p.doc.Types {
		for _, f := range t.Funcs {
			gives("", f)
		}
		for _, f := range t.Methods {
			gives(".", f)
		}
	}
	return names
}

// shows adds the names of the package that an example uses, and after a point
// those of the fields and methods, of whatever they are.
func (p *pkg) shows(e *doc.Example, shown map[string]bool) {
	file := p.test[slices.IndexFunc(p.test, func(f *ast.File) bool {
		return f.FileStart <= e.Code.Pos() && e.Code.Pos() < f.FileEnd
	})]
	name := p.doc.Name
	for _, i := range file.Imports {
		if imported, err := strconv.Unquote(i.Path.Value); err == nil && imported == p.path && i.Name != nil {
			name = i.Name.Name
		}
	}
	inside := file.Name.Name == p.doc.Name
	ast.Inspect(e.Code, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			shown["."+n.Sel.Name] = true
			if id, ok := n.X.(*ast.Ident); ok && id.Name == name {
				shown[n.Sel.Name] = true
			}
		case *ast.Ident:
			if inside {
				shown[n.Name] = true
			}
		}
		return true
	})
}
