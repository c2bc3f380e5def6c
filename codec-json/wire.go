package jsoncodec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
)

// wire reads JSON that was decoded already, to see whether its lists fit the
// arrays that they were for.
type wire struct {
	data []byte
	pos  int
}

// next returns the next byte that is not space.
func (w *wire) next() byte {
	for {
		switch c := w.data[w.pos]; c {
		case ' ', '\t', '\r', '\n':
			w.pos++
		default:
			return c
		}
	}
}

// value passes one value and returns an error if it does not fit. Where its
// kind is not that of its shape, encoding/json said so.
func (w *wire) value(is *shape) error {
	for is != nil && is.kind == pointers {
		is = is.elem
	}
	switch w.next() {
	case '{':
		return w.object(is)
	case '[':
		return w.array(is)
	case '"':
		w.text()
	default:
		if n := bytes.IndexAny(w.data[w.pos:], " \t\r\n,]}"); n >= 0 {
			w.pos += n
		} else {
			w.pos = len(w.data)
		}
	}
	return nil
}

// text passes a string and returns it, quotes included.
func (w *wire) text() []byte {
	start := w.pos
	for w.pos++; w.data[w.pos] != '"'; w.pos++ {
		if w.data[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
	return w.data[start:w.pos]
}

// more passes the comma or bracket before an element of a list or object, and
// reports whether there is one more.
func (w *wire) more(end byte) bool {
	if w.next() == ',' {
		w.pos++
	}
	if w.next() == end {
		w.pos++
		return false
	}
	return true
}

func (w *wire) array(is *shape) error {
	var elem *shape
	most := -1
	if is != nil && is.kind == lists {
		elem = is.elem
		if is.typ.Kind() == reflect.Array {
			most = is.typ.Len()
		}
	}
	w.pos++
	for i := 0; w.more(']'); i++ {
		if i == most {
			return misfitf("more than %d elements do not fit into %v", most, is.typ)
		}
		if err := w.value(elem); err != nil {
			return within("["+strconv.Itoa(i)+"]", err)
		}
	}
	return nil
}

func (w *wire) object(is *shape) error {
	w.pos++
	for w.more('}') {
		name := w.text()
		w.next() // the colon
		w.pos++
		elem, step := (*shape)(nil), "[value]"
		switch {
		case is == nil:
		case is.kind == dicts:
			elem = is.elem
		case is.kind == structs:
			if f := is.fields.named(unquoted(name)); f != nil {
				elem, step = f.shape, f.path
			}
		}
		if err := w.value(elem); err != nil {
			return within(step, err)
		}
	}
	return nil
}

func unquoted(text []byte) (s string) {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1])
	}
	_ = json.Unmarshal(text, &s)
	return s
}
