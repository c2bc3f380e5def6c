package jsoncodec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

type node struct {
	Next *node `json:"next,omitempty"`
}

// cycle returns a node that points to itself.
func cycle() *node {
	n := new(node)
	n.Next = n
	return n
}

func chain(length int) *node {
	var n *node
	for range length {
		n = &node{Next: n}
	}
	return n
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no JSON today") }

type panicsBack struct{}

func (*panicsBack) UnmarshalJSON([]byte) error { panic("no JSON today") }

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("a decoded value equals what was encoded:\n got %#v\nwant %#v", got, want)
	}
}

// roundTrip returns what becomes of value.
func roundTrip[V any](t *testing.T, codec JSON[V], value V) V {
	t.Helper()
	data, err := codec.Encode(value)
	if err != nil {
		t.Fatalf("Encode(%T): %v", value, err)
	}
	got, err := codec.Decode(data)
	if err != nil {
		t.Fatalf("Decode(%.100q) as %T: %v", data, value, err)
	}
	return got
}

func survives[V any](name string, value V) func(*testing.T) {
	return func(t *testing.T) {
		for option, codec := range map[string]JSON[V]{
			"zero":                  {},
			"DisallowUnknownFields": {DisallowUnknownFields: true},
			"UseNumber":             {UseNumber: true},
		} {
			t.Run(name+"/"+option, func(t *testing.T) { wantEqual(t, roundTrip(t, codec, value), value) })
		}
	}
}

func TestRoundTrip(t *testing.T) {
	type maps struct {
		Nil, Empty map[string]int
		Ints       map[int64]string
	}
	type slices struct {
		Nil, Empty           []int
		NilBytes, EmptyBytes []byte
	}
	for _, run := range []func(*testing.T){
		survives("zero struct", record{}),
		survives("struct", newRecord(10)),
		survives("pointer", &node{Next: &node{}}),
		survives("nil pointer", (*node)(nil)),
		survives("nil any", any(nil)),
		survives("nil slice", []string(nil)),
		survives("empty slice", []string{}),
		survives("nil map", map[string]int(nil)),
		survives("empty map", map[string]int{}),
		survives("nil and empty maps", maps{Empty: map[string]int{}, Ints: map[int64]string{math.MinInt64: "min"}}),
		survives("nil and empty slices", slices{Empty: []int{}, EmptyBytes: []byte{}}),
		survives("empty string", ""),
		survives("string", "tab\t quote\" <a href='&amp;'> \u2028 \x00 漢 🙂"),
		survives("bytes of any kind", []byte("\x00\xff\xfe{\"")),
		survives("very large", strings.Repeat("0123456789abcdef", 1<<17)),
		survives("very large bytes", bytes.Repeat([]byte{0xff, 0}, 1<<19)),
		survives("many", make([]int, 1<<16)),
		survives("integers", []int64{math.MinInt64, -1, 0, math.MaxInt64}),
		survives("unsigned", []uint64{math.MaxUint64}),
		survives("floats", []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, -0.1}),
		survives("raw", json.RawMessage(`{"a":[1,2]}`)),
		survives("deep", chain(9_999)),
	} {
		run(t)
	}
}

func TestTimes(t *testing.T) {
	for name, want := range map[string]time.Time{
		"UTC":        time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC),
		"offset":     time.Date(2024, 2, 29, 12, 30, 15, 1, time.FixedZone("somewhere", -(9*3600+30*60))),
		"zero":       {},
		"first":      time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"last":       time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		"now, local": time.Now(),
	} {
		t.Run(name, func(t *testing.T) {
			got := roundTrip(t, JSON[time.Time]{}, want)
			_, gotOffset := got.Zone()
			_, wantOffset := want.Zone()
			if !got.Equal(want) || gotOffset != wantOffset {
				t.Errorf("a time keeps its instant, nanoseconds and offset: got %v, want %v", got, want)
			}
		})
	}
}

