// Package zstdcodec compresses what another codec makes, with Zstandard
// (RFC 8878) by github.com/klauspost/compress.
//
// Decode takes its input for hostile: what Encode cannot have made is an error,
// no value decompresses to more than [Config.MaxDecoded] bytes, and nothing is
// allocated for a size that the compressed blocks do not bear out.
//
//	codec, err := zstdcodec.New(cborcodec.CBOR[User]{}, zstdcodec.Config{})
//	if err != nil {
//		return err
//	}
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     codec,
//	})
//
// Together with encryption, compression comes first: aeadcodec over zstdcodec
// over the codec of the values. Encrypted bytes do not compress. The length of
// what was compressed and encrypted tells something about the text, though:
// leave compression out where one value holds both a secret and text that an
// attacker chooses.
//
// # What a payload looks like
//
// The first byte is 0xFE before a payload that is stored as it is, and 0xFF
// before a single Zstandard frame, which `zstd -d` reads without it. No JSON,
// CBOR or Protocol Buffers encoding begins with either, so entries from before
// the decorator was put on or taken off are refused, not misread. Codecs that
// take any bytes, such as cascache.String, cannot tell: give such a cache a new
// namespace then.
//
// # Memory
//
// Encoders and decoders are shared by all codecs of the process, and at most
// GOMAXPROCS encoders of each level and as many decoders exist, made when they
// are first needed and kept; whoever finds all of them at work waits for one.
// An encoder holds about 1.1 MiB at level Fastest, 2.3 at Balanced, 5.1 at
// Better and 35 at Best, a decoder 0.3 MiB and the last value it made, up to
// 1 MiB (TestMemory holds these figures). No goroutine is started.
package zstdcodec
