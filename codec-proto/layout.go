package protocodec

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A layout is what of a message type has to be looked at. It is made once for
// each type.
type layout struct {
	// narrow: the messages, or those in them, have numbers that are wider in
	// the encoding than in Go.
	narrow bool

	// nesting are the fields by which messages may nest without end. A type
	// with extensions may have others.
	nesting []protoreflect.FieldDescriptor
	extends bool
}

var layouts sync.Map // of *layout by protoreflect.MessageDescriptor

func layoutOf(message protoreflect.MessageDescriptor) *layout {
	if known, ok := layouts.Load(message); ok {
		return known.(*layout)
	}
	l := &layout{extends: message.ExtensionRanges().Len() > 0}
	_, l.narrow = reach(message, make(map[protoreflect.FullName]bool))
	for i := range message.Fields().Len() {
		if field := message.Fields().Get(i); field.Message() != nil {
			if endless, _ := reach(field.Message(), make(map[protoreflect.FullName]bool)); endless {
				l.nesting = append(l.nesting, field)
			}
		}
	}
	known, _ := layouts.LoadOrStore(message, l)
	return known.(*layout)
}

// reach reports what messages of a type may lead to: to messages without end,
// and to narrow numbers. open has the types on the way there.
func reach(message protoreflect.MessageDescriptor, open map[protoreflect.FullName]bool) (endless, narrow bool) {
	within, known := open[message.FullName()]
	if known {
		return within, false
	}
	open[message.FullName()] = true
	if message.ExtensionRanges().Len() > 0 {
		endless, narrow = true, true
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if isNarrow(field.Kind()) {
			narrow = true
		}
		if field.Message() != nil {
			e, n := reach(field.Message(), open)
			endless, narrow = endless || e, narrow || n
		}
	}
	open[message.FullName()] = false
	return endless, narrow
}
