package wire

import (
	"errors"
	"testing"
)

func TestKindNames(t *testing.T) {
	for kind, want := range map[Kind]string{
		KindSingle: "single",
		KindBulk:   "bulk",
		KindAbsent: "absent",
		0:          "kind(0)",
		255:        "kind(255)",
	} {
		if got := kind.String(); got != want {
			t.Errorf("a kind must be printed by its name: got %q, want %q", got, want)
		}
	}
}

func TestKindOfReadsTheHeaderAlone(t *testing.T) {
	for _, d := range decoders {
		t.Run(d.kind.String(), func(t *testing.T) {
			whole := unhex(t, d.golden)
			for _, b := range [][]byte{whole, whole[:6], append(whole, 0)} {
				got, err := KindOf(b)
				if err != nil || got != d.kind {
					t.Errorf("KindOf must judge the header and nothing after it: %x: got %v, %v, want %v", b, got, err, d.kind)
				}
			}
			if n := testing.AllocsPerRun(10, func() { _, _ = KindOf(whole) }); n != 0 {
				t.Errorf("KindOf must not allocate: got %v allocations, want 0", n)
			}
		})
	}
}

func TestKindOfRefuses(t *testing.T) {
	for _, c := range []corrupt{
		{"nothing", "", errNoHeader},
		{"a header cut short", "43415343 01", errNoHeader},
		{"foreign bytes", "7b226964223a 317d", errMagic},
		{"lower-case magic", "63617363 01 01", errMagic},
		{"version 0", "43415343 00 01", errVersion},
		{"version 2", "43415343 02 01", errVersion},
		{"kind 0", "43415343 01 00", errKind},
		{"kind 4", "43415343 01 04", errKind},
		{"kind 255", "43415343 01 ff", errKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkCorrupt(t, func(b []byte) (bool, error) {
				kind, err := KindOf(b)
				return kind == 0, err
			}, unhex(t, c.hex), c.want)
		})
	}
}

func TestDecodersRefuseEveryOtherHeader(t *testing.T) {
	reasons := [headerSize]error{errMagic, errMagic, errMagic, errMagic, errVersion, nil}
	for _, d := range decoders {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			for at := range headerSize {
				b := append([]byte(nil), golden...)
				for value := range 256 {
					if byte(value) == golden[at] {
						continue
					}
					b[at] = byte(value)
					want := reasons[at]
					if want == nil {
						want = errKind
						if value >= int(KindSingle) && value <= int(KindAbsent) {
							want = errOtherKind
						}
					}
					checkCorrupt(t, d.decode, b, want)
				}
			}
		})
	}
}

func TestDecodersRefuseEveryTruncation(t *testing.T) {
	for _, d := range decoders {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			for n := range golden {
				want := error(errShort)
				if n < headerSize {
					want = errNoHeader
				}
				// Once with the rest still there behind the slice's end, once without.
				checkCorrupt(t, d.decode, golden[:n], want)
				checkCorrupt(t, d.decode, append([]byte(nil), golden[:n]...), want)
			}
			checkCorrupt(t, d.decode, nil, errNoHeader)
		})
	}
}

func TestDecodersRefuseEveryTrailingByte(t *testing.T) {
	for _, d := range decoders {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			for value := range 256 {
				checkCorrupt(t, d.decode, append(golden, byte(value)), errTrailing)
			}
			checkCorrupt(t, d.decode, append(golden, golden...), errTrailing)
		})
	}
}

func TestReasonsUnwrapToTheirSentinel(t *testing.T) {
	if !errors.Is(errTrailing, ErrCorrupt) || errors.Is(errTrailing, ErrTooLarge) {
		t.Errorf("a corrupt input must be ErrCorrupt and nothing else: %v", errTrailing)
	}
	if !errors.Is(errKeyLen, ErrTooLarge) || errors.Is(errKeyLen, ErrCorrupt) {
		t.Errorf("a size that does not fit must be ErrTooLarge and nothing else: %v", errKeyLen)
	}
}
