package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// The frames of the specification, written out by hand: no encoder takes part.
const (
	goldenSingle = "43415343 01 01 000000000000002a 00000002 6869"
	goldenBulk   = "43415343 01 02 00000002" +
		" 0001 61 0000000000000001 00000001 78" +
		" 0002 6262 0000000000000002 00000000"
	goldenAbsent = "43415343 01 03 0000000000000007"
)

// goldenItems is what goldenBulk holds.
func goldenItems() []BulkItem {
	return []BulkItem{
		{Key: "a", Gen: 1, Payload: []byte("x")},
		{Key: "bb", Gen: 2, Payload: []byte{}},
	}
}

// unhex reads hex digits; blanks separate the fields for the reader only.
func unhex(tb testing.TB, digits string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		tb.Fatalf("the test's own hex is wrong: %v", err)
	}
	return b
}

// decoders are the three decoders under one shape. Each also says whether what it
// returned beside an error was zero.
var decoders = []struct {
	kind   Kind
	golden string
	decode func([]byte) (zero bool, err error)
}{
	{KindSingle, goldenSingle, func(b []byte) (bool, error) {
		gen, payload, err := DecodeSingle(b)
		return gen == 0 && payload == nil, err
	}},
	{KindBulk, goldenBulk, func(b []byte) (bool, error) {
		items, err := DecodeBulk(b)
		return items == nil, err
	}},
	{KindAbsent, goldenAbsent, func(b []byte) (bool, error) {
		gen, err := DecodeAbsent(b)
		return gen == 0, err
	}},
}

// corrupt is an input that a decoder must refuse, and the reason.
type corrupt struct {
	name string
	hex  string
	want error
}

// checkCorrupt holds a decoder to its promise about input that is no entry.
func checkCorrupt(t *testing.T, decode func([]byte) (bool, error), b []byte, want error) {
	t.Helper()
	zero, err := decode(b)
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("input that is no whole entry must be ErrCorrupt: %x: got %v, want %v", b, err, want)
	}
	if want != nil && !errors.Is(err, want) {
		t.Errorf("the error must name what was wrong: %x: got %v, want %v", b, err, want)
	}
	if !zero {
		t.Errorf("a failed decode must return nothing beside its error: %x", b)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = decode(b) }); n != 0 {
		t.Errorf("a failed decode must not allocate: %x: got %v allocations, want 0", b, n)
	}
}

// aliases reports whether part lies inside whole.
func aliases(whole, part []byte) bool {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	return at >= from && at+uintptr(len(part)) <= from+uintptr(len(whole))
}

// checkPayload holds a decoded payload to what is promised of all of them.
func checkPayload(t *testing.T, input, payload []byte) {
	t.Helper()
	if payload == nil {
		t.Errorf("a decoded payload must not be nil, even when empty")
	}
	if cap(payload) != len(payload) {
		t.Errorf("a decoded payload must be clipped, or an append overwrites its neighbour: got cap %d, want %d",
			cap(payload), len(payload))
	}
	if len(payload) > 0 && !aliases(input, payload) {
		t.Errorf("a decoded payload must alias the input, not copy it: %x", payload)
	}
}

func sameItems(a, b []BulkItem) bool {
	return slices.EqualFunc(a, b, func(x, y BulkItem) bool {
		return x.Key == y.Key && x.Gen == y.Gen && bytes.Equal(x.Payload, y.Payload)
	})
}

// plainSingle and plainBulk build frames from the layout in the simplest possible
// way, as a second opinion on the encoders.
func plainSingle(gen uint64, payload []byte) []byte {
	b := []byte("CASC\x01\x01")
	b = binary.BigEndian.AppendUint64(b, gen)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

func plainBulk(count uint32, items ...BulkItem) []byte {
	b := []byte("CASC\x01\x02")
	b = binary.BigEndian.AppendUint32(b, count)
	for _, item := range items {
		b = binary.BigEndian.AppendUint16(b, uint16(len(item.Key)))
		b = append(b, item.Key...)
		b = binary.BigEndian.AppendUint64(b, item.Gen)
		b = binary.BigEndian.AppendUint32(b, uint32(len(item.Payload)))
		b = append(b, item.Payload...)
	}
	return b
}

// seeded returns a generator that a failing run can be repeated with.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

func randomBytes(rng *rand.Rand, limit int) []byte {
	b := make([]byte, rng.IntN(limit))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// randomItems returns up to limit-1 items with distinct keys, in ascending order.
// Keys are short and of few letters, so that prefixes and neighbours are common.
func randomItems(rng *rand.Rand, limit int) []BulkItem {
	letters := []byte{0x00, 'a', 'b', 0x7f, 0x80, 0xff}
	var keys []string
	for range rng.IntN(limit) {
		key := make([]byte, rng.IntN(5))
		for i := range key {
			key[i] = letters[rng.IntN(len(letters))]
		}
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	items := make([]BulkItem, len(keys))
	for i, key := range keys {
		items[i] = BulkItem{Key: key, Gen: rng.Uint64(), Payload: randomBytes(rng, 40)}
	}
	return items
}
