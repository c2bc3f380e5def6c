package cascache

// A Codec turns values into bytes and back. Both methods may be called
// concurrently.
type Codec[V any] interface {
	// Encode returns the bytes of value. The result may share memory with
	// value but not with anything the codec uses again; the caller only
	// reads it.
	Encode(value V) ([]byte, error)

	// Decode returns the value that data holds. data is hostile input: what
	// Encode cannot have made is an error, never a panic, and the memory
	// used is bounded by the size of data. Decode neither changes nor keeps
	// data: the value shares no memory with it unless the documentation of
	// the codec says so.
	Decode(data []byte) (V, error)
}

// AppendEncoder is an optional ability of a [Codec]: to encode into the
// caller's buffer, so that a fill needs one allocation for frame and payload
// together.
type AppendEncoder[V any] interface {
	// AppendEncode appends the bytes that Encode would return to dst and
	// returns the extended slice. The bytes before len(dst) stay as they are.
	// On an error the result is ignored.
	AppendEncode(dst []byte, value V) ([]byte, error)
}
