package zstdcodec

import (
	"errors"
	"fmt"
	"reflect"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// maxChain is how many wrappers New looks behind. The longest chain that makes
// sense has a handful.
const maxChain = 64

// checkInner returns an error if inner is nil, or wraps a nil in the end.
func checkInner(inner any) error {
	if inner == nil {
		return errors.New("zstdcodec: the inner codec is nil; it is required")
	}
	if isNil(inner) {
		return fmt.Errorf("zstdcodec: the inner codec is a nil %T; it is required", inner)
	}
	codec := inner
	for range maxChain {
		wrapper, ok := codec.(cascache.Wrapper)
		if !ok {
			break
		}
		if codec = wrapper.Unwrap(); isNil(codec) {
			return fmt.Errorf("zstdcodec: the inner codec wraps a nil one: a %T wraps a %T", wrapper, codec)
		}
	}
	return nil
}

// isNil reports whether v is nil, or holds a nil pointer or function.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	}
	return false
}
