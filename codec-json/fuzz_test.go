package jsoncodec

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

type fuzzed struct {
	ID    int64           `json:"id"`
	Name  string          `json:"name"`
	Raw   json.RawMessage `json:"raw"`
	Time  time.Time       `json:"time"`
	Bytes []byte          `json:"bytes"`
	Any   any             `json:"any"`
	Next  *fuzzed         `json:"next,omitempty"`
}

// FuzzDecode feeds any bytes to the decoder, as different types. Nothing may
// panic, the input must not be changed or kept, and what decodes must encode,
// and decode again to the same.
func FuzzDecode(f *testing.F) {
	for _, value := range []any{nil, 1, -1.5, "text", []byte("bytes"), newRecord(3), fuzzed{Name: "Ada", Raw: json.RawMessage("[]")}} {
		data, err := JSON[any]{}.Encode(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, data := range []string{
		`{"A":[1,2],"M":{"x":[["]"],[]]},"P":[{"a":[1]}]}`, `{"A":[1,2,3]}`, `{"\u0061":[1,2,3]}`, `{"a":[1,2,3],"A":[]}`, ` { "M" : { "x" : [ [ ] , [ "a" ] , [] ] } } `,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecode(t, JSON[any]{}, data)
		checkDecode(t, JSON[any]{UseNumber: true}, data)
		checkDecode(t, JSON[fuzzed]{}, data)
		checkDecode(t, JSON[fuzzed]{DisallowUnknownFields: true}, data)
		checkDecode(t, JSON[map[string]json.RawMessage]{}, data)
		hasRoom(t, data)
	})
}

// hasRoom fails unless what decodes as arrays is in slices of that length or
// less.
func hasRoom(t *testing.T, data []byte) {
	type arrays struct {
		A [2]any
		M map[string][2][1]any
		P *[1]map[string][1]any
	}
	type slices struct {
		A []any
		M map[string][][]any
		P *[]map[string][]any
	}
	if _, err := (JSON[arrays]{}).Decode(data); err != nil {
		return
	}
	got, err := JSON[slices]{}.Decode(data)
	if err != nil {
		t.Fatalf("what decodes as arrays must decode as slices: %v, %q", err, data)
	}
	most := len(got.A) <= 2 && (got.P == nil || len(*got.P) <= 1)
	for _, lists := range got.M {
		most = most && len(lists) <= 2
		for _, list := range lists {
			most = most && len(list) <= 1
		}
	}
	if got.P != nil {
		for _, lists := range *got.P {
			for _, list := range lists {
				most = most && len(list) <= 1
			}
		}
	}
	if !most {
		t.Fatalf("a list that is longer than its array must be an error: %+v, %q", got, data)
	}
}

func checkDecode[V any](t *testing.T, codec JSON[V], input []byte) {
	data := bytes.Clone(input)
	value, err := codec.Decode(data)
	if !bytes.Equal(data, input) {
		t.Fatalf("%T: Decode must not change its input: %q became %q", codec, input, data)
	}
	if err != nil {
		return
	}
	for i := range data {
		data[i] ^= 0xff
	}
	first, err := codec.Encode(value)
	if err != nil {
		t.Fatalf("%T: what was decoded must encode, whatever becomes of the input: %q: %v", codec, input, err)
	}
	again, err := codec.Decode(first)
	if err != nil {
		t.Fatalf("%T: what was decoded and encoded must decode: %q, then %q: %v", codec, input, first, err)
	}
	second, err := codec.Encode(again)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%T: a value must survive another round: %q, then %q, then %q, %v", codec, input, first, second, err)
	}
}
