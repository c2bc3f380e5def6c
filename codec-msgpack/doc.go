// Package msgpackcodec encodes cached values as MessagePack, with
// github.com/vmihailenco/msgpack/v5.
//
// Decode takes its input for hostile. The library by itself recurses as deep as
// the bytes say and allocates what they claim, so their structure is checked
// before it sees them: corrupt, truncated or too deeply nested bytes and
// trailing bytes are errors, and the memory that Decode uses is bounded by the
// size of the input and of V. Encode refuses what Decode would.
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
// valid UTF-8 or not, and times keep their instant to the nanosecond. What does
// not come back as it was:
//
//   - Functions, channels and complex numbers: Encode returns an error.
//   - The zone of a time and its monotonic clock: a time comes back in
//     time.Local, a zero one in UTC.
//   - Unexported fields, and which pointers of a value point to the same thing.
//   - The exact types inside an interface: an int comes back as the smallest
//     integer type that holds it, signed or not; structs and maps as
//     map[string]any. Maps in an any that have keys other than strings do not
//     decode.
//   - An interned string, written for a field with the option intern or by
//     Encoder.UseInternedStrings, and an extension without payload: Encode
//     returns an error.
//   - A registered extension whose decoder reads its payload as MessagePack
//     values: Decode returns an error. Decoder.ReadFull reads it, and so does
//     what msgpack.RegisterExt registers.
//   - A value that contains itself: Encode overflows the stack, as the library
//     does, and no program survives that.
//
// An integer that is too large for its field is cut off without an error, and
// of a map key that occurs twice the last value counts. That is the library's
// way, and shows only when a type has changed since it was encoded, or when
// others write to the storage.
//
// # Methods of the value
//
// A type may take part by EncodeMsgpack and DecodeMsgpack, by MarshalMsgpack and
// UnmarshalMsgpack, or by the binary or text marshalers of package encoding. What
// such a method is given to decode is used again afterwards: it copies what it
// keeps. Nothing in a decoded value shares memory with the input.
package msgpackcodec
