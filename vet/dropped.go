package vet

import (
	"go/ast"
	"slices"
)

// checkDropped reports invalidations whose error nobody looks at.
func (c *checker) checkDropped() {
	for _, f := range c.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ExprStmt:
				c.dropped(n.X, "")
			case *ast.GoStmt:
				c.dropped(n.Call, "go ")
			case *ast.DeferStmt:
				c.dropped(n.Call, "defer ")
			case *ast.AssignStmt:
				blank := !slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool { return !isBlank(e) })
				for _, e := range n.Rhs {
					if blank {
						c.dropped(e, "_ = ")
					}
				}
			}
			return true
		})
	}
}

func (c *checker) dropped(e ast.Expr, how string) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return
	}
	method := c.cacheMethod(call)
	if !slices.Contains(invalidateMethods, method) || !returnsError(c.callee(call).Signature()) {
		return
	}
	c.report(call, categoryDropped,
		"%s%s drops the error: if it is not nil, other processes may go on serving the old value; return the error, or at least log it", how, method)
}

func isBlank(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && id.Name == "_"
}
