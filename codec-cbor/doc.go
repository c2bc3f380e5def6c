// Package cborcodec encodes cached values as CBOR (RFC 8949), with
// github.com/fxamacker/cbor/v2.
//
// Decode takes its input for hostile: corrupt, truncated, too deeply nested or
// oversized bytes, trailing bytes and duplicate map keys are errors, and the
// memory it uses is bounded by the size of the input and of V. A number or a list
// that does not fit its field is an error too.
//
// A value that Encode accepts comes back equal, but for what is listed below. For
// other values Encode returns an error that names the type, the field and what to
// do.
//
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     cborcodec.CBOR[User]{},
//	})
//
// # What CBOR does not carry
//
// Nil and empty slices and maps stay apart, and strings are carried byte for
// byte, valid UTF-8 or not. Times keep their instant to the nanosecond and lose
// their monotonic clock; the zone is a matter of [CBOR].KeepOffset. What does not
// come back as it was:
//
//   - Unexported fields, fields with the tag cbor:"-", and which pointers of a
//     value point to the same thing. A slice or map that is empty and has the
//     option omitempty comes back nil.
//   - The exact types inside an any: it comes back as nil, bool, uint64, int64
//     (when negative), float64, string, []byte, time.Time, big.Int, []any or
//     map[string]any. A nil of any type comes back as nil, and so does a zero
//     time.Time.
//
// # What Encode refuses
//
//   - Types with functions, channels, complex numbers or uintptr, even if these
//     are nil.
//   - Times outside the years 0 to 9999.
//   - A filled interface that has methods, such as error: Decode cannot know which
//     type to make. A nil one is carried.
//   - A map in an any whose keys are not strings, and keys of a map[any]V, or of a
//     map with structs for keys, that become the same key.
//   - A field that is not zero and that another field hides, because it is less
//     deep or has the same name at the same depth.
//   - A pointer to a nil pointer, slice, map or interface, or to a zero time, and
//     one that omitzero leaves out although it is not nil.
//   - An embedded pointer of which nothing is encoded, a nil one in a struct with
//     the option toarray, and one to an unexported struct.
//   - A value that contains itself, or that is beyond MaxDepth or MaxElements.
//   - A type that encodes itself by MarshalText or MarshalBinary and has no
//     method to decode that, and an empty RawMessage.
//
// # What Decode refuses
//
//   - A number outside the range of its field.
//   - A number that a float would round: an integer, or a float64 for a float32.
//   - A list or byte string that is longer than its array. A shorter one leaves
//     zeros.
//
// # Methods of the value
//
// A type may take part by MarshalCBOR and UnmarshalCBOR, or by the binary or text
// marshalers of package encoding. The codec trusts these methods to return an
// equal value. What such a method is given to decode is part of the input: like any method of its kind it copies what it keeps. Nothing else
// in a decoded value shares memory with the input.
package cborcodec
