// Package protocodec encodes cached messages as Protocol Buffers, with
// google.golang.org/protobuf.
//
// Decode takes its input for hostile: corrupt or too deeply nested bytes,
// missing required fields and text that is not UTF-8 are errors, and the memory
// it uses is bounded by the size of the input and of the message type. The
// library by itself does not limit how deeply extensions nest; Decode does.
// Encode refuses what the limit would keep Decode from reading back, and a message
// that contains itself.
//
// A number that does not fit its field is an error of Decode. By itself the
// library drops its upper bits, as the format prescribes: a price that was written
// as an int64 would be another price to a program that has an int32 for it.
//
//	users, err := cascache.New(cascache.Options[*pb.User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     protocodec.Proto[*pb.User]{},
//	})
//
// # What Protocol Buffers do not carry
//
//   - A nil message, which has no bytes of its own: Encode returns [ErrNil]. An
//     empty message is carried.
//   - Text that is not UTF-8, in the fields of proto3, and messages without their
//     required fields: both directions return an error.
//   - The difference between a nil and an empty list, map or bytes, unless the
//     field has presence.
//   - The zone of a time: a Timestamp has none.
//   - The type of a number. The bytes do not tell whether 64 bits have a sign, or
//     are in the form of sint64, so a field that changes from one to another reads
//     old entries as other numbers. A field whose wire type changes, such as an
//     int32 that becomes a fixed32, is unknown in old entries and comes back zero.
//     Give a field that changes its type a new number.
//
// The format has no mark for the end of a message. Bytes that are cut between
// two fields, or joined to others, are a message of their own, and of a field
// that occurs twice the last value counts. The cache's envelope has the length
// of its payload, and with Options.Checksum detects any damage.
package protocodec
