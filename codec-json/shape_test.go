package jsoncodec

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

type (
	Base    struct{ ID, Name string }
	Other   struct{ Name string }
	Deep    struct{ *Base }
	Counter struct{ N int }
	base    struct{ Name string }
	reader  interface{ Read() }
	Reader  interface{ Read() }
	coded   struct{ n int }
	word    string
	Left    struct{ Base }
	Right   struct{ Base }

	shadowing struct {
		Base
		Name string
	}
	ambiguous struct {
		Base
		Other
	}
	TagA struct {
		A int `json:"n"`
	}
	TagB struct {
		B int `json:"n"`
	}
	tagged struct {
		*TagA
		*TagB
	}
	diamond struct {
		Left
		Right
	}
	promoted struct {
		*Base
		N int
	}
	Thrift struct {
		A string `json:",omitempty"`
		B []int  `json:",omitempty"`
	}
	thrifty struct {
		*Thrift
		N int
	}
	hiddenPointer struct {
		*base
		N int
	}
	hiddenValue struct {
		base
		N int
	}
	optional struct {
		Time   *time.Time      `json:",omitzero"`
		N      *int            `json:",omitzero"`
		Raw    json.RawMessage `json:",omitempty"`
		Number json.Number     `json:",omitempty"`
		Zero   json.Number     `json:",omitzero"`
	}
	ring struct {
		Name string
		Next *ring
		Any  any
		All  map[string]*ring
	}
	selfish struct {
		*selfish
		N int
	}
	pointer *pointer
	tree    []tree

	generic[T any] struct {
		Value T
		Items []generic[T]
	}
)

func (c Counter) Read() {}

func (c coded) MarshalText() ([]byte, error) { return []byte("coded"), nil }

func (w word) MarshalText() ([]byte, error) { return []byte(w), nil }

// refused returns a test that Encode refuses value and says where and why.
func refused[V any](value V, words ...string) func(*testing.T) {
	return func(t *testing.T) {
		data, err := JSON[V]{}.Encode(value)
		if err == nil {
			got, err := JSON[V]{}.Decode(data)
			t.Fatalf("a value that does not come back is an error of Encode: %+v came back as %+v, %v", value, got, err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error says where the value does not fit, and why: got %q, want %q in it", err, word)
			}
		}
	}
}

