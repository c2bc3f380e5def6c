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
}

func (m mutant) place() string {
	return fmt.Sprintf("%s:%d:%d", m.file, m.line, m.column)
}

func (m mutant) String() string {
	return fmt.Sprintf("%s/%s: %s -> %s", filepath.Base(m.dir), m.place(), short(m.old), short(m.new))
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
	var found []mutant
	at := func(p token.Pos) int { return files.Position(p).Offset }
	change := func(from, to token.Pos, text string) {
		where := files.Position(from)
		found = append(found, mutant{
			dir: dir, file: name, line: where.Line, column: where.Column,
			from: at(from), to: at(to), old: string(source[at(from):at(to)]), new: text,
		})
	}
	operator := func(p token.Pos, op token.Token) {
		if other, ok := swapped[op]; ok {
			change(p, p+token.Pos(len(op.String())), other.String())
		}
	}
	for _, decl := range tree.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue // declarations: constants are part of the contract
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				operator(n.OpPos, n.Op)
			case *ast.IncDecStmt:
				operator(n.TokPos, n.Tok)
			case *ast.BranchStmt:
				operator(n.TokPos, n.Tok)
			case *ast.AssignStmt:
				operator(n.TokPos, n.Tok)
				if n.Tok != token.DEFINE {
					change(n.Pos(), n.End(), "")
				}
			case *ast.IfStmt:
				condition := string(source[at(n.Cond.Pos()):at(n.Cond.End())])
				change(n.Cond.Pos(), n.Cond.End(), "!("+condition+")")
			case *ast.ExprStmt:
				change(n.Pos(), n.End(), "")
			case *ast.DeferStmt:
				change(n.Pos(), n.End(), "")
			case *ast.GoStmt:
				change(n.Pos(), n.End(), "")
			case *ast.Ident:
				switch n.Name {
				case "true":
					change(n.Pos(), n.End(), "false")
				case "false":
					change(n.Pos(), n.End(), "true")
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

func covers(blocks []block, line, column int) bool {
	return slices.ContainsFunc(blocks, func(b block) bool {
		after := line > b.line || line == b.line && column >= b.column
		before := line < b.endLine || line == b.endLine && column <= b.endColumn
		return after && before
	})
}
