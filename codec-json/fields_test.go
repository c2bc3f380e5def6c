package jsoncodec

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
)

// Structs whose fields take some thought.
type (
	Level3  struct{ A, D int }
	Level2a struct {
		Level3
		B int `json:"b"`
	}
	Level2b struct {
		*Level3
		C int `json:"C,omitempty"`
	}
	lower struct {
		E int
	}
	mixed struct {
		Level2a
		*Level2b
		lower
		B    int
		Skip int `json:"-"`
		G    any
	}
	overlaid struct {
		Level2a
		Level2b
		A string
		X struct{ Level3 } `json:"x"`
	}
	fold struct {
		Level3 `json:"level"`
		Level2a
		D int `json:"d"`
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
		Base{}, shadowing{}, ambiguous{}, diamond{}, tagged{&TagA{}, &TagB{}}, promoted{Base: &Base{}}, mutual{mutualInner: &mutualInner{}},
		Level2a{}, Level2b{&Level3{}, 1}, mixed{Level2b: &Level2b{&Level3{}, 1}, G: 1}, overlaid{Level2b: Level2b{&Level3{}, 1}}, fold{},
	} {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var encoded map[string]any
		if err := json.Unmarshal(data, &encoded); err != nil {
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
