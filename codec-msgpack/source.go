package msgpackcodec

import (
	"errors"
	"io"
)

// source is what the library reads from: bytes whose structure was checked.
type source struct {
	data       []byte
	pos        int
	extensions []span // payloads that lie at or behind pos, in order
}

// errExtension is the error for an extension in a place that has no use for one.
var errExtension = errors.New("an extension is read as something else")

// ReadByte implements [io.ByteReader]. The library calls it for the heads of
// values, and Read for the contents that follow: one that looks for a head in
// the payload of an extension must not find what was never checked.
func (s *source) ReadByte() (byte, error) {
	if s.pos >= len(s.data) {
		return 0, io.EOF
	}
	for len(s.extensions) > 0 && s.pos >= s.extensions[0].end {
		s.extensions = s.extensions[1:]
	}
	if len(s.extensions) > 0 && s.pos >= s.extensions[0].start {
		return 0, errExtension
	}
	b := s.data[s.pos]
	s.pos++
	return b, nil
}

// UnreadByte implements [io.ByteScanner]. It follows a ReadByte, always.
func (s *source) UnreadByte() error {
	s.pos--
	return nil
}

// Read implements [io.Reader].
func (s *source) Read(p []byte) (int, error) {
	if s.pos >= len(s.data) && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data[s.pos:])
	s.pos += n
	return n, nil
}
