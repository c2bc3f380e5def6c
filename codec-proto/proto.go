package protocodec

import (
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Proto is a codec for a generated message type, named as it is passed around:
// Proto[*pb.User]. Its zero value is ready to use, and all methods may be called
// concurrently. Every Decode returns a fresh message, which shares no memory
// with the input.
//
// Unknown fields are kept, so that a program may hand on what a newer one has
// stored. Extensions come from the global registry. What it does not carry is in
// the package comment.
//
// The size of an encoding has no limit of its own: wrap the codec in
// cascache.Limit to have one.
type Proto[T proto.Message] struct {
	// Deterministic makes equal messages equal bytes, at some cost to Encode:
	// map entries are sorted. It holds for one version of the program, not
	// across versions or languages, and not for unknown fields.
	Deterministic bool

	// MaxDepth limits how deeply messages may be nested, for Encode and for
	// Decode: 1, for a message without others in it, to 10,000, which is the
	// library's own limit; 0 means DefaultMaxDepth. The entries of maps count,
	// and so do extensions, which the library's limit lets pass.
	MaxDepth int
}

// DefaultMaxDepth is what a [Proto.MaxDepth] of 0 means.
const DefaultMaxDepth = 1000

const mostDepth = 10_000

// ErrNil is wrapped by the error for a nil message.
var ErrNil = errors.New("protocodec: the message is nil")

// Encode returns the bytes of message, which the codec does not use again.
func (c Proto[T]) Encode(message T) ([]byte, error) {
	return c.AppendEncode([]byte{}, message)
}

// AppendEncode appends the bytes of message to dst, which it grows at most
// once.
func (c Proto[T]) AppendEncode(dst []byte, message T) ([]byte, error) {
	_, limits, err := c.prepare()
	if err != nil {
		return nil, err
	}
	if !message.ProtoReflect().IsValid() {
		return nil, fmt.Errorf("%w: a %T", ErrNil, message)
	}
	if err := checkValue(message.ProtoReflect(), limits.RecursionLimit); err != nil {
		return nil, fmt.Errorf("protocodec: encode: %w, or contains itself", err)
	}
	out, err := proto.MarshalOptions{Deterministic: c.Deterministic}.MarshalAppend(dst, message)
	if err != nil {
		return nil, fmt.Errorf("protocodec: encode: %w", err)
	}
	if err := checkNesting(out[len(dst):], message.ProtoReflect().Descriptor(), limits.RecursionLimit); err != nil {
		return nil, fmt.Errorf("protocodec: encode: Decode would refuse the result: %w", err)
	}
	return out, nil
}

// Decode returns the message that data holds.
func (c Proto[T]) Decode(data []byte) (T, error) {
	var none T
	made, limits, err := c.prepare()
	if err != nil {
		return none, err
	}
	if err := checkBytes(data, made.Descriptor(), limits.RecursionLimit); err != nil {
		return none, fmt.Errorf("protocodec: decode: %w", err)
	}
	message := made.New().Interface().(T)
	if err := limits.Unmarshal(data, message); err != nil {
		return none, fmt.Errorf("protocodec: decode: %w", err)
	}
	return message, nil
}

// prepare returns what makes messages and what decodes them.
func (c Proto[T]) prepare() (protoreflect.MessageType, proto.UnmarshalOptions, error) {
	limits := proto.UnmarshalOptions{
		RecursionLimit: c.MaxDepth,
		NoLazyDecoding: true, // damage shows now, and not when a field is read
	}
	switch {
	case c.MaxDepth == 0:
		limits.RecursionLimit = DefaultMaxDepth
	case c.MaxDepth < 1 || c.MaxDepth > mostDepth:
		return nil, limits, fmt.Errorf("protocodec: MaxDepth is %d; allowed are 1 to %d, and 0 for the default of %d",
			c.MaxDepth, mostDepth, DefaultMaxDepth)
	}
	made, ok := messageType[T]()
	if !ok {
		return nil, limits, fmt.Errorf("protocodec: %v is no generated message type, such as *pb.User", reflect.TypeFor[T]())
	}
	return made, limits, nil
}

// messageType returns what makes values of T. A generated message tells its
// type even when it is nil; other implementations, interfaces among them, may
// panic.
func messageType[T proto.Message]() (made protoreflect.MessageType, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	var none T
	made = none.ProtoReflect().Type()
	_, ok = made.Zero().Interface().(T)
	return made, ok
}
