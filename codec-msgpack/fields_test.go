package msgpackcodec

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// Structs whose fields take some thought.
type (
	Level3  struct{ A, D int }
	Level2a struct {
		Level3
		B int `msgpack:"b"`
	}
	Level2b struct {
		*Level3
		C int `msgpack:"C,omitempty"`
	}
	lower struct {
		E int
	}
	mixed struct {
		Level2a
		*Level2b
		lower
		B    int
		Skip int `msgpack:"-"`
		G    any
	}
	overlaid struct {
		Level2a
		Level2b
		X struct{ Level3 } `msgpack:"x"`
	}
	fold struct {
		Level3 `msgpack:"level"`
		Level2a
		D int `msgpack:"d"`
	}
)

// The fields that are looked at are those that the library encodes.
func TestFieldsAreThoseOfTheLibrary(t *testing.T) {
	for _, value := range []any{
		Base{}, shadowing{}, nested{}, twice{}, aliased{}, inlined{}, pointed1{Base: &Base{}},
		Level2a{}, Level2b{&Level3{}, 1}, mixed{Level2b: &Level2b{&Level3{}, 1}, G: 1}, overlaid{Level2b: Level2b{&Level3{}, 1}}, fold{},
	} {
		data, err := msgpack.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var encoded map[string]any
		if err := msgpack.Unmarshal(data, &encoded); err != nil {
			t.Fatal(err)
		}
		fields, err := newDrawing().fields(reflect.TypeOf(value), nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range fields.list {
			names = append(names, f.name)
		}
		slices.Sort(names)
		if want := slices.Sorted(maps.Keys(encoded)); !slices.Equal(slices.Compact(names), want) {
			t.Errorf("%T has the fields %q, and the library encodes %q", value, names, want)
		}
	}
}
