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
package cborcodec
