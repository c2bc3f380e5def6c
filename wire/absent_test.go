package wire

import (
	"bytes"
	"math"
	"testing"
)

func TestAbsentGolden(t *testing.T) {
	want := unhex(t, goldenAbsent)
	if got := EncodeAbsent(7); !bytes.Equal(got, want) {
		t.Errorf("an absent entry's bytes are fixed: got %x, want %x", got, want)
	}
	gen, err := DecodeAbsent(want)
	if err != nil || gen != 7 {
		t.Errorf("a decoder must return what was encoded: got %d, %v, want 7", gen, err)
	}
	if AbsentSize != len(want) {
		t.Errorf("AbsentSize must be the size of an absent entry: got %d, want %d", AbsentSize, len(want))
	}
}

func TestAbsentRoundTrips(t *testing.T) {
	rng := seeded(t)
	gens := []uint64{0, 1, math.MaxInt64, math.MaxUint64}
	for range 500 {
		gens = append(gens, rng.Uint64())
	}
	for _, gen := range gens {
		if got, err := DecodeAbsent(EncodeAbsent(gen)); err != nil || got != gen {
			t.Fatalf("a decoder must return what was encoded: got %d, %v, want %d", got, err, gen)
		}
	}
}

func TestDecodeAbsentRefuses(t *testing.T) {
	for _, c := range []corrupt{
		{"no generation", "43415343 01 03", errShort},
		{"a generation of 32 bits", "43415343 01 03 00000007", errShort},
		{"a payload", "43415343 01 03 0000000000000007 00000002 6869", errTrailing},
		{"a single", goldenSingle, errOtherKind},
		{"a bulk", goldenBulk, errOtherKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkCorruptBody(t, KindAbsent, unhex(t, c.hex), c.want)
		})
	}
}

func TestAppendAbsentKeepsWhatIsThere(t *testing.T) {
	want := append([]byte("left"), unhex(t, goldenAbsent)...)
	for _, spare := range []int{0, 1, AbsentSize, 100} {
		dst := append(make([]byte, 0, 4+spare), "left"...)
		if got := AppendAbsent(dst, 7); !bytes.Equal(got, want) {
			t.Errorf("an appending encoder must extend dst (%d spare): got %x, want %x", spare, got, want)
		}
	}
}

func TestAbsentAllocations(t *testing.T) {
	frame := EncodeAbsent(7)
	room := make([]byte, 0, AbsentSize)
	frame2, err := Version2.EncodeAbsent(longKey, 7)
	if err != nil {
		t.Fatal(err)
	}
	room2 := make([]byte, 0, len(frame2))
	var kept, kept2 []byte
	for _, c := range []struct {
		name string
		want float64
		call func()
	}{
		{"decode", 0, func() { _, _ = DecodeAbsent(frame) }},
		{"encode", 1, func() { kept = EncodeAbsent(7) }},
		{"append where there is room", 0, func() { kept = AppendAbsent(room, 7) }},
		{"version 2, decode", 0, func() { _, _ = Version2.DecodeAbsent(frame2, longKey) }},
		{"version 2, encode", 1, func() { kept2, _ = Version2.EncodeAbsent(longKey, 7) }},
		{"version 2, append where there is room", 0, func() { kept2, _ = Version2.AppendAbsent(room2, longKey, 7) }},
	} {
		if got := testing.AllocsPerRun(100, c.call); got != c.want {
			t.Errorf("%s: an absent entry must cost no more than its frame: got %v allocations, want %v", c.name, got, c.want)
		}
	}
	if len(kept) != AbsentSize {
		t.Errorf("an absent entry has one size: got %d, want %d", len(kept), AbsentSize)
	}
	if want := AbsentSize + 2 + len(longKey) + 4; len(kept2) != want || cap(frame2) != want {
		t.Errorf("an absent entry of version 2 must have the size of its key and checksum more: got %d, cap %d, want %d",
			len(kept2), cap(frame2), want)
	}
}
