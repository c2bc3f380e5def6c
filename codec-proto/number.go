package protocodec

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// isNarrow reports whether the numbers of a kind have less than the 64 bits
// that there is room for in the encoding. The library drops the others.
func isNarrow(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.BoolKind, protoreflect.EnumKind,
		protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind:
		return true
	}
	return false
}

// checkNumber returns an error if a number as it is encoded does not fit the
// kind of its field.
func checkNumber(field protoreflect.FieldDescriptor, n uint64) error {
	switch field.Kind() {
	case protoreflect.BoolKind:
		if n <= 1 {
			return nil
		}
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		if int64(n) == int64(int32(n)) {
			return nil
		}
		return fmt.Errorf("%s: %d does not fit into an %v", field.FullName(), int64(n), field.Kind())
	case protoreflect.Sint32Kind:
		if n <= math.MaxUint32 {
			return nil
		}
		return fmt.Errorf("%s: %d does not fit into a %v", field.FullName(), protowire.DecodeZigZag(n), field.Kind())
	case protoreflect.Uint32Kind:
		if n <= math.MaxUint32 {
			return nil
		}
	default:
		return nil
	}
	return fmt.Errorf("%s: %d does not fit into a %v", field.FullName(), n, field.Kind())
}

// checkNumbers does so for what a field holds: one number or, packed, a list of
// them. What else there may be is an unknown field to the library.
func checkNumbers(field protoreflect.FieldDescriptor, kind protowire.Type, data []byte) error {
	switch {
	case kind == protowire.BytesType && field.IsList():
		data, _ = protowire.ConsumeBytes(data)
	case kind != protowire.VarintType:
		return nil
	}
	for len(data) > 0 {
		number, n := protowire.ConsumeVarint(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := checkNumber(field, number); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
