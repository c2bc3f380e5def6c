package vet

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// checkSnapshots reports snapshots that are taken after the read of the value
// that is stored under them.
func (c *checker) checkSnapshots(fn *ssa.Function) {
	reported := make(map[ssa.Instruction]bool)
	for _, set := range calls(fn) {
		method := c.method(set)
		args := arguments(set)
		if !slices.Contains(setMethods, method) || len(args) < 4 {
			continue
		}
		value, observed := args[1], args[2] // of many
		var key ssa.Value
		if len(args) == 5 {
			key, value, observed = args[1], args[2], args[3]
		}
		for _, snapshot := range c.snapshots(observed, make(map[ssa.Value]bool)) {
			t := &tracer{checker: c, set: set, snapshot: snapshot, ages: make(map[ssa.Value]age), followed: make(map[ssa.Value]bool)}
			if key != nil {
				t.key(key)
			}
			if reported[snapshot] || t.value(value) != before || t.read == nil {
				continue
			}
			reported[snapshot] = true
			e := c.source(snapshot)
			c.report(e, categorySnapshot,
				"%s comes after line %d has read the value that %s stores: an invalidation between the two goes unnoticed, and the old value is stored and served; call %s before the read",
				c.cacheMethod(e), c.Fset.Position(t.read.Pos()).Line, method, c.cacheMethod(e))
		}
	}
}

// snapshots returns the calls that a generation, or a map of them, comes from.
func (c *checker) snapshots(v ssa.Value, seen map[ssa.Value]bool) []*ssa.Call {
	if seen[v] {
		return nil
	}
	seen[v] = true
	switch v := v.(type) {
	case *ssa.Call:
		if slices.Contains(snapshotMethods, c.method(v)) {
			return []*ssa.Call{v}
		}
	case *ssa.Extract:
		return c.snapshots(v.Tuple, seen)
	case *ssa.Lookup:
		return c.snapshots(v.X, seen)
	case *ssa.Phi:
		var found []*ssa.Call
		for _, e := range v.Edges {
			found = append(found, c.snapshots(e, seen)...)
		}
		return found
	}
	return nil
}

// An age says when a value was read from a source, seen from a snapshot. The
// greater one counts where a value is made of several.
type age int

const (
	unread age = iota // a constant, a parameter, or computed from such
	before            // before the snapshot
	after             // after it, or perhaps
)

// A tracer finds out how old the value of a set is.
type tracer struct {
	*checker
	set      ssa.CallInstruction
	snapshot *ssa.Call
	keys     []ssa.Value // what the key of the set is made of
	read     *ssa.Call   // the first read before the snapshot that was found

	ages     map[ssa.Value]age
	followed map[ssa.Value]bool // to where their memory is changed
}

// between reports whether i may run after the snapshot and before the set.
func (t *tracer) between(i ssa.Instruction) bool {
	return leads(t.snapshot, i, t.set) && leads(i, t.set, t.snapshot)
}

// key notes what a key is made of: a value that has its own key in it need not
// have been read when the key was.
func (t *tracer) key(v ssa.Value) {
	t.keys = append(t.keys, v)
	switch v := v.(type) {
	case *ssa.BinOp:
		t.key(v.X)
		t.key(v.Y)
	case *ssa.Convert:
		t.key(v.X)
	case *ssa.Call:
		if !mayRead(t.calleeOf(v), v.Call.Signature()) {
			for _, arg := range v.Call.Args {
				t.key(arg)
			}
		}
	}
}

func (t *tracer) calleeOf(call ssa.CallInstruction) *types.Func {
	if e := t.source(call); e != nil {
		return t.callee(e)
	}
	return nil
}

func isBasic(t types.Type) bool {
	_, ok := t.Underlying().(*types.Basic)
	return ok
}

// isReference reports whether what lies behind a value may be of any age.
func isReference(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Interface, *types.Chan, *types.Signature:
		return true
	}
	return false
}

// isOwn reports whether a value is memory that the function fills, or may have
// been given by a call.
func isOwn(v ssa.Value) bool {
	switch v.(type) {
	case *ssa.Parameter, *ssa.FreeVar, *ssa.Global:
		return false
	}
	switch v.Type().Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Slice:
		return true
	}
	return false
}

