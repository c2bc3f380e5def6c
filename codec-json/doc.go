// Package jsoncodec encodes cached values as JSON, with encoding/json.
//
// A value that Encode accepts comes back equal, but for what is listed below. For
// other values Encode returns an error that names the type, the field and what to
// do. Decode returns an error for corrupt, truncated or trailing bytes, for arrays
// and objects nested over 10,000 deep, for a number outside the range of its
// field, and for a list that is longer than its array.
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
//   - unexported fields, fields with the tag json:"-", and which pointers of a
//     value point to the same thing
//   - an empty slice or map becomes nil if it has the option omitempty; JSON
//     otherwise keeps the two apart
//   - a json.RawMessage loses its insignificant space
//   - null, from whoever wrote it, is the zero value of every V
//   - the type of a number: an integer field takes the digits that a float was
//     written with, and a float field takes the nearest to the digits it is given
//
// If a key occurs twice, the last value counts. A key that differs from the name
// of a field only in case is taken for that name.
//
// # What Encode refuses
//
//   - NaN and infinities, functions, channels, complex numbers.
//   - Times before the year 0 or after 9999, and times whose offset from UTC is
//     not in whole minutes, as in some zones before 1972: the text has no seconds
//     of offset, so the instant would change.
//   - A filled interface that has methods, such as error: Decode cannot know which
//     type to make. A nil one is carried.
//   - A field that is not zero and that another field hides, because it is less
//     deep or has the same name at the same depth.
//   - A pointer to a nil pointer, slice, map or interface, and one that omitzero
//     leaves out although it is not nil.
//   - An embedded pointer of which nothing is encoded, or to an unexported struct.
//   - An empty json.Number, which would come back as 0: give the field the option
//     omitempty.
//   - A json.RawMessage that holds a null. A nil one is written as null, and comes
//     back nil.
//   - Values that contain themselves, and nesting over 10,000 deep.
//   - A type that encodes itself by MarshalText and has no UnmarshalText, unless
//     it is a string. In maps and interfaces also a type that only encodes itself
//     through its pointer, such as big.Int: use map[string]*big.Int.
//
// # Methods of the value
//
// MarshalJSON and MarshalText are called also where only the pointer to V, or
// to a field of V, has them, as UnmarshalJSON always is; json.Marshal(v) leaves
// those out. The codec trusts a type's own methods to return an equal value. A
// method that panics does so through the codec; the cache makes
// an error of it, and a miss on reads. A method that goes round a cycle by
// itself overflows the stack, which ends the process.
package jsoncodec