func TestWhatDoesNotComeBackIsRefused(t *testing.T) {
	empty, zeroTime := (*int)(nil), time.Time{}
	around := &ring{}
	around.Any = []any{map[string]any{"x": around}}
	throughMap := &ring{All: map[string]*ring{}}
	throughMap.All["x"] = throughMap
	var self any
	self = &self
	list := make([]any, 1)
	list[0] = list
	leaves := make(tree, 1)
	leaves[0] = leaves
	lmt := time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", 1172))

	for name, test := range map[string]func(*testing.T){
		"interface with methods":        refused(struct{ R reader }{Counter{1}}, ".R", "reader"),
		"the same on top":               refused[reader](Counter{1}, "reader"),
		"an error":                      refused(struct{ E error }{errors.New("x")}, ".E", "error"),
		"in a slice":                    refused([]reader{nil, Counter{1}}, "[1]"),
		"in an array":                   refused([2]reader{nil, Counter{1}}, "[1]"),
		"in a map":                      refused(map[string]reader{"x": Counter{1}}, "[value]"),
		"behind a pointer":              refused(&struct{ R *reader }{new(reader)}, ".R"),
		"in a generic":                  refused(generic[reader]{Items: []generic[reader]{{Value: Counter{1}}}}, ".Items[0].Value"),
		"a typed nil in it":             refused(struct{ R reader }{(*Counter)(nil)}, ".R"),
		"in an any":                     refused[any](struct{ R reader }{Counter{1}}, ".R"),
		"embedded":                      refused(struct{ Reader }{Counter{1}}, ".Reader"),
		"nothing of it is encoded":      refused(thrifty{Thrift: &Thrift{}}, ".Thrift"),
		"pointer to unexported":         refused(hiddenPointer{base: &base{"x"}}, ".base", "unexported"),
		"shadowed":                      refused(shadowing{Base: Base{Name: "x"}}, ".Base.Name", "Name"),
		"two of one name":               refused(ambiguous{Other: Other{"x"}}, ".Other.Name", "Name"),
		"the other of two":              refused(ambiguous{Base: Base{Name: "x"}}, ".Base.Name", "Name"),
		"a hidden type twice":           refused(diamond{Right: Right{Base{Name: "x"}}}, ".Right.Base.Name"),
		"one tag twice":                 refused(tagged{TagB: &TagB{1}}, ".TagB.B", `"n"`),
		"one type twice":                refused(diamond{Left: Left{Base{ID: "x"}}}, ".Left.Base.ID"),
		"a struct in itself":            refused(selfish{selfish: &selfish{}}, ".selfish"),
		"omitzero on a pointer":         refused(optional{Time: &zeroTime}, ".Time", "omitzero"),
		"pointer to a nil pointer":      refused(&empty, "nil"),
		"pointer to a nil slice":        refused(struct{ P *[]int }{new([]int)}, ".P", "nil"),
		"pointer to a nil map":          refused(struct{ P *map[string]int }{new(map[string]int)}, ".P", "nil"),
		"pointer to a nil any":          refused(struct{ P *any }{new(any)}, ".P", "nil"),
		"pointer to a nil RawMessage":   refused(struct{ P *json.RawMessage }{new(json.RawMessage)}, ".P", "nil"),
		"function":                      refused(struct{ F func() }{}, ".F", "func()"),
		"channel in a list":             refused([]struct{ C chan int }{{}}, "[0].C", "chan int"),
		"complex number":                refused(struct{ C complex128 }{}, ".C"),
		"function in an any":            refused(map[string]any{"f": func() {}}, "[value]"),
		"text only one way":             refused(struct{ C coded }{}, ".C", "MarshalText"),
		"keys that are text one way":    refused(struct{ M map[coded]int }{map[coded]int{{1}: 1}}, ".M", "MarshalText"),
		"RawMessage of a null":          refused(struct{ R json.RawMessage }{json.RawMessage("null")}, ".R", "null"),
		"the same with space, in a map": refused(map[string]json.RawMessage{"x": json.RawMessage(" null\n")}, "[value]", "null"),
		"RawMessage without a value":    refused(struct{ R json.RawMessage }{json.RawMessage{}}),
		"RawMessage with two":           refused(struct{ R json.RawMessage }{json.RawMessage("1 2")}),
		"RawMessage too deep":           refused([]json.RawMessage{json.RawMessage(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000))}, "nested"),
		"deeper than Decode goes":       refused(chain(10_001), "nested"),
		"empty Number":                  refused(struct{ N json.Number }{}, ".N", "Number"),
		"the same in a list":            refused([]json.Number{"0", ""}, "[1]", "Number"),
		"the same in an any":            refused[any]([]any{json.Number("")}, "[0]", "Number"),
		"no number":                     refused(struct{ N json.Number }{"one"}),
		"an offset with seconds":        refused(struct{ T time.Time }{lmt}, ".T", "LMT"),
		"a time in an any":              refused[any](map[string]any{"t": lmt}, "[value]", "LMT"),
		"big.Int in a map":              refused(map[string]big.Int{"x": *big.NewInt(7)}, "[value]", "pointers"),
		"big.Int of a struct in a map":  refused(map[string]struct{ N big.Int }{"x": {}}, "[value].N", "pointers"),
		"big.Int in an any":             refused[any](*big.NewInt(7), "pointers"),
		"a circle through any":          refused(around),
		"a circle through a map":        refused(throughMap),
		"an any in itself":              refused(self),
		"a list in itself":              refused[any](list),
		"a tree in itself":              refused(leaves),
	} {
		t.Run(name, test)
	}
}

