package jsoncodec

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// fields is how encoding/json takes a struct apart.
type fields struct {
	list   []*field // those that are encoded, in their order in Go
	byName map[string]*field

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

	behindPointer               bool // to an embedded struct
	tagged, omitEmpty, omitZero bool
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

func (d *drawing) fields(t reflect.Type, addressable bool) *fields {
	all := &fields{list: visible(t), byName: make(map[string]*field)}
	for _, f := range all.list {
		all.byName[f.name] = f
		f.shape = d.shape(f.typ, addressable || f.behindPointer)
		if f.shape.mustLook() || f.dropsPointers() {
			all.looked = append(all.looked, f)
		}
	}
	all.findLost(t, embedded{}, nil)
	return all
}

// named returns the field that Decode puts the member of this name into, or
// nil: the one of the name, or else the first that differs only in the case of
// letters.
func (all *fields) named(name string) *field {
	if exact := all.byName[name]; exact != nil {
		return exact
	}
	for _, one := range all.list {
		if strings.EqualFold(one.name, name) {
			return one
		}
	}
	return nil
}

// An embedded struct, or the whole of one.
type embedded struct {
	typ   reflect.Type
	index []int
	path  string

	behindPointer bool // and so addressable
}

// level returns the fields of one struct, and the structs embedded in it.
func level(of embedded) (list []*field, inner []embedded) {
	for i := range of.typ.NumField() {
		f := of.typ.Field(i)
		t := f.Type
		if t.Kind() == reflect.Pointer && t.Name() == "" {
			t = t.Elem()
		}
		if !f.IsExported() && !(f.Anonymous && t.Kind() == reflect.Struct) {
			continue
		}
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, tail, _ := strings.Cut(tag, ",")
		if !validName(name) {
			name = ""
		}
		index, path := append(slices.Clip(of.index), i), of.path+"."+f.Name
		if f.Anonymous && t.Kind() == reflect.Struct && name == "" {
			inner = append(inner, embedded{t, index, path, of.behindPointer || f.Type.Kind() == reflect.Pointer})
			continue
		}
		options := strings.Split(tail, ",")
		list = append(list, &field{
			name: cmp.Or(name, f.Name), path: path, index: index, typ: f.Type, tagged: name != "",
			behindPointer: of.behindPointer,
			omitEmpty:     slices.Contains(options, "omitempty"),
			omitZero:      slices.Contains(options, "omitzero"),
		})
	}
	return list, inner
}

// visible does what typeFields does in encoding/json: of the fields with one
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
			if visited[e.typ] {
				continue
			}
			visited[e.typ] = true
			fields, inner := level(e)
			found = append(found, fields...)
			if times[e.typ] > 1 {
				found = append(found, fields...) // so that no name is theirs alone
			}
			next = append(next, inner...)
		}
	}

	named := make(map[string][]*field)
	for _, f := range found {
		named[f.name] = append(named[f.name], f)
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
	if f.omitEmpty {
		switch v.Kind() {
		case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
			if v.Len() == 0 {
				return true
			}
		case reflect.Struct:
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

// validName reports whether encoding/json takes a name in a tag.
func validName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
