package cascache

// String is the codec of strings, which may hold any bytes.
type String struct{}

// Encode returns the bytes of value.
func (String) Encode(value string) ([]byte, error) { return []byte(value), nil }

// AppendEncode implements [AppendEncoder].
func (String) AppendEncode(dst []byte, value string) ([]byte, error) {
	return append(dst, value...), nil
}

// Decode returns data as a string of its own.
func (String) Decode(data []byte) (string, error) { return string(data), nil }
