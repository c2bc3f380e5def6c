package wire

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestBulkGolden(t *testing.T) {
	want := unhex(t, goldenBulk)
	got, err := EncodeBulk(goldenItems())
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("a bulk's bytes are fixed: got %x, %v, want %x", got, err, want)
	}
	items, err := DecodeBulk(want)
	if err != nil || !sameItems(items, goldenItems()) {
		t.Errorf("a decoder must return what was encoded: got %v, %v, want %v", items, err, goldenItems())
	}
	for _, item := range items {
		checkPayload(t, want, item.Payload)
	}
}

func TestBulkExtremes(t *testing.T) {
	longest := strings.Repeat("k", MaxKeyLen)
	for _, c := range []struct {
		name  string
		items []BulkItem
	}{
		{"no members", nil},
		{"an empty key", []BulkItem{{Key: "", Gen: 1, Payload: []byte("x")}}},
		{"an empty key before another", []BulkItem{{Key: "", Gen: 1}, {Key: "\x00", Gen: 2}}},
		{"the longest key", []BulkItem{{Key: longest, Gen: 1, Payload: []byte("x")}}},
		{"a key and its prefixes", []BulkItem{{Key: "a"}, {Key: "a\x00"}, {Key: "aa"}, {Key: "b"}}},
		{"bytes above ASCII", []BulkItem{{Key: "z"}, {Key: "\x80"}, {Key: "é"}, {Key: "\xff"}}},
		{"generations 0 and the largest", []BulkItem{{Key: "a", Gen: 0}, {Key: "b", Gen: math.MaxUint64}}},
		{"a large payload between small ones", []BulkItem{
			{Key: "a", Payload: []byte("1")}, {Key: "b", Payload: make([]byte, 1<<17)}, {Key: "c", Payload: []byte("3")},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame, err := EncodeBulk(c.items)
			if want := plainBulk(uint32(len(c.items)), c.items...); err != nil || !bytes.Equal(frame, want) {
				t.Fatalf("items that fit must encode in the specified layout: got %.80x, %v, want %.80x", frame, err, want)
			}
			got, err := DecodeBulk(frame)
			if err != nil || got == nil || !sameItems(got, c.items) {
				t.Errorf("a decoder must return what was encoded: got %.80v, %v, want %.80v", got, err, c.items)
			}
		})
	}
}

func TestDecodeBulkRefuses(t *testing.T) {
	const (
		a  = " 0001 61 0000000000000001 00000001 78"
		bb = " 0002 6262 0000000000000002 00000000"
	)
	for _, c := range []corrupt{
		{"one member more than there is", "43415343 01 02 00000003" + a + bb, errShort},
		{"one member fewer than there are", "43415343 01 02 00000001" + a + bb, errTrailing},
		{"no member claimed, two there", "43415343 01 02 00000000" + a + bb, errTrailing},
		{"members claimed, none there", "43415343 01 02 00000001", errShort},
		{"largest count", "43415343 01 02 ffffffff" + a + bb, errShort},
		{"largest count, none there", "43415343 01 02 ffffffff", errShort},
		{"count with the sign bit", "43415343 01 02 80000000" + a + bb, errShort},
		{"count with the sign bit, none there", "43415343 01 02 80000000", errShort},
		{"count whose size wraps in 32 bits", "43415343 01 02 12492493" + a + bb, errShort}, // 14 times that is 2^32 + 10
		{"count in the other byte order", "43415343 01 02 02000000" + a + bb, errShort},
		{"keys descending", "43415343 01 02 00000002" + bb + a, errOrder},
		{"the same key twice", "43415343 01 02 00000002" + a + a, errOrder},
		{"the same key twice, other generation", "43415343 01 02 00000002" + a + " 0001 61 0000000000000009 00000000", errOrder},
		{"the empty key twice", "43415343 01 02 00000002 0000 0000000000000001 00000000 0000 0000000000000001 00000000", errOrder},
		{"a key after the one it begins", "43415343 01 02 00000002 0002 6161 0000000000000001 00000000" + a, errOrder},
		{"a descending pair at the end", "43415343 01 02 00000003" + a + bb + " 0001 62 0000000000000003 00000000", errOrder},
		{"signed byte order", "43415343 01 02 00000002 0001 80 0000000000000001 00000000 0001 7f 0000000000000001 00000000", errOrder},
		{"key longer than the input", "43415343 01 02 00000001 ffff 61 0000000000000001 00000001 78", errShort},
		{"key that swallows the length", "43415343 01 02 00000001 0003 61 0000000000000001 00000001 78", errShort},
		{"payload longer than the input", "43415343 01 02 00000001 0001 61 0000000000000001 00000002 78", errShort},
		{"largest payload length", "43415343 01 02 00000001 0001 61 0000000000000001 ffffffff 78", errShort},
		{"payload length with the sign bit", "43415343 01 02 00000001 0001 61 0000000000000001 80000000 78", errShort},
		{"payload that swallows the next member", "43415343 01 02 00000002 0001 61 0000000000000001 00000011 78" + bb, errShort},
		{"largest payload length in the last member", "43415343 01 02 00000002" + a + " 0002 6262 0000000000000002 ffffffff", errShort},
		{"no count", "43415343 01 02 0000", errShort},
		{"a single", goldenSingle, errOtherKind},
		{"an absent entry", goldenAbsent, errOtherKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkCorruptBody(t, KindBulk, unhex(t, c.hex), c.want)
		})
	}
}

