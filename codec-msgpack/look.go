package msgpackcodec

import (
	"fmt"
	"reflect"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// A look is how Encode looks at a value before the library does, where its
// shape asks for it: whether all of it is encoded, comes back as it is, and has
// an end.
type look struct {
	maxDepth int
}

// maxHops is how many pointers and interfaces may lie between one array or map
// and the next. They take no bytes, so nothing else bounds them.
const maxHops = 1000

// reflected returns value by way of operand, which is what the library gets:
// the value itself or a pointer to it.
func reflected[V any](value V, operand any) reflect.Value {
	switch reflect.TypeFor[V]().Kind() {
	case reflect.Interface:
		held := value
		return reflect.ValueOf(&held).Elem()
	case reflect.Pointer:
		return reflect.ValueOf(operand)
	}
	return reflect.ValueOf(operand).Elem()
}

func (l look) value(is *shape, v reflect.Value, depth, hops int) error {
	switch is.kind {
	case pointers:
		return l.pointer(is, v, depth, hops)
	case lists:
		if err := l.enter(&depth); err != nil {
			return err
		}
		for i := range v.Len() {
			if err := l.value(is.elem, v.Index(i), depth, 0); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
		}
	case dicts:
		return l.dict(is, v, depth)
	case structs:
		return l.record(is.fields, v, depth)
	case anys:
		if !v.IsNil() {
			return l.dynamic(v.Interface(), depth, hops)
		}
	case interfaces:
		if !v.IsNil() {
			return misfitf("a %v in the interface %v does not come back: give the field a concrete type, or leave it nil", v.Elem().Type(), is.typ)
		}
	case raws:
		return l.raw(v)
	case unsupported:
		return misfitf("%s", is.why)
	}
	return nil
}

func (l look) enter(depth *int) error {
	if *depth++; *depth > l.maxDepth {
		return fmt.Errorf("the value is nested more than %d deep, or contains itself", l.maxDepth)
	}
	return nil
}

func hop(hops *int) error {
	if *hops++; *hops > maxHops {
		return fmt.Errorf("there are more than %d pointers and interfaces in a row, or the value contains itself", maxHops)
	}
	return nil
}

func (l look) pointer(is *shape, v reflect.Value, depth, hops int) error {
	if v.IsNil() {
		return nil
	}
	if err := hop(&hops); err != nil {
		return err
	}
	v = v.Elem()
	if canBeNil(v.Kind()) && !hasMethods(v.Type()) {
		if v.IsNil() {
			return misfitf("a %v to a nil comes back as a nil %[1]v: make the pointer nil", is.typ)
		}
	}
	if !is.elem.mustLook() {
		return nil
	}
	return l.value(is.elem, v, depth, hops)
}

func (l look) raw(v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	var s structure
	if err := s.check(v.Bytes(), l.maxDepth, nil); err != nil {
		return misfitf("a RawMessage must hold one value of MessagePack: %v", err)
	}
	if v.Bytes()[0] == 0xc0 {
		return misfitf("a RawMessage that holds a nil comes back nil: make it nil")
	}
	return nil
}

// dynamic looks at what an interface holds. Where its type is not carried, as
// that of a struct is not, its parts are all the same.
func (l look) dynamic(held any, depth, hops int) error {
	switch held := held.(type) {
	case nil, bool, string, []byte, time.Time, float32, float64,
		int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return nil
	case []any:
		if err := l.enter(&depth); err != nil {
			return err
		}
		for i, elem := range held {
			if err := l.dynamic(elem, depth, 0); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
		}
		return nil
	case map[string]any:
		if err := l.enter(&depth); err != nil {
			return err
		}
		for _, elem := range held {
			if err := l.dynamic(elem, depth, 0); err != nil {
				return within("[value]", err)
			}
		}
		return nil
	}
	if err := hop(&hops); err != nil {
		return err
	}
	v := reflect.ValueOf(held)
	is, err := shapeOf(v.Type())
	if err != nil || !is.mustLook() {
		return err
	}
	return l.value(is, v, depth, hops)
}

func (l look) dict(is *shape, v reflect.Value, depth int) error {
	if err := l.enter(&depth); err != nil || v.Len() == 0 {
		return err
	}
	key, elem := reflect.New(is.typ.Key()).Elem(), reflect.New(is.typ.Elem()).Elem()
	for pairs := v.MapRange(); pairs.Next(); {
		if is.key.mustLook() {
			key.SetIterKey(pairs)
			if err := l.value(is.key, key, depth, 0); err != nil {
				return within("[key]", err)
			}
		}
		if is.elem.mustLook() {
			elem.SetIterValue(pairs)
			if err := l.value(is.elem, elem, depth, 0); err != nil {
				return within("[value]", err)
			}
		}
	}
	if is.foldedKeys { // after each key was looked at: some cannot come back at all
		return differ(v)
	}
	return nil
}

// differ returns an error if keys of v will be the same key after Decode, as
// an int and an int8 of one value will.
func differ(v reflect.Value) error {
	decoded := make(map[any]bool, v.Len())
	for pairs := v.MapRange(); pairs.Next(); {
		data, err := msgpack.Marshal(pairs.Key().Interface())
		if err != nil {
			return err
		}
		key := reflect.New(v.Type().Key())
		if err := msgpack.Unmarshal(data, key.Interface()); err != nil {
			return err
		}
		if !key.Elem().Comparable() {
			return misfitf("a key of the map comes back as what cannot be a key")
		}
		decoded[key.Elem().Interface()] = true
	}
	if len(decoded) != v.Len() {
		return misfitf("keys that differ only in their types, or in fields that are not encoded, come back as one")
	}
	return nil
}

func (l look) record(fields *fields, v reflect.Value, depth int) error {
	if err := l.enter(&depth); err != nil {
		return err
	}
	for _, gone := range fields.lost {
		if f, ok := at(v, gone.index); ok && !f.IsZero() {
			return within(gone.path, misfitf("the field would be lost, because %s has its name in the encoding: give it another one by a tag", gone.by))
		}
	}
	for _, g := range fields.groups {
		if err := l.group(g, v, fields.array); err != nil {
			return within(g.path, err)
		}
	}
	for _, f := range fields.looked {
		fv, ok := at(v, f.index)
		if !ok {
			continue
		}
		if err := l.field(f, fv, depth, fields.array); err != nil {
			return within(f.path, err)
		}
	}
	return nil
}

func (l look) field(f *field, v reflect.Value, depth int, array bool) error {
	nilled := (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil()
	switch {
	case f.readOnly && nilled:
		return nil
	case f.readOnly:
		return misfitf("an embedded field of the unexported type %v cannot be decoded: export the type, or give the field a name", f.typ)
	case f.omitEmpty && !array && empty(v):
		if omitsTooMuch(f.typ) && !v.IsZero() {
			return misfitf("omitempty takes what is in the %v for empty, so that it comes back as zero: drop the option", f.typ)
		}
		return nil
	case !f.shape.mustLook():
		return nil
	}
	return l.value(f.shape, v, depth, 0)
}

// group looks at an embedded pointer, which has no place of its own in the
// encoding: it comes back non-nil if and only if one of the fields behind it is
// encoded, and a nil has nils for those of its fields that are not left out.
func (l look) group(g group, v reflect.Value, array bool) error {
	pointer, ok := at(v, g.index)
	if !ok {
		return nil // behind another one
	}
	written := false
	for _, f := range g.fields {
		fv, ok := at(v, f.index)
		written = written || !f.omitEmpty || array || ok && !empty(fv)
	}
	switch {
	case written && !g.exported:
		return misfitf("an embedded pointer to an unexported struct cannot be decoded: export the type, or give the field a name")
	case written && pointer.IsNil():
		return misfitf("a nil embedded pointer comes back as one to a zero struct: set it, or give the field a name by a tag with the option noinline")
	case !written && !pointer.IsNil():
		return misfitf("an embedded pointer of which nothing is encoded comes back nil: make it nil, or give the field a name by a tag with the option noinline")
	}
	return nil
}

// at returns the field of v at index, unless a pointer on the way is nil.
func at(v reflect.Value, index []int) (reflect.Value, bool) {
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, true
}

// omitsTooMuch reports whether omitempty leaves out values of type t that are
// not zero: pointers to a zero and interfaces that hold one, and structs that
// encode themselves, which are judged by their exported fields all the same.
func omitsTooMuch(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return true
	case reflect.Struct:
		return hasMethods(t) && !t.Implements(reflect.TypeFor[interface{ IsZero() bool }]())
	}
	return false
}

// empty is what the option omitempty means to the library.
func empty(v reflect.Value) bool {
	for v.Kind() == reflect.Interface {
		if v.IsNil() {
			return true
		}
		v = v.Elem()
	}
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return canBeNil(v.Kind()) && v.IsNil() || z.IsZero()
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		fields, err := newDrawing().fields(v.Type(), nil)
		if err != nil {
			return false
		}
		for _, f := range fields.list {
			if fv, ok := at(v, f.index); ok && !(f.omitEmpty && empty(fv)) {
				return false
			}
		}
		return true
	case reflect.Bool, reflect.Pointer, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return v.IsZero() || v.CanFloat() && v.Float() == 0
	}
	return false
}
