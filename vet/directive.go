package vet

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const directive = "//cascache:ignore"

// directives has the lines that are silenced.
type directives map[line]bool

type line struct {
	file   string
	number int
}

func (d directives) silence(at token.Position) bool { return d[line{at.Filename, at.Line}] }

// findDirectives finds the comments that silence a line, and reports those that
// give no reason: they silence nothing.
func (c *checker) findDirectives() directives {
	d := make(directives)
	for _, f := range c.files {
		var code map[int]bool // the lines that hold code
		for _, group := range f.Comments {
			for _, comment := range group.List {
				rest, ok := strings.CutPrefix(comment.Text, directive)
				if !ok || rest != "" && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "\t") {
					continue
				}
				if strings.TrimSpace(rest) == "" {
					c.Report(analysis.Diagnostic{
						Pos: comment.Pos(), End: comment.End(), Category: categoryDirective,
						Message: directive + " needs a reason, and silences nothing without one; write why the line is right after it",
					})
					continue
				}
				if code == nil {
					code = c.linesOfCode(f)
				}
				at := c.Fset.Position(comment.Pos())
				if !code[at.Line] {
					at.Line++
				}
				d[line{at.Filename, at.Line}] = true
			}
		}
	}
	return d
}

// linesOfCode returns the lines on which something else than a comment begins or
// ends.
func (c *checker) linesOfCode(f *ast.File) map[int]bool {
	lines := make(map[int]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.File:
			return n != nil
		case *ast.Comment, *ast.CommentGroup:
			return false
		}
		lines[c.Fset.Position(n.Pos()).Line] = true
		lines[c.Fset.Position(n.End()-1).Line] = true
		return true
	})
	return lines
}
