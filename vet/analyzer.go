package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer reports mistakes in the use of CasCache; the package comment lists
// them. It needs no other analyzer and keeps no facts, so that the packages that
// a program imports are not analyzed again. It changes nothing, and may run on
// several packages at once.
var Analyzer = &analysis.Analyzer{
	Name: "cascache",
	Doc: `report mistakes in the use of CasCache that let it serve stale values

It reports a snapshot that is taken after the value was read, an invalidation
that comes before the commit or whose error is dropped, a load that ignores its
context, and a write that hides from Mutate that nothing was committed.

The comment "//cascache:ignore reason" silences one line.`,
	URL: "https://pkg.go.dev/github.com/unkn0wn-root/cascache/vet",
	Run: run,
}

var testFiles bool

func init() {
	Analyzer.Flags.BoolVar(&testFiles, "test-files", false, "also report what is in _test.go files")
}

// The categories of what is reported.
const (
	categorySnapshot  = "snapshot"
	categoryCommit    = "commit"
	categoryDropped   = "dropped"
	categoryContext   = "context"
	categoryBegin     = "begin"
	categoryDirective = "directive"
)

func run(pass *analysis.Pass) (any, error) {
	var files []*ast.File
	for _, f := range pass.Files {
		if testFiles || !strings.HasSuffix(pass.Fset.File(f.FileStart).Name(), "_test.go") {
			files = append(files, f)
		}
	}
	c := &checker{Pass: pass, files: files}
	c.directives = c.findDirectives()
	c.findCalls()
	c.checkDropped()
	c.checkLoads()
	c.checkBegins()
	c.checkInside()
	if c.needsFlow() {
		for _, fn := range c.functions() {
			c.checkSnapshots(fn)
			c.checkCommits(fn)
		}
	}
	return nil, nil
}

// A checker holds one package to the rules.
type checker struct {
	*analysis.Pass
	files      []*ast.File
	directives directives
	calls      map[token.Pos]*ast.CallExpr // by their opening parenthesis, as package ssa knows them
	decls      declarations
}

// report reports a mistake at a node, unless a comment silences its line.
func (c *checker) report(at ast.Node, category, format string, args ...any) {
	if c.directives.silence(c.Fset.Position(at.Pos())) {
		return
	}
	c.Report(analysis.Diagnostic{Pos: at.Pos(), End: at.End(), Category: category, Message: fmt.Sprintf(format, args...)})
}
