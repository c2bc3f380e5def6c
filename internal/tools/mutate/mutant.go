package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mutant is one small change of a file.
type mutant struct {
	dir, file    string
	line, column int
	from, to     int // bytes of the file that go
	old, new     string
	code         string // the line that it begins on

	// both is what goes in their place in a build that holds many mutants,
	// with the wrapped bytes from wrapFrom to wrapTo; "" if that is not
	// possible. SWITCH stands for whether this mutant is on.
	both              string
	wrapFrom, wrapTo  int
	wrapLine, wrapEnd int // the lines that these bytes are on

	funcLine, funcEnd int // the lines of the function that it is in
}

func (m mutant) place() string {
	return fmt.Sprintf("%s:%d:%d", m.file, m.line, m.column)
}

func (m mutant) String() string {
	return fmt.Sprintf("%s/%s: %s -> %s", filepath.Base(m.dir), m.place(), short(m.old), short(m.new))
}

// known is how a list of equivalent mutants names this one: not by its line,
// which other changes move.
func (m mutant) known() string {
	return filepath.Base(m.dir) + "/" + m.file + " | " + m.code + " | " + short(m.old) + " -> " + short(m.new)
}

func short(code string) string {
	if code == "" {
		return "nothing"
	}
	code = strings.Join(strings.Fields(code), " ")
	if len(code) > 90 {
		code = code[:90] + "…"
	}
	return "`" + code + "`"
}

func (m mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.from], []byte(m.new), source[m.to:])
}

// swapped tells what becomes of an operator.
var swapped = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.AND: token.OR, token.OR: token.AND, token.SHL: token.SHR, token.SHR: token.SHL, token.REM: token.MUL,
	token.INC: token.DEC, token.DEC: token.INC,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN,
	token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

// mutantsOf returns all changes of a file that this program knows.
func mutantsOf(dir, name string) ([]mutant, error) {
	source, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(source), "\n")
	var found []mutant
	var inside *ast.FuncDecl
	at := func(p token.Pos) int { return files.Position(p).Offset }
	change := func(from, to token.Pos, text string) {
		where := files.Position(from)
		around := files.Position(inside.Pos()).Line
		last := files.Position(inside.End()).Line
		found = append(found, mutant{
			dir: dir, file: name, line: where.Line, column: where.Column,
			from: at(from), to: at(to), old: string(source[at(from):at(to)]), new: text,
			code:     strings.TrimSpace(lines[where.Line-1]),
			funcLine: around, funcEnd: last,
		})
	}
	code := func(n ast.Node) string { return string(source[at(n.Pos()):at(n.End())]) }
	// wrap tells how the last change goes together with others in one build.
	wrap := func(n ast.Node, both string) {
		last := &found[len(found)-1]
		last.both, last.wrapFrom, last.wrapTo = both, at(n.Pos()), at(n.End())
		last.wrapLine, last.wrapEnd = files.Position(n.Pos()).Line, files.Position(n.End()).Line
	}
	operator := func(p token.Pos, op token.Token) bool {
		other, ok := swapped[op]
		if ok {
			change(p, p+token.Pos(len(op.String())), other.String())
		}
		return ok
	}
	// Only the statements of a list can be wrapped.
	listed := map[ast.Node]bool{}
	remove := func(n ast.Stmt) {
		change(n.Pos(), n.End(), "")
		if listed[n] {
			wrap(n, "if !SWITCH { "+code(n)+" }")
		}
	}
	swap := func(n ast.Stmt, p token.Pos, op token.Token) {
		if operator(p, op) && listed[n] {
			start := at(n.Pos())
			changed := code(n)[:at(p)-start] + swapped[op].String() + code(n)[at(p)-start+len(op.String()):]
			wrap(n, "if SWITCH { "+changed+" } else { "+code(n)+" }")
		}
	}
	for _, decl := range tree.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue // declarations: constants are part of the contract
		}
		inside = f
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BlockStmt:
				for _, stmt := range n.List {
					listed[stmt] = true
				}
			case *ast.CaseClause:
				for _, stmt := range n.Body {
					listed[stmt] = true
				}
			case *ast.CommClause:
				for _, stmt := range n.Body {
					listed[stmt] = true
				}
			case *ast.BinaryExpr:
				if operator(n.OpPos, n.Op) && yieldsBool(n.Op) {
					x, y := code(n.X), code(n.Y)
					wrap(n, "(SWITCH && ("+x+" "+swapped[n.Op].String()+" "+y+") || !SWITCH && ("+x+" "+n.Op.String()+" "+y+"))")
				}
			case *ast.IncDecStmt:
				swap(n, n.TokPos, n.Tok)
			case *ast.BranchStmt:
				swap(n, n.TokPos, n.Tok)
			case *ast.AssignStmt:
				swap(n, n.TokPos, n.Tok)
				if n.Tok != token.DEFINE {
					remove(n)
				}
			case *ast.IfStmt:
				change(n.Cond.Pos(), n.Cond.End(), "!("+code(n.Cond)+")")
				wrap(n.Cond, "(("+code(n.Cond)+") != SWITCH)")
			case *ast.ExprStmt, *ast.DeferStmt, *ast.GoStmt:
				remove(n.(ast.Stmt))
			case *ast.Ident:
				other := map[string]string{"true": "false", "false": "true"}[n.Name]
				if other != "" {
					change(n.Pos(), n.End(), other)
					wrap(n, "("+n.Name+" != SWITCH)")
				}
			case *ast.BasicLit:
				if v, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
					change(n.Pos(), n.End(), strconv.FormatInt(v+1, 10))
				}
			}
			return true
		})
	}
	return found, nil
}

func yieldsBool(op token.Token) bool {
	switch op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ, token.EQL, token.NEQ, token.LAND, token.LOR:
		return true
	}
	return false
}

// together returns a file with all these mutants of it, which do not overlap,
// each of which is on when number tells its number.
func together(source []byte, mutants []mutant, number func(mutant) int) []byte {
	mutants = slices.Clone(mutants)
	slices.SortFunc(mutants, func(a, b mutant) int { return b.wrapFrom - a.wrapFrom })
	for _, m := range mutants {
		text := strings.ReplaceAll(m.both, "SWITCH", fmt.Sprintf("mutantOn(%d)", number(m)))
		source = slices.Concat(source[:m.wrapFrom], []byte(text), source[m.wrapTo:])
	}
	return source
}

func (m mutant) overlaps(other mutant) bool {
	return m.dir == other.dir && m.file == other.file && m.wrapFrom < other.wrapTo && other.wrapFrom < m.wrapTo
}

// block is a stretch of code that a test went through.
type block struct{ line, column, endLine, endColumn int }

// blocksOf reads a coverage profile.
func blocksOf(profile string) map[string][]block {
	blocks := map[string][]block{}
	for line := range strings.Lines(profile) {
		// path/file.go:12.34,56.78 2 1
		var b block
		var statements, count int
		path, rest, ok := strings.Cut(line, ".go:")
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &b.line, &b.column, &b.endLine, &b.endColumn, &statements, &count); err != nil || count == 0 {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:] + ".go"
		blocks[name] = append(blocks[name], b)
	}
	return blocks
}

// enters tells whether a test went into a function.
func enters(blocks []block, from, to int) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return from <= b.line && b.line <= to })
}

func covers(blocks []block, line, column int) bool {
	return slices.ContainsFunc(blocks, func(b block) bool {
		after := line > b.line || line == b.line && column >= b.column
		before := line < b.endLine || line == b.endLine && column <= b.endColumn
		return after && before
	})
}
