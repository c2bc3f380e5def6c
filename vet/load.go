package vet

import (
	"go/ast"
	"go/types"
	"slices"
)

// checkLoads reports functions of LoaderOptions that do not hand their context
// on.
func (c *checker) checkLoads() {
	seen := make(map[*ast.BlockStmt]bool)
	check := func(field string, value ast.Expr) {
		if t, body, ok := c.function(value); ok && !seen[body] {
			seen[body] = true
			c.checkLoad(field, t, body)
		}
	}
	for _, f := range c.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if t := c.TypesInfo.TypeOf(n); t == nil || !isCore(deref(t), "LoaderOptions") {
					return true
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						if key, ok := kv.Key.(*ast.Ident); ok && slices.Contains(loadFields, key.Name) {
							check(key.Name, kv.Value)
						}
					}
				}
			case *ast.AssignStmt:
				for i, e := range n.Lhs {
					sel, ok := e.(*ast.SelectorExpr)
					if !ok || len(n.Rhs) != len(n.Lhs) || !slices.Contains(loadFields, sel.Sel.Name) {
						continue
					}
					if t := c.TypesInfo.TypeOf(sel.X); t != nil && isCore(deref(t), "LoaderOptions") {
						check(sel.Sel.Name, n.Rhs[i])
					}
				}
			}
			return true
		})
	}
}

const goesOn = "the load goes on when nobody waits for it any more or LoadTimeout has passed"

func (c *checker) checkLoad(field string, t *ast.FuncType, body *ast.BlockStmt) {
	if t.Params.NumFields() == 0 {
		return
	}
	param := t.Params.List[0]
	ctx := "_"
	if len(param.Names) > 0 {
		ctx = param.Names[0].Name
	}
	found := false
	for _, call := range c.contextsFromNowhere(body) {
		found = true
		c.report(call, categoryContext, "%s makes a context of its own: %s; derive from the context that it is given", field, goesOn)
	}
	if found || ctx != "_" && c.isUsed(param.Names[0], body) {
		return
	}
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || found {
			return !found
		}
		if callee, with := c.couldTakeContext(call); with != "" {
			found = true
			c.report(param, categoryContext, "%s ignores its context, and %s could be given it: %s; hand the context on%s", field, callee, goesOn, with)
		}
		return true
	})
}

// contextsFromNowhere returns the calls of context.Background and context.TODO in
// a function, but for those in what is deferred or goes on by itself.
func (c *checker) contextsFromNowhere(body *ast.BlockStmt) []*ast.CallExpr {
	var found []*ast.CallExpr
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.DeferStmt, *ast.GoStmt:
			return false
		case *ast.CallExpr:
			if fn := c.callee(n); fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "context" && (fn.Name() == "Background" || fn.Name() == "TODO") {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

func (c *checker) isUsed(param *ast.Ident, body *ast.BlockStmt) bool {
	o := c.TypesInfo.Defs[param]
	used := false
	ast.Inspect(body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		used = used || ok && c.TypesInfo.Uses[id] == o
		return !used
	})
	return used
}

// couldTakeContext tells whether a call takes a context, or has a sibling that
// does: the name of what is called, and how to go on in the advice; "" if not.
func (c *checker) couldTakeContext(call *ast.CallExpr) (callee, with string) {
	fn := c.callee(call)
	if fn == nil {
		if sig, ok := c.TypesInfo.TypeOf(call.Fun).(*types.Signature); ok && takesContext(sig) {
			return types.ExprString(call.Fun), " to it"
		}
		return "", ""
	}
	if isComputing(fn) {
		return "", ""
	}
	if takesContext(fn.Signature()) {
		return fn.Name(), " to it"
	}
	siblings := []string{fn.Name() + "Context", fn.Name() + "WithContext", fn.Name() + "Ctx"}
	if fn.Name() == "Begin" {
		siblings = append(siblings, "BeginTx")
	}
	for _, name := range siblings {
		if c.hasWithContext(call, fn, name) {
			return fn.Name(), " by " + name
		}
	}
	switch fn.FullName() {
	case "net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm",
		"(*net/http.Client).Get", "(*net/http.Client).Head", "(*net/http.Client).Post", "(*net/http.Client).PostForm":
		return fn.Name(), " by NewRequestWithContext"
	}
	return "", ""
}

// hasWithContext reports whether beside fn there is a function or method of this
// name that takes a context.
func (c *checker) hasWithContext(call *ast.CallExpr, fn *types.Func, name string) bool {
	var o types.Object
	if fn.Signature().Recv() == nil {
		if fn.Pkg() != nil {
			o = fn.Pkg().Scope().Lookup(name)
		}
	} else if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		o, _, _ = types.LookupFieldOrMethod(c.TypesInfo.TypeOf(sel.X), true, c.Pkg, name)
	}
	sibling, ok := o.(*types.Func)
	return ok && takesContext(sibling.Signature())
}
