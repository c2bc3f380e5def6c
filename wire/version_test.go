package wire

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestVersion2Golden(t *testing.T) {
	if got := sealed([]byte("123456789")); !bytes.Equal(got[9:], unhex(t, "e3069283")) {
		t.Fatalf("the test's own checksum must be CRC-32C: got %x for its check value, want e3069283", got[9:])
	}
	for _, d := range decoders2 {
		golden := unhex(t, d.golden)
		if got := sealed(golden[:len(golden)-4]); !bytes.Equal(got, golden) {
			t.Errorf("%v: an entry must end in the CRC-32C of everything before: got %x, want %x", d.kind, golden, got)
		}
	}
	t.Run("single", func(t *testing.T) {
		want := unhex(t, goldenSingle2)
		if got, err := Version2.EncodeSingle(goldenKey, 42, []byte("hi")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a single's bytes are fixed: got %x, %v, want %x", got, err, want)
		}
		gen, payload, err := Version2.DecodeSingle(want, goldenKey)
		if err != nil || gen != 42 || string(payload) != "hi" {
			t.Errorf("a decoder must return what was encoded: got %d, %q, %v, want 42, \"hi\"", gen, payload, err)
		}
		checkPayload(t, want, payload)
	})
	t.Run("bulk", func(t *testing.T) {
		want := unhex(t, goldenBulk2)
		if got, err := Version2.EncodeBulk(goldenBulkKey, goldenItems()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a bulk's bytes are fixed: got %x, %v, want %x", got, err, want)
		}
		items, err := Version2.DecodeBulk(want, goldenBulkKey)
		if err != nil || !sameItems(items, goldenItems()) {
			t.Errorf("a decoder must return what was encoded: got %v, %v, want %v", items, err, goldenItems())
		}
		for _, item := range items {
			checkPayload(t, want, item.Payload)
		}
	})
	t.Run("absent", func(t *testing.T) {
		want := unhex(t, goldenAbsent2)
		if got, err := Version2.EncodeAbsent(goldenKey, 7); err != nil || !bytes.Equal(got, want) {
			t.Errorf("an absent entry's bytes are fixed: got %x, %v, want %x", got, err, want)
		}
		if gen, err := Version2.DecodeAbsent(want, goldenKey); err != nil || gen != 7 {
			t.Errorf("a decoder must return what was encoded: got %d, %v, want 7", gen, err)
		}
	})
}

func TestVersion1TakesNoNoticeOfKeys(t *testing.T) {
	single, bulk, absent := unhex(t, goldenSingle), unhex(t, goldenBulk), unhex(t, goldenAbsent)
	for _, key := range []string{"", "a", goldenKey, strings.Repeat("k", MaxKeyLen+1)} {
		if got, err := Version1.EncodeSingle(key, 42, []byte("hi")); err != nil || !bytes.Equal(got, single) {
			t.Errorf("version 1 has no key: single for %.20q: got %x, %v, want %x", key, got, err, single)
		}
		if gen, payload, err := Version1.DecodeSingle(single, key); err != nil || gen != 42 || string(payload) != "hi" {
			t.Errorf("version 1 has no key: single for %.20q: got %d, %q, %v, want 42, \"hi\"", key, gen, payload, err)
		}
		if got, err := Version1.EncodeBulk(key, goldenItems()); err != nil || !bytes.Equal(got, bulk) {
			t.Errorf("version 1 has no key: bulk for %.20q: got %x, %v, want %x", key, got, err, bulk)
		}
		if items, err := Version1.DecodeBulk(bulk, key); err != nil || !sameItems(items, goldenItems()) {
			t.Errorf("version 1 has no key: bulk for %.20q: got %v, %v, want %v", key, items, err, goldenItems())
		}
		if got, err := Version1.EncodeAbsent(key, 7); err != nil || !bytes.Equal(got, absent) {
			t.Errorf("version 1 has no key: absent for %.20q: got %x, %v, want %x", key, got, err, absent)
		}
		if gen, err := Version1.DecodeAbsent(absent, key); err != nil || gen != 7 {
			t.Errorf("version 1 has no key: absent for %.20q: got %d, %v, want 7", key, gen, err)
		}
	}
}

