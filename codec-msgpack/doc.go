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
package msgpackcodec
