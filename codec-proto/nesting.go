package protocodec

import (
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var (
	errTooDeep = errors.New("the message is nested too deep")
	errGroup   = errors.New("a group ends that did not begin")
)

// checkBytes returns an error if data, as a message of this type, nests more
// messages than levels, itself included, or has a number that does not fit its
// field. The entry of a map is a message; what lies in an unknown field is not.
//
// The library has such a limit on levels, but begins anew in every extension: a
// message that can be an extension of itself nests as deep as the bytes say,
// and overflows the stack. Nor does the library limit what it encodes. Of
// numbers it takes as many bits as their fields have.
func checkBytes(data []byte, message protoreflect.MessageDescriptor, levels int) error {
	_, err := pass{numbers: true}.message(data, layoutOf(message), levels, 0)
	return err
}

// checkNesting does so for the levels alone.
func checkNesting(data []byte, message protoreflect.MessageDescriptor, levels int) error {
	_, err := pass{}.message(data, layoutOf(message), levels, 0)
	return err
}

// checkValue returns an error if message nests more messages than levels,
// itself included. The library, over one that contains itself, overflows the
// stack.
func checkValue(message protoreflect.Message, levels int) error {
	if levels <= 0 { // the entry of a map takes one without being looked at
		return errTooDeep
	}
	l := layoutOf(message.Descriptor())
	for _, field := range l.nesting {
		if message.Has(field) {
			if err := checkField(field, message.Get(field), levels-1); err != nil {
				return err
			}
		}
	}
	if !l.extends {
		return nil
	}
	var err error
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.IsExtension() && field.Message() != nil {
			err = checkField(field, value, levels-1)
		}
		return err == nil
	})
	return err
}

// checkField does so for the messages in a field.
func checkField(field protoreflect.FieldDescriptor, value protoreflect.Value, levels int) error {
	switch {
	case field.IsMap():
		var err error
		value.Map().Range(func(_ protoreflect.MapKey, elem protoreflect.Value) bool {
			err = checkValue(elem.Message(), levels-1) // the entry is a message too
			return err == nil
		})
		return err
	case field.IsList():
		for i := range value.List().Len() {
			if err := checkValue(value.List().Get(i).Message(), levels); err != nil {
				return err
			}
		}
		return nil
	}
	return checkValue(value.Message(), levels)
}

// A pass goes over the bytes of a message.
type pass struct {
	numbers bool // whether they fit
}

// message checks the message that begins data, to the end of data or, if it is
// a group, which has a number, to the end of the group. It returns the data
// behind a group.
func (p pass) message(data []byte, l *layout, levels int, group protowire.Number) ([]byte, error) {
	if levels == 0 {
		return nil, errTooDeep
	}
	// Each level below takes a tag and a length, or the two tags of a group:
	// most messages, and most parts of the others, need no closer look.
	if group == 0 && len(data) < 2*levels && !(p.numbers && l.narrow) {
		return nil, nil
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		data = data[n:]
		if kind == protowire.EndGroupType {
			if number != group {
				return nil, errGroup
			}
			return data, nil
		}
		s := l.slot(number)
		if s != nil && s.inner != nil && s.group && kind == protowire.StartGroupType {
			var err error
			if data, err = p.message(data, s.inner, levels-1, number); err != nil {
				return nil, err
			}
			continue
		}
		n = protowire.ConsumeFieldValue(number, kind, data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		switch {
		case s == nil:
		case s.inner != nil && !s.group && kind == protowire.BytesType:
			content, _ := protowire.ConsumeBytes(data)
			if _, err := p.message(content, s.inner, levels-1, 0); err != nil {
				return nil, err
			}
		case p.numbers && s.narrow:
			if err := checkNumbers(s.field, kind, data[:n]); err != nil {
				return nil, err
			}
		}
		data = data[n:]
	}
	if group != 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return nil, nil
}
