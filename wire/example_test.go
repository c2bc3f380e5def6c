package wire_test

import (
	"errors"
	"fmt"

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

// Bytes that were damaged, or that belong to another key, are refused.
func ExampleVersion() {
	frame, err := wire.Version2.EncodeSingle("user:1", 42, []byte("Ada"))
	if err != nil {
		fmt.Println(err)
		return
	}
	gen, payload, err := wire.Version2.DecodeSingle(frame, "user:1")
	fmt.Println(gen, string(payload), err)

	_, _, err = wire.Version2.DecodeSingle(frame, "user:2")
	fmt.Println(err)

	frame[20] ^= 1
	_, _, err = wire.Version2.DecodeSingle(frame, "user:1")
	fmt.Println(err)
	// Output:
	// 42 Ada <nil>
	// cascache: corrupt envelope: of another key
	// cascache: corrupt envelope: checksum does not match
}

// An entry may be served while its own generation and those of all its dependencies
// are current.
func ExampleDeps() {
	deps, err := wire.DepsOf([]wire.Dep{{Key: "tag:books", Gen: 9}, {Key: "single:product:7", Gen: 5}})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := wire.Entry{Gen: 42, Loaded: 1_700_000_000_000, Deps: deps, Payload: []byte("<html>")}
	frame, err := wire.Version3.Append(nil, "single:page:1", page)
	if err != nil {
		fmt.Println(err)
		return
	}

	var entry wire.Entry
	if err := wire.Version3.Decode(frame, "single:page:1", &entry); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(entry.Gen, string(entry.Payload))
	for key, gen := range entry.Deps.All() {
		fmt.Println(key, gen)
	}
	// Output:
	// 42 <html>
	// single:product:7 5
	// tag:books 9
}

// A reader of a bulk looks at each of the dependencies only once.
func ExampleVersion_DecodeMembers() {
	books, err := wire.DepsOf([]wire.Dep{{Key: "tag:books", Gen: 9}})
	if err != nil {
		fmt.Println(err)
		return
	}
	frame, err := wire.Version3Checked.AppendMembers(nil, "bulk:1", []wire.Member{
		{Key: "7", Gen: 5, Deps: books, Payload: []byte("Emma")},
		{Key: "8", Gen: 6, Deps: books, Payload: []byte("Dune")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	members, deps, err := wire.Version3Checked.DecodeMembers(frame, "bulk:1")
	for _, m := range members {
		fmt.Println(m.Key, m.Gen, string(m.Payload), m.Deps.Len())
	}
	fmt.Println(deps, err)
	// Output:
	// 7 5 Emma 1
	// 8 6 Dune 1
	// [{tag:books 9}] <nil>
}

func ExampleKindOf() {
	kind, err := wire.KindOf(wire.EncodeAbsent(7))
	fmt.Println(kind, err)
	// Output: absent <nil>
}
