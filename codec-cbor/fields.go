package cborcodec

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// fields is how the library takes a struct apart: by the rules of
// encoding/json for embedded structs, with the tags of both.
type fields struct {
	list   []*field // those that are encoded, in their order in Go
	byName map[string]*field
	byInt  map[int64]*field
	array  bool // encoded as an array: fields have places, no names

	looked []*field // those of list that Encode looks at
	lost   []lost
	groups []group
}

type field struct {
	name  string // in the encoding
	path  string // in Go
	index []int
	typ   reflect.Type
	shape *shape

	tagged, keyAsInt    bool
	omitEmpty, omitZero bool
}

// lost is a field that is not encoded, because others have its name.
type lost struct {
	index []int
	path  string
	name  string // in the encoding
}

// A group is an embedded pointer with the fields that are promoted from behind
// it.
type group struct {
	index    []int
	path     string
	exported bool
	fields   []*field
}

func (all *fields) mustLook() bool {
	return len(all.looked) > 0 || len(all.lost) > 0 || len(all.groups) > 0
}

func (d *drawing) fields(t reflect.Type) (*fields, error) {
	all := &fields{byName: make(map[string]*field), byInt: make(map[int64]*field)}
	if f, ok := t.FieldByName("_"); ok {
		_, options, _ := strings.Cut(f.Tag.Get("cbor"), ",")
		all.array = slices.Contains(strings.Split(options, ","), "toarray")
	}
	all.list = visible(t)
	for _, f := range all.list {
		n, err := strconv.ParseInt(f.name, 10, 64)
		if f.keyAsInt && err == nil {
			all.byInt[n] = f
		} else {
			all.byName[f.name] = f
		}
		if f.shape, err = d.shape(f.typ); err != nil {
			return nil, within(f.path, err)
		}
		if f.shape.mustLook() || f.dropsPointers() {
			all.looked = append(all.looked, f)
		}
	}
	all.findLost(t, embedded{}, nil)
	return all, nil
}

// An embedded struct, or the whole of one.
type embedded struct {
	typ   reflect.Type
	index []int
	path  string
}

// level returns the fields of one struct, and the structs embedded in it.
func level(of embedded) (list []*field, inner []embedded) {
	for i := range of.typ.NumField() {
		f := of.typ.Field(i)
		t := f.Type
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if !f.IsExported() && !(f.Anonymous && t.Kind() == reflect.Struct) {
			continue
		}
		tag := f.Tag.Get("cbor")
		if tag == "" {
			tag = f.Tag.Get("json")
		}
		if tag == "-" {
			continue
		}
		name, tail, _ := strings.Cut(tag, ",")
		index, path := append(slices.Clip(of.index), i), of.path+"."+f.Name
		if f.Anonymous && t.Kind() == reflect.Struct && name == "" {
			inner = append(inner, embedded{t, index, path})
			continue
		}
		options := strings.Split(tail, ",")
		list = append(list, &field{
			name: cmp.Or(name, f.Name), path: path, index: index, typ: f.Type, tagged: tag != "",
			keyAsInt:  slices.Contains(options, "keyasint"),
			omitEmpty: slices.Contains(options, "omitempty"),
			omitZero:  slices.Contains(options, "omitzero"),
		})
	}
	return list, inner
}

// visible does what collectFields does in the library: of the fields with one
// name it takes the one that is least deep, of those the one with a tag, and
// none if there are several.
func visible(t reflect.Type) (list []*field) {
	var found []*field
	visited := make(map[reflect.Type]bool)
	for next := []embedded{{typ: t}}; len(next) > 0; {
		here := next
		next = nil
		times := make(map[reflect.Type]int)
		for _, e := range here {
			times[e.typ]++
		}
		for _, e := range here {
			if times[e.typ] > 1 || visited[e.typ] {
				continue
			}
			visited[e.typ] = true
			fields, inner := level(e)
			found = append(found, fields...)
			next = append(next, inner...)
		}
	}

	type name struct {
		text  string
		asInt bool
	}
	named := make(map[name][]*field)
	for _, f := range found {
		n := name{f.name, f.keyAsInt}
		if i, err := strconv.Atoi(f.name); f.keyAsInt && err == nil {
			n.text = strconv.Itoa(i)
		}
		named[n] = append(named[n], f)
	}
	for _, same := range named {
		rank := func(f *field) int {
			if f.tagged {
				return 2 * len(f.index)
			}
			return 2*len(f.index) + 1
		}
		slices.SortFunc(same, func(a, b *field) int { return cmp.Compare(rank(a), rank(b)) })
		if len(same) == 1 || rank(same[0]) < rank(same[1]) {
			list = append(list, same[0])
		}
	}
	slices.SortFunc(list, func(a, b *field) int { return slices.Compare(a.index, b.index) })
	return list
}

// findLost notes the fields that are not visible, of the struct e and those
// embedded in it, and the embedded pointers.
func (all *fields) findLost(t reflect.Type, e embedded, embedding []reflect.Type) {
	e.typ = t
	own, inner := level(e)
	for _, f := range own {
		if !slices.ContainsFunc(all.list, func(v *field) bool { return slices.Equal(v.index, f.index) }) {
			all.lost = append(all.lost, lost{f.index, f.path, f.name})
		}
	}
	for _, i := range inner {
		in := t.Field(i.index[len(i.index)-1])
		if i.typ == t || slices.Contains(embedding, i.typ) {
			// A struct within itself: nothing of the inner one is visible.
			all.lost = append(all.lost, lost{i.index, i.path, in.Name})
			continue
		}
		if in.Type.Kind() == reflect.Pointer {
			g := group{index: i.index, path: i.path, exported: in.IsExported()}
			for _, f := range all.list {
				if len(f.index) > len(g.index) && slices.Equal(f.index[:len(g.index)], g.index) {
					g.fields = append(g.fields, f)
				}
			}
			all.groups = append(all.groups, g)
		}
		all.findLost(i.typ, i, append(slices.Clip(embedding), t))
	}
}

// dropsPointers reports whether omitzero leaves out values of the field that
// are not nil, since a method calls what they point to zero.
func (f *field) dropsPointers() bool {
	return f.omitZero && (f.typ.Kind() == reflect.Pointer || f.typ.Kind() == reflect.Interface) && f.typ.Implements(zeroerType)
}

type zeroer interface{ IsZero() bool }

var zeroerType = reflect.TypeFor[zeroer]()

// omitted reports whether the field is left out of the encoding when it is v.
func (f *field) omitted(v reflect.Value) bool {
	if f.omitEmpty && f.typ != timeType && f.typ != bigType {
		switch v.Kind() {
		case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
			if v.Len() == 0 {
				return true
			}
		default:
			if v.IsZero() {
				return true
			}
		}
	}
	if !f.omitZero {
		return false
	}
	if canBeNil(v.Kind()) && v.IsNil() {
		return true
	}
	switch {
	case f.typ.Implements(zeroerType):
		return v.Interface().(zeroer).IsZero()
	case f.typ.Kind() != reflect.Interface && reflect.PointerTo(f.typ).Implements(zeroerType):
		held := reflect.New(f.typ)
		held.Elem().Set(v)
		return held.Interface().(zeroer).IsZero()
	}
	return v.IsZero()
}
