package cborcodec

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A shape says what values of a type must keep to so that they come back equal,
// as far as the library does not see to it. It is made once for each type; nil
// stands for a type without any such rule.
type shape struct {
	typ    reflect.Type
	kind   kind
	exact  uint64  // of floats: all integers up to it fit
	length uint64  // of arrays
	elem   *shape  // of pointers, lists and maps
	key    *shape  // of maps
	fields *fields // of structs

	// looks: Encode looks at the value before the library does. The bytes alone
	// don't tell whether the value comes back, or the library may not return.
	looks bool

	// narrow: it has floats or arrays, for which Decode looks at the bytes. The
	// library rounds, and takes as much of a list as there is room.
	narrow bool

	// dynamic: it has interfaces, for which Encode looks at the bytes.
	dynamic bool

	// foldedKeys: keys of the map that differ may be the same key after Decode.
	foldedKeys bool

	why string // of what is unsupported
}

type kind uint8

const (
	opaque kind = iota // nothing to look at
	floats
	times
	pointers
	lists // slices, and arrays, which have a length
	dicts
	structs
	anys       // interfaces without methods
	interfaces // interfaces with methods
	raws       // cbor.RawMessage
	unsupported
)

// A misfit is a value, or a part of one, that would not come back.
type misfit struct {
	path string // from the value to the part
	why  string
}

func (m *misfit) Error() string { return m.path + ": " + m.why }

func misfitf(format string, args ...any) error {
	return &misfit{why: fmt.Sprintf(format, args...)}
}

// maxPath bounds a path: bytes that nest deeply must not make it long.
const maxPath = 256

// within puts step before the path of err.
func within(step string, err error) error {
	m, ok := err.(*misfit)
	switch {
	case !ok:
	case len(m.path) < maxPath:
		m.path = step + m.path
	case !strings.HasPrefix(m.path, "…"):
		m.path = "…" + m.path
	}
	return err
}

// rooted puts the type of the whole value before the path of err.
func rooted(t reflect.Type, err error) error {
	if m, ok := err.(*misfit); ok {
		m.path = t.String() + m.path
	}
	return err
}

// An outline is the shape of a type, or the reason why it cannot have values.
type outline struct {
	shape *shape
	err   error
}

var outlines sync.Map // of outline by reflect.Type

func shapeOf(t reflect.Type) (*shape, error) {
	known, ok := outlines.Load(t)
	if !ok {
		var o outline
		d := &drawing{shapes: make(map[reflect.Type]*shape), open: make(map[reflect.Type]bool)}
		o.shape, o.err = d.shape(t)
		o.err = rooted(t, o.err)
		if o.shape != nil { // what the types within themselves were taken to have
			o.shape.narrow, o.shape.dynamic = o.shape.narrow && d.narrow, o.shape.dynamic && d.dynamic
		}
		known, _ = outlines.LoadOrStore(t, o)
	}
	o := known.(outline)
	return o.shape, o.err
}

// A drawing is the making of a shape and of those in it.
type drawing struct {
	shapes map[reflect.Type]*shape
	open   map[reflect.Type]bool // those being made

	narrow, dynamic bool // what any of them has
}

var (
	timeType = reflect.TypeFor[time.Time]()
	bigType  = reflect.TypeFor[big.Int]()
	rawType  = reflect.TypeFor[cbor.RawMessage]()
	tagType  = reflect.TypeFor[cbor.Tag]()
)

func (d *drawing) shape(t reflect.Type) (*shape, error) {
	if s, begun := d.shapes[t]; begun {
		if d.open[t] { // the type contains itself, and so may a value
			s.looks, s.narrow, s.dynamic = true, true, true
		}
		return s, nil
	}
	s := &shape{typ: t}
	d.shapes[t], d.open[t] = s, true
	if err := d.draw(s); err != nil {
		return nil, err
	}
	d.open[t] = false
	if !s.looks && !s.narrow && !s.dynamic {
		s = nil
		d.shapes[t] = nil
	}
	return s, nil
}

