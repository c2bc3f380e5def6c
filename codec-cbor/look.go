package cborcodec

import (
	"bytes"
	"fmt"
	"reflect"
	"time"
)

// A look is how Encode looks at a value before the library does, where its
// shape asks for it: whether all of it is encoded, comes back as it is, and has
// an end.
type look struct {
	modes    modes
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
	case reflect.Struct, reflect.Array:
		return reflect.ValueOf(operand).Elem()
	}
	return reflect.ValueOf(operand)
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
		if v.Len() == 0 {
			return misfitf("a RawMessage without content comes back as one that holds a null: give the field the option omitempty, or put f6 in it")
		}
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
	} else if v.Type() == timeType && v.IsZero() {
		return misfitf("a %v to a zero time comes back as a nil %[1]v: make the pointer nil", is.typ)
	}
	if !is.elem.mustLook() {
		return nil
	}
	return l.value(is.elem, v, depth, hops)
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
	if is.foldedKeys {
		if err := l.differ(v); err != nil {
			return err
		}
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
	return nil
}

// differ returns an error if keys of v will be one key after Decode, as an int
// and an int8 of one value will.
func (l look) differ(v reflect.Value) error {
	decoded := reflect.MakeMapWithSize(reflect.MapOf(v.Type().Key(), reflect.TypeFor[struct{}]()), v.Len())
	for pairs := v.MapRange(); pairs.Next(); {
		var data bytes.Buffer
		if err := l.modes.enc.MarshalToBuffer(pairs.Key().Interface(), &data); err != nil {
			return err
		}
		key := reflect.New(v.Type().Key())
		if err := l.modes.dec.Unmarshal(data.Bytes(), key.Interface()); err != nil {
			return err
		}
		if !key.Elem().Comparable() {
			return misfitf("a key of the map comes back as what cannot be a key")
		}
		decoded.SetMapIndex(key.Elem(), reflect.ValueOf(struct{}{}))
	}
	if decoded.Len() != v.Len() {
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
			return within(gone.path, misfitf("the field would be lost, because another one has its name in the encoding, %q: give it another one by a tag", gone.name))
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
	if !array && f.omitted(v) {
		if f.dropsPointers() && !v.IsNil() {
			return misfitf("omitzero takes what is in the %v for zero, so that it comes back nil: make it nil, or drop the option", f.typ)
		}
		return nil
	}
	if !f.shape.mustLook() {
		return nil
	}
	return l.value(f.shape, v, depth, 0)
}

// group looks at an embedded pointer, which has no place of its own in the
// encoding: it comes back non-nil if and only if one of the fields behind it is
// encoded. A struct that is encoded as an array has nulls for those of a nil.
func (l look) group(g group, v reflect.Value, array bool) error {
	pointer, ok := at(v, g.index)
	if !ok {
		return nil // behind another one
	}
	written := array && len(g.fields) > 0
	for _, f := range g.fields {
		fv, ok := at(v, f.index)
		written = written || ok && !f.omitted(fv)
	}
	switch {
	case written && !g.exported:
		return misfitf("an embedded pointer to an unexported struct cannot be decoded: export the type, or give the field a name")
	case written && pointer.IsNil():
		return misfitf("in a struct encoded as an array, a nil embedded pointer comes back as one to a zero struct: set it, or give the field a name")
	case !written && !pointer.IsNil():
		return misfitf("an embedded pointer of which nothing is encoded comes back nil: make it nil, or give the field a name by a tag")
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
