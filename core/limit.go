package cascache

import (
	"errors"
	"fmt"
)

// Limit is a codec that refuses values larger than Max bytes, encoded, in both
// directions: it keeps a single value from crowding the cache, and the inner
// codec from bytes that it would spend too much on. The error wraps
// [ErrValueTooLarge].
type Limit[V any] struct {
	Codec Codec[V] // required
	Max   int      // bytes; 0 means no limit, negative is an error of every call
}

// Encode implements [Codec].
func (l Limit[V]) Encode(value V) ([]byte, error) {
	if err := l.checkCodec(); err != nil {
		return nil, err
	}
	payload, err := l.Codec.Encode(value)
	if err != nil {
		return nil, err
	}
	return payload, l.check("encoded", len(payload))
}

// AppendEncode implements [AppendEncoder] if the inner codec does.
func (l Limit[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	if err := l.checkCodec(); err != nil {
		return dst, err
	}
	appender, ok := AbilityOf[AppendEncoder[V]](l.Codec)
	if !ok {
		payload, err := l.Encode(value)
		return append(dst, payload...), err
	}
	out, err := appender.AppendEncode(dst, value)
	if err != nil {
		return dst, err
	}
	return out, l.check("encoded", len(out)-len(dst))
}

// Decode implements [Codec].
func (l Limit[V]) Decode(data []byte) (V, error) {
	err := l.checkCodec()
	if err == nil {
		err = l.check("stored", len(data))
	}
	if err != nil {
		var none V
		return none, err
	}
	return l.Codec.Decode(data)
}

// Unwrap implements [Wrapper].
func (l Limit[V]) Unwrap() any { return l.Codec }

func (l Limit[V]) checkCodec() error {
	switch {
	case l.Codec == nil:
		return errors.New("cascache: Limit.Codec is nil; it is required")
	case isNil(l.Codec):
		return fmt.Errorf("cascache: Limit.Codec is a nil %T; it must be a usable codec", l.Codec)
	}
	return nil
}

func (l Limit[V]) check(what string, n int) error {
	switch {
	case l.Max < 0:
		return fmt.Errorf("cascache: Limit.Max is %d; it must be 0, for no limit, or more", l.Max)
	case l.Max == 0 || n <= l.Max:
		return nil
	}
	return fmt.Errorf("%w: %d bytes %s, at most %d allowed", ErrValueTooLarge, n, what, l.Max)
}
