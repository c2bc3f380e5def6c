package jsoncodec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// JSON is a [cascache.Codec] of values of type V. Its zero value is ready to
// use, and all methods may be called concurrently. The fields concern Decode
// only, and each of them costs it some speed.
type JSON[V any] struct {
	// DisallowUnknownFields makes an object key without a field in V an error,
	// as it is when another version of the program, whose V had that field,
	// wrote the entry. To a cache it is a miss.
	DisallowUnknownFields bool

	// UseNumber decodes numbers in an any as json.Number, with all of their
	// digits, and not as float64.
	UseNumber bool
}

var (
	_ cascache.Codec[any]         = JSON[any]{}
	_ cascache.AppendEncoder[any] = JSON[any]{}
)

// Encode returns value as JSON, in a slice of its own. <, > and & are left as
// they are: escape what goes into HTML.
func (c JSON[V]) Encode(value V) ([]byte, error) {
	return c.AppendEncode(nil, value)
}

// AppendEncode implements [cascache.AppendEncoder].
func (JSON[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	is := shapeOf(reflect.TypeFor[V](), true)
	if is.mustLook() {
		if err := (look{}).value(is, reflect.ValueOf(&value).Elem(), 0, 0); err != nil {
			return nil, fmt.Errorf("jsoncodec: encode: %w", rooted(reflect.TypeFor[V](), err))
		}
	}
	a := appenders.Get().(*appender)
	a.dst = dst
	// The pointer makes the fields of value addressable, and hence callable
	// the methods that only pointers have.
	err := a.encoder.Encode(&value)
	dst, a.dst = a.dst, nil
	appenders.Put(a)
	if err != nil {
		return nil, fmt.Errorf("jsoncodec: encode: %w", err)
	}
	return dst[:len(dst)-1], nil // without the newline that the encoder adds
}

// Decode returns the value that data holds, which shares no memory with data
// unless an UnmarshalJSON of the value's own keeps what it is given, against
// the rules of encoding/json.
func (c JSON[V]) Decode(data []byte) (V, error) {
	var value, none V
	var err error
	if c.DisallowUnknownFields || c.UseNumber {
		err = c.decodeWithOptions(data, &value)
	} else {
		err = json.Unmarshal(data, &value)
	}
	if err != nil {
		return none, fmt.Errorf("jsoncodec: decode: %w", err)
	}
	is := shapeOf(reflect.TypeFor[V](), true)
	if is != nil && is.narrow {
		if err := (&wire{data: data}).value(is); err != nil {
			return none, fmt.Errorf("jsoncodec: decode: %w", rooted(reflect.TypeFor[V](), err))
		}
	}
	if is != nil && is.raw {
		unsetNulls(is, reflect.ValueOf(&value).Elem())
	}
	return value, nil
}

func (c JSON[V]) decodeWithOptions(data []byte, value *V) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if c.DisallowUnknownFields {
		decoder.DisallowUnknownFields()
	}
	if c.UseNumber {
		decoder.UseNumber()
	}
	if err := decoder.Decode(value); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	// A decoder stops after the first value.
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data after the value")
	}
	return nil
}

// appenders lends encoders: json.Encoder hands its buffer to Write, where
// json.Marshal makes a copy of it first.
var appenders = sync.Pool{New: func() any {
	a := new(appender)
	a.encoder = json.NewEncoder(a)
	a.encoder.SetEscapeHTML(false)
	return a
}}

// An appender appends what its encoder writes to dst.
type appender struct {
	encoder *json.Encoder
	dst     []byte
}

func (a *appender) Write(p []byte) (int, error) {
	a.dst = append(a.dst, p...)
	return len(p), nil
}
