package cborcodec

import (
	"encoding/binary"
	"math"
	"math/bits"
	"reflect"
	"strconv"
)

// wire reads bytes that are one well-formed value, to see whether it fits a
// shape.
type wire struct {
	data []byte
	pos  int
}

// The major types.
const (
	positive = iota
	negative
	byteString
	textString
	list
	dict
	tag
	simple
)

// head passes the head of an item.
func (w *wire) head() (major, info byte, n uint64) {
	first := w.data[w.pos]
	w.pos++
	major, info = first>>5, first&0x1f
	switch info {
	case 24:
		n = uint64(w.data[w.pos])
		w.pos++
	case 25:
		n = uint64(binary.BigEndian.Uint16(w.data[w.pos:]))
		w.pos += 2
	case 26:
		n = uint64(binary.BigEndian.Uint32(w.data[w.pos:]))
		w.pos += 4
	case 27:
		n = binary.BigEndian.Uint64(w.data[w.pos:])
		w.pos += 8
	default:
		n = uint64(info)
	}
	return major, info, n
}

// value passes one value and returns an error if it does not fit. Where its
// kind is not that of its shape, that is for the library to say.
func (w *wire) value(is *shape) error {
	for is != nil && is.kind == pointers {
		is = is.elem
	}
	major, info, n := w.head()
	switch major {
	case positive, negative:
		return is.holds(n, major == negative)
	case byteString:
		w.pos += int(n)
		return is.hasRoom(n)
	case textString:
		w.pos += int(n)
	case list:
		return w.elements(n, is)
	case dict:
		return w.pairs(n, is)
	case tag:
		if is != nil && is.kind == floats && (n == 2 || n == 3) {
			return misfitf("a big number does not fit into %v", is.typ)
		}
		return w.value(is) // what is tagged
	case simple:
		if info == 27 && is != nil && is.kind == floats && is.exact == 1<<24 {
			if f := math.Float64frombits(n); f == f && float64(float32(f)) != f {
				return misfitf("%v does not fit into %v without being rounded", f, is.typ)
			}
		}
	}
	return nil
}

// holds returns an error if is are floats that an integer does not fit into. n
// is that of a negative one as it is encoded.
func (is *shape) holds(n uint64, minus bool) error {
	if is == nil || is.kind != floats {
		return nil
	}
	magnitude := n
	if minus {
		magnitude++ // to 0 from the largest, which is a power of two
	}
	// It is exact if its digits, without the zeros at their end, fit.
	if magnitude>>bits.TrailingZeros64(magnitude) <= is.exact {
		return nil
	}
	if minus {
		return misfitf("-%d does not fit into %v without being rounded", magnitude, is.typ)
	}
	return misfitf("%d does not fit into %v without being rounded", magnitude, is.typ)
}

// hasRoom returns an error if is are arrays of less than n elements.
func (is *shape) hasRoom(n uint64) error {
	if is != nil && is.kind == lists && is.typ.Kind() == reflect.Array && n > is.length {
		return misfitf("%d elements do not fit into %v", n, is.typ)
	}
	return nil
}

func (w *wire) elements(n uint64, is *shape) error {
	if err := is.hasRoom(n); err != nil {
		return err
	}
	var elem *shape
	var places []*field
	if is != nil {
		switch is.kind {
		case lists:
			elem = is.elem
		case anys:
			elem = is
		case structs:
			if is.fields.array && n == uint64(len(is.fields.list)) {
				places = is.fields.list
			}
		}
	}
	for i := range n {
		if places != nil {
			elem = places[i].shape
		}
		if err := w.value(elem); err != nil {
			if places != nil {
				return within(places[i].path, err)
			}
			return within("["+strconv.FormatUint(i, 10)+"]", err)
		}
	}
	return nil
}

func (w *wire) pairs(n uint64, is *shape) error {
	var key, elem *shape
	if is != nil {
		switch is.kind {
		case structs:
			return w.members(n, is.fields)
		case dicts:
			key, elem = is.key, is.elem
		case anys:
			elem = is
		}
	}
	for range n {
		if is != nil && is.kind == anys && w.data[w.pos]>>5 != textString {
			return misfitf("a map in an interface must have strings for keys: give the map a field of its own type")
		}
		if err := w.value(key); err != nil {
			return within("[key]", err)
		}
		if err := w.value(elem); err != nil {
			return within("[value]", err)
		}
	}
	return nil
}

// members passes the n pairs of a map that is a struct.
func (w *wire) members(n uint64, fields *fields) error {
	next := 0 // in fields.list: without sorting they are encoded in this order
	for range n {
		at := w.pos
		var f *field
		switch major, _, n := w.head(); major {
		case textString:
			name := w.data[w.pos : w.pos+int(n)]
			w.pos += int(n)
			if next < len(fields.list) && fields.list[next].name == string(name) && !fields.list[next].keyAsInt {
				f = fields.list[next]
				next++
			} else {
				f = fields.byName[string(name)]
			}
		case positive:
			f = fields.byInt[int64(n)]
		case negative:
			f = fields.byInt[-1-int64(n)]
		default: // no field
			w.pos = at
			_ = w.value(nil)
		}
		if f == nil {
			_ = w.value(nil)
		} else if err := w.value(f.shape); err != nil {
			return within(f.path, err)
		}
	}
	return nil
}