func TestWhatIsNextToItComesBack(t *testing.T) {
	n, at := 0, time.Unix(1, 0).UTC()
	items := []int{}
	raw := json.RawMessage(`[null]`)
	for _, run := range []func(*testing.T){
		survives("nil interfaces", struct {
			R reader
			L []reader
			M map[string]reader
		}{L: []reader{nil}, M: map[string]reader{"x": nil}}),
		survives("embedded pointer", promoted{Base: &Base{"1", "x"}}),
		survives("embedded pointer to a zero", promoted{Base: &Base{}}),
		survives("nil embedded pointer", promoted{N: 1}),
		survives("nil embedded pointer two deep", struct{ Deep }{}),
		survives("embedded pointer two deep", struct{ Deep }{Deep{&Base{}}}),
		survives("embedded pointer, some omitted", thrifty{Thrift: &Thrift{A: "x"}}),
		survives("embedded unexported struct", hiddenValue{base{"x"}, 1}),
		survives("nil pointer to unexported", hiddenPointer{N: 1}),
		survives("shadowed, but zero", shadowing{Base: Base{ID: "1"}, Name: "x"}),
		survives("ambiguous, but zero", ambiguous{Base: Base{ID: "1"}}),
		survives("a struct that could hold itself", selfish{N: 1}),
		survives("a pointer type to itself", pointer(nil)),
		survives("optional", optional{Time: &at, N: &n, Zero: "0"}),
		survives("pointer to an empty slice", struct{ P *[]int }{&items}),
		survives("text only one way, but a string", struct{ W word }{"x"}),
		survives("no keys that are text one way", struct{ M map[coded]int }{}),
		survives("a list of trees", tree{{}, {{}}}),
		survives("a generic", generic[int]{1, []generic[int]{{Value: 2}}}),
		survives("nil RawMessages", struct {
			R json.RawMessage
			L []json.RawMessage
			M map[string]json.RawMessage
			P *json.RawMessage
			N struct{ R json.RawMessage }
			S map[string]struct{ R json.RawMessage }
		}{L: []json.RawMessage{nil, raw}, M: map[string]json.RawMessage{"x": nil}, P: &raw, S: map[string]struct{ R json.RawMessage }{"x": {}}}),
		survives("a nil RawMessage", json.RawMessage(nil)),
		survives("the text null", json.RawMessage(`"null"`)),
		survives("Numbers", []json.Number{"0", "-0", "1e400", "0.10"}),
		survives("nil pointers in a map", map[string]*int{"x": nil}),
		survives("arrays of any", [2]any{nil, "x"}),
		survives("arrays of bytes", struct{ A [3]byte }{[3]byte{1, 2, 3}}),
		survives("big numbers", struct {
			A *big.Int
			M map[string]*big.Int
		}{M: map[string]*big.Int{"x": big.NewInt(7)}}),
		survives("as deep as Decode goes", []json.RawMessage{json.RawMessage(strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999))}),
		survives("brackets in a string", []json.RawMessage{json.RawMessage(`"\"` + strings.Repeat("[", 10_001) + `"`)}),
	} {
		run(t)
	}
	data, err := JSON[[]*ring]{}.Encode(func() []*ring { r := &ring{Name: "x"}; return []*ring{r, r} }())
	if err != nil {
		t.Errorf("one thing twice is no circle: got %s, %v", data, err)
	}
}

