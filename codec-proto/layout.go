package protocodec

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// A layout is what has to be looked at in messages of a type. It is made once
// for each type.
type layout struct {
	message protoreflect.MessageDescriptor
	fields  []slot                         // by their numbers, as far as these are small
	far     map[protowire.Number]*slot     // the others
	nesting []protoreflect.FieldDescriptor // those by which messages may nest without end
	extends bool                           // there may be extensions, which may be anything

	// narrow: the messages, or those in them, have numbers that are wider in
	// the encoding than in Go.
	narrow bool

	// endless: there may be messages without end in one.
	endless bool
}

// A slot is a field, or none.
type slot struct {
	field  protoreflect.FieldDescriptor
	inner  *layout // of the messages in it
	group  bool
	narrow bool
}

// mostSlots bounds the fields of a layout that are found without a map.
const mostSlots = 128

var layouts sync.Map // of *layout by protoreflect.MessageDescriptor

func layoutOf(message protoreflect.MessageDescriptor) *layout {
	if known, ok := layouts.Load(message); ok {
		return known.(*layout)
	}
	known, _ := layouts.LoadOrStore(message, draw(message))
	return known.(*layout)
}

// draw makes the layout of a message type and of those within it.
func draw(message protoreflect.MessageDescriptor) *layout {
	drawn := make(map[protoreflect.FullName]*layout)
	var all []*layout
	var add func(protoreflect.MessageDescriptor) *layout
	add = func(message protoreflect.MessageDescriptor) *layout {
		if l := drawn[message.FullName()]; l != nil {
			return l
		}
		l := &layout{message: message, far: make(map[protowire.Number]*slot)}
		l.extends = message.ExtensionRanges().Len() > 0
		l.narrow, l.endless = l.extends, l.extends
		drawn[message.FullName()] = l
		all = append(all, l)
		for i := range message.Fields().Len() {
			s := slotOf(message.Fields().Get(i))
			if inner := s.field.Message(); inner != nil {
				s.inner = add(inner)
			}
			l.narrow = l.narrow || s.narrow
			if n := int(s.field.Number()); n < mostSlots {
				l.fields = append(l.fields, make([]slot, max(0, n+1-len(l.fields)))...)
				l.fields[n] = s
			} else {
				l.far[s.field.Number()] = &s
			}
		}
		return l
	}
	whole := add(message)

	for changed := true; changed; { // what one has, those around it have
		changed = false
		for _, l := range all {
			for s := range l.slots {
				if s.inner != nil && s.inner.narrow && !l.narrow || s.inner != nil && s.inner.endless && !l.endless {
					l.narrow, l.endless = l.narrow || s.inner.narrow, l.endless || s.inner.endless
					changed = true
				}
			}
			if !l.endless && l.leadsTo(l, make(map[*layout]bool)) {
				l.endless, changed = true, true
			}
		}
	}
	for _, l := range all {
		for s := range l.slots {
			if s.inner != nil && s.inner.endless {
				l.nesting = append(l.nesting, s.field)
			}
		}
	}
	return whole
}

func slotOf(field protoreflect.FieldDescriptor) slot {
	return slot{field: field, group: field.Kind() == protoreflect.GroupKind, narrow: isNarrow(field.Kind())}
}

// slots yields the fields.
func (l *layout) slots(yield func(*slot) bool) {
	for i := range l.fields {
		if l.fields[i].field != nil && !yield(&l.fields[i]) {
			return
		}
	}
	for _, s := range l.far {
		if !yield(s) {
			return
		}
	}
}

// leadsTo reports whether messages of l may have one of another layout in them.
func (l *layout) leadsTo(other *layout, seen map[*layout]bool) bool {
	for s := range l.slots {
		if s.inner == other {
			return true
		}
		if s.inner != nil && !seen[s.inner] {
			seen[s.inner] = true
			if s.inner.leadsTo(other, seen) {
				return true
			}
		}
	}
	return false
}

// slot returns the field or the extension of this number, or nil if there is
// none.
func (l *layout) slot(number protowire.Number) *slot {
	if int(number) < len(l.fields) {
		if s := &l.fields[number]; s.field != nil {
			return s
		}
	} else if s := l.far[number]; s != nil {
		return s
	}
	if !l.extends || !l.message.ExtensionRanges().Has(number) {
		return nil
	}
	extension, err := protoregistry.GlobalTypes.FindExtensionByNumber(l.message.FullName(), number)
	if err != nil {
		return nil
	}
	s := slotOf(extension.TypeDescriptor())
	if inner := s.field.Message(); inner != nil {
		s.inner = layoutOf(inner)
	}
	return &s
}
