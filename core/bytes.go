package cascache

import "bytes"

// Bytes is the codec of values that are bytes already. Decoded values are the
// caller's own; a nil slice comes back as an empty one.
type Bytes struct{}

// Encode returns value itself; the cache copies it.
func (Bytes) Encode(value []byte) ([]byte, error) { return value, nil }

// Decode returns a copy of data.
func (Bytes) Decode(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return []byte{}, nil
	}
	return bytes.Clone(data), nil
}
