package msgpackcodec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// structure checks that bytes are exactly one MessagePack value, nested no
// deeper than a limit, and that its numbers fit the type that they are for,
// before the library reads them: the library cuts off what is too large. It
// allocates for extensions only.
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

// check returns an error unless data is one value of this shape and nothing
// else.
func (s *structure) check(data []byte, maxDepth int, is *shape) error {
	*s = structure{data: data, maxDepth: maxDepth, extensions: s.extensions[:0]}
	if err := s.value(0, is); err != nil {
		return err
	}
	if s.pos != len(data) {
		return fmt.Errorf("%w: %d of %d", errTrailing, len(data)-s.pos, len(data))
	}
	return nil
}

// value passes one value, which lies in depth arrays and maps. Where its kind
// is not that of its shape, the library says so, or a registered decoder of
// the type takes it.
func (s *structure) value(depth int, is *shape) error {
	if s.pos >= len(s.data) {
		return errTruncated
	}
	for is != nil && is.kind == pointers {
		is = is.elem
	}
	head := s.data[s.pos]
	s.pos++
	switch {
	case head <= 0x7f: // small integers, which fit everywhere
		return nil
	case head >= 0xe0:
		return is.fits(uint64(int8(head)), true)
	case head <= 0x8f:
		return s.pairs(uint64(head&0x0f), depth, is)
	case head <= 0x9f:
		return s.elements(uint64(head&0x0f), depth, is)
	case head <= 0xbf: // short strings
		return s.skip(uint64(head & 0x1f))
	}
	switch head {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return nil
	case 0xca:
		return s.skip(4) // a float32 fits both
	case 0xcb:
		return s.skip(8) // the library refuses a float64 for a float32
	case 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3:
		return s.integer(head, is)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // extensions of 1, 2, 4, 8, 16 bytes
		return s.extension(1 << (head - 0xd4))
	case 0xc1:
		return errors.New("the byte c1 begins no value")
	}

	// What is left has its length behind its head.
	n, err := s.length(lengthSize(head))
	if err != nil {
		return err
	}
	switch head {
	case 0xdc, 0xdd:
		return s.elements(n, depth, is)
	case 0xde, 0xdf:
		return s.pairs(n, depth, is)
	case 0xc7, 0xc8, 0xc9:
		return s.extension(n)
	}
	return s.skip(n) // strings and bytes
}

// lengthSize returns the size of the length behind head.
func lengthSize(head byte) int {
	switch head {
	case 0xc4, 0xc7, 0xd9:
		return 1
	case 0xc5, 0xc8, 0xda, 0xdc, 0xde:
		return 2
	}
	return 4
}

// integer passes an integer of one byte or more behind its head.
func (s *structure) integer(head byte, is *shape) error {
	at := s.pos
	if err := s.skip(1 << (head & 3)); err != nil {
		return err
	}
	var n uint64
	for _, b := range s.data[at:s.pos] {
		n = n<<8 | uint64(b)
	}
	if head < 0xd0 {
		return is.fits(n, false)
	}
	unused := 64 - 8*(s.pos-at)
	signed := int64(n<<unused) >> unused
	return is.fits(uint64(signed), signed < 0)
}

// fits returns an error if an integer is not one of the shape. n is that of a
// negative one in two's complement.
func (is *shape) fits(n uint64, negative bool) error {
	if is == nil {
		return nil
	}
	switch is.kind {
	case integers:
		if negative && int64(n) < is.min || !negative && n > is.max {
			break
		}
		return nil
	case floats:
		magnitude := n
		if negative {
			magnitude = -n
		}
		// It is exact if its digits, without the zeros at their end, fit. The
		// library takes what is above the largest int64 for negative.
		if magnitude>>bits.TrailingZeros64(magnitude) <= is.max && (negative || n <= math.MaxInt64) {
			return nil
		}
	default:
		return nil
	}
	if negative {
		return misfitf("%d does not fit into %v", int64(n), is.typ)
	}
	return misfitf("%d does not fit into %v", n, is.typ)
}

