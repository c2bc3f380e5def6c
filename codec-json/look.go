package jsoncodec

import (
	"bytes"
	"fmt"
	"reflect"
	"time"
)

// A look is how Encode looks at a value before the library does, where its
// shape asks for it: whether all of it is encoded, comes back as it is, and has
// an end.
type look struct{}

// maxDepth is how deeply encoding/json decodes arrays and objects.
const maxDepth = 10_000

// maxHops is how many pointers and interfaces may lie between one array or map
// and the next. They take no bytes, so nothing else bounds them.
const maxHops = 1000

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
		return l.raw(v.Bytes(), depth)
	case numbers:
		if v.Len() == 0 {
			return misfitf("an empty Number comes back as 0: give it digits, or the field the option omitempty")
		}
	case times:
		if v.CanAddr() {
			return l.time(*v.Addr().Interface().(*time.Time))
		}
		return l.time(v.Interface().(time.Time))
	case unsupported:
		if v.Kind() == reflect.Map && v.IsNil() {
			return nil // for the sake of its keys
		}
		return misfitf("%s", is.why)
	}
	return nil
}

func (l look) enter(depth *int) error {
	if *depth++; *depth > maxDepth {
		return fmt.Errorf("the value is nested more than %d deep, or contains itself", maxDepth)
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

// dynamic looks at what an interface holds. Where its type is not carried, as
// that of a struct is not, its parts are all the same.
func (l look) dynamic(held any, depth, hops int) error {
	switch held := held.(type) {
	case time.Time:
		return l.time(held)
	case nil, bool, string, []byte, float32, float64,
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
	is := shapeOf(v.Type(), false)
	if !is.mustLook() {
		return nil
	}
	return l.value(is, v, depth, hops)
}

func (l look) dict(is *shape, v reflect.Value, depth int) error {
	if err := l.enter(&depth); err != nil || v.Len() == 0 || !is.elem.mustLook() {
		return err
	}
	elem := reflect.New(is.typ.Elem()).Elem()
	for pairs := v.MapRange(); pairs.Next(); {
		elem.SetIterValue(pairs)
		if err := l.value(is.elem, elem, depth, 0); err != nil {
			return within("[value]", err)
		}
	}
	return nil
}

// raw looks at JSON that is there already.
func (l look) raw(data []byte, depth int) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return misfitf("a RawMessage that holds a null comes back nil: make it nil")
	}
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '[', '{':
			if err := l.enter(&depth); err != nil {
				return err
			}
		case ']', '}':
			depth--
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		}
	}
	return nil
}

// time looks at a time whose text has its offset in minutes.
func (l look) time(t time.Time) error {
	if name, offset := t.Zone(); offset%60 != 0 {
		return misfitf("the zone %q is off UTC by a part of a minute, which JSON has no room for: use the time in UTC", name)
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
		if err := l.group(g, v); err != nil {
			return within(g.path, err)
		}
	}
	for _, f := range fields.looked {
		fv, ok := at(v, f.index)
		if !ok {
			continue
		}
		if err := l.field(f, fv, depth); err != nil {
			return within(f.path, err)
		}
	}
	return nil
}

func (l look) field(f *field, v reflect.Value, depth int) error {
	if f.omitted(v) {
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
// encoded.
func (l look) group(g group, v reflect.Value) error {
	pointer, ok := at(v, g.index)
	if !ok {
		return nil // behind another one
	}
	written := false
	for _, f := range g.fields {
		fv, ok := at(v, f.index)
		written = written || ok && !f.omitted(fv)
	}
	switch {
	case written && !g.exported:
		return misfitf("an embedded pointer to an unexported struct cannot be decoded: export the type, or give the field a name")
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
