// Package jsoncodec encodes cached values as JSON, with encoding/json.
//
// What was encoded decodes to an equal value, within what JSON can carry (see
// below). Corrupt, truncated or trailing bytes are an error, and so are arrays
// and objects nested over 10,000 deep.
//
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     jsoncodec.JSON[User]{},
//	})
//
// # When to use another codec
//
// JSON is the codec that needs no schema, no tags and no dependency, and whose
// entries can be read with any tool. It is also the slowest. Over an in-process
// provider nearly all of a Get is spent in it: decoding a record of 240 bytes
// takes several times as long as everything else (BenchmarkGet compares it with
// the bytes alone). Where that matters, use codec-msgpack, codec-cbor or
// codec-proto; for a value that is a []byte or a string anyway use
// cascache.Bytes or cascache.String, which store it as it is, where JSON writes
// a []byte in base64, a third longer.
//
// # What JSON does not carry
//
// Not an error, but different after a round trip:
//
//   - a byte of a string or map key that is not valid UTF-8 becomes U+FFFD, and
//     map keys that become equal thereby are merged; a []byte keeps its bytes
//   - a number in an any comes back as a float64, which has room for 53 bits;
//     see [JSON].UseNumber. Integer fields keep all of their bits
//   - a struct in an any comes back as a map[string]any
//   - a time.Time loses its monotonic reading and the name of its zone, not its
//     instant, nanoseconds or offset: compare with Equal
//   - unexported fields, and what a tag leaves out: omitempty makes an empty
//     slice or map nil, which JSON otherwise keeps apart
//   - a json.RawMessage loses its insignificant space
//   - null, from whoever wrote it, is the zero value of every V
//
// Refused by Encode: NaN and infinities, functions, channels, complex numbers,
// times before the year 0 or after 9999, and values that point to themselves.
// Refused by Decode even where Encode accepts it: nesting over 10,000 deep, and
// a value in an interface type other than any.
//
// # Methods of the value
//
// MarshalJSON and MarshalText are called also where only the pointer to V, or
// to a field of V, has them, as UnmarshalJSON always is; json.Marshal(v) leaves
// those out. A method that panics does so through the codec; the cache makes
// an error of it, and a miss on reads. A method that goes round a cycle by
// itself overflows the stack, which ends the process.
package jsoncodec
