package cborcodec

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"
)

// CBOR is a codec for values of type V. Its zero value is ready to use, and
// all methods may be called concurrently.
//
// Struct fields take their names from `cbor` tags, else from `json` tags; the
// options keyasint and toarray make small encodings. What it does not carry, and
// what it refuses, is in the package comment.
//
// The size of an encoding has no limit of its own: wrap the codec in
// cascache.Limit to have one, and with it one on the time that hostile bytes
// can take.
type CBOR[V any] struct {
	// Deterministic makes equal values equal bytes: map keys are sorted and
	// numbers take their shortest form (RFC 8949, section 4.2.1), at some
	// cost to Encode. All NaNs become the same one. False takes maps as they
	// come. Decode reads either.
	Deterministic bool

	// KeepOffset carries the offset from UTC of each time, in whole minutes.
	// A time whose offset has seconds, as local mean times before about 1900
	// have, would come back wrong by those seconds. False carries the instant
	// alone, which is exact for every zone, and times come back in UTC.
	// Decode reads either.
	KeepOffset bool

	// MaxDepth limits how deeply arrays, maps and tags may be nested, for
	// Encode and for Decode: 4 to 65,535, 0 means DefaultMaxDepth. At worst,
	// over bytes made to that end, the time of Decode grows with their number
	// times the depth.
	MaxDepth int

	// MaxElements limits the elements of any one array and the pairs of any
	// one map, for Encode and for Decode: 16 to 2,147,483,647, 0 means
	// DefaultMaxElements. Byte and text strings do not count.
	MaxElements int
}

// What the zero fields of [CBOR] mean.
const (
	DefaultMaxDepth    = 256
	DefaultMaxElements = 1 << 24
)

// keptBuffer is the capacity up to which a buffer is kept for the next Encode:
// one huge value must not pin its memory.
const keptBuffer = 256 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Encode returns the bytes of value, which the codec does not use again.
func (c CBOR[V]) Encode(value V) ([]byte, error) {
	return c.AppendEncode(nil, value)
}

// AppendEncode appends the bytes of value to dst, which it grows at most once.
func (c CBOR[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	m, err := modesFor(options(c))
	if err != nil {
		return nil, err
	}
	is, err := shapeOf(reflect.TypeFor[V]())
	if err != nil {
		return nil, fmt.Errorf("cborcodec: encode: %w", err)
	}
	// The library reaches methods with pointer receivers, and reads times
	// without boxing them, through addressable values only.
	var operand any
	switch reflect.TypeFor[V]().Kind() {
	case reflect.Struct, reflect.Array:
		addressable := value
		operand = &addressable
	default:
		operand = value
	}
	if is.mustLook() {
		if err := (look{m, c.maxDepth()}).value(is, reflected(value, operand), 0, 0); err != nil {
			return nil, fmt.Errorf("cborcodec: encode: %w", rooted(reflect.TypeFor[V](), err))
		}
	}

	// A buffer goes back only after success: a marshaler that panics takes
	// its buffer with it.
	buf := buffers.Get().(*bytes.Buffer)
	if err := m.enc.MarshalToBuffer(operand, buf); err != nil {
		return nil, fmt.Errorf("cborcodec: encode: %w", err)
	}
	if err := m.dec.Wellformed(buf.Bytes()); err != nil {
		return nil, fmt.Errorf("cborcodec: encode: Decode would refuse the result: %w", err)
	}
	if is != nil && is.dynamic {
		if err := (&wire{data: buf.Bytes()}).value(is); err != nil {
			return nil, fmt.Errorf("cborcodec: encode: Decode would refuse the result: %w", rooted(reflect.TypeFor[V](), err))
		}
	}
	dst = append(dst, buf.Bytes()...)
	if buf.Cap() <= keptBuffer {
		buf.Reset()
		buffers.Put(buf)
	}
	return dst, nil
}

// Decode returns the value that data holds.
func (c CBOR[V]) Decode(data []byte) (value V, err error) {
	m, err := modesFor(options(c))
	if err != nil {
		return value, err
	}
	is, err := shapeOf(reflect.TypeFor[V]())
	if err != nil {
		return value, fmt.Errorf("cborcodec: decode: %w", err)
	}
	// A type's own UnmarshalCBOR may panic over bytes that it did not expect.
	defer func() {
		if p := recover(); p != nil {
			var none V
			value, err = none, fmt.Errorf("cborcodec: decode: panic: %v", p)
		}
	}()
	if err := m.dec.Unmarshal(data, &value); err != nil {
		var none V
		return none, fmt.Errorf("cborcodec: decode: %w", err)
	}
	if is != nil && is.narrow {
		if err := (&wire{data: data}).value(is); err != nil {
			var none V
			return none, fmt.Errorf("cborcodec: decode: %w", rooted(reflect.TypeFor[V](), err))
		}
	}
	return value, nil
}

func (c CBOR[V]) maxDepth() int {
	if c.MaxDepth == 0 {
		return DefaultMaxDepth
	}
	return c.MaxDepth
}