func (d *drawing) draw(s *shape) (err error) {
	t := s.typ
	switch {
	case t == timeType:
		s.kind = times
		return nil
	case t == bigType || t == tagType:
		return nil
	case t == rawType:
		s.kind, s.looks = raws, true
		return nil
	case t.Kind() != reflect.Pointer && hasMethods(t): // pointers have those of what they point to
		if method := oneWay(t); method != "" {
			s.kind, s.looks = unsupported, true
			s.why = fmt.Sprintf("%v encodes itself by %s and has no method that decodes that: add one", t, method)
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Float32:
		s.kind, s.narrow, s.exact, d.narrow = floats, true, 1<<24, true
	case reflect.Float64:
		s.kind, s.narrow, s.exact, d.narrow = floats, true, 1<<53, true
	case reflect.Bool, reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	case reflect.Interface:
		s.kind, s.looks, s.dynamic, d.dynamic = interfaces, true, true, true
		if t.NumMethod() == 0 {
			s.kind = anys
		}
	case reflect.Pointer:
		if endless(t) {
			return misfitf("the type is a pointer to itself")
		}
		s.kind = pointers
		if s.elem, err = d.shape(t.Elem()); err != nil {
			return err
		}
		s.takeOver(s.elem)
		s.looks = s.looks || t.Elem() == timeType || canBeNil(t.Elem().Kind()) && !hasMethods(t.Elem())
	case reflect.Slice, reflect.Array:
		s.kind = lists
		if t.Kind() == reflect.Array {
			s.length, s.narrow, d.narrow = uint64(t.Len()), true, true
		}
		if s.elem, err = d.shape(t.Elem()); err != nil {
			return within("[]", err)
		}
		s.takeOver(s.elem)
	case reflect.Map:
		s.kind = dicts
		if s.key, err = d.shape(t.Key()); err != nil {
			return within("[key]", err)
		}
		if s.elem, err = d.shape(t.Elem()); err != nil {
			return within("[value]", err)
		}
		s.takeOver(s.key)
		s.takeOver(s.elem)
		s.foldedKeys = folds(t.Key())
		s.looks = s.looks || s.foldedKeys
	case reflect.Struct:
		s.kind = structs
		if s.fields, err = d.fields(t); err != nil {
			return err
		}
		for _, f := range s.fields.list {
			s.takeOver(f.shape)
		}
		s.looks = s.looks || s.fields.mustLook()
	default: // functions, channels, complex numbers, uintptr
		return misfitf("CBOR has nothing for a %v: leave the field out with the tag cbor:\"-\"", t)
	}
	return nil
}

// takeOver makes a shape look where one of its parts does.
func (is *shape) takeOver(part *shape) {
	if part != nil {
		is.looks = is.looks || part.looks
		is.narrow = is.narrow || part.narrow
		is.dynamic = is.dynamic || part.dynamic
	}
}

func (is *shape) mustLook() bool { return is != nil && is.looks }

// endless reports whether pointers of type t lead to pointers for ever.
func endless(t reflect.Type) bool {
	for seen := map[reflect.Type]bool{}; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			return true
		}
		seen[t] = true
	}
	return false
}

func canBeNil(k reflect.Kind) bool {
	switch k {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

// folds reports whether map keys of type t that differ may have one encoding:
// what is in an interface does not keep its type, and structs lose fields.
func folds(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Struct:
		return !hasMethods(t) && t != timeType
	case reflect.Array:
		return !hasMethods(t) && folds(t.Elem())
	}
	return false
}

var (
	marshalerTypes = []reflect.Type{
		reflect.TypeFor[cbor.Marshaler](), reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	}
	unmarshalerTypes = []reflect.Type{
		reflect.TypeFor[cbor.Unmarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

// hasMethods reports whether t encodes or decodes itself. Interfaces never do,
// whatever their methods: there is nothing in them when Decode begins. A
// RawMessage does, but by methods whose rules are known here.
func hasMethods(t reflect.Type) bool {
	if t.Kind() == reflect.Interface || t == rawType {
		return false
	}
	return t == bigType || t == tagType || implements(t, marshalerTypes...) || implements(t, unmarshalerTypes...)
}

func implements(t reflect.Type, methods ...reflect.Type) bool {
	for _, m := range methods {
		if t.Implements(m) || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(m) {
			return true
		}
	}
	return false
}

// oneWay names the method that encodes values of t in a form that t does not
// decode, or returns "". What MarshalCBOR writes may be anything.
func oneWay(t reflect.Type) string {
	bytes := (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
	switch {
	case implements(t, marshalerTypes[0], unmarshalerTypes[0]):
	case implements(t, marshalerTypes[1]):
		if !bytes && !implements(t, unmarshalerTypes[1]) {
			return "MarshalBinary"
		}
	case implements(t, marshalerTypes[2]):
		if t.Kind() != reflect.String && !implements(t, unmarshalerTypes[2]) {
			return "MarshalText"
		}
	}
	return ""
}
