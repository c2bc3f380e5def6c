package msgpackcodec

import (
	"reflect"
	"slices"

	"github.com/vmihailenco/tagparser/v2"
)

// fields is how the library takes a struct apart. Which fields of embedded
// structs it promotes, and which of several with one name it means, follows
// rules of its own: not those of Go and not those of encoding/json.
type fields struct {
	list   []*field // in the order in which they are encoded
	byName map[string]*field
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

	omitEmpty bool

	// readOnly: the field is an embedded one of an unexported type. Decode
	// cannot set it, unless to nil.
	readOnly bool
}

// lost is a field that is not encoded, or not decoded, because another one has
// its name.
type lost struct {
	index []int
	path  string
	by    string // what has the name, in Go
}

// A group is an embedded pointer with the fields that are promoted from behind
// it.
type group struct {
	index    []int
	path     string
	exported bool
	fields   []*field
}

func (f *fields) mustLook() bool {
	return len(f.looked) > 0 || len(f.lost) > 0 || len(f.groups) > 0
}

// fields does what getFields does in the library. embedding are the types that
// t is embedded in.
func (d *drawing) fields(t reflect.Type, embedding []reflect.Type) (*fields, error) {
	if slices.Contains(embedding, t) {
		return nil, misfitf("the type embeds itself")
	}
	all := &fields{byName: make(map[string]*field)}
	var omitAll bool
	for i := range t.NumField() {
		f := t.Field(i)
		tag := tagparser.Parse(f.Tag.Get("msgpack"))
		if tag.Name == "-" {
			continue
		}
		if f.Name == "_msgpack" {
			all.array = tag.HasOption("as_array") || tag.HasOption("asArray")
			omitAll = omitAll || tag.HasOption("omitempty")
		}
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		one := &field{
			name:      tag.Name,
			path:      "." + f.Name,
			index:     f.Index,
			typ:       f.Type,
			omitEmpty: omitAll || tag.HasOption("omitempty"),
		}
		if one.name == "" {
			one.name = f.Name
		}
		if tag.HasOption("intern") {
			if k := f.Type.Kind(); k != reflect.String && k != reflect.Interface {
				return nil, within(one.path, misfitf("the option intern is for strings"))
			}
		}
		if f.Anonymous && !tag.HasOption("noinline") {
			inlined, err := d.inline(all, one, f, tag.HasOption("inline"), append(embedding, t))
			if err != nil {
				return nil, within(one.path, err)
			}
			if inlined {
				all.byName[one.name] = one
				continue
			}
		}
		one.readOnly = !f.IsExported()
		shape, err := d.shape(f.Type)
		if err != nil {
			return nil, within(one.path, err)
		}
		one.shape = shape
		all.add(one)
		if alias, ok := tag.Options["alias"]; ok {
			all.byName[alias] = one
		}
	}

	for _, f := range all.list {
		if by := all.byName[f.name]; by != f && !all.array {
			if by.typ != f.typ {
				return nil, within(f.path, misfitf("the name %q in the encoding is also that of %s, which is of another type: give one of them another name", f.name, by.path[1:]))
			}
			all.lost = append(all.lost, lost{f.index, f.path, by.path[1:]})
		}
		if f.shape.mustLook() || f.readOnly || f.omitEmpty && !all.array && omitsTooMuch(f.typ) {
			all.looked = append(all.looked, f)
		}
	}
	return all, nil
}

func (f *fields) add(one *field) {
	f.byName[one.name] = one
	f.list = append(f.list, one)
}

// inline promotes the fields of an embedded struct, if the library does, and
// reports whether it does.
func (d *drawing) inline(all *fields, one *field, f reflect.StructField, forced bool, embedding []reflect.Type) (bool, error) {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		if forced {
			return false, misfitf("the option inline is for structs, not for pointers")
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || hasMethods(t) {
		if forced {
			return false, misfitf("the option inline is for structs without methods that encode them")
		}
		return false, nil
	}
	inner, err := d.fields(t, embedding)
	if err != nil {
		return false, err
	}
	if !forced {
		for _, f := range inner.list {
			if all.byName[f.name] != nil {
				return false, nil
			}
		}
	}
	of := group{index: one.index, path: one.path, exported: f.IsExported()}
	for _, f := range inner.list {
		promoted := *f
		promoted.index = slices.Concat(one.index, f.index)
		promoted.path = one.path + f.path
		if by := all.byName[f.name]; forced && by != nil {
			all.lost = append(all.lost, lost{promoted.index, promoted.path, by.path[1:]})
			continue
		}
		all.add(&promoted)
		of.fields = append(of.fields, &promoted)
	}
	for _, l := range inner.lost {
		all.lost = append(all.lost, lost{slices.Concat(one.index, l.index), one.path + l.path, l.by})
	}
	for _, g := range inner.groups {
		g.index, g.path = slices.Concat(one.index, g.index), one.path+g.path
		// Those of g that were promoted again, as what they are now.
		var now []*field
		for _, f := range g.fields {
			if i := slices.IndexFunc(of.fields, func(p *field) bool { return slices.Equal(p.index[len(one.index):], f.index) }); i >= 0 {
				now = append(now, of.fields[i])
			}
		}
		g.fields = now
		all.groups = append(all.groups, g)
	}
	if f.Type.Kind() == reflect.Pointer {
		all.groups = append(all.groups, of)
	}
	one.shape, err = d.shape(f.Type)
	return true, err
}