// value returns the age of a value, which is that of the youngest read in it.
func (t *tracer) value(v ssa.Value) age {
	if a, ok := t.ages[v]; ok {
		return a
	}
	t.ages[v] = unread // in a loop it adds nothing to itself
	if isBasic(v.Type()) && slices.ContainsFunc(t.keys, func(k ssa.Value) bool { return same(k, v) }) {
		return unread
	}
	a := t.made(v)
	if a != after && isOwn(v) {
		a = max(a, t.changed(v))
	}
	t.ages[v] = a
	return a
}

func (t *tracer) values(vs ...ssa.Value) age {
	a := unread
	for _, v := range vs {
		a = max(a, t.value(v))
	}
	return a
}

// made returns the age of a value by the instruction that makes it.
func (t *tracer) made(v ssa.Value) age {
	switch v := v.(type) {
	case *ssa.Const, *ssa.Parameter, *ssa.FreeVar, *ssa.Global, *ssa.Function, *ssa.Builtin,
		*ssa.Alloc, *ssa.MakeMap, *ssa.MakeSlice, *ssa.MakeChan, *ssa.MakeClosure:
		return unread
	case *ssa.Phi:
		return t.joined(v)
	case *ssa.Call:
		return t.called(v)
	case *ssa.Extract:
		return t.value(v.Tuple)
	case *ssa.UnOp:
		return t.taken(v, v.X)
	case *ssa.Lookup:
		return t.taken(v, v.X)
	case *ssa.Index:
		return t.value(v.X)
	case *ssa.Field:
		return t.value(v.X)
	case *ssa.FieldAddr:
		return t.value(v.X)
	case *ssa.IndexAddr:
		return t.value(v.X)
	case *ssa.Slice:
		return t.value(v.X)
	case *ssa.ChangeType:
		return t.value(v.X)
	case *ssa.ChangeInterface:
		return t.value(v.X)
	case *ssa.MakeInterface:
		return t.value(v.X)
	case *ssa.TypeAssert:
		return t.value(v.X)
	case *ssa.Convert:
		return t.value(v.X)
	case *ssa.MultiConvert:
		return t.value(v.X)
	case *ssa.SliceToArrayPointer:
		return t.value(v.X)
	case *ssa.BinOp:
		return t.values(v.X, v.Y)
	case *ssa.Range:
		return t.value(v.X)
	case *ssa.Next:
		return t.value(v.Iter)
	}
	return after
}

// taken returns the age of what is taken out of memory, a map or a channel.
// Between the snapshot and the set it can be a read: out of memory that the
// function does not know, or through a reference in something that was there
// before, such as a source that is in memory.
func (t *tracer) taken(i ssa.Value, from ssa.Value) age {
	a := t.value(from)
	if a == after || base(from) != nil || !t.between(i.(ssa.Instruction)) {
		return a
	}
	if _, lookup := i.(*ssa.Lookup); lookup {
		load, ok := from.(*ssa.UnOp)
		if a == unread || ok && base(load.X) == nil {
			return after
		}
		return a
	}
	if a == unread || isReference(i.Type()) {
		return after
	}
	return a
}

// joined looks only at those edges of a phi that a path from the snapshot takes,
// if the phi is on one.
func (t *tracer) joined(phi *ssa.Phi) age {
	a := unread
	for i, e := range phi.Edges {
		pred := phi.Block().Preds[i]
		if t.between(phi) && !precedes(phi, t.snapshot) && pred != t.snapshot.Block() && !leads(t.snapshot, pred.Instrs[0], nil) {
			continue
		}
		a = max(a, t.value(e))
	}
	return a
}