func TestVersion2RoundTrips(t *testing.T) {
	rng := seeded(t)
	keys := []string{"", "a", "\x00", longKey, strings.Repeat("k", MaxKeyLen)}
	for i := range 2000 {
		key := string(randomBytes(rng, 60))
		if i < len(keys) {
			key = keys[i]
		}
		prefix, gen, payload, items := randomBytes(rng, 20), rng.Uint64(), randomBytes(rng, 300), randomItems(rng, 12)

		frame, err := Version2.AppendSingle(bytes.Clone(prefix), key, gen, payload)
		if want := append(bytes.Clone(prefix), plainVersion2(key, plainSingle(gen, payload))...); err != nil || !bytes.Equal(frame, want) {
			t.Fatalf("a single must have the specified layout after what was there: got %.200x, %v, want %.200x", frame, err, want)
		}
		frame = frame[len(prefix):]
		gotGen, gotPayload, err := Version2.DecodeSingle(frame, key)
		if err != nil || gotGen != gen || !bytes.Equal(gotPayload, payload) {
			t.Fatalf("a decoder must return what was encoded: got %d, %x, %v, want %d, %x", gotGen, gotPayload, err, gen, payload)
		}
		checkPayload(t, frame, gotPayload)

		frame, err = Version2.AppendBulk(bytes.Clone(prefix), key, items)
		if want := append(bytes.Clone(prefix), plainVersion2(key, plainBulk(uint32(len(items)), items...))...); err != nil || !bytes.Equal(frame, want) {
			t.Fatalf("a bulk must have the specified layout after what was there: got %.200x, %v, want %.200x", frame, err, want)
		}
		frame = frame[len(prefix):]
		gotItems, err := Version2.DecodeBulk(frame, key)
		if err != nil || !sameItems(gotItems, items) {
			t.Fatalf("a decoder must return what was encoded: got %v, %v, want %v", gotItems, err, items)
		}
		for _, item := range gotItems {
			checkPayload(t, frame, item.Payload)
		}

		frame, err = Version2.AppendAbsent(bytes.Clone(prefix), key, gen)
		if want := append(bytes.Clone(prefix), plainVersion2(key, append([]byte("CASC\x01\x03"), plainSingle(gen, nil)[6:14]...))...); err != nil || !bytes.Equal(frame, want) {
			t.Fatalf("an absent entry must have the specified layout after what was there: got %.200x, %v, want %.200x", frame, err, want)
		}
		if gotGen, err := Version2.DecodeAbsent(frame[len(prefix):], key); err != nil || gotGen != gen {
			t.Fatalf("a decoder must return what was encoded: got %d, %v, want %d", gotGen, err, gen)
		}
	}
}

// headerReason says why an entry of version 2 is refused that was damaged at an
// offset: what identifies the version is judged first, everything else is the
// checksum's.
func headerReason(at int) error {
	switch {
	case at < 4:
		return errMagic
	case at == 4:
		return errVersion
	default:
		return errSum
	}
}

func TestVersion2RefusesEveryFlippedBit(t *testing.T) {
	for _, d := range decoders2 {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			for bit := range 8 * len(golden) {
				b := bytes.Clone(golden)
				b[bit/8] ^= 1 << (bit % 8)
				// A flipped bit may make one kind another: no decoder may fall for it.
				for _, other := range decoders2 {
					checkCorrupt(t, func(b []byte) (bool, error) { return other.decode(b, d.key) }, b, headerReason(bit/8))
				}
			}
		})
	}
}

func TestVersion2RefusesEveryDamagedByte(t *testing.T) {
	rng := seeded(t)
	frames := make([][]byte, len(decoders2))
	for i, d := range decoders2 {
		frames[i] = unhex(t, d.golden)
	}
	check := func(i int, b []byte, key string, at int) {
		if zero, err := decoders2[i].decode(b, key); !errors.Is(err, headerReason(at)) || !zero {
			t.Fatalf("a damaged byte must be refused, wherever it is: %x at %d: got %v, want %v", b, at, err, headerReason(at))
		}
	}
	for i, d := range decoders2 {
		for at := range frames[i] {
			b := bytes.Clone(frames[i])
			for flip := 1; flip < 256; flip++ {
				b[at] = frames[i][at] ^ byte(flip)
				check(i, b, d.key, at)
			}
		}
	}
	for range 3000 {
		key, items := string(randomBytes(rng, 40)), randomItems(rng, 6)
		b := plainVersion2(key, plainBulk(uint32(len(items)), items...))
		at := rng.IntN(len(b))
		b[at] ^= byte(1 + rng.IntN(255))
		check(1, b, key, at)
	}
}

