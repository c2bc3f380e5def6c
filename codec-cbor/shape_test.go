package cborcodec

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

type (
	Base    struct{ ID, Name string }
	Other   struct{ Name string }
	Deep    struct{ *Base }
	Counter struct{ N int }
	Counted struct{ Small int8 }
	base    struct{ Name string }
	reader  interface{ Read() }
	coded   struct{}
	spoken  struct{ N int }
	word    string
	hidden  struct{ n int }

	shadowing struct {
		Base
		Name string
	}
	ambiguous struct {
		Base
		Other
	}
	tagged struct {
		A int `cbor:"n"`
		B int `cbor:"n"`
	}
	Left    struct{ Base }
	Right   struct{ Base }
	diamond struct {
		Left
		Right
	}
	promoted struct {
		*Base
		N int
	}
	apart struct {
		*Base `cbor:"base"`
	}
	Thrift struct {
		A string `cbor:",omitempty"`
		B []int  `cbor:",omitempty"`
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
	row struct {
		_ struct{} `cbor:",toarray"`
		A int8
		F float32
		*Base
	}
	optional struct {
		Time *time.Time      `cbor:",omitzero"`
		Any  any             `cbor:",omitempty"`
		N    *int            `cbor:",omitzero"`
		Raw  cbor.RawMessage `cbor:",omitempty"`
	}
	keyed struct {
		F float32 `cbor:"1,keyasint"`
		G float32 `cbor:"-2,keyasint"`
		A [2]int  `cbor:"3,keyasint"`
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

func (s spoken) MarshalBinary() ([]byte, error) { return []byte{1}, nil }

// refused returns a test that Encode refuses value and says where and why.
func refused[V any](value V, words ...string) func(*testing.T) {
	return func(t *testing.T) {
		for _, codec := range []CBOR[V]{{}, {Deterministic: true}} {
			data, err := codec.Encode(value)
			if err == nil {
				got, err := codec.Decode(data)
				t.Fatalf("a value that does not come back must be an error of Encode: %+v came back as %+v, %v", value, got, err)
			}
			for _, word := range words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error must say where the value does not fit, and why: got %q, want %q in it", err, word)
				}
			}
		}
	}
}

func TestWhatDoesNotComeBackIsRefused(t *testing.T) {
	empty, zeroTime := (*int)(nil), time.Time{}
	circle := &ring{Name: "a"}
	circle.Next = circle
	around := &ring{}
	around.Any = []any{map[string]any{"x": around}}
	throughMap := &ring{All: map[string]*ring{}}
	throughMap.All["x"] = throughMap
	var self any
	self = &self
	list := make([]any, 1)
	list[0] = list
	dict := map[string]any{}
	dict["self"] = dict
	leaves := make(tree, 1)
	leaves[0] = leaves

	for name, test := range map[string]func(*testing.T){
		"interface with methods":      refused(struct{ R reader }{Counter{1}}, ".R", "reader"),
		"the same on top":             refused[reader](Counter{1}, "reader"),
		"an error":                    refused[struct{ E error }](struct{ E error }{errMoody}, ".E", "error"),
		"in a slice":                  refused([]reader{nil, Counter{1}}, "[1]"),
		"in an array":                 refused([2]reader{nil, Counter{1}}, "[1]"),
		"in a map":                    refused(map[string]reader{"x": Counter{1}}, "[value]"),
		"behind a pointer":            refused(&struct{ R *reader }{new(reader)}, ".R"),
		"in a generic":                refused(generic[reader]{Items: []generic[reader]{{Value: Counter{1}}}}, ".Items[0].Value"),
		"a typed nil in it":           refused(struct{ R reader }{(*Counter)(nil)}, ".R"),
		"in an any":                   refused[any](struct{ R reader }{Counter{1}}, ".R"),
		"nil pointer, as an array":    refused(row{A: 1}, ".Base", "array"),
		"nothing of it is encoded":    refused(thrifty{Thrift: &Thrift{}}, ".Thrift"),
		"pointer to unexported":       refused(hiddenPointer{base: &base{"x"}}, ".base", "unexported"),
		"shadowed":                    refused(shadowing{Base: Base{Name: "x"}}, ".Base.Name", "Name"),
		"two of one name":             refused(ambiguous{Other: Other{"x"}}, ".Other.Name", "Name"),
		"the other of two":            refused(ambiguous{Base: Base{Name: "x"}}, ".Base.Name", "Name"),
		"a hidden type twice":         refused(diamond{Right: Right{Base{Name: "x"}}}, ".Right.Base.Name"),
		"one tag twice":               refused(tagged{B: 1}, ".B", `"n"`),
		"one type twice":              refused(diamond{Left: Left{Base{ID: "x"}}}, ".Left.Base.ID"),
		"a struct in itself":          refused(selfish{selfish: &selfish{}}, ".selfish"),
		"omitzero on a pointer":       refused(optional{Time: &zeroTime}, ".Time", "omitzero"),
		"pointer to a zero time":      refused(struct{ T *time.Time }{&zeroTime}, ".T", "zero time"),
		"pointer to a nil pointer":    refused(&empty, "nil"),
		"pointer to a nil slice":      refused(struct{ P *[]int }{new([]int)}, ".P", "nil"),
		"pointer to a nil map":        refused(struct{ P *map[string]int }{new(map[string]int)}, ".P", "nil"),
		"pointer to a nil any":        refused(struct{ P *any }{new(any)}, ".P", "nil"),
		"function":                    refused(struct{ F func() }{}, ".F", "func()"),
		"channel in a list":           refused([]struct{ C chan int }{}, "[].C", "chan int"),
		"complex number":              refused(map[string]complex128{}, "[value]"),
		"uintptr":                     refused(struct{ P *uintptr }{}, ".P"),
		"function in an any":          refused(map[string]any{"f": func() {}}, "[value]"),
		"text only one way":           refused(struct{ C coded }{}, ".C", "MarshalText"),
		"bytes only one way":          refused(struct{ S *spoken }{&spoken{}}, ".S", "MarshalBinary"),
		"RawMessage without a value":  refused(struct{ R cbor.RawMessage }{}, ".R", "RawMessage"),
		"the same in a map":           refused(map[string]cbor.RawMessage{"x": {}}, "[value]", "RawMessage"),
		"keys that become one":        refused(map[any]int{int8(1): 1, 1: 2}, "keys"),
		"keys that lose what differs": refused(map[hidden]int{{1}: 1, {2}: 2}, "keys"),
		"a key that becomes a map":    refused(map[any]int{Counter{1}: 1}, "key"),
		"numbers for keys in an any":  refused(struct{ A any }{map[int]int{1: 2}}, ".A", "strings"),
		"fields with numbers":         refused[any](keyed{}, "strings"),
		"pointers in a circle":        refused(circle, "contains itself"),
		"a circle through any":        refused(around, "contains itself"),
		"a circle through a map":      refused(throughMap, "contains itself"),
		"an any in itself":            refused(self, "contains itself"),
		"a list in itself":            refused[any](list, "contains itself"),
		"a map in itself":             refused[any](dict, "contains itself"),
		"a tree in itself":            refused(leaves, "contains itself"),
		"a pointer type to itself":    refused[pointer](nil, "pointer to itself"),
	} {
		t.Run(name, test)
	}
	if _, err := (CBOR[pointer]{}).Decode([]byte{0xf6}); err == nil {
		t.Error("a pointer type to itself must be an error of Decode too")
	}
}

func TestWhatIsNextToItComesBack(t *testing.T) {
	n, at := 0, time.Unix(1, 0).UTC()
	items := []int{}
	comesBack(t, "nil interfaces", struct {
		R reader
		L []reader
		M map[string]reader
	}{L: []reader{nil}, M: map[string]reader{"x": nil}})
	comesBack(t, "embedded pointer", promoted{Base: &Base{"1", "x"}})
	comesBack(t, "embedded pointer to a zero", promoted{Base: &Base{}})
	comesBack(t, "nil embedded pointer", promoted{N: 1})
	comesBack(t, "nil embedded pointer two deep", struct{ Deep }{})
	comesBack(t, "embedded pointer two deep", struct{ Deep }{Deep{&Base{}}})
	comesBack(t, "nil embedded pointer with its own name", apart{})
	comesBack(t, "embedded pointer, some omitted", thrifty{Thrift: &Thrift{A: "x"}})
	comesBack(t, "embedded unexported struct", hiddenValue{base{"x"}, 1})
	comesBack(t, "nil pointer to unexported", hiddenPointer{N: 1})
	comesBack(t, "shadowed, but zero", shadowing{Base: Base{ID: "1"}, Name: "x"})
	comesBack(t, "ambiguous, but zero", ambiguous{Base: Base{ID: "1"}})
	comesBack(t, "a struct that could hold itself", selfish{N: 1})
	comesBack(t, "as an array", row{A: -1, F: 0.1, Base: &Base{Name: "x"}})
	comesBack(t, "options", optional{Time: &at, N: &n, Any: 0.5})
	comesBack(t, "fields with numbers", keyed{F: 0.1, A: [2]int{1, 2}})
	comesBack(t, "pointer to an empty slice", struct{ P *[]int }{&items})
	comesBack(t, "nil pointer to what encodes one way", struct{ S *spoken }{})
	comesBack(t, "text only one way, but a string", struct{ W word }{"x"})
	comesBack(t, "a list of trees", tree{{}, {{}}})
	comesBack(t, "the same thing twice", func() []*ring { r := &ring{Name: "x"}; return []*ring{r, r} }())
	comesBack(t, "keys of an any", map[any]int{"a": 1, uint64(1): 2, int64(-1): 3, true: 4, 1.5: 5})
	comesBack(t, "a generic", generic[int]{1, []generic[int]{{Value: 2}}})
	comesBack(t, "RawMessages", struct{ Null, List cbor.RawMessage }{cbor.RawMessage{0xf6}, cbor.RawMessage{0x81, 0xf6}})
	comesBack(t, "nil pointers in a map", map[string]*int{"x": nil})
	comesBack(t, "arrays of any", [2]any{nil, "x"})
	comesBack(t, "arrays of bytes", struct{ A [3]byte }{[3]byte{1, 2, 3}})
	comesBack(t, "big numbers", struct{ A, B *big.Int }{A: big.NewInt(0)})
	comesBack(t, "floats", struct {
		F float32
		L []float64
	}{math.MaxFloat32, []float64{0.1, math.Inf(1), 5e-324}})
}

func comesBack[V any](t *testing.T, name string, value V) {
	t.Helper()
	roundTrip(t, name, CBOR[V]{}, value)
	roundTrip(t, name+", sorted", CBOR[V]{Deterministic: true}, value)
}

// TestWhatDoesNotFit has each place that a number or a list can have, as far as
// the library does not see to it. The matrix of all numbers is
// TestNumbersFitOrAreRefused in internal/integration.
func TestWhatDoesNotFit(t *testing.T) {
	for name, refuse := range map[string]func(*testing.T){
		"an integer":             misses[int16](int64(199_900), "199900"),
		"an inexact float":       misses[float32](1<<24+1, "16777217 does not fit into float32"),
		"an inexact double":      misses[float64](-(1<<53 + 1), "-9007199254740993"),
		"a rounded float":        misses[float32](0.1, "0.1"),
		"a big number":           misses[float64](cbor.RawMessage("\xc2\x41\x05"), "big number"),
		"a field":                misses[struct{ F float32 }](map[string]any{"F": 0.1}, ".F"),
		"a pointer":              misses[struct{ F *float32 }](map[string]any{"F": 0.1}, ".F"),
		"an embedded struct":     misses[struct{ Priced }](map[string]any{"F": 0.1}, ".Priced.F"),
		"a struct as a list":     misses[row]([]any{1, 0.1, "1", "x"}, ".F"),
		"a field with a number":  misses[keyed](map[int]any{1: 0.1}, ".F"),
		"a negative one":         misses[keyed](map[int]any{-2: 0.1}, ".G"),
		"a key":                  misses[map[float32]string](map[float64]string{0.1: "x"}, "[key]"),
		"a value":                misses[map[string]float32](map[string]float64{"x": 0.1}, "[value]"),
		"lists in maps":          misses[map[string][]map[int]float32](map[string][]map[int]float64{"x": {{1: 0.1}}}, "[value][0][value]"),
		"a generic":              misses[generic[float32]](generic[float64]{Items: []generic[float64]{{Value: 0.1}}}, ".Items[0].Value"),
		"under a tag":            misses[float32](cbor.Tag{Number: 99, Content: 0.1}, "0.1"),
		"a list for an array":    misses[[2]int]([]int{1, 2, 3}, "3 elements"),
		"bytes for an array":     misses[struct{ ID [4]byte }](map[string]any{"ID": []byte("12345")}, ".ID", "5 elements"),
		"bytes for no bytes":     misses[[1]int8]([]int{1, 2}, "2 elements"),
		"a big number for bytes": misses[[4]byte](new(big.Int).Lsh(big.NewInt(1), 64), "elements"),
		"arrays in arrays":       misses[[2][1]int]([][]int{{1}, {2, 3}}, "[1]"),
	} {
		t.Run(name, refuse)
	}
	for _, value := range []any{1 << 24, -(1 << 60), uint64(1 << 63), int64(math.MinInt64), 0.5, math.NaN(), math.Inf(-1)} {
		data, err := cbor.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (CBOR[float32]{}).Decode(data); err != nil {
			t.Errorf("%v must decode, since a float32 holds it exactly: %v", value, err)
		}
	}
	if got, err := (CBOR[[3]int]{}).Decode([]byte("\x82\x01\x02")); err != nil || got != [3]int{1, 2} {
		t.Errorf("what is missing in a list is documented to be zero in an array: got %v, %v", got, err)
	}
}

type Priced struct{ F float32 }

// misses returns a test that Decode refuses as a V what was encoded as another
// type.
func misses[V any](value any, words ...string) func(*testing.T) {
	return func(t *testing.T) {
		data, err := cbor.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := CBOR[V]{}.Decode(data)
		if err == nil {
			t.Fatalf("what does not fit must be an error of Decode: %v came back as %+v", value, got)
		}
		if !reflect.ValueOf(&got).Elem().IsZero() {
			t.Errorf("beside an error the value must be zero: got %+v", got)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error must say where the value does not fit, and why: got %q, want %q in it", err, word)
			}
		}
	}
}

// A type's shape is drawn once, and looking at values without rules costs
// nothing.
func TestLookingAllocatesNothing(t *testing.T) {
	value := struct {
		Counted
		Any any
		R   reader
	}{Any: "x"}
	is, err := shapeOf(reflect.TypeOf(value))
	if err != nil || !is.mustLook() {
		t.Fatalf("the type has interfaces: got %v, %v", is, err)
	}
	v := reflect.ValueOf(&value).Elem()
	if allocs := testing.AllocsPerRun(100, func() {
		if err := (look{maxDepth: DefaultMaxDepth}).value(is, v, 0, 0); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 && !raceEnabled {
		t.Errorf("a look must not allocate: got %v allocations", allocs)
	}
	for _, plain := range []any{record{}, []string{}, map[string]int{}, 1, time.Time{}, hiddenValue{}} {
		if is, err := shapeOf(reflect.TypeOf(plain)); err != nil || is.mustLook() {
			t.Errorf("Encode need not look at values of %T: got %v, %v", plain, is, err)
		}
	}
}
