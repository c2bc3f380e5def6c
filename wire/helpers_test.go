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

// The same three in version 2. The checksums come from an implementation that
// shares nothing with this one; TestVersion2Golden has a third opinion.
const (
	goldenSingle2 = "43415343 02 01 0008 73696e676c653a61 000000000000002a 00000002 6869 0ba9e426"
	goldenBulk2   = "43415343 02 02 0006 62756c6b3a31 00000002" +
		" 0001 61 0000000000000001 00000001 78" +
		" 0002 6262 0000000000000002 00000000 ba07a6d0"
	goldenAbsent2 = "43415343 02 03 0008 73696e676c653a61 0000000000000007 5e4787b7"

	goldenKey     = "single:a" // of the single and the absent entry
	goldenBulkKey = "bulk:1"
)

// goldenItems is what goldenBulk and goldenBulk2 hold.
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

// decoders2 are those of version 2.
var decoders2 = []struct {
	kind   Kind
	golden string
	key    string // of the golden entry
	decode func(b []byte, key string) (zero bool, err error)
}{
	{KindSingle, goldenSingle2, goldenKey, func(b []byte, key string) (bool, error) {
		gen, payload, err := Version2.DecodeSingle(b, key)
		return gen == 0 && payload == nil, err
	}},
	{KindBulk, goldenBulk2, goldenBulkKey, func(b []byte, key string) (bool, error) {
		items, err := Version2.DecodeBulk(b, key)
		return items == nil, err
	}},
	{KindAbsent, goldenAbsent2, goldenKey, func(b []byte, key string) (bool, error) {
		gen, err := Version2.DecodeAbsent(b, key)
		return gen == 0, err
	}},
}

// longKey is too long for the small buffer in which a comparison that converts it
// could hide its allocation.
var longKey = "single:catalogue:" + strings.Repeat("product/", 20)

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

// checkCorruptBody holds the decoders of a kind in both versions to refusing the body
// of b, a frame of version 1, for the same reason: what is wrong inside is not for
// the checksum to excuse.
func checkCorruptBody(t *testing.T, kind Kind, b []byte, want error) {
	t.Helper()
	checkCorrupt(t, decoders[kind-KindSingle].decode, b, want)
	checkCorrupt(t, func(b []byte) (bool, error) {
		return decoders2[kind-KindSingle].decode(b, longKey)
	}, plainVersion2(longKey, b), want)
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

// plainVersion2 makes a frame of version 2 from one of version 1: its key goes after
// the kind, and the checksum to the end.
func plainVersion2(key string, frame []byte) []byte {
	b := append([]byte("CASC\x02"), frame[5])
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, key...)
	return sealed(append(b, frame[6:]...))
}

// sealed appends the checksum of b to it: CRC-32C bit by bit, as a second opinion on
// the one in use.
func sealed(b []byte) []byte {
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c)
		for range 8 {
			low := sum & 1
			sum = sum>>1 ^ 0x82f63b78*low
		}
	}
	return binary.BigEndian.AppendUint32(bytes.Clone(b), ^sum)
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