// What the package documentation says that JSON changes.
func TestWhatJSONChanges(t *testing.T) {
	t.Run("not UTF-8", func(t *testing.T) {
		if got := roundTrip(t, JSON[string]{}, "a\xffb"); got != "a\ufffdb" {
			t.Errorf("a byte that is not UTF-8 becomes U+FFFD: got %q", got)
		}
		got := roundTrip(t, JSON[map[string]int]{}, map[string]int{"\xff": 1, "\xfe": 2})
		if _, ok := got["\ufffd"]; len(got) != 1 || !ok {
			t.Errorf("map keys that become equal are merged: got %v", got)
		}
	})
	t.Run("large integers in any", func(t *testing.T) {
		const large = 1<<53 + 1
		if got := roundTrip[any](t, JSON[any]{}, large); got != float64(1<<53) {
			t.Errorf("a number in an any is a float64: got %v", got)
		}
		if got := roundTrip[any](t, JSON[any]{UseNumber: true}, large); got != json.Number("9007199254740993") {
			t.Errorf("with UseNumber it keeps its digits: got %v", got)
		}
		if got := roundTrip(t, JSON[int64]{}, large); got != large {
			t.Errorf("an integer that is not in an any keeps its bits: got %v", got)
		}
	})
	t.Run("struct in any", func(t *testing.T) {
		got := roundTrip[any](t, JSON[any]{}, node{})
		if _, ok := got.(map[string]any); !ok {
			t.Errorf("a struct in an any comes back as a map: got %#v", got)
		}
	})
	t.Run("monotonic clock and zone name", func(t *testing.T) {
		now := time.Now()
		if got := roundTrip(t, JSON[time.Time]{}, now); got.String() != now.Round(0).String() {
			t.Errorf("a time loses its monotonic reading only: got %v, want %v", got, now.Round(0))
		}
		in := time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("ABC", 5*3600+60))
		if name, _ := roundTrip(t, JSON[time.Time]{}, in).Zone(); name != "" {
			t.Errorf("a time loses the name of its zone: got %q", name)
		}
	})
	t.Run("what is left out", func(t *testing.T) {
		type partly struct {
			hidden  string
			Skipped string   `json:"-"`
			Empty   []string `json:",omitempty"`
		}
		got := roundTrip(t, JSON[partly]{}, partly{hidden: "x", Skipped: "x", Empty: []string{}})
		if got.hidden != "" || got.Skipped != "" || got.Empty != nil {
			t.Errorf("unexported fields and those that a tag leaves out are lost: got %#v", got)
		}
	})
	t.Run("space in raw JSON", func(t *testing.T) {
		if got := roundTrip(t, JSON[json.RawMessage]{}, json.RawMessage("{ \"a\" : 1 }\n")); string(got) != `{"a":1}` {
			t.Errorf("raw JSON loses its insignificant space: got %q", got)
		}
	})
	t.Run("null", func(t *testing.T) {
		if got, err := (JSON[record]{}).Decode([]byte("null")); err != nil || !reflect.DeepEqual(got, record{}) {
			t.Errorf("null is the zero value of every type: got %#v, %v", got, err)
		}
	})
}

// What the package documentation says that is refused.
func TestEncodeRefuses(t *testing.T) {
	self := make(map[string]any)
	self["self"] = self
	for name, value := range map[string]any{
		"NaN":       math.NaN(),
		"infinity":  math.Inf(-1),
		"function":  func() {},
		"channel":   make(chan int),
		"complex":   1i,
		"year 10k":  time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC),
		"BC":        time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		"cycle":     cycle(),
		"map cycle": self,
		"bad raw":   json.RawMessage("{"),
	} {
		t.Run(name, func(t *testing.T) {
			dst := []byte("before")
			if data, err := (JSON[any]{}).AppendEncode(dst, value); err == nil {
				t.Errorf("what JSON cannot hold is an error: got %q", data)
			}
			if string(dst) != "before" {
				t.Errorf("the bytes before are left alone: got %q", dst)
			}
			if got, err := (JSON[string]{}).Encode("next"); err != nil || string(got) != `"next"` {
				t.Errorf("a failure leaves nothing behind for the next call: got %q, %v", got, err)
			}
		})
	}
}