func TestVersion2RefusesEveryTruncation(t *testing.T) {
	for _, d := range decoders2 {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			decode := func(b []byte) (bool, error) { return d.decode(b, d.key) }
			for n := range golden {
				want := error(errSum)
				if n < headerSize {
					want = errNoHeader
				} else if n < headerSize+sumSize {
					want = errShort
				}
				// Once with the rest still there behind the slice's end, once without.
				checkCorrupt(t, decode, golden[:n], want)
				checkCorrupt(t, decode, bytes.Clone(golden[:n]), want)
			}
			checkCorrupt(t, decode, nil, errNoHeader)
			// What is cut short and then sealed again is still no entry.
			for n := headerSize; n < len(golden)-sumSize; n++ {
				checkCorrupt(t, decode, sealed(golden[:n]), errShort)
			}
		})
	}
}

func TestVersion2RefusesEveryTrailingByte(t *testing.T) {
	for _, d := range decoders2 {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			decode := func(b []byte) (bool, error) { return d.decode(b, d.key) }
			content := golden[: len(golden)-sumSize : len(golden)-sumSize]
			for value := range 256 {
				checkCorrupt(t, decode, append(golden, byte(value)), errSum)
				// Under a checksum that covers it, it is still one byte too many.
				checkCorrupt(t, decode, sealed(append(content, byte(value))), errTrailing)
			}
			checkCorrupt(t, decode, append(golden, golden...), errSum)
			checkCorrupt(t, decode, sealed(golden), errTrailing)
		})
	}
}

func TestVersion2RefusesEveryOtherHeader(t *testing.T) {
	for _, d := range decoders2 {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			content := golden[:len(golden)-sumSize]
			for at, right := range golden[:headerSize] {
				for value := range 256 {
					if byte(value) == right {
						continue
					}
					b := bytes.Clone(content)
					b[at] = byte(value)
					want := headerReason(at)
					if at == headerSize-1 {
						want = errKind
						if value >= int(KindSingle) && value <= int(KindAbsent) {
							want = errOtherKind
						}
					}
					// The checksum is right: the header alone is to blame.
					checkCorrupt(t, func(b []byte) (bool, error) { return d.decode(b, d.key) }, sealed(b), want)
				}
			}
		})
	}
}

func TestVersion2RefusesOtherKeys(t *testing.T) {
	for _, d := range decoders2 {
		t.Run(d.kind.String(), func(t *testing.T) {
			golden := unhex(t, d.golden)
			for name, key := range map[string]string{
				"the empty key":             "",
				"its beginning":             d.key[:len(d.key)-1],
				"its end":                   d.key[1:],
				"a longer key":              d.key + "a",
				"a key with a zero byte":    d.key + "\x00",
				"a key of the same length":  d.key[:len(d.key)-1] + "b",
				"a key in capitals":         strings.ToUpper(d.key),
				"a long key":                longKey,
				"a key longer than a field": strings.Repeat("k", MaxKeyLen+1),
				// Its length in 16 bits is that of the right key.
				"a key 2^16 bytes longer": d.key + strings.Repeat("k", 1<<16),
			} {
				t.Run(name, func(t *testing.T) {
					checkCorrupt(t, func(b []byte) (bool, error) { return d.decode(b, key) }, golden, errOtherKey)
				})
			}
			t.Run("the empty one holds no other", func(t *testing.T) {
				b := plainVersion2("", unhex(t, decoders[d.kind-KindSingle].golden))
				checkCorrupt(t, func(b []byte) (bool, error) { return d.decode(b, d.key) }, b, errOtherKey)
				if _, err := d.decode(b, ""); err != nil {
					t.Errorf("the empty key is a key like any other: got %v", err)
				}
			})
			t.Run("a long one is compared to its end", func(t *testing.T) {
				b := plainVersion2(longKey, unhex(t, decoders[d.kind-KindSingle].golden))
				other := longKey[:len(longKey)-1] + "!"
				checkCorrupt(t, func(b []byte) (bool, error) { return d.decode(b, other) }, b, errOtherKey)
			})
		})
	}
}

