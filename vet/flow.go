package vet

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// needsFlow reports whether the package has calls that could be in the wrong
// order.
func (c *checker) needsFlow() bool {
	var snapshots, sets, invalidations, commits bool
	for _, call := range c.calls {
		method := c.cacheMethod(call)
		snapshots = snapshots || slices.Contains(snapshotMethods, method)
		sets = sets || slices.Contains(setMethods, method)
		invalidations = invalidations || slices.Contains(invalidateMethods, method)
		commits = commits || c.isCommit(call)
	}
	return snapshots && sets || invalidations && commits
}

// functions returns the functions of the files in the form that shows the order
// of what they do, function literals included.
func (c *checker) functions() []*ssa.Function {
	prog := ssa.NewProgram(c.Fset, 0)
	for _, p := range c.Pkg.Imports() {
		prog.CreatePackage(p, nil, nil, true)
	}
	pkg := prog.CreatePackage(c.Pkg, c.Pass.Files, c.TypesInfo, false)
	pkg.Build()

	var fns []*ssa.Function
	var add func(fn *ssa.Function)
	add = func(fn *ssa.Function) {
		fns = append(fns, fn)
		for _, literal := range fn.AnonFuncs {
			add(literal)
		}
	}
	add(pkg.Func("init")) // which has the literals of package variables
	for _, f := range c.files {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				if fn := prog.FuncValue(c.TypesInfo.Defs[d.Name].(*types.Func)); fn != nil {
					add(fn)
				}
			}
		}
	}
	return fns
}

// source returns the call as it is written; nil for one that the compiler adds, or
// that is in a file left out.
func (c *checker) source(call ssa.CallInstruction) *ast.CallExpr {
	return c.calls[call.Common().Pos()]
}

// method returns the name of the method of a cache that is called, or "".
func (c *checker) method(call ssa.CallInstruction) string {
	if e := c.source(call); e != nil {
		return c.cacheMethod(e)
	}
	return ""
}

// arguments returns the arguments of a call of a method, without the receiver.
func arguments(call ssa.CallInstruction) []ssa.Value {
	if common := call.Common(); common.IsInvoke() {
		return common.Args
	} else if common.Signature().Recv() != nil && len(common.Args) > 0 {
		return common.Args[1:]
	} else {
		return common.Args
	}
}

// calls returns the calls of a function, those with go and defer included.
func calls(fn *ssa.Function) []ssa.CallInstruction {
	var found []ssa.CallInstruction
	for _, b := range fn.Blocks {
		for _, i := range b.Instrs {
			if call, ok := i.(ssa.CallInstruction); ok {
				found = append(found, call)
			}
		}
	}
	return found
}

// leads reports whether to can run after from has run, without avoid running in
// between. A nil avoid is none.
func leads(from, to, avoid ssa.Instruction) bool {
	type start struct {
		block *ssa.BasicBlock
		index int
	}
	seen := make(map[*ssa.BasicBlock]bool) // from their first instruction on
	queue := []start{{from.Block(), slices.Index(from.Block().Instrs, from) + 1}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		blocked := false
		for _, i := range at.block.Instrs[at.index:] {
			if i == to {
				return true
			}
			if i == avoid {
				blocked = true
				break
			}
		}
		if blocked {
			continue
		}
		for _, next := range at.block.Succs {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, start{next, 0})
			}
		}
	}
	return false
}

// precedes reports whether a has run whenever b runs.
func precedes(a, b ssa.Instruction) bool {
	if a.Block() == b.Block() {
		return slices.Index(a.Block().Instrs, a) < slices.Index(b.Block().Instrs, b)
	}
	return a.Block().Dominates(b.Block())
}

// same reports whether two values are certainly equal: one value, or the same
// field of one.
func same(a, b ssa.Value) bool {
	if a == b {
		return true
	}
	switch a := a.(type) {
	case *ssa.Const:
		b, ok := b.(*ssa.Const)
		return ok && a.Value != nil && b.Value != nil && a.Value.ExactString() == b.Value.ExactString()
	case *ssa.UnOp:
		b, ok := b.(*ssa.UnOp)
		return ok && a.Op == b.Op && same(a.X, b.X)
	case *ssa.Field:
		b, ok := b.(*ssa.Field)
		return ok && a.Field == b.Field && same(a.X, b.X)
	case *ssa.FieldAddr:
		b, ok := b.(*ssa.FieldAddr)
		return ok && a.Field == b.Field && same(a.X, b.X)
	case *ssa.MakeInterface:
		b, ok := b.(*ssa.MakeInterface)
		return ok && same(a.X, b.X)
	case *ssa.Extract:
		return false // of another call
	}
	return false
}
