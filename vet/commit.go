package vet

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// isCommit reports whether a call commits a transaction.
func (c *checker) isCommit(call *ast.CallExpr) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Commit" || c.TypesInfo.Selections[sel] == nil {
		return false
	}
	return isTransaction(c.TypesInfo.TypeOf(sel.X))
}

// A commit is a call that commits a transaction, now or at the end of the
// function.
type commit struct {
	call  ssa.CallInstruction // in a deferred literal: the defer
	line  int
	begin ssa.Instruction // nil: the transaction was there before the function
	vague bool            // the transaction may be one of several
}

// checkCommits reports invalidations that come before the commit of a
// transaction that has begun.
func (c *checker) checkCommits(fn *ssa.Function) {
	var invalidations []ssa.CallInstruction
	var commits []commit
	for _, call := range calls(fn) {
		if plain, ok := call.(*ssa.Call); ok && slices.Contains(invalidateMethods, c.method(plain)) {
			invalidations = append(invalidations, plain)
		} else if found, ok := c.commit(call); ok {
			commits = append(commits, found)
		}
	}
	for _, inv := range invalidations {
		for _, done := range commits {
			if c.tooEarly(inv, done, commits) && !c.repeated(inv, done, invalidations) {
				e := c.source(inv)
				c.report(e, categoryCommit,
					"%s comes before the Commit of line %d: a reader in between caches the old row again, and keeps it; call %s after Commit has returned nil",
					c.cacheMethod(e), done.line, c.cacheMethod(e))
				break
			}
		}
	}
}

// commit returns the commit that a call is, or that the literal that it defers
// has.
func (c *checker) commit(call ssa.CallInstruction) (commit, bool) {
	if e := c.source(call); e != nil && c.isCommit(e) {
		begin, ok := origin(transaction(call))
		_, goes := call.(*ssa.Go)
		return commit{call, c.Fset.Position(e.Pos()).Line, begin, !ok || goes}, true
	}
	d, ok := call.(*ssa.Defer)
	if !ok {
		return commit{}, false
	}
	closure, ok := d.Call.Value.(*ssa.MakeClosure)
	if !ok {
		return commit{}, false
	}
	literal := closure.Fn.(*ssa.Function)
	for _, inner := range calls(literal) {
		e := c.source(inner)
		if e == nil || !c.isCommit(e) {
			continue
		}
		v := transaction(inner)
		if load, ok := v.(*ssa.UnOp); ok {
			v = load.X
		}
		if i := slices.IndexFunc(literal.FreeVars, func(f *ssa.FreeVar) bool { return f == v }); i >= 0 {
			begin, ok := origin(closure.Bindings[i])
			return commit{d, c.Fset.Position(e.Pos()).Line, begin, !ok}, true
		}
	}
	return commit{}, false
}

// transaction returns what Commit is called of.
func transaction(call ssa.CallInstruction) ssa.Value {
	common := call.Common()
	if common.IsInvoke() || len(common.Args) == 0 {
		return common.Value
	}
	return common.Args[0]
}

// origin returns the call that a value comes from; nil for a parameter, or a
// variable from outside of the function. ok is false if it may come from several.
func origin(v ssa.Value) (begin ssa.Instruction, ok bool) {
	for {
		switch x := v.(type) {
		case *ssa.Parameter, *ssa.FreeVar, *ssa.Global:
			return nil, true
		case *ssa.Call:
			return x, true
		case *ssa.Extract:
			v = x.Tuple
		case *ssa.MakeInterface:
			v = x.X
		case *ssa.ChangeInterface:
			v = x.X
		case *ssa.ChangeType:
			v = x.X
		case *ssa.TypeAssert:
			v = x.X
		case *ssa.UnOp:
			v = x.X
		case *ssa.FieldAddr:
			v = x.X
		case *ssa.Field:
			v = x.X
		case *ssa.Alloc:
			var stored []ssa.Value
			for _, use := range *x.Referrers() {
				if s, ok := use.(*ssa.Store); ok && s.Addr == x {
					stored = append(stored, s.Val)
				}
			}
			if len(stored) != 1 {
				return nil, false
			}
			v = stored[0]
		default:
			return nil, false
		}
	}
}

// tooEarly reports whether inv runs inside the transaction that done commits, and
// no other transaction was committed before.
func (c *checker) tooEarly(inv ssa.CallInstruction, done commit, commits []commit) bool {
	if done.vague || done.begin != nil && !precedes(done.begin, inv) {
		return false
	}
	switch _, deferred := done.call.(*ssa.Defer); {
	case deferred:
		if !precedes(done.call, inv) && !leads(inv, done.call, done.begin) {
			return false
		}
	case !leads(inv, done.call, done.begin):
		return false
	case done.begin == nil && leads(done.call, inv, nil):
		return false // in a loop, perhaps over transactions
	}
	return !slices.ContainsFunc(commits, func(other commit) bool {
		_, deferred := other.call.(*ssa.Defer)
		return !deferred && leads(other.call, inv, done.begin)
	})
}

// repeated reports whether the same keys are invalidated again after the commit.
func (c *checker) repeated(inv ssa.CallInstruction, done commit, invalidations []ssa.CallInstruction) bool {
	_, deferred := done.call.(*ssa.Defer)
	return !deferred && slices.ContainsFunc(invalidations, func(again ssa.CallInstruction) bool {
		if again == inv || c.method(again) != c.method(inv) || !leads(done.call, again, done.begin) {
			return false
		}
		a, b := arguments(inv), arguments(again)
		return len(a) == len(b) && (len(a) < 2 || same(a[1], b[1]))
	})
}

// checkInside reports invalidations in a function literal that is given a
// transaction and does not commit it: what the literal is passed to commits when
// it has returned.
func (c *checker) checkInside() {
	for _, lparen := range slices.Sorted(maps.Keys(c.calls)) {
		runner := c.calls[lparen]
		fn := c.callee(runner)
		if fn == nil {
			continue
		}
		for _, arg := range runner.Args {
			literal, ok := ast.Unparen(arg).(*ast.FuncLit)
			if !ok || !c.runsInside(literal) {
				continue
			}
			inspectOwn(literal.Body, func(n ast.Node) {
				call, ok := n.(*ast.CallExpr)
				if ok && slices.Contains(invalidateMethods, c.cacheMethod(call)) {
					c.report(call, categoryCommit,
						"%s comes before the transaction commits, which is when %s has run this function: a reader in between caches the old row again, and keeps it; "+
							"call %s after %s has returned nil", c.cacheMethod(call), fn.Name(), c.cacheMethod(call), fn.Name())
				}
			})
		}
	}
}

// runsInside reports whether a function literal takes a transaction, can fail, and
// does not commit.
func (c *checker) runsInside(literal *ast.FuncLit) bool {
	sig, ok := c.TypesInfo.TypeOf(literal).(*types.Signature)
	if !ok || !returnsError(sig) {
		return false
	}
	takes := false
	for p := range sig.Params().Variables() {
		takes = takes || isTransaction(p.Type())
	}
	commits := false
	ast.Inspect(literal.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		commits = commits || ok && c.isCommit(call)
		return true
	})
	return takes && !commits
}