// TestWhatDoesNotFit has what encoding/json refuses, and the arrays, of which it
// fills as much as there is. The matrix of all numbers is
// TestNumbersFitOrAreRefused in internal/integration.
func TestWhatDoesNotFit(t *testing.T) {
	for name, refuse := range map[string]func(*testing.T){
		"an integer":           misses[int16](`199900`, "199900"),
		"a negative one":       misses[uint8](`-1`, "-1"),
		"a fraction":           misses[int](`1.5`, "1.5"),
		"a key":                misses[map[int8]int](`{"128":1}`, "128"),
		"a float":              misses[float32](`1e39`, "1e39"),
		"a list for an array":  misses[[2]int](`[1, 2, 3]`, "[2]int"),
		"of no elements":       misses[[0]int](`[1]`, "[0]int"),
		"in a field":           misses[struct{ A [1]int }](`{"Other": [[], {"A": [1, 2]}], "A" : [1,2] }`, ".A"),
		"in another case":      misses[struct{ Array [1]int }](`{"aRRay":[1,2]}`, ".Array"),
		"with an escaped name": misses[struct{ A [1]int }]("{\"\\u0041\":[1,2]}", ".A"),
		"behind a pointer":     misses[*struct{ A *[1]int }](`{"A":[1,2]}`, ".A"),
		"in a promoted field":  misses[struct{ *Arrayed }](`{"A":[1,2]}`, ".Arrayed.A"),
		"in a map":             misses[map[string][1]int](`{"x":[1],"y":[1,2]}`, "[value]"),
		"in an array":          misses[[2][1]string](`[["]"],["a","b"]]`, "[1]"),
		"in a generic":         misses[generic[[1]bool]](`{"Items":[{"Value":[true]},{"Value":[true,false]}]}`, ".Items[1].Value"),
		"bytes":                misses[[2]byte](`[1,2,3]`, "[2]uint8"),
	} {
		t.Run(name, refuse)
	}
	for _, data := range []string{`[]`, `[1]`, ` [ 1 , 2 ] `, `null`} {
		for _, codec := range []JSON[[2]int]{{}, {UseNumber: true}} {
			if got, err := codec.Decode([]byte(data)); err != nil || got[1] != 0 && got != [2]int{1, 2} {
				t.Errorf("what is missing in a list is zero in an array: got %v, %v for %s", got, err, data)
			}
		}
	}
}

type Arrayed struct{ A [1]int }

// misses returns a test that Decode refuses data as a V.
func misses[V any](data string, words ...string) func(*testing.T) {
	return func(t *testing.T) {
		for _, codec := range []JSON[V]{{}, {UseNumber: true}} {
			got, err := codec.Decode([]byte(data))
			if err == nil {
				t.Fatalf("what does not fit is an error of Decode: %s came back as %+v", data, got)
			}
			if !reflect.ValueOf(&got).Elem().IsZero() {
				t.Errorf("beside an error the value is zero: got %+v", got)
			}
			for _, word := range words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error says where the value does not fit, and why: got %q, want %q in it", err, word)
				}
			}
		}
	}
}

// A type's shape is drawn once, and looking at values costs no memory.
func TestLookingAllocatesNothing(t *testing.T) {
	value := struct {
		Created time.Time
		Any     any
		R       reader
		Raw     json.RawMessage
	}{Created: time.Now(), Any: "x"}
	is := shapeOf(reflect.TypeOf(value), true)
	if !is.mustLook() {
		t.Fatalf("the type has interfaces: got %v", is)
	}
	v := reflect.ValueOf(&value).Elem()
	if allocs := testing.AllocsPerRun(100, func() {
		if err := (look{}).value(is, v, 0, 0); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 && !raceEnabled {
		t.Errorf("a look does not allocate: got %v allocations", allocs)
	}
	for _, plain := range []any{[]string{}, map[string]int{}, 1, hiddenValue{}} {
		if is := shapeOf(reflect.TypeOf(plain), true); is != nil {
			t.Errorf("there is nothing to look at in values of %T: got %v", plain, is)
		}
	}
	if is := shapeOf(reflect.TypeFor[ring](), true); is.narrow || is.raw {
		t.Errorf("a type that contains itself has no arrays for that: got %+v", is)
	}
}
