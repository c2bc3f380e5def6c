package msgpackcodec

import "testing"

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
	f.Fuzz(func(t *testing.T, data []byte) {
		survives(t, Msgpack[any]{}, data)
		survives(t, Msgpack[user]{}, data)
		survives(t, Msgpack[map[string]string]{MaxDepth: 16}, data)
		survives(t, Msgpack[map[string][]map[int]link]{}, data)
	})
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