// enter begins an array or map of n values, one level below depth.
func (s *structure) enter(n uint64, depth *int) error {
	if *depth++; *depth > s.maxDepth {
		return fmt.Errorf("the value is nested more than %d deep", s.maxDepth)
	}
	if n > uint64(len(s.data)-s.pos) {
		return errTruncated // each takes a byte at least
	}
	return nil
}

// elements passes the n elements of an array.
func (s *structure) elements(n uint64, depth int, is *shape) error {
	if err := s.enter(n, &depth); err != nil {
		return err
	}
	var elem *shape
	var list []*field
	if is != nil {
		switch is.kind {
		case lists, times:
			elem = is.elem
		case anys:
			elem = is
		case structs:
			if list = is.fields.list; n != uint64(len(list)) {
				list = nil // which the library refuses
			}
		}
	}
	for i := range n {
		if list != nil {
			elem = list[i].shape
		}
		if err := s.value(depth, elem); err != nil {
			if list != nil {
				return within(list[i].path, err)
			}
			return within("["+strconv.FormatUint(i, 10)+"]", err)
		}
	}
	return nil
}

// pairs passes the n pairs of a map.
func (s *structure) pairs(n uint64, depth int, is *shape) error {
	if err := s.enter(2*n, &depth); err != nil {
		return err
	}
	var key, elem *shape
	if is != nil {
		switch is.kind {
		case structs:
			return s.members(n, depth, is.fields)
		case dicts:
			key, elem = is.key, is.elem
		case anys:
			return s.dynamicPairs(n, depth)
		}
	}
	for range n {
		if err := s.value(depth, key); err != nil {
			return within("[key]", err)
		}
		if err := s.value(depth, elem); err != nil {
			return within("[value]", err)
		}
	}
	return nil
}

// members passes the n pairs of a map that is a struct.
func (s *structure) members(n uint64, depth int, fields *fields) error {
	next := 0 // in fields.list: they are encoded in this order
	for range n {
		name, ok := s.text()
		if !ok {
			if err := s.value(depth, nil); err != nil { // which the library refuses
				return err
			}
		}
		var f *field
		if next < len(fields.list) && fields.list[next].name == string(name) {
			f = fields.list[next]
			next++
		}
		// Of several fields with one name, the last is meant.
		if f == nil || len(fields.lost) > 0 {
			f = fields.byName[string(name)]
		}
		if f == nil {
			if err := s.value(depth, nil); err != nil {
				return err
			}
		} else if err := s.value(depth, f.shape); err != nil {
			return within(f.path, err)
		}
	}
	return nil
}

// dynamicPairs passes the n pairs of a map in an interface, which becomes a
// map[string]any.
func (s *structure) dynamicPairs(n uint64, depth int) error {
	for range n {
		if _, ok := s.text(); !ok {
			if err := s.value(depth, nil); err != nil {
				return err
			}
			return misfitf("a map in an interface must have strings for keys: give the map a field of its own type")
		}
		if err := s.value(depth, anyShape); err != nil {
			return within("[value]", err)
		}
	}
	return nil
}

// text passes a string, or what the library takes for one, and reports whether
// there was one. A nil is an empty one.
func (s *structure) text() ([]byte, bool) {
	if s.pos >= len(s.data) {
		return nil, false
	}
	at := s.pos
	head := s.data[at]
	s.pos++
	var n uint64
	switch {
	case head >= 0xa0 && head <= 0xbf:
		n = uint64(head & 0x1f)
	case head == 0xc0:
		return nil, true
	case head >= 0xc4 && head <= 0xc6, head >= 0xd9 && head <= 0xdb:
		var err error
		if n, err = s.length(lengthSize(head)); err != nil {
			s.pos = at
			return nil, false
		}
	default:
		s.pos = at
		return nil, false
	}
	start := s.pos
	if s.skip(n) != nil {
		s.pos = at
		return nil, false
	}
	return s.data[start:s.pos], true
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
