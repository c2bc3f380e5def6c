package snippets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tree is what documents may name: the files of the repository and what they
// declare.
type tree struct {
	root     string
	files    map[string]bool                // paths from the root, folders included
	bases    map[string]bool                // the last elements of these
	tests    map[string][]string            // folder: names of tests, benchmarks and the like
	sources  map[string]string              // folder: the text of its tests
	targets  map[string]bool                // of the Makefile
	exported map[string]map[string]bool     // package name: what it exports
	members  map[string]map[string]bool     // name of an exported type: fields and methods, of all types of that name
	consts   map[string]map[string][]string // package name: type: constants of it
}

var (
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// readTree looks through the repository.
func readTree(root string) (*tree, error) {
	t := &tree{
		root:     root,
		files:    make(map[string]bool),
		bases:    make(map[string]bool),
		tests:    make(map[string][]string),
		sources:  make(map[string]string),
		targets:  make(map[string]bool),
		exported: make(map[string]map[string]bool),
		members:  make(map[string]map[string]bool),
		consts:   make(map[string]map[string][]string),
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return nil, err
	}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		t.targets[m[1]] = true
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		t.files[name], t.bases[path.Base(name)] = true, true
		switch {
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		case strings.HasSuffix(name, "_test.go"):
			return t.readTests(file, path.Dir(name))
		case strings.Contains(name, "/internal/") || strings.HasPrefix(name, "internal/") || strings.HasPrefix(name, "examples/"):
			return nil // nobody can import it
		}
		return t.readPackage(file)
	})
	return t, err
}

func (t *tree) readTests(file, folder string) error {
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	t.sources[folder] += string(source)
	for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
		t.tests[folder] = append(t.tests[folder], m[1])
	}
	return nil
}

// readPackage notes what a file exports.
func (t *tree) readPackage(file string) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if f.Name.Name == "main" {
		return nil
	}
	exported := t.exported[f.Name.Name]
	if exported == nil {
		exported = make(map[string]bool)
		t.exported[f.Name.Name] = exported
		t.consts[f.Name.Name] = make(map[string][]string)
	}
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv != nil {
				t.member(receiver(decl), decl.Name.Name)
			} else {
				exported[decl.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					exported[spec.Name.Name] = true
					t.readType(spec)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						exported[name.Name] = true
						if of, ok := spec.Type.(*ast.Ident); ok && decl.Tok == token.CONST {
							t.consts[f.Name.Name][of.Name] = append(t.consts[f.Name.Name][of.Name], name.Name)
						}
					}
				}
			}
		}
	}
	return nil
}

func (t *tree) readType(spec *ast.TypeSpec) {
	var fields *ast.FieldList
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		fields = typ.Fields
	case *ast.InterfaceType:
		fields = typ.Methods
	default:
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			t.member(spec.Name.Name, name.Name)
		}
	}
}

func (t *tree) member(typ, name string) {
	if t.members[typ] == nil {
		t.members[typ] = make(map[string]bool)
	}
	t.members[typ][name] = true
}

// receiver returns the name of the type that a method belongs to.
func receiver(method *ast.FuncDecl) string {
	typ := method.Recv.List[0].Type
	for {
		switch of := typ.(type) {
		case *ast.StarExpr:
			typ = of.X
		case *ast.IndexExpr:
			typ = of.X
		case *ast.Ident:
			return of.Name
		default:
			return ""
		}
	}
}

// hasTest reports whether any folder declares a test of that name.
func (t *tree) hasTest(name string) bool {
	for _, names := range t.tests {
		if slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// hasPart reports whether the tests of a folder that declares that test hold the
// name of a part of it.
func (t *tree) hasPart(test, name string) bool {
	for folder, names := range t.tests {
		if slices.Contains(names, test) && strings.Contains(t.sources[folder], strconv.Quote(name)) {
			return true
		}
	}
	return false
}

// exports reports whether any package exports that name.
func (t *tree) exports(name string) bool {
	for _, exported := range t.exported {
		if exported[name] {
			return true
		}
	}
	return false
}

// runs reports whether a pattern of go test selects anything in one of the
// folders, or in any if there are none. An argument that ends in /... stands for
// all folders below.
func (t *tree) runs(pattern *regexp.Regexp, benchmarks bool, args []string) bool {
	for folder, names := range t.tests {
		if !among(folder, args) {
			continue
		}
		for _, name := range names {
			if strings.HasPrefix(name, "Benchmark") == benchmarks && pattern.MatchString(name) {
				return true
			}
		}
	}
	return false
}

func among(folder string, args []string) bool {
	for _, arg := range args {
		arg = path.Clean(arg)
		if below, all := strings.CutSuffix(arg, "..."); all {
			below = strings.TrimSuffix(below, "/")
			if below == "" || below == "." || folder == below || strings.HasPrefix(folder, below+"/") {
				return true
			}
		} else if folder == arg {
			return true
		}
	}
	return len(args) == 0
}