func TestVersion2RefusesBadKeyFields(t *testing.T) {
	for _, c := range []corrupt{
		{"no length", "43415343 02 %s", errShort},
		{"half a length", "43415343 02 %s 00", errShort},
		{"a length and no key", "43415343 02 %s 0008", errShort},
		{"one byte too long", "43415343 02 %s 0009 73696e676c653a61", errShort},
		{"the largest length", "43415343 02 %s ffff 73696e676c653a61 000000000000002a 00000002 6869", errShort},
		{"the sign bit", "43415343 02 %s 8008 73696e676c653a61 000000000000002a 00000002 6869", errShort},
		{"the other byte order", "43415343 02 %s 0800 73696e676c653a61 000000000000002a 00000002 6869", errShort},
		{"one byte too short", "43415343 02 %s 0007 73696e676c653a61 000000000000002a 00000002 6869", errOtherKey},
		{"a key and no body", "43415343 02 %s 0008 73696e676c653a61", errShort},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, kind := range []string{"01", "02", "03"} {
				b := sealed(unhex(t, strings.Replace(c.hex, "%s", kind, 1)))
				checkCorrupt(t, func(b []byte) (bool, error) { return decoders2[i].decode(b, goldenKey) }, b, c.want)
			}
		})
	}
}

func TestVersionsRefuseEachOther(t *testing.T) {
	rng := seeded(t)
	for range 500 {
		key, gen, payload, items := string(randomBytes(rng, 40)), rng.Uint64(), randomBytes(rng, 100), randomItems(rng, 6)
		for i, encode := range []func(v Version) ([]byte, error){
			func(v Version) ([]byte, error) { return v.EncodeSingle(key, gen, payload) },
			func(v Version) ([]byte, error) { return v.EncodeBulk(key, items) },
			func(v Version) ([]byte, error) { return v.EncodeAbsent(key, gen) },
		} {
			one, err1 := encode(Version1)
			two, err2 := encode(Version2)
			if err1 != nil || err2 != nil {
				t.Fatalf("what fits must encode: got %v, %v", err1, err2)
			}
			if zero, err := decoders[i].decode(two); !errors.Is(err, errVersion) || !zero {
				t.Fatalf("version 1 must refuse version 2: %x: got %v, want %v", two, err, errVersion)
			}
			if zero, err := decoders2[i].decode(one, key); !errors.Is(err, errVersion) || !zero {
				t.Fatalf("version 2 must refuse version 1: %x: got %v, want %v", one, err, errVersion)
			}
			if _, err := KindOf(two); !errors.Is(err, errVersion) {
				t.Fatalf("version 1 must refuse a header of version 2: %x: got %v, want %v", two, err, errVersion)
			}
			if _, err := Version2.KindOf(one); !errors.Is(err, errVersion) {
				t.Fatalf("version 2 must refuse a header of version 1: %x: got %v, want %v", one, err, errVersion)
			}
			// Nor does one pass as the other by its version byte alone.
			one[4], two[4] = 2, 1
			if _, err := decoders2[i].decode(one, key); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("version 1 with another version byte must be corrupt: %x: got %v, want ErrCorrupt", one, err)
			}
			if _, err := decoders[i].decode(two); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("version 2 with another version byte must be corrupt: %x: got %v, want ErrCorrupt", two, err)
			}
		}
	}
}

func TestVersion2KindOfReadsTheHeaderAlone(t *testing.T) {
	for _, d := range decoders2 {
		whole := unhex(t, d.golden)
		for _, b := range [][]byte{whole, whole[:6], append(whole, 0)} {
			if got, err := Version2.KindOf(b); err != nil || got != d.kind {
				t.Errorf("KindOf must judge the header and nothing after it: %x: got %v, %v, want %v", b, got, err, d.kind)
			}
		}
	}
	for _, c := range []corrupt{
		{"a header cut short", "43415343 02", errNoHeader},
		{"foreign bytes", "7b226964223a 317d", errMagic},
		{"version 0", "43415343 00 01", errVersion},
		{"version 3", "43415343 03 01", errVersion},
		{"kind 0", "43415343 02 00", errKind},
		{"kind 4", "43415343 02 04", errKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkCorrupt(t, func(b []byte) (bool, error) {
				kind, err := Version2.KindOf(b)
				return kind == 0, err
			}, unhex(t, c.hex), c.want)
		})
	}
}

// encoders2 are those of version 2 under one shape.
var encoders2 = []struct {
	kind     Kind
	encode   func(v Version, key string) ([]byte, error)
	appendTo func(v Version, dst []byte, key string) ([]byte, error)
}{
	{KindSingle,
		func(v Version, key string) ([]byte, error) { return v.EncodeSingle(key, 42, []byte("hi")) },
		func(v Version, dst []byte, key string) ([]byte, error) {
			return v.AppendSingle(dst, key, 42, []byte("hi"))
		}},
	{KindBulk,
		func(v Version, key string) ([]byte, error) { return v.EncodeBulk(key, goldenItems()) },
		func(v Version, dst []byte, key string) ([]byte, error) { return v.AppendBulk(dst, key, goldenItems()) }},
	{KindAbsent,
		func(v Version, key string) ([]byte, error) { return v.EncodeAbsent(key, 7) },
		func(v Version, dst []byte, key string) ([]byte, error) { return v.AppendAbsent(dst, key, 7) }},
}

