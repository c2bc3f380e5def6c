package wire

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"
)

// Each group begins with "copy": the payload alone, into a slice of its own. It is
// what an envelope that cost nothing would cost, and the figure to divide by. What
// has "v2" in its name is version 2, and "checksum" the part of it that grows with
// the size.

func BenchmarkSingle(b *testing.B) {
	for _, size := range []int{64, 1024, 65536} {
		payload := bytes.Repeat([]byte("x"), size)
		frame, err := EncodeSingle(42, payload)
		if err != nil {
			b.Fatal(err)
		}
		frame2, err := Version2.EncodeSingle(benchKey, 42, payload)
		if err != nil {
			b.Fatal(err)
		}
		room, room2 := make([]byte, 0, len(frame)), make([]byte, 0, len(frame2))
		run(b, "copy", size, func() error { sink = bytes.Clone(payload); return nil })
		run(b, "encode", size, func() (err error) { sink, err = EncodeSingle(42, payload); return err })
		run(b, "append", size, func() (err error) { sink, err = AppendSingle(room, 42, payload); return err })
		run(b, "decode", size, func() (err error) { _, sink, err = DecodeSingle(frame); return err })
		run(b, "checksum", size, func() error { sinkSum = crc32.Checksum(frame2, castagnoli); return nil })
		run(b, "encode-v2", size, func() (err error) { sink, err = Version2.EncodeSingle(benchKey, 42, payload); return err })
		run(b, "append-v2", size, func() (err error) { sink, err = Version2.AppendSingle(room2, benchKey, 42, payload); return err })
		run(b, "decode-v2", size, func() (err error) { _, sink, err = Version2.DecodeSingle(frame2, benchKey); return err })
	}
}

func BenchmarkBulk(b *testing.B) {
	const size = 256
	for _, n := range []int{2, 32, 256} {
		payload := bytes.Repeat([]byte("x"), size)
		items := make([]BulkItem, n)
		for i := range items {
			items[i] = BulkItem{Key: fmt.Sprintf("product:%06d", i), Gen: uint64(i), Payload: payload}
		}
		descending := slices.Clone(items)
		slices.Reverse(descending)
		frame, err := EncodeBulk(items)
		if err != nil {
			b.Fatal(err)
		}
		frame2, err := Version2.EncodeBulk(benchKey, items)
		if err != nil {
			b.Fatal(err)
		}
		room, room2 := make([]byte, 0, len(frame)), make([]byte, 0, len(frame2))
		run(b, "copy", n, func() error { sink = bytes.Clone(frame); return nil })
		run(b, "encode", n, func() (err error) { sink, err = EncodeBulk(items); return err })
		run(b, "encode-unsorted", n, func() (err error) { sink, err = EncodeBulk(descending); return err })
		run(b, "append", n, func() (err error) { sink, err = AppendBulk(room, items); return err })
		run(b, "decode", n, func() (err error) { sinkItems, err = DecodeBulk(frame); return err })
		run(b, "checksum", n, func() error { sinkSum = crc32.Checksum(frame2, castagnoli); return nil })
		run(b, "encode-v2", n, func() (err error) { sink, err = Version2.EncodeBulk(benchKey, items); return err })
		run(b, "append-v2", n, func() (err error) { sink, err = Version2.AppendBulk(room2, benchKey, items); return err })
		run(b, "decode-v2", n, func() (err error) { sinkItems, err = Version2.DecodeBulk(frame2, benchKey); return err })
	}
}

func BenchmarkAbsent(b *testing.B) {
	frame := EncodeAbsent(7)
	frame2, err := Version2.EncodeAbsent(benchKey, 7)
	if err != nil {
		b.Fatal(err)
	}
	run(b, "copy", AbsentSize, func() error { sink = bytes.Clone(frame); return nil })
	run(b, "encode", AbsentSize, func() error { sink = EncodeAbsent(7); return nil })
	run(b, "decode", AbsentSize, func() error { _, err := DecodeAbsent(frame); return err })
	run(b, "encode-v2", AbsentSize, func() (err error) { sink, err = Version2.EncodeAbsent(benchKey, 7); return err })
	run(b, "decode-v2", AbsentSize, func() error { _, err := Version2.DecodeAbsent(frame2, benchKey); return err })
}

// The number is of dependencies. "range" also looks at each, as a reader has to.
func BenchmarkEntry(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 256)
	for _, n := range []int{0, 1, 4, 16} {
		given := manyDeps(n)
		deps := depsOf(b, given...)
		e := Entry{Gen: 42, Loaded: goldenLoaded, Deps: deps, Payload: payload}
		run(b, "deps", n, func() (err error) { sinkEntry.Deps, err = DepsOf(given); return err })
		for _, v := range []Version{Version1, Version2, Version3, Version3Checked} {
			if n > 0 && !v.is3() {
				continue
			}
			name := map[Version]string{Version1: "v1", Version2: "v2", Version3: "v3", Version3Checked: "v3-checked"}[v]
			frame, err := v.Append(nil, benchKey, e)
			if err != nil {
				b.Fatal(err)
			}
			room := make([]byte, 0, len(frame))
			run(b, "encode-"+name, n, func() (err error) { sink, err = v.Append(nil, benchKey, e); return err })
			run(b, "append-"+name, n, func() (err error) { sink, err = v.Append(room, benchKey, e); return err })
			run(b, "decode-"+name, n, func() error { return v.Decode(frame, benchKey, &sinkEntry) })
			run(b, "range-"+name, n, func() error {
				var got Entry
				err := v.Decode(frame, benchKey, &got)
				for key, gen := range got.Deps.All() {
					total += gen + uint64(len(key))
				}
				return err
			})
		}
	}
}

// The number is of dependencies each of 32 members has, half of them its own.
func BenchmarkMembers(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 256)
	for _, n := range []int{0, 1, 4, 16} {
		pool := manyDeps(33 * 8)
		members := make([]Member, 32)
		for i := range members {
			deps := append(slices.Clone(pool[:(n+1)/2]), pool[8*(i+1):][:n/2]...)
			members[i] = Member{Key: fmt.Sprintf("product:%06d", i), Gen: uint64(i), Deps: depsOf(b, deps...), Payload: payload}
		}
		for _, v := range []Version{Version1, Version3, Version3Checked} {
			if n > 0 && !v.is3() {
				continue
			}
			name := map[Version]string{Version1: "v1", Version3: "v3", Version3Checked: "v3-checked"}[v]
			frame, err := v.AppendMembers(nil, benchKey, members)
			if err != nil {
				b.Fatal(err)
			}
			run(b, "encode-"+name, n, func() (err error) { sink, err = v.AppendMembers(nil, benchKey, members); return err })
			run(b, "decode-"+name, n, func() (err error) { sinkMembers, _, err = v.DecodeMembers(frame, benchKey); return err })
		}
	}
}

// benchKey is a storage key of a usual length.
const benchKey = "single:catalogue:product:000042"

var (
	sink        []byte
	sinkItems   []BulkItem
	sinkEntry   Entry
	sinkMembers []Member
	sinkSum     uint32
)

func run(b *testing.B, op string, size int, call func() error) {
	b.Run(fmt.Sprintf("%s/%d", op, size), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := call(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
