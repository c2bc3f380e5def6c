package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/tools/go/types/typeutil"
)

// corePath is the import path of package cascache. It is not imported: a program
// is checked against the version that it uses.
const corePath = "github.com/unkn0wn-root/cascache/core"

// The methods of cascache.CAS and *cascache.Handle that the rules are about.
var (
	snapshotMethods   = []string{"SnapshotGen", "SnapshotGens", "SnapshotGenContext", "SnapshotGensContext"}
	setMethods        = []string{"SetWithGen", "SetWithGenResult", "SetBulkWithGens", "SetBulkWithGensResult"}
	invalidateMethods = []string{"Invalidate", "InvalidateBulk", "InvalidateTags", "Clear"}
	loadFields        = []string{"Load", "LoadBulk", "LoadMany"} // of cascache.LoaderOptions
)

// findCalls notes every call of the files.
func (c *checker) findCalls() {
	c.calls = make(map[token.Pos]*ast.CallExpr)
	for _, f := range c.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				c.calls[call.Lparen] = call
			}
			return true
		})
	}
	c.decls = c.findDeclarations()
}

// callee returns the function or method that a call names; nil if it calls a
// value, a builtin, or is a conversion.
func (c *checker) callee(call *ast.CallExpr) *types.Func {
	fn, _ := typeutil.Callee(c.TypesInfo, call).(*types.Func)
	return fn
}

// cacheMethod returns the name of the method of a cache that is called, or "".
func (c *checker) cacheMethod(call *ast.CallExpr) string {
	fn := c.callee(call)
	if fn == nil || !isCore(receiver(fn), "CAS", "Handle") {
		return ""
	}
	return fn.Name()
}

// receiver returns the type that a method is declared for, without a pointer;
// nil for a function.
func receiver(fn *types.Func) types.Type {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	return deref(recv.Type())
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// isCore reports whether t is a type of package cascache with one of these names.
func isCore(t types.Type, names ...string) bool {
	if t == nil {
		return false
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && isCoreObject(named.Obj()) && slices.Contains(names, named.Obj().Name())
}

func isCoreObject(o types.Object) bool { return o.Pkg() != nil && o.Pkg().Path() == corePath }

// isTransaction reports whether values of t are committed or rolled back, and t
// is not of package cascache.
func isTransaction(t types.Type) bool {
	if t == nil {
		return false
	}
	if named, ok := types.Unalias(deref(t)).(*types.Named); ok && isCoreObject(named.Obj()) {
		return false
	}
	return hasMethod(t, "Commit") && hasMethod(t, "Rollback")
}

func hasMethod(t types.Type, name string) bool {
	o, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
	_, ok := o.(*types.Func)
	return ok
}

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Context" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "context"
}

func takesContext(sig *types.Signature) bool {
	for p := range sig.Params().Variables() {
		if isContext(p.Type()) {
			return true
		}
	}
	return false
}

func returnsError(sig *types.Signature) bool {
	n := sig.Results().Len()
	return n > 0 && types.Identical(sig.Results().At(n-1).Type(), types.Universe.Lookup("error").Type())
}

// computes lists packages of the standard library that only compute with what
// they are given, or write logs. One that ends in a slash stands for all below
// it.
var computes = []string{
	"bytes", "cmp", "compress/", "container/", "context", "crypto/", "encoding", "encoding/", "errors", "fmt", "hash", "hash/",
	"html", "html/", "iter", "log", "log/", "maps", "math", "math/", "net/netip", "net/url", "path", "path/filepath", "reflect", "regexp",
	"slices", "sort", "strconv", "strings", "sync", "sync/", "text/", "time", "unicode", "unicode/", "unique",
}

// converters are the first words of names of functions that make a value of
// others, or something to read from, in whatever package.
var converters = []string{
	"as", "build", "connect", "convert", "decode", "dial", "encode", "from", "make", "marshal", "must", "new", "open", "parse", "to",
	"unmarshal", "validate",
}

// fillers are the first words of names of functions that write what they read to
// what they are given.
var fillers = []string{
	"all", "collect", "decode", "fetch", "fill", "find", "first", "get", "last", "load", "lookup", "one", "query", "read", "receive", "scan",
	"select", "struct", "take", "unmarshal",
}

func isFiller(fn *types.Func) bool {
	return fn != nil && slices.Contains(fillers, firstWord(fn.Name()))
}

func isComputing(fn *types.Func) bool {
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	path := fn.Pkg().Path()
	return slices.ContainsFunc(computes, func(p string) bool {
		return path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
	})
}

func isConverter(fn *types.Func) bool {
	return fn != nil && slices.Contains(converters, firstWord(fn.Name()))
}

// firstWord returns the first word of a name in camel case, in lower case.
func firstWord(name string) string {
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			name = name[:i]
			break
		}
	}
	return strings.ToLower(name)
}

// mayRead reports whether a call may read from a source: it takes a context, or
// can fail in another way than one that only computes. fn is nil if the call is of
// a function value.
func mayRead(fn *types.Func, sig *types.Signature) bool {
	if isComputing(fn) {
		return false
	}
	return takesContext(sig) || returnsError(sig) && !isConverter(fn)
}

// declarations has the functions that the package declares.
type declarations map[*types.Func]*ast.FuncDecl

func (c *checker) findDeclarations() declarations {
	decls := make(declarations)
	for _, f := range c.files {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				if fn, ok := c.TypesInfo.Defs[d.Name].(*types.Func); ok {
					decls[fn] = d
				}
			}
		}
	}
	return decls
}

// function returns the parameters and the body of a function literal, or of a
// function or method of this package, that an expression names; ok is false for
// anything else.
func (c *checker) function(e ast.Expr) (*ast.FuncType, *ast.BlockStmt, bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return e.Type, e.Body, true
	case *ast.IndexExpr:
		return c.function(e.X)
	case *ast.Ident:
		return c.declared(e)
	case *ast.SelectorExpr:
		return c.declared(e.Sel)
	}
	return nil, nil, false
}

func (c *checker) declared(name *ast.Ident) (*ast.FuncType, *ast.BlockStmt, bool) {
	fn, ok := c.TypesInfo.Uses[name].(*types.Func)
	if !ok {
		return nil, nil, false
	}
	d := c.decls[fn.Origin()]
	if d == nil || d.Body == nil {
		return nil, nil, false
	}
	return d.Type, d.Body, true
}
