package msgpackcodec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// structure checks that bytes are exactly one MessagePack value, nested no
// deeper than a limit, before the library reads them. It allocates for
// extensions only.
//
// What makes the library safe behind it is that both see the same items: a
// count that the library reads and trusts is one that was checked here. The
// exceptions are extensions, see below.
type structure struct {
	data     []byte
	pos      int
	maxDepth int

	// extensions holds the payloads of the extensions in data, in order. The
	// library, when it looks for a map and finds an extension, goes on to
	// read the payload for the map's head, whatever the extension is: counts
	// in there are unchecked. See source.ReadByte.
	extensions []span
}

// A span is data[start:end].
type span struct{ start, end int }

var (
	errTruncated = errors.New("the bytes end within a value")
	errTrailing  = errors.New("there are bytes after the value")

	// Without a payload there is nothing to guard, and the value after such an
	// extension would be read in its place: however deep a type may be
	// nested, a flat row of bytes would get there.
	errEmptyExtension = errors.New("an extension has no payload")

	// The library reads the index of an interned string like the head of any
	// value, so that its payload cannot be guarded.
	errInterned = errors.New("interned strings are not supported")
)

// internedString is the type that the library gives to extensions that stand
// for strings seen before.
const internedString = 0x80

// check returns an error unless data is one value and nothing else.
func (s *structure) check(data []byte, maxDepth int) error {
	*s = structure{data: data, maxDepth: maxDepth, extensions: s.extensions[:0]}
	if err := s.value(0); err != nil {
		return err
	}
	if s.pos != len(data) {
		return fmt.Errorf("%w: %d of %d", errTrailing, len(data)-s.pos, len(data))
	}
	return nil
}

// value passes one value, which lies in depth arrays and maps.
func (s *structure) value(depth int) error {
	if s.pos >= len(s.data) {
		return errTruncated
	}
	head := s.data[s.pos]
	s.pos++
	switch {
	case head <= 0x7f, head >= 0xe0: // small integers
		return nil
	case head <= 0x8f:
		return s.values(2*uint64(head&0x0f), depth)
	case head <= 0x9f:
		return s.values(uint64(head&0x0f), depth)
	case head <= 0xbf: // short strings
		return s.skip(uint64(head & 0x1f))
	}
	switch head {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return nil
	case 0xcc, 0xd0: // integers and floats, by their sizes
		return s.skip(1)
	case 0xcd, 0xd1:
		return s.skip(2)
	case 0xca, 0xce, 0xd2:
		return s.skip(4)
	case 0xcb, 0xcf, 0xd3:
		return s.skip(8)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // extensions of 1, 2, 4, 8, 16 bytes
		return s.extension(1 << (head - 0xd4))
	case 0xc1:
		return errors.New("the byte c1 begins no value")
	}

	// What is left has its length behind its head.
	var size int
	switch head {
	case 0xc4, 0xc7, 0xd9:
		size = 1
	case 0xc5, 0xc8, 0xda, 0xdc, 0xde:
		size = 2
	default:
		size = 4
	}
	n, err := s.length(size)
	if err != nil {
		return err
	}
	switch head {
	case 0xdc, 0xdd:
		return s.values(n, depth)
	case 0xde, 0xdf:
		return s.values(2*n, depth)
	case 0xc7, 0xc8, 0xc9:
		return s.extension(n)
	}
	return s.skip(n) // strings and bytes
}

// values passes n values that lie in one more array or map than depth says.
func (s *structure) values(n uint64, depth int) error {
	if depth++; depth > s.maxDepth {
		return fmt.Errorf("the value is nested more than %d deep", s.maxDepth)
	}
	if n > uint64(len(s.data)-s.pos) {
		return errTruncated // each takes a byte at least
	}
	for range n {
		if err := s.value(depth); err != nil {
			return err
		}
	}
	return nil
}

func (s *structure) length(size int) (uint64, error) {
	at := s.pos
	if err := s.skip(uint64(size)); err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(s.data[at]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(s.data[at:])), nil
	default:
		return uint64(binary.BigEndian.Uint32(s.data[at:])), nil
	}
}

func (s *structure) skip(n uint64) error {
	if n > uint64(len(s.data)-s.pos) {
		return errTruncated
	}
	s.pos += int(n)
	return nil
}

// extension passes the type and the n bytes of an extension.
func (s *structure) extension(n uint64) error {
	at := s.pos
	if err := s.skip(1 + n); err != nil {
		return err
	}
	switch {
	case n == 0:
		return errEmptyExtension
	case s.data[at] == internedString:
		return errInterned
	}
	s.extensions = append(s.extensions, span{start: at + 1, end: s.pos})
	return nil
}
