// Package msgpackcodec encodes cached values as MessagePack, with
// github.com/vmihailenco/msgpack/v5.
//
// Decode takes its input for hostile. The library by itself recurses as deep as
// the bytes say and allocates what they claim, so their structure is checked
// before it sees them: corrupt, truncated or too deeply nested bytes and
// trailing bytes are errors, and the memory that Decode uses is bounded by the
// size of the input and of V. A number that does not fit its field is an error
// too: the library by itself cuts it off.
//
// A value that Encode accepts comes back equal, but for what is listed below. For
// other values Encode returns an error that names the type, the field and what to
// do.
//
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     msgpackcodec.Msgpack[User]{},
//	})
//
// # What MessagePack does not carry
//
// Nil and empty slices and maps stay apart, strings are carried byte for byte,
// valid UTF-8 or not, and times keep their instant to the nanosecond.
// These do not come back as they were:
//
//   - The zone of a time and its monotonic clock: a time comes back in
//     time.Local, a zero one in UTC.
//   - Unexported fields, fields with the tag msgpack:"-", and which pointers of
//     a value point to the same thing. A slice or map that is empty and has the
//     option omitempty comes back nil.
//   - The exact types inside an any: an int comes back as the smallest integer
//     type that holds it, signed or not; structs and maps as map[string]any;
//     arrays and slices as []any; a nil of any type as nil. An error in a field
//     of type error comes back as errors.New of its text.
//
// # What Encode refuses
//
//   - Functions, channels, complex numbers and uintptr.
//   - A filled interface that has methods, unless it is an error: Decode cannot
//     know which type to make. A nil one is carried.
//   - A map in an any whose keys are not strings, and keys of a map[any]V that
//     become the same key.
//   - A nil embedded pointer whose fields are promoted: it would come back as a
//     pointer to a zero struct. With the tag msgpack:"base,noinline" it is
//     carried. Embedded pointers to unexported structs, and other embedded fields
//     of unexported types, cannot be decoded.
//   - A field that is not zero and whose name another field has too. The library
//     does not follow Go here: it means the later of the two, even if that is
//     the one in the embedded struct.
//   - A pointer to a nil pointer, slice, map or interface, and what omitempty
//     would leave out although it is not zero: a pointer to a zero time, an any
//     that holds a 0, a big.Int.
//   - A value that contains itself, or that is nested deeper than MaxDepth.
//   - A type that encodes itself by MarshalText or MarshalBinary and has no
//     method to decode that.
//   - A RawMessage that does not hold exactly one value, or that holds a nil.
//   - An interned string, written for a field with the option intern or by
//     Encoder.UseInternedStrings, and an extension without payload.
//
// # What Decode refuses
//
//   - An integer outside the range of its field, wherever it is: in an element,
//     a key, behind a pointer, in an embedded struct.
//   - An integer that a float would round, and a float64 for a float32.
//   - A list that is longer than its array. A shorter one leaves zeros.
//   - A registered extension whose decoder reads its payload as MessagePack
//     values. Decoder.ReadFull reads it, and so does what msgpack.RegisterExt
//     registers.
//
// If a map key occurs twice, the last value counts. Encode never writes that.
//
// # Methods of the value
//
// A type may take part by EncodeMsgpack and DecodeMsgpack, by MarshalMsgpack and
// UnmarshalMsgpack, or by the binary or text marshalers of package encoding. The
// codec trusts these methods: they have to return an equal value, and to check
// that a number fits, since Decoder.DecodeInt8 and its like cut it off. Types
// given to msgpack.Register are checked as if they were not. What such a method is
// given to decode is used again afterwards: it copies what it
// keeps. Nothing in a decoded value shares memory with the input.
package msgpackcodec
