package protocodec

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/unkn0wn-root/cascache/codec-proto/internal/testpb"
)

// FuzzDecode feeds any bytes to the decoder, as different messages. Nothing may
// panic, and what decodes must survive another round.
func FuzzDecode(f *testing.F) {
	for _, message := range []proto.Message{
		&testpb.User{Id: 1, Name: "Ada", Tags: []string{"x"}, Attrs: map[string]string{"k": "v"}, Manager: &testpb.User{}},
		&testpb.Legacy{Id: proto.String("x"), Line: []*testpb.Legacy_Line{{}}},
		structpb.NewStringValue("text"),
	} {
		data, err := proto.Marshal(message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, n := range wideNumbers {
		data, err := proto.Marshal(wrapperspb.Int64(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		survives(t, Proto[*testpb.User]{}, data)
		survives(t, Proto[*testpb.Team]{Deterministic: true, MaxDepth: 4}, data)
		survives(t, Proto[*testpb.Legacy]{}, data)
		survives(t, Proto[*structpb.Value]{}, data)
		if small, err := (Proto[*wrapperspb.Int32Value]{}).Decode(data); err == nil {
			large, err := Proto[*wrapperspb.Int64Value]{}.Decode(data)
			if err != nil || int64(small.Value) != large.Value {
				t.Fatalf("a number must be itself in any type: got %d and %d, %v\nbytes %x", small.Value, large.GetValue(), err, data)
			}
		}
	})
}

func survives[T proto.Message](t *testing.T, codec Proto[T], data []byte) {
	message, err := codec.Decode(data)
	if err != nil {
		return
	}
	again, err := codec.Encode(message)
	if err != nil {
		t.Fatalf("%T: what was decoded must encode: %v\nmessage %v\nbytes %x", codec, err, message, data)
	}
	got, err := codec.Decode(again)
	if err != nil {
		t.Fatalf("%T: what was decoded and encoded must decode again: %v\nmessage %v\nbytes %x then %x", codec, err, message, data, again)
	}
	if !proto.Equal(got, message) {
		t.Fatalf("%T: a message must survive another round:\n got %v\nwant %v\nbytes %x then %x", codec, got, message, data, again)
	}
}
