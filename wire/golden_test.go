package wire

import (
	"encoding/hex"
	"strings"
	"testing"
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
