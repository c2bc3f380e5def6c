package cborcodec

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// Structs whose fields take some thought.
type (
	Level3  struct{ A, D int }
	Level2a struct {
		Level3
		B int `cbor:"b"`
	}
	Level2b struct {
		*Level3
		C int `cbor:"C,omitempty"`
	}
	lower struct {
		E int
	}
	mixed struct {
		Level2a
		*Level2b
		lower
		B    int
		Skip int `cbor:"-"`
		G    any
	}
	overlaid struct {
		Level2a
		Level2b
		A string
		X struct{ Level3 } `cbor:"x"`
	}
	fold struct {
		Level3 `cbor:"level"`
		Level2a
		D int `cbor:"d"`
	}
	mutual struct {
		*mutualInner
		M int
	}
	mutualInner struct {
		*mutual
		N int
	}
)

// The fields that are looked at are those that the library encodes.
func TestFieldsAreThoseOfTheLibrary(t *testing.T) {
	for _, value := range []any{
		Base{}, shadowing{}, ambiguous{}, diamond{}, tagged{}, promoted{Base: &Base{}}, mutual{mutualInner: &mutualInner{}},
		Level2a{}, Level2b{&Level3{}, 1}, mixed{Level2b: &Level2b{&Level3{}, 1}, G: 1}, overlaid{Level2b: Level2b{&Level3{}, 1}}, fold{},
	} {
		data, err := cbor.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var encoded map[string]any
		if err := cbor.Unmarshal(data, &encoded); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range visible(reflect.TypeOf(value)) {
			names = append(names, f.name)
		}
		slices.Sort(names)
		if want := slices.Sorted(maps.Keys(encoded)); !slices.Equal(slices.Compact(names), want) {
			t.Errorf("%T has the fields %q, and the library encodes %q", value, names, want)
		}
	}
}
