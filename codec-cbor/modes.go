package cborcodec

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"
)

// options has the fields of CBOR, so that one converts into the other without
// its type parameter.
type options struct {
	Deterministic bool
	KeepOffset    bool
	MaxDepth      int
	MaxElements   int
}

// modes is what the library makes of options. Both are immutable.
type modes struct {
	enc cbor.UserBufferEncMode
	dec cbor.DecMode
}

// built remembers the modes of all options in use: making them costs more than
// a small value does, and a codec that is a plain struct has no place to keep
// them. Readers take no lock; the map is replaced, never changed.
var (
	built   atomic.Pointer[map[options]modes]
	builtMu sync.Mutex // held while built is replaced
)

func modesFor(o options) (modes, error) {
	if known := built.Load(); known != nil {
		if m, ok := (*known)[o]; ok {
			return m, nil
		}
	}
	m, err := build(o)
	if err != nil {
		return modes{}, err
	}
	builtMu.Lock()
	defer builtMu.Unlock()
	next := map[options]modes{o: m}
	if known := built.Load(); known != nil {
		maps.Copy(next, *known)
	}
	built.Store(&next)
	return m, nil
}

func build(o options) (modes, error) {
	depth, err := limit("MaxDepth", o.MaxDepth, DefaultMaxDepth, 4, math.MaxUint16)
	if err != nil {
		return modes{}, err
	}
	elements, err := limit("MaxElements", o.MaxElements, DefaultMaxElements, 16, math.MaxInt32)
	if err != nil {
		return modes{}, err
	}

	enc := cbor.EncOptions{
		// A big.Int inside an any stays one, however small.
		BigIntConvert: cbor.BigIntConvertNone,
	}
	if o.Deterministic {
		enc = cbor.CoreDetEncOptions()
	}
	// Text is the library's only form of time that has nanoseconds. A text's
	// offset has no seconds, hence UTC unless the caller knows better.
	enc.Time = cbor.TimeRFC3339NanoUTC
	if o.KeepOffset {
		enc.Time = cbor.TimeRFC3339Nano
	}
	enc.TimeTag = cbor.EncTagRequired // so that a time in an any comes back as one
	enc.IndefLength = cbor.IndefLengthForbidden
	// Types such as big.Rat have nothing but unexported fields and text.
	enc.TextMarshaler = cbor.TextMarshalerTextString
	encMode, err := enc.UserBufferEncMode()
	if err != nil {
		return modes{}, fmt.Errorf("cborcodec: %w", err)
	}

	decMode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  depth,
		MaxArrayElements: elements,
		MaxMapPairs:      elements,
		// Encode makes none, and to count the items of nested ones takes
		// time that grows with the square of the input.
		IndefLength:       cbor.IndefLengthForbidden,
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		UTF8:              cbor.UTF8DecodeInvalid, // Go strings need not be UTF-8
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		TextUnmarshaler:   cbor.TextUnmarshalerTextString,
	}.DecMode()
	if err != nil {
		return modes{}, fmt.Errorf("cborcodec: %w", err)
	}
	return modes{enc: encMode, dec: decMode}, nil
}

// limit returns value, or its default for 0, and an error outside the range
// that the library allows.
func limit(field string, value, byDefault, least, most int) (int, error) {
	if value == 0 {
		return byDefault, nil
	}
	if value < least || value > most {
		return 0, fmt.Errorf("cborcodec: %s is %d; allowed are %d to %d, and 0 for the default of %d",
			field, value, least, most, byDefault)
	}
	return value, nil
}
