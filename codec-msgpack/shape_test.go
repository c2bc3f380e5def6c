package msgpackcodec

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

type (
	Base    struct{ ID, Name string }
	Lean    struct{ Note string }
	base    struct{ Name string }
	age     int
	reader  interface{ Read() }
	Counter struct{ N int }
	Deep    struct{ *Base }
	coded   struct{}
	spoken  struct{ N int }
	word    string

	shadowing struct {
		Base
		Name string
	}
	retyped struct {
		Base
		ID int
	}
	twice struct {
		A int `msgpack:"n"`
		B int `msgpack:"n"`
	}
	aliased struct {
		A int
		B int `msgpack:"b,alias:A"`
	}
	inlined struct {
		Name string
		Base `msgpack:",inline"`
	}
	nested struct {
		Name string
		Base // not promoted, since the name is taken
	}
	pointed1 struct {
		*Base
		N int
	}
	apart struct {
		*Base `msgpack:"base,noinline"`
	}
	thrifty struct {
		*Thrift
		N int
	}
	Thrift struct {
		A string `msgpack:",omitempty"`
		B []int  `msgpack:",omitempty"`
	}
	hiddenPointer struct {
		*base
		N int
	}
	hiddenValue struct {
		base
		N int
	}
	hiddenNumber struct{ age }
	row          struct {
		_msgpack struct{} `msgpack:",as_array"`
		A        int8
		*Base
	}
	options struct {
		Any  any        `msgpack:",omitempty"`
		Time *time.Time `msgpack:",omitempty"`
		Big  big.Int    `msgpack:",omitempty"`
		N    *int       `msgpack:",omitempty"`
		F    float64    `msgpack:",omitempty"`
	}
	ring struct {
		Name string
		Next *ring
		Any  any
		All  map[string]*ring
	}
	selfish        struct{ *selfish }
	pointer        *pointer
	tree           []tree
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
		data, err := Msgpack[V]{}.Encode(value)
		if err == nil {
			got, err := Msgpack[V]{}.Decode(data)
			t.Fatalf("a value that does not come back must be an error of Encode: %s came back as %s, %v", brief(value), brief(got), err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error must say where the value does not fit, and why: got %q, want %q in it", err, word)
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
		"interface with methods":      refused[struct{ R reader }](struct{ R reader }{Counter{1}}, ".R", "reader"),
		"the same on top":             refused[reader](Counter{1}, "reader"),
		"in a slice":                  refused([]reader{nil, Counter{1}}, "[1]"),
		"in an array":                 refused([2]reader{nil, Counter{1}}, "[1]"),
		"in a map":                    refused(map[string]reader{"x": Counter{1}}, "[value]"),
		"behind a pointer":            refused(&struct{ R *reader }{new(reader)}, ".R"),
		"in a generic":                refused(generic[reader]{Items: []generic[reader]{{Value: Counter{1}}}}, ".Items[0].Value"),
		"a typed nil in it":           refused(struct{ R reader }{(*Counter)(nil)}, ".R"),
		"in an any":                   refused[any](struct{ R reader }{Counter{1}}, ".R"),
		"embedded":                    refused(struct{ reader }{Counter{1}}, ".reader"),
		"nil embedded pointer":        refused(pointed1{N: 1}, ".Base", "nil embedded pointer"),
		"the same in a slice":         refused([]pointed1{{Base: &Base{}}, {}}, "[1].Base"),
		"the same as an array":        refused(row{A: 1}, ".Base"),
		"two deep":                    refused(struct{ Deep }{}, ".Deep.Base"),
		"nothing of it is encoded":    refused(thrifty{Thrift: &Thrift{}}, ".Thrift"),
		"pointer to unexported":       refused(hiddenPointer{base: &base{"x"}}, ".base", "unexported"),
		"nil pointer to unexported":   refused(hiddenPointer{}, ".base", "unexported"),
		"embedded unexported number":  refused(hiddenNumber{age(1)}, ".age", "unexported"),
		"shadowed":                    refused(shadowing{Base: Base{Name: "x"}}, ".Base.Name", "Name"),
		"shadowed by another type":    refused(retyped{}, ".Base.ID", "ID"),
		"one name twice":              refused(twice{A: 1}, ".A", "B"),
		"an alias":                    refused(aliased{A: 1}, ".A", "B"),
		"inline by force":             refused(inlined{Base: Base{Name: "x"}}, ".Base.Name", "Name"),
		"omitempty on an any":         refused(options{Any: 0}, ".Any", "omitempty"),
		"omitempty on a pointer":      refused(options{Time: &zeroTime}, ".Time", "omitempty"),
		"omitempty on a big.Int":      refused(options{Big: *big.NewInt(7)}, ".Big", "omitempty"),
		"pointer to a nil pointer":    refused(&empty, "nil"),
		"pointer to a nil slice":      refused(struct{ P *[]int }{new([]int)}, ".P", "nil"),
		"pointer to a nil map":        refused(struct{ P *map[string]int }{new(map[string]int)}, ".P", "nil"),
		"pointer to a nil any":        refused(struct{ P *any }{new(any)}, ".P", "nil"),
		"function":                    refused(struct{ F func() }{}, ".F", "func()"),
		"channel in a list":           refused([]struct{ C chan int }{{}}, "[0].C", "chan int"),
		"complex number":              refused(struct{ C complex128 }{}, ".C"),
		"uintptr":                     refused(struct{ P uintptr }{}, ".P"),
		"function in an any":          refused(map[string]any{"f": func() {}}, "[value]"),
		"text only one way":           refused(struct{ C coded }{}, ".C", "MarshalText"),
		"bytes only one way":          refused(struct{ S *spoken }{&spoken{}}, ".S", "MarshalBinary"),
		"RawMessage without a value":  refused(struct{ R msgpack.RawMessage }{msgpack.RawMessage{}}, ".R", "RawMessage"),
		"RawMessage with a nil":       refused(struct{ R msgpack.RawMessage }{msgpack.RawMessage{0xc0}}, ".R", "nil"),
		"RawMessage with two":         refused([]msgpack.RawMessage{{1, 1}, {}}, "[0]", "RawMessage"),
		"pointer to a nil in raw":     refused(struct{ R *msgpack.RawMessage }{new(msgpack.RawMessage)}, ".R"),
		"keys that become one":        refused(map[any]int{int8(1): 1, 1: 2}, "keys"),
		"a key that becomes a map":    refused(map[any]int{Counter{1}: 1}, "key"),
		"numbers for keys in an any":  refused(struct{ A any }{map[int]int{1: 2}}, ".A", "strings"),
		"pointers in a circle":        refused(circle, "contains itself"),
		"a circle through any":        refused(around, "contains itself"),
		"a circle through a map":      refused(throughMap, "contains itself"),
		"an any in itself":            refused(self, "contains itself"),
		"a list in itself":            refused[any](list, "contains itself"),
		"a map in itself":             refused[any](dict, "contains itself"),
		"a tree in itself":            refused(leaves, "contains itself"),
		"a struct that embeds itself": refused(selfish{}, "embeds itself"),
		"a pointer type to itself":    refused[pointer](nil, "pointer to itself"),
		"intern on a number": refused(struct {
			N int `msgpack:",intern"`
		}{1}, ".N", "intern"),
	} {
		t.Run(name, test)
	}
}

func TestWhatIsNextToItComesBack(t *testing.T) {
	n, at := 0, time.Unix(1, 0).UTC()
	items := []int{}
	roundTrip(t, "nil interfaces", struct {
		R reader
		L []reader
		M map[string]reader
	}{L: []reader{nil}, M: map[string]reader{"x": nil}})
	roundTrip(t, "an error in a field", struct{ E error }{errors.New("text")})
	roundTrip(t, "embedded pointer", pointed1{Base: &Base{"1", "x"}})
	roundTrip(t, "embedded pointer to a zero", pointed1{Base: &Base{}})
	roundTrip(t, "embedded pointer two deep", struct{ Deep }{Deep{&Base{}}})
	roundTrip(t, "nil embedded pointer with its own name", apart{})
	roundTrip(t, "nil embedded pointer, all omitted", thrifty{N: 1})
	roundTrip(t, "embedded pointer, some omitted", thrifty{Thrift: &Thrift{A: "x"}})
	roundTrip(t, "embedded unexported struct", hiddenValue{base{"x"}, 1})
	roundTrip(t, "shadowed, but zero", shadowing{Base: Base{ID: "1"}, Name: "x"})
	roundTrip(t, "not promoted", nested{"x", Base{"1", "y"}})
	roundTrip(t, "one name twice, one zero", twice{B: 1})
	roundTrip(t, "as an array", row{struct{}{}, -1, &Base{Name: "x"}})
	roundTrip(t, "omitempty", options{Any: "x", Time: &at, N: &n, Big: big.Int{}})
	roundTrip(t, "pointer to an empty slice", struct{ P *[]int }{&items})
	roundTrip(t, "nil pointer to what encodes one way", struct{ S *spoken }{})
	roundTrip(t, "text only one way, but a string", struct{ W word }{"x"})
	roundTrip(t, "a list of trees", tree{{}, {{}}})
	roundTrip(t, "the same thing twice", func() []*ring { r := &ring{Name: "x"}; return []*ring{r, r} }())
	roundTrip(t, "keys of an any", map[any]int{"a": 1, int8(1): 2, uint8(200): 3, true: 4, 1.5: 5})
	roundTrip(t, "a generic", generic[int]{1, []generic[int]{{Value: 2}}})
	roundTrip(t, "RawMessages", struct{ Nil, List msgpack.RawMessage }{List: msgpack.RawMessage{0x91, 0xc0}})
	roundTrip(t, "nil pointers in a map", map[string]*int{"x": nil})
	roundTrip(t, "arrays of any", [2]any{nil, "x"})
}

// TestIntegersThatDoNotFit has each place that an integer can have. The matrix
// of all numbers is TestNumbersFitOrAreRefused in internal/integration.
func TestIntegersThatDoNotFit(t *testing.T) {
	for name, refuse := range map[string]func(*testing.T){
		"on top":              misses[int16](int64(199_900), "199900 does not fit into int16"),
		"a named type":        misses[time.Duration](uint64(math.MaxUint64), "time.Duration"),
		"a field":             misses[struct{ Price int16 }](map[string]any{"Price": int64(199_900)}, ".Price"),
		"a pointer":           misses[struct{ Price *int16 }](map[string]any{"Price": int64(199_900)}, ".Price"),
		"an embedded struct":  misses[struct{ Counted }](map[string]any{"Small": 300}, ".Counted.Small"),
		"a struct as a list":  misses[row]([]any{300, nil, nil}, ".A"),
		"a slice":             misses[[]uint16of]([]int{1, 65536}, "[1]"),
		"an array":            misses[[2]uint16]([]int{1, -1}, "[1]"),
		"a key":               misses[map[int8]string](map[int]string{300: "x"}, "[key]"),
		"a value":             misses[map[string]int8](map[string]int{"x": 300}, "[value]"),
		"lists in maps":       misses[map[string][]map[int8]uint8](map[string][]map[int]int{"x": {{1: 256}}}, "[value][0][value]"),
		"a generic":           misses[generic[int8]](generic[int]{Items: []generic[int]{{Value: 128}}}, ".Items[0].Value"),
		"a field by its name": misses[struct{ A, B int8 }](map[string]any{"B": 200}, ".B"),
		"an alias":            misses[aliasedSmall](map[string]any{"old": 200}, ".N"),
		"negative, unsigned":  misses[uint64](-1, "-1 does not fit into uint64"),
		"too large, signed":   misses[int64](uint64(math.MaxInt64)+1, "9223372036854775808"),
		"an inexact float":    misses[float32](1<<24+1, "float32"),
		"an inexact double":   misses[float64](1<<53+1, "float64"),
		"a wrapping double":   misses[float64](uint64(1)<<63, "float64"),
		"seconds of a time":   misses[time.Time]([]any{uint64(math.MaxUint64), 0}, "int64"),
	} {
		t.Run(name, refuse)
	}
	for value, want := range map[any]float64{1 << 24: 1 << 24, -(1 << 60): -(1 << 60), math.MinInt64: math.MinInt64, 3: 3} {
		data, err := Msgpack[any]{}.Encode(value)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (Msgpack[float32]{}).Decode(data); err != nil || float64(got) != want {
			t.Errorf("an integer that a float holds exactly must decode: got %v, %v, want %v", got, err, want)
		}
	}
	if got, err := (Msgpack[aliasedSmall]{}).Decode([]byte("\x81\xa3old\x07")); err != nil || got.N != 7 {
		t.Errorf("a number that fits must decode by an alias: got %v, %v", got, err)
	}
}

type (
	uint16of uint16
	Counted  struct{ Small int8 }

	aliasedSmall struct {
		N int8 `msgpack:"n,alias:old"`
	}
)

// misses returns a test that Decode refuses as a V what was encoded as another
// type.
func misses[V any](value any, words ...string) func(*testing.T) {
	return func(t *testing.T) {
		data, err := msgpack.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Msgpack[V]{}.Decode(data)
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
		if err := (look{DefaultMaxDepth}).value(is, v, 0, 0); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 && !raceEnabled {
		t.Errorf("a look must not allocate: got %v allocations", allocs)
	}
	for _, plain := range []any{record{}, []string{}, map[string]int{}, 1, time.Time{}, user{}.Tags} {
		if is, err := shapeOf(reflect.TypeOf(plain)); err != nil || is.mustLook() {
			t.Errorf("Encode need not look at values of %T: got %v, %v", plain, is, err)
		}
	}
}

func ExampleMsgpack_misfit() {
	type Cart struct{ Price int64 }
	type OldCart struct{ Price int16 }
	data, _ := Msgpack[Cart]{}.Encode(Cart{Price: 199_900})
	_, err := Msgpack[OldCart]{}.Decode(data)
	fmt.Println(err)
	// Output: msgpackcodec: decode: msgpackcodec.OldCart.Price: 199900 does not fit into int16
}
