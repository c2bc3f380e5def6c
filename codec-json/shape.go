package jsoncodec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

// A shape says what values of a type must keep to so that they come back equal,
// as far as the library does not see to it. It is made once for each type; nil
// stands for a type without any such rule.
type shape struct {
	typ    reflect.Type
	kind   kind
	elem   *shape  // of pointers, lists and maps
	fields *fields // of structs

	// looks: Encode looks at the value before encoding/json does. The JSON alone
	// does not tell whether the value comes back.
	looks bool

	// narrow: it has arrays, for which Decode looks at the JSON. encoding/json
	// takes as much of a list as there is room.
	narrow bool

	// raw: it has RawMessages.
	raw bool

	why string // of what is unsupported
}

type kind uint8

const (
	opaque  kind = iota // nothing to look at
	numbers             // json.Number
	times
	pointers
	lists // slices and arrays
	dicts
	structs
	anys       // interfaces without methods
	interfaces // interfaces with methods
	raws       // json.RawMessage
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

// shapes has the shapes of types whose values can be addressed, and of others.
var shapes [2]sync.Map // of *shape by reflect.Type

func shapeOf(t reflect.Type, addressable bool) *shape {
	of := &shapes[0]
	if !addressable {
		of = &shapes[1]
	}
	known, ok := of.Load(t)
	if !ok {
		d := &drawing{shapes: make(map[place]*shape), open: make(map[place]bool)}
		s := d.shape(t, addressable)
		if s != nil { // what the types within themselves were taken to have
			s.narrow, s.raw = s.narrow && d.narrow, s.raw && d.raw
		}
		known, _ = of.LoadOrStore(t, s)
	}
	return known.(*shape)
}

// A drawing is the making of a shape and of those in it.
type drawing struct {
	shapes map[place]*shape
	open   map[place]bool // those being made

	narrow, raw bool // what any of them has
}

// A place is a type where its values can be addressed, or not: what only the
// pointer to a type has methods for, encoding/json reaches in the first alone.
type place struct {
	typ         reflect.Type
	addressable bool
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	numberType = reflect.TypeFor[json.Number]()
	rawType    = reflect.TypeFor[json.RawMessage]()
)

func (d *drawing) shape(t reflect.Type, addressable bool) *shape {
	p := place{t, addressable}
	if s, begun := d.shapes[p]; begun {
		if d.open[p] { // the type contains itself, and so may a value
			s.looks, s.narrow, s.raw = true, true, true
		}
		return s
	}
	s := &shape{typ: t}
	d.shapes[p], d.open[p] = s, true
	d.draw(s, addressable)
	d.open[p] = false
	if !s.looks && !s.narrow {
		s = nil
		d.shapes[p] = nil
	}
	return s
}

func (d *drawing) draw(s *shape, addressable bool) {
	t := s.typ
	switch {
	case t == timeType:
		s.kind, s.looks = times, true
		return
	case t == numberType:
		s.kind, s.looks = numbers, true
		return
	case t == rawType:
		s.kind, s.looks, s.raw, d.raw = raws, true, true, true
		return
	case t.Kind() != reflect.Pointer && hasMethods(t): // pointers have those of what they point to
		if s.why = methodless(t, addressable); s.why != "" {
			s.kind, s.looks = unsupported, true
		}
		return
	}
	switch t.Kind() {
	case reflect.Interface:
		s.kind, s.looks = interfaces, true
		if t.NumMethod() == 0 {
			s.kind = anys
		}
	case reflect.Pointer:
		s.kind = pointers
		s.elem = d.shape(t.Elem(), true)
		s.takeOver(s.elem)
		s.looks = s.looks || canBeNil(t.Elem().Kind()) && !hasMethods(t.Elem())
	case reflect.Slice, reflect.Array:
		s.kind = lists
		if t.Kind() == reflect.Array {
			s.narrow, d.narrow = true, true
		}
		s.elem = d.shape(t.Elem(), addressable || t.Kind() == reflect.Slice)
		s.takeOver(s.elem)
	case reflect.Map:
		if t.Key().Kind() != reflect.String && t.Key().Implements(marshalerTypes[1]) && !implements(t.Key(), unmarshalerTypes[1]) {
			s.kind, s.looks = unsupported, true
			s.why = fmt.Sprintf("the key %v encodes itself by MarshalText and has no UnmarshalText: add it", t.Key())
			return
		}
		s.kind = dicts // whose keys are strings
		s.elem = d.shape(t.Elem(), false)
		s.takeOver(s.elem)
	case reflect.Struct:
		s.kind = structs
		s.fields = d.fields(t, addressable)
		for _, f := range s.fields.list {
			s.takeOver(f.shape)
		}
		s.looks = s.looks || s.fields.mustLook()
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		s.kind, s.looks = unsupported, true
		s.why = fmt.Sprintf("JSON has nothing for a %v: leave the field out with the tag json:\"-\"", t)
	}
}

// takeOver makes a shape look where one of its parts does.
func (is *shape) takeOver(part *shape) {
	if part != nil {
		is.looks = is.looks || part.looks
		is.narrow = is.narrow || part.narrow
		is.raw = is.raw || part.raw
	}
}

func (is *shape) mustLook() bool { return is != nil && is.looks }

func canBeNil(k reflect.Kind) bool {
	switch k {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

var (
	marshalerTypes   = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}
	unmarshalerTypes = []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}
)

// hasMethods reports whether t encodes or decodes itself. Interfaces never do,
// whatever their methods: there is nothing in them when Decode begins. A
// RawMessage does, but by methods whose rules are known here.
func hasMethods(t reflect.Type) bool {
	if t.Kind() == reflect.Interface || t == rawType {
		return false
	}
	return implements(t, marshalerTypes...) || implements(t, unmarshalerTypes...)
}

func implements(t reflect.Type, methods ...reflect.Type) bool {
	for _, m := range methods {
		if t.Implements(m) || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(m) {
			return true
		}
	}
	return false
}

// methodless returns why values of t, which has methods of its own, do not come
// back, or "". What MarshalJSON writes may be anything.
func methodless(t reflect.Type, addressable bool) string {
	decodes := implements(t, unmarshalerTypes...)
	if !addressable && decodes && implements(t, marshalerTypes...) && !t.Implements(marshalerTypes[0]) && !t.Implements(marshalerTypes[1]) {
		return fmt.Sprintf("in a map or an interface encoding/json cannot reach the methods of *%v: use pointers", t)
	}
	if !decodes && t.Kind() != reflect.String && !implements(t, marshalerTypes[0]) {
		return fmt.Sprintf("%v encodes itself by MarshalText and has no method that decodes that: add one", t)
	}
	return ""
}