func TestDecodeBulkAllocatesNothingForAHostileClaim(t *testing.T) {
	// Large enough that a decoder trusting the count, or allocating as it walks,
	// would be seen; corrupt only in the very last byte of its structure.
	items := make([]BulkItem, 1000)
	for i := range items {
		items[i] = BulkItem{Key: "key:" + strconv.Itoa(1000+i), Gen: 1, Payload: []byte("payload")}
	}
	for name, b := range map[string][]byte{
		"the largest count":        plainBulk(math.MaxUint32, items...),
		"one member too many":      plainBulk(uint32(len(items)+1), items...),
		"a trailing byte":          append(plainBulk(uint32(len(items)), items...), 0),
		"the last key out of line": plainBulk(uint32(len(items)+1), append(items, BulkItem{Key: "key:1000"})...),
	} {
		t.Run(name, func(t *testing.T) {
			checkCorruptBody(t, KindBulk, b, nil)
		})
	}
}

func TestBulkRoundTrips(t *testing.T) {
	rng := seeded(t)
	for range 1000 {
		items := randomItems(rng, 20)
		want := plainBulk(uint32(len(items)), items...)
		shuffled := slices.Clone(items)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		given := slices.Clone(shuffled)

		frame, err := EncodeBulk(shuffled)
		if err != nil || !bytes.Equal(frame, want) {
			t.Fatalf("a bulk must have the specified layout, whatever order it was given in: got %x, %v, want %x", frame, err, want)
		}
		if !sameItems(shuffled, given) {
			t.Fatalf("an encoder must leave the caller's slice as it was: got %v, want %v", shuffled, given)
		}
		got, err := DecodeBulk(frame)
		if err != nil || !sameItems(got, items) {
			t.Fatalf("a decoder must return what was encoded: got %v, %v, want %v", got, err, items)
		}
		for _, item := range got {
			checkPayload(t, frame, item.Payload)
		}
	}
}

func TestBulkWithADamagedByteIsCanonicalOrRefused(t *testing.T) {
	rng := seeded(t)
	accepted := 0
	for range 3000 {
		items := randomItems(rng, 6)
		frame := plainBulk(uint32(len(items)), items...)
		frame[rng.IntN(len(frame))] ^= byte(1 + rng.IntN(255))
		got, err := DecodeBulk(frame)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("a decoder's error must be ErrCorrupt: %x: got %v", frame, err)
			}
			continue
		}
		accepted++
		if again := plainBulk(uint32(len(got)), got...); !bytes.Equal(again, frame) {
			t.Fatalf("every entry must have one encoding: %x was decoded as %x", frame, again)
		}
	}
	if accepted == 0 {
		t.Errorf("this test must see damage that leaves a valid entry, in a payload say: got none")
	}
}

func TestAppendBulkKeepsWhatIsThere(t *testing.T) {
	want := unhex(t, goldenBulk)
	for _, spare := range []int{0, 1, len(want) - 1, len(want), 100} {
		dst := append(make([]byte, 0, 4+spare), "left"...)
		got, err := AppendBulk(dst, goldenItems())
		if err != nil || !bytes.Equal(got, append([]byte("left"), want...)) {
			t.Errorf("an appending encoder must extend dst (%d spare): got %x, %v, want \"left\" and %x", spare, got, err, want)
		}
		if inPlace := aliases(dst[:cap(dst)], got); inPlace != (spare >= len(want)) {
			t.Errorf("an appending encoder must use the room that dst has (%d spare of %d needed): in place %v",
				spare, len(want), inPlace)
		}
	}
}

func TestEncodeBulkRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		items []BulkItem
		want  error
	}{
		{"the same key side by side", []BulkItem{{Key: "a"}, {Key: "a"}}, ErrDuplicateKey},
		{"the same key far apart", []BulkItem{{Key: "a"}, {Key: "c"}, {Key: "b"}, {Key: "a"}}, ErrDuplicateKey},
		{"the same item twice", []BulkItem{{Key: "a", Gen: 1}, {Key: "a", Gen: 1}}, ErrDuplicateKey},
		{"the empty key twice", []BulkItem{{Key: ""}, {Key: ""}}, ErrDuplicateKey},
		{"a key one byte too long", []BulkItem{{Key: strings.Repeat("k", MaxKeyLen+1)}}, ErrTooLarge},
		{"a key that is short modulo 2^16", []BulkItem{{Key: strings.Repeat("k", 1<<16)}, {Key: "z"}}, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b, err := EncodeBulk(c.items); !errors.Is(err, c.want) || b != nil {
				t.Errorf("what no decoder could return must not be encoded: got %.40x, %v, want %v", b, err, c.want)
			}
			dst := append(make([]byte, 0, 8), "left"...)
			if b, err := AppendBulk(dst, c.items); !errors.Is(err, c.want) || string(b) != "left" {
				t.Errorf("on an error dst must come back unchanged: got %.40q, %v, want \"left\", %v", b, err, c.want)
			}
		})
	}
}

