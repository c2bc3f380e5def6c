package msgpackcodec

import (
	"fmt"
	"math"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// Msgpack is a codec for values of type V. Its zero value is ready to use, and
// all methods may be called concurrently. Encoders and decoders are pooled.
//
// Struct fields take their names from `msgpack` tags; the library's options
// apply, but for intern. What it does not carry, and what it refuses, is in the
// package comment.
//
// The size of an encoding has no limit of its own: wrap the codec in
// cascache.Limit to have one.
type Msgpack[V any] struct {
	// MaxDepth limits how deeply arrays and maps may be nested, for Encode and
	// for Decode: 1 to 65,535, 0 means DefaultMaxDepth.
	MaxDepth int
}

// DefaultMaxDepth is what a [Msgpack.MaxDepth] of 0 means.
const DefaultMaxDepth = 1000

// kept is the size of value up to which its encoder or decoder is pooled for
// the next call: one huge value must not pin its memory.
const kept = 256 << 10

// An encoder is what one Encode needs. It goes back to its pool only after
// success: a marshaler that panics takes its encoder with it.
type encoder struct {
	library   *msgpack.Encoder
	sink      sink
	structure structure
}

var encoders = sync.Pool{New: func() any { return &encoder{library: msgpack.NewEncoder(nil)} }}

// A decoder is what one Decode needs. It goes back to its pool only after
// success: the library leaves one that has failed in any state.
type decoder struct {
	library   *msgpack.Decoder
	source    source
	structure structure
}

var decoders = sync.Pool{New: func() any { return &decoder{library: msgpack.NewDecoder(nil)} }}

// sink collects what the library writes.
type sink struct{ bytes []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.bytes = append(s.bytes, p...)
	return len(p), nil
}

func (s *sink) WriteByte(b byte) error {
	s.bytes = append(s.bytes, b)
	return nil
}

// Encode returns the bytes of value, which the codec does not use again.
func (c Msgpack[V]) Encode(value V) ([]byte, error) {
	return c.AppendEncode(nil, value)
}

// AppendEncode appends the bytes of value to dst, which it grows at most once.
func (c Msgpack[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	maxDepth, err := c.maxDepth()
	if err != nil {
		return nil, err
	}
	is, err := shapeOf(reflect.TypeFor[V]())
	if err != nil {
		return nil, fmt.Errorf("msgpackcodec: encode: %w", err)
	}
	// The library reaches methods with pointer receivers through addressable
	// values only. An interface passes on what it holds.
	var operand any
	switch reflect.TypeFor[V]().Kind() {
	case reflect.Pointer, reflect.Interface:
		operand = value
	default:
		addressable := value
		operand = &addressable
	}
	if is.mustLook() {
		if err := (look{maxDepth}).value(is, reflected(value, operand), 0, 0); err != nil {
			return nil, fmt.Errorf("msgpackcodec: encode: %w", rooted(reflect.TypeFor[V](), err))
		}
	}

	e := encoders.Get().(*encoder)
	e.sink.bytes = e.sink.bytes[:0]
	e.library.Reset(&e.sink)
	if err := e.library.Encode(operand); err != nil {
		return nil, fmt.Errorf("msgpackcodec: encode: %w", err)
	}
	encoded := e.sink.bytes
	if err := e.structure.check(encoded, maxDepth, is); err != nil {
		return nil, fmt.Errorf("msgpackcodec: encode: Decode would refuse the result: %w", rooted(reflect.TypeFor[V](), err))
	}
	dst = append(dst, encoded...)
	if cap(encoded) <= kept {
		encoders.Put(e)
	}
	return dst, nil
}

// Decode returns the value that data holds.
func (c Msgpack[V]) Decode(data []byte) (value V, err error) {
	maxDepth, err := c.maxDepth()
	if err != nil {
		return value, err
	}
	is, err := shapeOf(reflect.TypeFor[V]())
	if err != nil {
		return value, fmt.Errorf("msgpackcodec: decode: %w", err)
	}
	d := decoders.Get().(*decoder)
	if err := d.structure.check(data, maxDepth, is); err != nil {
		return value, fmt.Errorf("msgpackcodec: decode: %w", rooted(reflect.TypeFor[V](), err))
	}
	// The library panics over some values in the wrong place, such as a list
	// for the key of a map or nil for a time.
	defer func() {
		if p := recover(); p != nil {
			var none V
			value, err = none, fmt.Errorf("msgpackcodec: decode: panic: %v", p)
		}
	}()
	d.source = source{data: data, extensions: d.structure.extensions}
	d.library.Reset(&d.source)
	err = d.library.Decode(&value)
	if err == nil && d.source.pos != len(data) {
		err = errTrailing // left by a type's own decoder
	}
	if err != nil {
		var none V
		return none, fmt.Errorf("msgpackcodec: decode: %w", err)
	}
	if len(data) <= kept {
		d.source, d.structure.data = source{}, nil
		decoders.Put(d)
	}
	return value, nil
}

func (c Msgpack[V]) maxDepth() (int, error) {
	switch {
	case c.MaxDepth == 0:
		return DefaultMaxDepth, nil
	case c.MaxDepth < 1 || c.MaxDepth > math.MaxUint16:
		return 0, fmt.Errorf("msgpackcodec: MaxDepth is %d; allowed are 1 to %d, and 0 for the default of %d",
			c.MaxDepth, math.MaxUint16, DefaultMaxDepth)
	}
	return c.MaxDepth, nil
}
