package protocodec

import (
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

var (
	errTooDeep = errors.New("the message is nested too deep")
	errGroup   = errors.New("a group ends that did not begin")
)

// checkNesting returns an error if data, as a message of this type, nests more
// messages than levels, itself included. The entry of a map is a message; what
// lies in an unknown field is not.
//
// The library has such a limit, but begins anew in every extension: a message
// that can be an extension of itself nests as deep as the bytes say, and
// overflows the stack. Nor does the library limit what it encodes.
func checkNesting(data []byte, message protoreflect.MessageDescriptor, levels int) error {
	_, err := passMessage(data, message, levels, 0)
	return err
}

// passMessage checks the message that begins data, to the end of data or, if
// it is a group, which has a number, to the end of the group. It returns the
// data behind a group.
func passMessage(data []byte, message protoreflect.MessageDescriptor, levels int, group protowire.Number) ([]byte, error) {
	if levels == 0 {
		return nil, errTooDeep
	}
	// Each level below takes a tag and a length, or the two tags of a group:
	// most messages, and most parts of the others, need no closer look.
	if group == 0 && len(data) < 2*levels {
		return nil, nil
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		data = data[n:]
		inner := messageIn(message, number, kind)
		switch {
		case kind == protowire.EndGroupType:
			if number != group {
				return nil, errGroup
			}
			return data, nil
		case inner == nil:
			n := protowire.ConsumeFieldValue(number, kind, data)
			if n < 0 {
				return nil, protowire.ParseError(n)
			}
			data = data[n:]
		case kind == protowire.BytesType:
			content, n := protowire.ConsumeBytes(data)
			if n < 0 {
				return nil, protowire.ParseError(n)
			}
			if _, err := passMessage(content, inner, levels-1, 0); err != nil {
				return nil, err
			}
			data = data[n:]
		default:
			var err error
			if data, err = passMessage(data, inner, levels-1, number); err != nil {
				return nil, err
			}
		}
	}
	if group != 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return nil, nil
}

// messageIn returns the type of the message that a field of this number and
// wire type holds, or nil if it holds none or the field is unknown.
func messageIn(message protoreflect.MessageDescriptor, number protowire.Number, kind protowire.Type) protoreflect.MessageDescriptor {
	var field protoreflect.FieldDescriptor
	if field = message.Fields().ByNumber(number); field == nil {
		if !message.ExtensionRanges().Has(number) {
			return nil
		}
		extension, err := protoregistry.GlobalTypes.FindExtensionByNumber(message.FullName(), number)
		if err != nil {
			return nil
		}
		field = extension.TypeDescriptor()
	}
	switch {
	case field.Kind() == protoreflect.MessageKind && kind == protowire.BytesType,
		field.Kind() == protoreflect.GroupKind && kind == protowire.StartGroupType:
		return field.Message()
	}
	return nil
}
