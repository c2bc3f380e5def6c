package wire_test

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/unkn0wn-root/cascache/wire"
)

func ExampleEncodeSingle() {
	frame, err := wire.EncodeSingle(42, []byte("hi"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", frame)

	gen, payload, err := wire.DecodeSingle(frame)
	fmt.Println(gen, string(payload), err)
	// Output:
	// 434153430101000000000000002a000000026869
	// 42 hi <nil>
}

func ExampleDecodeSingle_corrupt() {
	_, _, err := wire.DecodeSingle([]byte(`{"id":1}`))
	fmt.Println(errors.Is(err, wire.ErrCorrupt))
	fmt.Println(err)
	// Output:
	// true
	// cascache: corrupt envelope: does not begin with the magic
}

func ExampleEncodeBulk() {
	// Any order will do; members are written in the order of their keys.
	frame, err := wire.EncodeBulk([]wire.BulkItem{
		{Key: "user:2", Gen: 8, Payload: []byte("Grace")},
		{Key: "user:1", Gen: 7, Payload: []byte("Ada")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	items, err := wire.DecodeBulk(frame)
	for _, item := range items {
		fmt.Println(item.Key, item.Gen, string(item.Payload))
	}
	fmt.Println(err)
	// Output:
	// user:1 7 Ada
	// user:2 8 Grace
	// <nil>
}

func ExampleEncodeAbsent() {
	gen, err := wire.DecodeAbsent(wire.EncodeAbsent(7))
	fmt.Println(gen, err)
	// Output: 7 <nil>
}

func ExampleKindOf() {
	kind, err := wire.KindOf(wire.EncodeAbsent(7))
	fmt.Println(kind, err)
	// Output: absent <nil>
}

// An encoder that appends writes its value into the frame, with no slice of its
// own in between.
func ExampleBeginSingle() {
	frame := wire.BeginSingle(make([]byte, 0, wire.SingleOverhead+20), 42)
	frame = strconv.AppendInt(frame, 1234567, 10)
	frame, err := wire.FinishSingle(frame, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	gen, payload, err := wire.DecodeSingle(frame)
	fmt.Println(gen, string(payload), err)
	// Output: 42 1234567 <nil>
}

// The members of a bulk are written one after the other, in the order of their
// keys.
func ExampleBeginBulk() {
	write := func(dst []byte, keys []string) ([]byte, error) {
		start := len(dst)
		frame, err := wire.BeginBulk(dst, len(keys))
		if err != nil {
			return dst, err
		}
		for i, key := range keys {
			member := len(frame)
			frame, err = wire.BeginMember(frame, key, uint64(i+1))
			if err != nil {
				return dst, err
			}
			frame = strconv.AppendQuote(frame, key)
			frame, err = wire.FinishMember(frame, member)
			if err != nil {
				return dst, err
			}
		}
		return wire.FinishBulk(frame, start)
	}

	frame, err := write(nil, []string{"a", "b"})
	if err != nil {
		fmt.Println(err)
		return
	}
	items, err := wire.DecodeBulk(frame)
	for _, item := range items {
		fmt.Println(item.Key, item.Gen, string(item.Payload))
	}
	fmt.Println(err)

	_, err = write(nil, []string{"b", "a"})
	fmt.Println(err)
	// Output:
	// a 1 "a"
	// b 2 "b"
	// <nil>
	// cascache: corrupt envelope: bulk keys not in strictly ascending order
}