// called returns the age of what a call returns.
func (t *tracer) called(call *ssa.Call) age {
	var args []ssa.Value
	common := call.Common()
	if common.IsInvoke() {
		args = append(args, common.Value)
	}
	args = append(args, common.Args...)
	fn := t.calleeOf(call)
	if _, ok := common.Value.(*ssa.Builtin); ok || isComputing(fn) {
		return t.values(args...)
	}
	if mayRead(fn, common.Signature()) {
		return t.reads(call)
	}
	// What is basic could be a key, which says nothing of the age of the value.
	between := t.between(call)
	a := unread
	for _, arg := range args {
		if _, constant := arg.(*ssa.Const); constant || isBasic(arg.Type()) && !between {
			continue
		}
		// Between the snapshot and the set a call converts what was read before,
		// or is a read. It only converts if it is given nothing else.
		if between && (isBasic(arg.Type()) || isReference(arg.Type()) || t.value(arg) != before) {
			return after
		}
		a = max(a, t.value(arg))
	}
	if between && a == unread {
		return after
	}
	return a
}

// reads returns the age of what a call reads.
func (t *tracer) reads(call *ssa.Call) age {
	if t.between(call) || !leads(call, t.snapshot, nil) {
		return after
	}
	if t.read == nil || call.Pos() < t.read.Pos() {
		t.read = call
	}
	return before
}

// changed returns the age of what is written, before the set, to the memory that a
// value refers to.
func (t *tracer) changed(v ssa.Value) age {
	if t.followed[v] || v.Referrers() == nil {
		return unread
	}
	t.followed[v] = true
	a := unread
	for _, use := range *v.Referrers() {
		if a == after {
			break
		}
		if use != t.set && leads(use, t.set, nil) {
			a = max(a, t.changedBy(use, v))
		}
	}
	return a
}

func (t *tracer) changedBy(use ssa.Instruction, v ssa.Value) age {
	switch use := use.(type) {
	case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Slice, *ssa.ChangeType, *ssa.ChangeInterface, *ssa.MakeInterface, *ssa.Phi:
		return t.changed(use.(ssa.Value))
	case *ssa.UnOp:
		if isOwn(use) {
			return t.changed(use)
		}
	case *ssa.Store:
		if use.Addr == v {
			return t.value(use.Val)
		}
		return t.stored(use.Addr)
	case *ssa.MapUpdate:
		if use.Map == v {
			return t.value(use.Value)
		}
		return after
	case *ssa.Call:
		return t.filled(use, v)
	case *ssa.Go, *ssa.MakeClosure, *ssa.Send, *ssa.Select:
		return after
	}
	return unread
}

// stored returns the age of what is written through a reference that is stored:
// into the arguments of a variadic call, or where nobody can tell.
func (t *tracer) stored(addr ssa.Value) age {
	element, ok := addr.(*ssa.IndexAddr)
	if !ok {
		return after
	}
	arguments, ok := element.X.(*ssa.Alloc)
	if !ok {
		return after
	}
	a := unread
	for _, use := range *arguments.Referrers() {
		if slice, ok := use.(*ssa.Slice); ok {
			a = max(a, t.changed(slice))
		}
	}
	return a
}

// filled returns the age of what a call writes to the memory behind v, which it is
// given.
func (t *tracer) filled(call *ssa.Call, v ssa.Value) age {
	common := call.Common()
	fn := t.calleeOf(call)
	others := slices.DeleteFunc(slices.Clone(common.Args), func(arg ssa.Value) bool { return arg == v })
	builtin, _ := common.Value.(*ssa.Builtin)
	switch {
	case t.method(call) != "":
		return unread // a cache does not write to what it is given
	case builtin != nil && builtin.Name() == "copy", isComputing(fn) && isConverter(fn):
		return t.values(others...)
	case builtin != nil, isComputing(fn):
		return unread
	case t.between(call):
		return after
	case common.Value == v || !common.IsInvoke() && common.Signature().Recv() != nil && common.Args[0] == v:
		return unread // a method of v may have read something; it need not be in v
	case isFiller(fn) && mayRead(fn, common.Signature()):
		return t.reads(call)
	}
	return unread // perhaps it writes v to the source
}

// base returns the variable that an address lies in; nil if it is none of the
// function's.
func base(addr ssa.Value) *ssa.Alloc {
	for {
		switch a := addr.(type) {
		case *ssa.Alloc:
			return a
		case *ssa.FieldAddr:
			addr = a.X
		case *ssa.IndexAddr:
			addr = a.X
		default:
			return nil
		}
	}
}
