package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// checkBegins reports functions that write under a hold, and return the error of
// a failed begin as if the write might have happened.
func (c *checker) checkBegins() {
	seen := make(map[*ast.BlockStmt]bool)
	for _, lparen := range slices.Sorted(maps.Keys(c.calls)) {
		call := c.calls[lparen]
		under := c.holds(call)
		if under == "" {
			continue
		}
		for _, arg := range call.Args {
			sig, ok := c.TypesInfo.TypeOf(arg).(*types.Signature)
			if !ok || !returnsError(sig) {
				continue
			}
			if _, body, ok := c.function(arg); ok && !seen[body] {
				seen[body] = true
				c.checkBegin(body, under)
			}
		}
	}
}

// holds returns how the call that holds keys while a function runs is named, or
// "".
func (c *checker) holds(call *ast.CallExpr) string {
	switch name := c.cacheMethod(call); name {
	case "Mutate", "Write":
		return name
	}
	if fn := c.callee(call); fn != nil && fn.Name() == "Commit" && isCore(receiver(fn), "Changes") {
		return "Changes.Commit"
	}
	return ""
}

func (c *checker) checkBegin(body *ast.BlockStmt, under string) {
	if c.marksInDefer(body) {
		return
	}
	inspectOwn(body, func(n ast.Node) {
		var list []ast.Stmt
		switch n := n.(type) {
		case *ast.BlockStmt:
			list = n.List
		case *ast.CaseClause:
			list = n.Body
		case *ast.CommClause:
			list = n.Body
		}
		for i, s := range list {
			branch, ok := s.(*ast.IfStmt)
			if !ok {
				continue
			}
			begin := branch.Init
			if begin == nil && i > 0 {
				begin = list[i-1]
			}
			call, err := c.begins(begin)
			if call == nil || !c.isFailure(branch.Cond, err) || len(branch.Body.List) == 0 {
				continue
			}
			back, ok := branch.Body.List[len(branch.Body.List)-1].(*ast.ReturnStmt)
			if !ok || len(back.Results) == 0 {
				continue
			}
			if result := back.Results[len(back.Results)-1]; c.unmarked(result, err) {
				c.report(result, categoryBegin,
					"the error of %s is returned to %s without cascache.ErrNotCommitted: the keys stay held until the lease ends, although nothing was written; "+
						"return errors.Join(cascache.ErrNotCommitted, %s)", c.callee(call).Name(), under, err.Name())
			}
		}
	})
}

// begins returns the call that begins a transaction in a statement, and the
// variable that its error goes to; nil if there is none.
func (c *checker) begins(s ast.Stmt) (*ast.CallExpr, types.Object) {
	assign, ok := s.(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 2 || len(assign.Rhs) != 1 {
		return nil, nil
	}
	call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
	if !ok {
		return nil, nil
	}
	fn := c.callee(call)
	if fn == nil || !strings.HasPrefix(fn.Name(), "Begin") {
		return nil, nil
	}
	results := fn.Signature().Results()
	id, ok := assign.Lhs[1].(*ast.Ident)
	if !ok || results.Len() != 2 || !returnsError(fn.Signature()) || !isTransaction(results.At(0).Type()) {
		return nil, nil
	}
	err := c.TypesInfo.ObjectOf(id)
	if err == nil {
		return nil, nil
	}
	return call, err
}

// isFailure reports whether a condition is err != nil.
func (c *checker) isFailure(cond ast.Expr, err types.Object) bool {
	b, ok := ast.Unparen(cond).(*ast.BinaryExpr)
	return ok && b.Op == token.NEQ && c.isObject(b.X, err) && c.TypesInfo.Types[b.Y].IsNil()
}

func (c *checker) isObject(e ast.Expr, o types.Object) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && c.TypesInfo.ObjectOf(id) == o
}

// unmarked reports whether an error certainly does not wrap ErrNotCommitted: it
// is err, or err wrapped by package fmt or errors together with nothing that could
// be a mark.
func (c *checker) unmarked(e ast.Expr, err types.Object) bool {
	if c.isObject(e, err) {
		return true
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	fn := c.callee(call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "fmt" && fn.Pkg().Path() != "errors" {
		return false
	}
	wraps := false
	for _, arg := range call.Args {
		switch t := c.TypesInfo.TypeOf(arg); {
		case c.isObject(arg, err):
			wraps = true
		case types.AssignableTo(t, types.Universe.Lookup("error").Type()) && !c.TypesInfo.Types[arg].IsNil():
			return false // perhaps ErrNotCommitted under another name
		}
	}
	return wraps
}

// marksInDefer reports whether a deferred function names ErrNotCommitted.
func (c *checker) marksInDefer(body *ast.BlockStmt) bool {
	found := false
	inspectOwn(body, func(n ast.Node) {
		d, ok := n.(*ast.DeferStmt)
		if !ok {
			return
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				o := c.TypesInfo.Uses[id]
				found = found || o != nil && o.Name() == "ErrNotCommitted" && isCoreObject(o)
			}
			return true
		})
	})
	return found
}

// inspectOwn calls visit for the nodes of a function, but not for what is in
// function literals inside it.
func inspectOwn(body *ast.BlockStmt, visit func(ast.Node)) {
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		visit(n)
		_, literal := n.(*ast.FuncLit)
		return !literal
	})
}