func TestAppendVersion2KeepsWhatIsThere(t *testing.T) {
	for i, e := range encoders2 {
		t.Run(e.kind.String(), func(t *testing.T) {
			want := unhex(t, decoders2[i].golden)
			for _, spare := range []int{0, 1, len(want) - 1, len(want), 200} {
				dst := append(make([]byte, 0, 4+spare), "left"...)
				got, err := e.appendTo(Version2, dst, decoders2[i].key)
				if err != nil || !bytes.Equal(got, append([]byte("left"), want...)) {
					t.Errorf("an appending encoder must extend dst, and sum up its own entry only (%d spare): got %x, %v, want \"left\" and %x",
						spare, got, err, want)
				}
				if inPlace := aliases(dst[:cap(dst)], got); inPlace != (spare >= len(want)) {
					t.Errorf("an appending encoder must use the room that dst has (%d spare of %d needed): in place %v",
						spare, len(want), inPlace)
				}
			}
		})
	}
}

func TestKeysThatDoNotFitAreRefused(t *testing.T) {
	for i, e := range encoders2 {
		t.Run(e.kind.String(), func(t *testing.T) {
			longest := strings.Repeat("k", MaxKeyLen)
			b, err := e.encode(Version2, longest)
			if err != nil {
				t.Fatalf("a key of MaxKeyLen bytes fits its field: got %v", err)
			}
			if _, err := decoders2[i].decode(b, longest); err != nil {
				t.Errorf("a decoder must accept what was encoded: got %v", err)
			}
			for _, n := range []int{MaxKeyLen + 1, MaxKeyLen + 1 + len(goldenKey)} {
				key := strings.Repeat("k", n)
				if b, err := e.encode(Version2, key); !errors.Is(err, ErrTooLarge) || b != nil {
					t.Errorf("a key of %d bytes must be refused, not cut off: got %d bytes, %v, want ErrTooLarge", n, len(b), err)
				}
				if b, err := e.appendTo(Version2, []byte("left"), key); !errors.Is(err, ErrTooLarge) || string(b) != "left" {
					t.Errorf("on an error dst must come back unchanged: got %.40q, %v, want \"left\", ErrTooLarge", b, err)
				}
			}
		})
	}
}

func TestUnknownVersionsFailEveryCall(t *testing.T) {
	for n := range 256 {
		v := Version(n)
		if v == Version1 || v == Version2 || v == Version3 || v == Version3Checked {
			continue
		}
		check := func(call string, zero bool, err error) {
			t.Helper()
			if !errors.Is(err, ErrUnknownVersion) || errors.Is(err, ErrCorrupt) || !zero {
				t.Errorf("a version that does not exist must fail every call, and not blame the bytes: %s of version %d: got %v, want ErrUnknownVersion",
					call, n, err)
			}
		}
		for _, golden := range []string{goldenSingle, goldenBulk, goldenAbsent, goldenSingle2, goldenBulk2, goldenAbsent2} {
			whole := unhex(t, golden)
			claimed := bytes.Clone(whole)
			claimed[4] = byte(v)
			for _, b := range [][]byte{nil, whole, claimed, claimed[:6]} {
				kind, err := v.KindOf(b)
				check("KindOf", kind == 0, err)
				gen, payload, err := v.DecodeSingle(b, goldenKey)
				check("DecodeSingle", gen == 0 && payload == nil, err)
				items, err := v.DecodeBulk(b, goldenBulkKey)
				check("DecodeBulk", items == nil, err)
				gen, err = v.DecodeAbsent(b, goldenKey)
				check("DecodeAbsent", gen == 0, err)
				if payload := v.PayloadOf(b); payload != nil {
					t.Errorf("a version that does not exist must find no payload: version %d: got %x, want nil", n, payload)
				}
			}
		}
		for _, e := range encoders2 {
			b, err := e.encode(v, goldenKey)
			check("encoding a "+e.kind.String(), b == nil, err)
			b, err = e.appendTo(v, []byte("left"), goldenKey)
			check("appending a "+e.kind.String(), string(b) == "left", err)
		}
		// Whatever else is wrong.
		twice := []BulkItem{{Key: "a"}, {Key: "a"}}
		b, err := v.EncodeBulk(strings.Repeat("k", MaxKeyLen+1), twice)
		check("EncodeBulk", b == nil, err)
	}
}