func TestPanicInMarshalJSON(t *testing.T) {
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic of the value's own method is not swallowed here: the cache sees to it")
			}
		}()
		JSON[panics]{}.Encode(panics{})
	}()
	if got, err := (JSON[string]{}).Encode("next"); err != nil || string(got) != `"next"` {
		t.Errorf("a panic leaves nothing behind for the next call: got %q, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	for name, data := range map[string]string{
		"nothing":               "",
		"space":                 " \n",
		"truncated":             `{"id":1`,
		"truncated string":      `"abc`,
		"trailing value":        `{"id":1} {"id":2}`,
		"trailing comma":        `{"id":1},`,
		"trailing brace":        `{"id":1}}`,
		"trailing NUL":          "{\"id\":1}\x00",
		"not JSON":              "CASC\x01\x01",
		"single quotes":         `{'id':1}`,
		"number without digits": "-",
		"too deep":              nested(10_001),
		"far too deep":          nested(1_000_000),
		"deep and unfinished":   strings.Repeat("[", 1_000_000),
		"deep objects":          strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
		"float out of range":    "1e400",
	} {
		t.Run(name, func(t *testing.T) {
			for _, codec := range []JSON[any]{{}, {DisallowUnknownFields: true}, {UseNumber: true}} {
				if codec.UseNumber && name == "float out of range" {
					continue // a json.Number has no range
				}
				got, err := codec.Decode([]byte(data))
				if err == nil || got != nil {
					t.Errorf("%+v: bytes that hold more or less than one value are an error: got %#.100v, %v", codec, got, err)
				}
			}
		})
	}
	t.Run("as deep as it may be", func(t *testing.T) {
		for _, codec := range []JSON[any]{{}, {DisallowUnknownFields: true}, {UseNumber: true}} {
			if _, err := codec.Decode([]byte(nested(10_000))); err != nil {
				t.Errorf("%+v: 10,000 levels are decoded: %v", codec, err)
			}
		}
	})
	t.Run("encoded deeper than that", func(t *testing.T) {
		data, err := JSON[*node]{}.Encode(chain(10_001))
		if err == nil {
			_, err = JSON[*node]{}.Decode(data)
		}
		if err == nil {
			t.Error("what is nested over 10,000 deep does not come back")
		}
	})
	t.Run("another type", func(t *testing.T) {
		got, err := JSON[record]{}.Decode([]byte(`{"name":"Ada","id":"x"}`))
		if err == nil || got.Name != "" {
			t.Errorf("a value that does not fit is an error, and nothing of it is returned: got %+v, %v", got, err)
		}
		var wrongType *json.UnmarshalTypeError
		if !errors.As(err, &wrongType) {
			t.Errorf("the error of encoding/json is wrapped: got %v", err)
		}
	})
	t.Run("interface", func(t *testing.T) {
		if _, err := (JSON[error]{}).Decode([]byte(`{}`)); err == nil {
			t.Error("a value in an interface other than any does not decode")
		}
	})
}

func TestUnknownFields(t *testing.T) {
	data := []byte(`{"id":1,"nickname":"Ada"}`)
	if got, err := (JSON[record]{}).Decode(data); err != nil || got.ID != 1 {
		t.Errorf("an unknown field is ignored: got %+v, %v", got, err)
	}
	if got, err := (JSON[record]{DisallowUnknownFields: true}).Decode(data); err == nil {
		t.Errorf("an unknown field is an error if asked for: got %+v", got)
	}
}

