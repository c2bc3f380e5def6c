// Package cborcodec encodes cached values as CBOR (RFC 8949), with
// github.com/fxamacker/cbor/v2.
//
// Decode takes its input for hostile: corrupt, truncated, too deeply nested or
// oversized bytes, trailing bytes and duplicate map keys are errors, and the
// memory it uses is bounded by the size of the input and of V. Encode refuses
// what the limits would keep Decode from reading back.
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
//   - Functions, channels, complex numbers, and times outside the years 0 to
//     9999: Encode returns an error.
//   - Unexported fields, and which pointers of a value point to the same thing.
//   - The exact types inside an interface: an any comes back as nil, bool,
//     uint64, int64 (when negative), float64, string, []byte, time.Time,
//     big.Int, []any or map[string]any, and a zero time.Time in it as nil.
//     Maps in an any that have keys other than strings do not decode.
//   - A value that contains itself: Encode overflows the stack, as the library
//     does, and no program survives that.
//
// # Methods of the value
//
// A type may take part by MarshalCBOR and UnmarshalCBOR, or by the binary or text
// marshalers of package encoding. What such a method is given to decode is part
// of the input: like any method of its kind it copies what it keeps. Nothing else
// in a decoded value shares memory with the input.
package cborcodec
