package msgpackcodec

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// A shape says what values of a type must keep to so that they come back equal,
// as far as the library does not see to it. It is made once for each type; nil
// stands for a type without any such rule.
type shape struct {
	typ    reflect.Type
	kind   kind
	min    int64   // of integers
	max    uint64  // of integers; the largest that all smaller ones fit too, for floats
	elem   *shape  // of pointers, lists and maps
	key    *shape  // of maps
	fields *fields // of structs

	// looks: Encode looks at the value before the library does. The bytes alone
	// don't tell whether the value comes back, or the library may not return.
	looks bool

	// foldedKeys: keys of the map that differ may be the same key after Decode.
	foldedKeys bool

	why string // of what is unsupported
}

type kind uint8

const (
	integers kind = iota
	floats
	times
	pointers
	lists // slices and arrays
	dicts
	structs
	anys       // interfaces without methods
	interfaces // interfaces with methods
	raws       // msgpack.RawMessage
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
		o.shape, o.err = newDrawing().shape(t)
		o.err = rooted(t, o.err)
		known, _ = outlines.LoadOrStore(t, o)
	}
	o := known.(outline)
	return o.shape, o.err
}

// A drawing is the making of a shape and of those in it.
type drawing struct {
	shapes map[reflect.Type]*shape
	open   map[reflect.Type]bool // those being made
}

func newDrawing() *drawing {
	return &drawing{shapes: make(map[reflect.Type]*shape), open: make(map[reflect.Type]bool)}
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	rawType   = reflect.TypeFor[msgpack.RawMessage]()
	errorType = reflect.TypeFor[error]()

	int64Shape = &shape{typ: reflect.TypeFor[int64](), kind: integers, min: math.MinInt64, max: math.MaxInt64}
	anyShape   = &shape{typ: reflect.TypeFor[any](), kind: anys, looks: true}
)

func (d *drawing) shape(t reflect.Type) (*shape, error) {
	if s, begun := d.shapes[t]; begun {
		if d.open[t] { // the type contains itself, and so may a value
			s.looks = true
		}
		return s, nil
	}
	s := &shape{typ: t}
	d.shapes[t], d.open[t] = s, true
	if err := d.draw(s); err != nil {
		return nil, err
	}
	d.open[t] = false
	if !s.looks && (s.kind == pointers || s.kind == lists || s.kind == dicts) && s.elem == nil && s.key == nil ||
		s.kind == opaque {
		s = nil
		d.shapes[t] = nil
	}
	return s, nil
}

// opaque is the kind of what has no rules. No shape keeps it.
const opaque kind = math.MaxUint8

func (d *drawing) draw(s *shape) (err error) {
	t := s.typ
	switch {
	case t == timeType:
		s.kind, s.elem = times, int64Shape // in an older form, seconds and nanoseconds
		return nil
	case t == rawType:
		s.kind, s.looks = raws, true
		return nil
	case t.Kind() != reflect.Pointer && hasMethods(t): // pointers have those of what they point to
		s.kind = opaque
		if method := oneWay(t); method != "" {
			s.kind, s.looks = unsupported, true
			s.why = fmt.Sprintf("%v encodes itself by %s and has no method that decodes that: add one", t, method)
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.kind, s.min, s.max = integers, -1<<(t.Bits()-1), 1<<(t.Bits()-1)-1
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind, s.max = integers, math.MaxUint64>>(64-t.Bits())
	case reflect.Float32:
		s.kind, s.max = floats, 1<<24
	case reflect.Float64:
		s.kind, s.max = floats, 1<<53
	case reflect.Bool, reflect.String:
		s.kind = opaque
	case reflect.Interface:
		switch {
		case t == errorType: // comes back, with its text
			s.kind = opaque
		case t.NumMethod() == 0:
			s.kind, s.looks = anys, true
		default:
			s.kind, s.looks = interfaces, true
		}
	case reflect.Pointer:
		if endless(t) {
			return misfitf("the type is a pointer to itself")
		}
		s.kind = pointers
		if s.elem, err = d.shape(t.Elem()); err != nil {
			return err
		}
		s.looks = s.looks || s.elem.mustLook() || canBeNil(t.Elem().Kind()) && !hasMethods(t.Elem())
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			s.kind = opaque
			return nil
		}
		s.kind = lists
		if s.elem, err = d.shape(t.Elem()); err != nil {
			return within("[]", err)
		}
		s.looks = s.looks || s.elem.mustLook()
	case reflect.Map:
		s.kind = dicts
		if s.key, err = d.shape(t.Key()); err != nil {
			return within("[key]", err)
		}
		if s.elem, err = d.shape(t.Elem()); err != nil {
			return within("[value]", err)
		}
		s.foldedKeys = folds(t.Key())
		s.looks = s.looks || s.foldedKeys || s.key.mustLook() || s.elem.mustLook()
	case reflect.Struct:
		s.kind = structs
		if s.fields, err = d.fields(t, nil); err != nil {
			return err
		}
		s.looks = s.looks || s.fields.mustLook()
	default: // functions, channels, complex numbers, uintptr
		s.kind, s.looks = unsupported, true
		s.why = fmt.Sprintf("MessagePack has nothing for a %v: leave the field out with the tag msgpack:\"-\"", t)
	}
	return nil
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
	encoderTypes = []reflect.Type{
		reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.Marshaler](),
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	}
	decoderTypes = []reflect.Type{
		reflect.TypeFor[msgpack.CustomDecoder](), reflect.TypeFor[msgpack.Unmarshaler](),
		reflect.TypeFor[encoding.BinaryUnmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

// hasMethods reports whether t encodes or decodes itself. Interfaces never do,
// whatever their methods: there is nothing in them when Decode begins. A
// RawMessage does, but by a method whose rules are known here.
func hasMethods(t reflect.Type) bool {
	if t.Kind() == reflect.Interface || t == rawType {
		return false
	}
	return implements(t, encoderTypes...) || implements(t, decoderTypes...)
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
// decode, or returns "". Strings and bytes are read by their kinds, and what
// EncodeMsgpack and MarshalMsgpack write may be anything.
func oneWay(t reflect.Type) string {
	if t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 ||
		implements(t, decoderTypes...) || implements(t, encoderTypes[:2]...) {
		return ""
	}
	if implements(t, encoderTypes[2]) {
		return "MarshalBinary"
	}
	return "MarshalText"
}