func TestEncodedBytes(t *testing.T) {
	got, err := JSON[map[string]string]{}.Encode(map[string]string{"b": "<&>", "a": ""})
	if want := `{"a":"","b":"<&>"}`; err != nil || string(got) != want {
		t.Errorf("JSON is compact, sorted, not escaped for HTML and without a newline: got %q, %v, want %q", got, err, want)
	}
}

type shout string

func (s *shout) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(string(*s))) }

func TestMethodsOfThePointer(t *testing.T) {
	type titled struct{ Title shout }
	if got, err := (JSON[shout]{}).Encode("hey"); err != nil || string(got) != `"HEY"` {
		t.Errorf("MarshalJSON of the pointer is called: got %s, %v", got, err)
	}
	if got, err := (JSON[titled]{}).Encode(titled{"hey"}); err != nil || string(got) != `{"Title":"HEY"}` {
		t.Errorf("MarshalJSON of a field's pointer is called: got %s, %v", got, err)
	}
}

func TestAppendEncode(t *testing.T) {
	codec := JSON[record]{}
	value := newRecord(100)
	encoded, err := codec.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 1, len(encoded) - 1, len(encoded) + 1, 1 << 16} {
		dst := append(make([]byte, 0, len("before")+room), "before"...)
		got, err := codec.AppendEncode(dst, value)
		if err != nil || string(got) != "before"+string(encoded) {
			t.Errorf("AppendEncode appends what Encode returns: got %q, %v", got, err)
		}
		// The encoder needs one byte more, for its newline.
		if inPlace := &got[0] == &dst[0]; inPlace != (room > len(encoded)) {
			t.Errorf("AppendEncode uses the room of %d bytes that there is, %d needed: in place %v", room, len(encoded), inPlace)
		}
	}
}

// Nothing that was returned is written to again, by whoever encodes next.
func TestEncodedIsNotReused(t *testing.T) {
	var users sync.WaitGroup
	for u := range 8 {
		users.Go(func() {
			want := strings.Repeat(string(rune('a'+u)), 100+u)
			for range 200 {
				got, err := JSON[string]{}.Encode(want)
				if err != nil {
					t.Errorf("Encode: %v", err)
					return
				}
				if _, err := (JSON[string]{}).Encode("something else"); err != nil {
					t.Errorf("Encode: %v", err)
				}
				if string(got) != `"`+want+`"` {
					t.Errorf("an encoded value does not change: got %q, want %q", got, want)
					return
				}
			}
		})
	}
	users.Wait()
}

func TestDecodedSharesNothing(t *testing.T) {
	type all struct {
		Text   string
		Bytes  []byte
		Raw    json.RawMessage
		Number json.Number
		Any    any
		Map    map[string]json.RawMessage
		Time   time.Time
	}
	want := all{
		Text: "text", Bytes: []byte("bytes"), Raw: json.RawMessage(`{"a":"b"}`), Number: "12345",
		Any: map[string]any{"k": []any{"v"}}, Map: map[string]json.RawMessage{"key": json.RawMessage(`"raw"`)},
		Time: time.Unix(0, 0).UTC(),
	}
	for _, codec := range []JSON[all]{{}, {DisallowUnknownFields: true}, {UseNumber: true}} {
		data, err := codec.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(data)
		got, err := codec.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, before) {
			t.Errorf("%+v: Decode does not change its input", codec)
		}
		for i := range data {
			data[i] = 'x'
		}
		wantEqual(t, got, want)
	}
}

func TestAllocations(t *testing.T) {
	value := "a string of some length"
	codec := JSON[string]{}
	dst := make([]byte, 0, 100)
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := codec.AppendEncode(dst, value); err != nil {
			t.Fatal(err)
		}
	})
	// The value itself, behind a pointer.
	if allocs > 1 && !raceEnabled {
		t.Errorf("encoding into a buffer with room allocates for the value only: got %v allocations", allocs)
	}
}
