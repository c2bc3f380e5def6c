package cascache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// SchemaOf returns a fingerprint of V's shape, for [Options.Schema]: 16 hex
// digits that change when an exported field of V, or of a type inside it, gets
// another name, type or tag, and when one comes or goes. The order of fields
// counts only where a tag says that they are encoded as an array ("toarray" of
// CBOR, "as_array" of MessagePack). The names of types count only for those that
// encode themselves, such as time.Time.
//
// It sees types and not code: a field that keeps its type and gets another
// meaning, a codec with other options, and a change inside a method such as
// MarshalJSON leave it as it is. Use a string of your own there. The fingerprint
// is the same in every process and on every platform.
func SchemaOf[V any]() string {
	h := sha256.New()
	s := shape{w: h, seen: make(map[reflect.Type]int)}
	s.write(reflect.TypeFor[V]())
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// shape writes types so that two of the same shape read the same.
type shape struct {
	w    io.Writer
	seen map[reflect.Type]int // structs, by the order in which they came
}

func (s *shape) write(t reflect.Type) {
	if encodesItself(t) {
		fmt.Fprintf(s.w, "%s.%s ", t.PkgPath(), t.Name())
	}
	switch t.Kind() {
	case reflect.Struct:
		s.writeStruct(t)
	case reflect.Pointer:
		fmt.Fprint(s.w, "*")
		s.write(t.Elem())
	case reflect.Slice:
		fmt.Fprint(s.w, "[]")
		s.write(t.Elem())
	case reflect.Array:
		fmt.Fprintf(s.w, "[%d]", t.Len())
		s.write(t.Elem())
	case reflect.Map:
		fmt.Fprint(s.w, "map[")
		s.write(t.Key())
		fmt.Fprint(s.w, "]")
		s.write(t.Elem())
	default:
		fmt.Fprint(s.w, t.Kind())
	}
}

func (s *shape) writeStruct(t reflect.Type) {
	if n, again := s.seen[t]; again {
		fmt.Fprintf(s.w, "struct#%d", n)
		return
	}
	s.seen[t] = len(s.seen)
	var fields []reflect.StructField
	ordered := false
	for i := range t.NumField() {
		f := t.Field(i)
		ordered = ordered || strings.Contains(string(f.Tag), "toarray") || strings.Contains(string(f.Tag), "as_array")
		// An embedded type lends its fields even if its own name is not exported,
		// and the tag of a blank field holds options of the whole struct.
		if f.IsExported() || f.Anonymous || f.Tag != "" {
			fields = append(fields, f)
		}
	}
	if !ordered {
		slices.SortFunc(fields, func(a, b reflect.StructField) int { return strings.Compare(a.Name, b.Name) })
	}
	fmt.Fprintf(s.w, "struct(%v){", ordered)
	for _, f := range fields {
		fmt.Fprintf(s.w, "%q %v %q ", f.Name, f.Anonymous, f.Tag)
		s.write(f.Type)
		fmt.Fprint(s.w, ";")
	}
	fmt.Fprint(s.w, "}")
}

// encodesItself reports whether a codec may leave the encoding to the type.
func encodesItself(t reflect.Type) bool {
	if t.Name() == "" {
		return false
	}
	for _, method := range []string{
		"MarshalJSON", "MarshalText", "MarshalBinary", "MarshalCBOR", "MarshalMsgpack", "EncodeMsgpack", "GobEncode", "ProtoReflect",
	} {
		if _, ok := reflect.PointerTo(t).MethodByName(method); ok {
			return true
		}
	}
	return false
}