func TestPayloadOf(t *testing.T) {
	rng := seeded(t)
	for range 500 {
		key, gen, payload := string(randomBytes(rng, 40)), rng.Uint64(), randomBytes(rng, 100)
		for _, v := range []Version{Version1, Version2} {
			frame, err := v.EncodeSingle(key, gen, payload)
			if err != nil {
				t.Fatal(err)
			}
			got := v.PayloadOf(frame)
			if !bytes.Equal(got, payload) {
				t.Fatalf("PayloadOf must find the payload that was encoded: version %d, %x: got %x, want %x", v, frame, got, payload)
			}
			checkPayload(t, frame, got)
			for n := range frame {
				if got := v.PayloadOf(frame[:n]); got != nil {
					t.Fatalf("a single that was cut short has no payload: version %d, %x: got %x, want nil", v, frame[:n], got)
				}
			}
			if got := v.PayloadOf(append(bytes.Clone(frame), 0)); got != nil {
				t.Fatalf("a single with a tail has no payload: version %d, %x: got %x, want nil", v, frame, got)
			}
			for _, kind := range []Kind{0, KindBulk, KindAbsent, 4} {
				b := bytes.Clone(frame)
				b[5] = byte(kind)
				if got := v.PayloadOf(b); got != nil {
					t.Fatalf("only a single has a payload: version %d, %x: got %x, want nil", v, b, got)
				}
			}
			other := map[Version]Version{Version1: Version2, Version2: Version1}[v]
			if got := other.PayloadOf(frame); got != nil {
				t.Fatalf("a single of another version has no payload: version %d, %x: got %x, want nil", other, frame, got)
			}
		}
	}
	// Every length there is, where there is nothing behind it.
	for _, v := range []Version{Version1, Version2} {
		for n := range 40 {
			b := append([]byte{'C', 'A', 'S', 'C', byte(v), 1}, bytes.Repeat([]byte{0xff}, n)...)
			if got := v.PayloadOf(b); got != nil {
				t.Errorf("lengths that reach outside of the frame hold no payload: version %d, %x: got %x, want nil", v, b, got)
			}
		}
	}
}

func TestVersion2Aliasing(t *testing.T) {
	t.Run("an append stays out of the checksum", func(t *testing.T) {
		frame := unhex(t, goldenSingle2)
		_, payload, err := Version2.DecodeSingle(frame, goldenKey)
		if err != nil {
			t.Fatal(err)
		}
		_ = append(payload, "XXXX"...)
		_ = append(Version2.PayloadOf(frame), "XXXX"...)
		if want := unhex(t, goldenSingle2); !bytes.Equal(frame, want) {
			t.Errorf("an append to a payload must not overwrite what follows: got %x, want %x", frame, want)
		}
	})
	t.Run("a changed payload is noticed by the next decoder", func(t *testing.T) {
		frame := unhex(t, goldenSingle2)
		_, payload, err := Version2.DecodeSingle(frame, goldenKey)
		if err != nil {
			t.Fatal(err)
		}
		payload[0] = 'H'
		checkCorrupt(t, func(b []byte) (bool, error) { return decoders2[0].decode(b, goldenKey) }, frame, errSum)
	})
}

func TestVersion2Extremes(t *testing.T) {
	large := bytes.Repeat([]byte{0xff}, 1<<17)
	for _, gen := range []uint64{0, 1, math.MaxInt64, math.MaxUint64} {
		for _, payload := range [][]byte{nil, {}, {0}, large} {
			frame, err := Version2.EncodeSingle(longKey, gen, payload)
			if want := plainVersion2(longKey, plainSingle(gen, payload)); err != nil || !bytes.Equal(frame, want) {
				t.Fatalf("every generation and every payload that fits must encode: got %.200x, %v, want %.200x", frame, err, want)
			}
			gotGen, gotPayload, err := Version2.DecodeSingle(frame, longKey)
			if err != nil || gotGen != gen || !bytes.Equal(gotPayload, payload) {
				t.Errorf("a decoder must return what was encoded: got %d, %d bytes, %v, want %d, %d bytes",
					gotGen, len(gotPayload), err, gen, len(payload))
			}
			checkPayload(t, frame, gotPayload)
		}
	}
}
