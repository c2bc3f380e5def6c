// Package protocodec encodes cached messages as Protocol Buffers, with
// google.golang.org/protobuf.
//
// Decode takes its input for hostile: corrupt or too deeply nested bytes,
// missing required fields and text that is not UTF-8 are errors, and the memory
// it uses is bounded by the size of the input and of the message type. The
// library by itself does not limit how deeply extensions nest; Decode does.
// Encode refuses what the limit would keep Decode from reading back.
//
//	users, err := cascache.New(cascache.Options[*pb.User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     protocodec.Proto[*pb.User]{},
//	})
package protocodec
