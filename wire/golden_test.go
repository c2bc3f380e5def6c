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

// Version 3, without and with a checksum.
const (
	goldenHead3      = " 000000000000002a 0000018bcfe56800"
	goldenSingle3    = "43415343 03 01 00" + goldenHead3 + " 0000 00000002 6869"
	goldenSingle3of1 = "43415343 03 01 00" + goldenHead3 + " 0001 0005 7461673a74 0000000000000005 00000002 6869"
	goldenSingle3of2 = "43415343 03 01 00" + goldenHead3 + " 0002 0001 62 0000000000000009 0005 7461673a74 0000000000000005 00000002 6869"
	goldenAbsent3    = "43415343 03 03 00 0000000000000007 0000018bcfe56800 0001 0005 7461673a74 0000000000000005"
	goldenMembers3   = " 00000003 0001 70 0000000000000003 0001 70 0000000000000004 0001 74 0000000000000005" +
		" 00000003" +
		" 0001 61 0000000000000001 0000018bcfe56800 0002 00000000 00000002 00000001 78" +
		" 0002 6262 0000000000000002 0000000000000000 0000 00000000" +
		" 0001 63 0000000000000006 0000018bcfe56800 0002 00000001 00000002 00000001 79"
	goldenBulk3 = "43415343 03 02 00" + goldenMembers3

	goldenName3           = " 0008 73696e676c653a61"
	goldenSingle3Checked  = "43415343 03 01 01" + goldenName3 + goldenHead3 + " 0000 00000002 6869 bb20b0e0"
	goldenSingle3Checked1 = "43415343 03 01 01" + goldenName3 + goldenHead3 + " 0001 0005 7461673a74 0000000000000005 00000002 6869 003a9633"
	goldenSingle3Checked2 = "43415343 03 01 01" + goldenName3 + goldenHead3 + " 0002 0001 62 0000000000000009 0005 7461673a74 0000000000000005 00000002 6869 5cc44b98"
	goldenAbsent3Checked  = "43415343 03 03 01" + goldenName3 + " 0000000000000007 0000018bcfe56800 0001 0005 7461673a74 0000000000000005 15bd70df"
	goldenBulk3Checked    = "43415343 03 02 01 0006 62756c6b3a31" + goldenMembers3 + " 64d84e15"

	goldenLoaded = 1_700_000_000_000
)

// golden3 are the entries of version 3. One of a kind other than bulk holds the
// entry, a bulk goldenMembers.
var golden3 = []struct {
	name   string
	v      Version
	kind   Kind
	key    string
	golden string
	absent bool
	deps   []Dep
}{
	{"single", Version3, KindSingle, goldenKey, goldenSingle3, false, nil},
	{"single of one dependency", Version3, KindSingle, goldenKey, goldenSingle3of1, false, []Dep{{"tag:t", 5}}},
	{"single of two dependencies", Version3, KindSingle, goldenKey, goldenSingle3of2, false, []Dep{{"b", 9}, {"tag:t", 5}}},
	{"absent", Version3, KindAbsent, goldenKey, goldenAbsent3, true, []Dep{{"tag:t", 5}}},
	{"bulk", Version3, KindBulk, goldenBulkKey, goldenBulk3, false, nil},
	{"checked single", Version3Checked, KindSingle, goldenKey, goldenSingle3Checked, false, nil},
	{"checked single of one dependency", Version3Checked, KindSingle, goldenKey, goldenSingle3Checked1, false, []Dep{{"tag:t", 5}}},
	{"checked single of two dependencies", Version3Checked, KindSingle, goldenKey, goldenSingle3Checked2, false, []Dep{{"b", 9}, {"tag:t", 5}}},
	{"checked absent", Version3Checked, KindAbsent, goldenKey, goldenAbsent3Checked, true, []Dep{{"tag:t", 5}}},
	{"checked bulk", Version3Checked, KindBulk, goldenBulkKey, goldenBulk3Checked, false, nil},
}

// goldenMembers is what goldenBulk3 and goldenBulk3Checked hold, and goldenTable their
// distinct dependencies.
func goldenMembers(tb testing.TB) []Member {
	return []Member{
		{Key: "a", Gen: 1, Loaded: goldenLoaded, Deps: depsOf(tb, Dep{"p", 3}, Dep{"t", 5}), Payload: []byte("x")},
		{Key: "bb", Gen: 2, Payload: []byte{}},
		{Key: "c", Gen: 6, Loaded: goldenLoaded, Deps: depsOf(tb, Dep{"p", 4}, Dep{"t", 5}), Payload: []byte("y")},
	}
}

var goldenTable = []Dep{{"p", 3}, {"p", 4}, {"t", 5}}

// decode3 decodes an entry of version 3 of a kind, and says whether what it returned
// beside an error was zero.
func decode3(v Version, kind Kind, b []byte, key string) (zero bool, err error) {
	if kind == KindBulk {
		members, deps, err := v.DecodeMembers(b, key)
		return members == nil && deps == nil, err
	}
	e := Entry{Absent: true, Gen: 1, Loaded: 1, Deps: Deps{n: 1}, Payload: []byte("before")}
	err = v.Decode(b, key, &e)
	return !e.Absent && e.Gen == 0 && e.Loaded == 0 && e.Deps == Deps{} && e.Payload == nil, err
}

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
