package jsoncodec

import "reflect"

// unsetNulls makes each RawMessage in v nil that holds a null. A nil is encoded
// as one, and encoding/json decodes it to the text.
func unsetNulls(is *shape, v reflect.Value) {
	if is == nil || !is.raw {
		return
	}
	switch is.kind {
	case raws:
		if string(v.Bytes()) == "null" {
			v.SetZero()
		}
	case pointers:
		if !v.IsNil() {
			unsetNulls(is.elem, v.Elem())
		}
	case lists:
		for i := range v.Len() {
			unsetNulls(is.elem, v.Index(i))
		}
	case dicts:
		for pairs := v.MapRange(); pairs.Next(); {
			elem := reflect.New(is.typ.Elem()).Elem()
			elem.Set(pairs.Value())
			unsetNulls(is.elem, elem)
			v.SetMapIndex(pairs.Key(), elem)
		}
	case structs:
		for _, f := range is.fields.list {
			if fv, ok := at(v, f.index); ok {
				unsetNulls(f.shape, fv)
			}
		}
	}
}