func TestMemberCountsThatDoNotFitAreRefused(t *testing.T) {
	for n, want := range map[uint64]error{0: nil, math.MaxUint32: nil, math.MaxUint32 + 1: errMemberCount} {
		if n > math.MaxInt {
			continue // no slice is that long here
		}
		if err := checkMemberCount(int(n)); err != want {
			t.Errorf("a number of members must be refused exactly when it does not fit its field: %d: got %v, want %v", n, err, want)
		}
	}
}

func TestBulkAliasing(t *testing.T) {
	items := []BulkItem{{Key: "a", Gen: 1, Payload: []byte("first")}, {Key: "b", Gen: 2, Payload: []byte("second")}}
	t.Run("payloads are the input, keys are not", func(t *testing.T) {
		frame := plainBulk(2, items...)
		got, err := DecodeBulk(frame)
		if err != nil {
			t.Fatal(err)
		}
		for i := range frame {
			frame[i] = '!'
		}
		if got[0].Key != "a" || got[1].Key != "b" {
			t.Errorf("a decoded key must be a copy: got %q, %q after the input changed, want \"a\", \"b\"", got[0].Key, got[1].Key)
		}
		if string(got[0].Payload) != "!!!!!" || string(got[1].Payload) != "!!!!!!" {
			t.Errorf("decoded payloads must alias the input: got %q, %q after it changed", got[0].Payload, got[1].Payload)
		}
	})
	t.Run("an append stays out of the neighbour", func(t *testing.T) {
		got, err := DecodeBulk(plainBulk(2, items...))
		if err != nil {
			t.Fatal(err)
		}
		_ = append(got[0].Payload, strings.Repeat("X", 100)...)
		if string(got[1].Payload) != "second" {
			t.Errorf("an append to a payload must not overwrite the next member's: got %q, want \"second\"", got[1].Payload)
		}
	})
}

func TestBulkAllocations(t *testing.T) {
	const n = 32
	items := make([]BulkItem, n)
	for i := range items {
		items[i] = BulkItem{Key: "key:" + strconv.Itoa(100+i), Gen: uint64(i), Payload: bytes.Repeat([]byte("x"), 256)}
	}
	descending := slices.Clone(items)
	slices.Reverse(descending)
	frame, err := EncodeBulk(items)
	if err != nil {
		t.Fatal(err)
	}
	frame2, err := Version2.EncodeBulk(longKey, items)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{frame, frame2} {
		if cap(b) != len(b) {
			t.Errorf("a new frame must have no room to spare: got cap %d, want %d", cap(b), len(b))
		}
	}
	room, room2 := make([]byte, 0, len(frame)), make([]byte, 0, len(frame2))
	for _, c := range []struct {
		name string
		want float64
		call func()
	}{
		{"decode", 1 + n, func() { _, _ = DecodeBulk(frame) }},
		{"encode in order", 1, func() { _, _ = EncodeBulk(items) }},
		{"encode out of order", 2, func() { _, _ = EncodeBulk(descending) }},
		{"append in order where there is room", 0, func() { _, _ = AppendBulk(room, items) }},
		{"version 2, decode", 1 + n, func() { _, _ = Version2.DecodeBulk(frame2, longKey) }},
		{"version 2, encode in order", 1, func() { _, _ = Version2.EncodeBulk(longKey, items) }},
		{"version 2, encode out of order", 2, func() { _, _ = Version2.EncodeBulk(longKey, descending) }},
		{"version 2, append in order where there is room", 0, func() { _, _ = Version2.AppendBulk(room2, longKey, items) }},
	} {
		if got := testing.AllocsPerRun(100, c.call); got != c.want {
			t.Errorf("%s: a bulk must cost its frame, a copy to sort, or its items and keys: got %v allocations, want %v",
				c.name, got, c.want)
		}
	}
	got, err := DecodeBulk(frame)
	if err != nil || cap(got) != n {
		t.Errorf("a bulk's slice must have exactly its members: got cap %d, %v, want %d", cap(got), err, n)
	}
}

func sameItems(a, b []BulkItem) bool {
	return slices.EqualFunc(a, b, func(x, y BulkItem) bool {
		return x.Key == y.Key && x.Gen == y.Gen && bytes.Equal(x.Payload, y.Payload)
	})
}
