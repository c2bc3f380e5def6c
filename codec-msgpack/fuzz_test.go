package msgpackcodec

import (
	"fmt"
	"testing"
)

// FuzzDecode feeds any bytes to the decoder, as different types. Nothing may
// panic, and what decodes must survive another round.
func FuzzDecode(f *testing.F) {
	for _, value := range []any{nil, 1, "text", []byte("bytes"), user{Name: "Ada", Tags: []string{"x"}, Extra: 1.5}} {
		data, err := Msgpack[any]{}.Encode(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, value := range []wide{
		{I8: 127, I32: []int64{-1}, U8: map[string]uint64{"": 255}, U16: [2]uint64{1, 65535}, U32: map[uint64]bool{1 << 31: true}, Large: Large{[1]int64{-128}}, F: 1},
		{I8: 128}, {I32: []int64{1 << 40}}, {U8: map[string]uint64{"x": 256}}, {U32: map[uint64]bool{1 << 32: false}}, {F: 0.1},
	} {
		data, err := Msgpack[wide]{}.Encode(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		survives(t, Msgpack[any]{}, data)
		survives(t, Msgpack[user]{}, data)
		survives(t, Msgpack[map[string]string]{MaxDepth: 16}, data)
		survives(t, Msgpack[map[string][]map[int]link]{}, data)
		fits(t, data)
	})
}

// narrow and wide have numbers in the same places, of types of different sizes.
type (
	narrow struct {
		I8  int8
		I16 *int16
		I32 []int32
		U8  map[string]uint8
		U16 [2]uint16
		U32 map[uint32]bool
		Small
		F float32
	}
	wide struct {
		I8  int64
		I16 *int64
		I32 []int64
		U8  map[string]uint64
		U16 [2]uint64
		U32 map[uint64]bool
		Large
		F float64
	}
	Small struct{ S [1]int8 }
	Large struct{ S [1]int64 }
)

// fits fails unless what decodes as numbers of narrow types has the numbers that
// wide ones have.
func fits(t *testing.T, data []byte) {
	small, err := Msgpack[narrow]{}.Decode(data)
	if err != nil {
		return
	}
	large, err := Msgpack[wide]{}.Decode(data)
	if err != nil {
		t.Fatalf("what fits narrow types must fit wide ones: %v\nbytes %x", err, data)
	}
	if small.I16 != nil {
		if large.I16 == nil || int64(*small.I16) != *large.I16 {
			t.Fatalf("a number must be itself in any type: got %d and %v\nbytes %x", *small.I16, large.I16, data)
		}
		small.I16, large.I16 = nil, nil
	}
	if float64(small.F) != large.F && small.F == small.F {
		t.Fatalf("a number must be itself in any type: got %v and %v\nbytes %x", small.F, large.F, data)
	}
	small.F, large.F = 0, 0
	if got, want := fmt.Sprint(small), fmt.Sprint(large); got != want {
		t.Fatalf("numbers must be themselves in any type: got %s and %s\nbytes %x", got, want, data)
	}
}

func survives[V any](t *testing.T, codec Msgpack[V], data []byte) {
	value, err := codec.Decode(data)
	if err != nil {
		return
	}
	again, err := codec.Encode(value)
	if err != nil {
		t.Fatalf("%T: what was decoded must encode: %v\nvalue %#v\nbytes %x", codec, err, value, data)
	}
	got, err := codec.Decode(again)
	if err != nil {
		t.Fatalf("%T: what was decoded and encoded must decode again: %v\nvalue %#v\nbytes %x then %x", codec, err, value, data, again)
	}
	if !same(got, value) {
		t.Fatalf("%T: a value must survive another round:\n got %#v\nwant %#v\nbytes %x then %x", codec, got, value, data, again)
	}
}
