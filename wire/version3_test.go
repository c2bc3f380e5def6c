package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// encode3 encodes what a whole entry of version 3 holds.
func encode3(t *testing.T, v Version, kind Kind, b []byte, key string) ([]byte, error) {
	t.Helper()
	if kind == KindBulk {
		members, _, err := v.DecodeMembers(b, key)
		if err != nil {
			t.Fatalf("a decoder must accept what was encoded: %x: got %v", b, err)
		}
		return v.AppendMembers(nil, key, members)
	}
	var e Entry
	if err := v.Decode(b, key, &e); err != nil {
		t.Fatalf("a decoder must accept what was encoded: %x: got %v", b, err)
	}
	return v.Append(nil, key, e)
}

// checkCorrupt3 holds the decoder of a kind in version 3 to refusing b.
func checkCorrupt3(t *testing.T, v Version, kind Kind, b []byte, key string, want error) {
	t.Helper()
	if kind == KindBulk {
		checkCorruptMembers(t, v, b, key, want, 2)
		return
	}
	checkCorrupt(t, func(b []byte) (bool, error) { return decode3(v, kind, b, key) }, b, want)
}

// headerReason3 says why an entry of version 3 with a checksum is refused that was
// damaged at an offset.
func headerReason3(at int) error {
	if at == headerSize {
		return errFlags
	}
	return headerReason(at)
}

func TestVersion3EndsInItsChecksum(t *testing.T) {
	for _, g := range golden3 {
		if golden := unhex(t, g.golden); g.v == Version3Checked && !bytes.Equal(sealed(golden[:len(golden)-4]), golden) {
			t.Errorf("%s: an entry must end in the CRC-32C of everything before: got %x, want %x", g.name, golden, sealed(golden[:len(golden)-4]))
		}
	}
}

func TestVersion3WithAFlippedBit(t *testing.T) {
	for _, g := range golden3 {
		t.Run(g.name, func(t *testing.T) {
			golden := unhex(t, g.golden)
			accepted := 0
			for bit := range 8 * len(golden) {
				b := bytes.Clone(golden)
				b[bit/8] ^= 1 << (bit % 8)
				if g.v == Version3Checked {
					for _, kind := range []Kind{KindSingle, KindBulk} {
						checkCorrupt3(t, g.v, kind, b, g.key, headerReason3(bit/8))
					}
					continue
				}
				if _, err := decode3(g.v, g.kind, b, g.key); err != nil {
					checkCorrupt3(t, g.v, g.kind, b, g.key, nil)
					continue
				}
				accepted++
				if again, err := encode3(t, g.v, g.kind, b, g.key); err != nil || !bytes.Equal(again, b) {
					t.Fatalf("every entry must have one encoding: %x was decoded as %x, %v", b, again, err)
				}
			}
			if g.v == Version3 && accepted < 64 {
				t.Errorf("without a checksum, damage to a generation leaves a valid entry: got %d of these", accepted)
			}
		})
	}
}

func TestVersion3WithADamagedByteIsCanonicalOrRefused(t *testing.T) {
	rng := seeded(t)
	accepted := 0
	for range 5000 {
		kind, body := KindBulk, plainMembers(randomMembers(t, rng, 5)...)
		if rng.IntN(2) == 0 {
			e := randomEntry(t, rng)
			kind, body = e.kind(), plainEntry(e)
		}
		body[rng.IntN(len(body))] ^= byte(1 << rng.IntN(8))
		for _, v := range []Version{Version3, Version3Checked} {
			b := plainVersion3(v, kind, "key", body)
			if zero, err := decode3(v, kind, b, "key"); err != nil {
				if !errors.Is(err, ErrCorrupt) || !zero {
					t.Fatalf("a decoder's error must be ErrCorrupt, with nothing beside it: %x: got %v", b, err)
				}
				continue
			}
			accepted++
			if again, err := encode3(t, v, kind, b, "key"); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("every entry must have one encoding: %x was decoded as %x, %v", b, again, err)
			}
		}
	}
	if accepted == 0 {
		t.Errorf("this test must see damage that leaves a valid entry, in a payload say: got none")
	}
}

func TestVersion3RefusesEveryDamagedByte(t *testing.T) {
	for _, g := range golden3 {
		if g.v != Version3Checked {
			continue
		}
		golden := unhex(t, g.golden)
		for at := range golden {
			b := bytes.Clone(golden)
			for flip := 1; flip < 256; flip++ {
				b[at] = golden[at] ^ byte(flip)
				if zero, err := decode3(g.v, g.kind, b, g.key); !errors.Is(err, headerReason3(at)) || !zero {
					t.Fatalf("%s: a damaged byte must be refused, wherever it is: %x at %d: got %v, want %v", g.name, b, at, err, headerReason3(at))
				}
			}
		}
	}
}

func TestVersion3RefusesEveryTruncation(t *testing.T) {
	for _, g := range golden3 {
		t.Run(g.name, func(t *testing.T) {
			golden := unhex(t, g.golden)
			for n := range golden {
				var want error
				switch {
				case n < headerSize+flagsSize:
					want = errNoHeader
				case g.v == Version3, n < headerSize+flagsSize+sumSize:
					want = errShort
				default:
					want = errSum
				}
				// Once with the rest still there behind the slice's end, once without.
				checkCorrupt3(t, g.v, g.kind, golden[:n], g.key, want)
				checkCorrupt3(t, g.v, g.kind, bytes.Clone(golden[:n]), g.key, want)
				if got := g.v.PayloadOf(golden[:n]); got != nil {
					t.Errorf("a single that was cut short has no payload: %x: got %x, want nil", golden[:n], got)
				}
			}
			checkCorrupt3(t, g.v, g.kind, nil, g.key, errNoHeader)
			if g.v != Version3Checked {
				return
			}
			// What is cut short and then sealed again is still no entry.
			for n := headerSize + flagsSize; n < len(golden)-sumSize; n++ {
				checkCorrupt3(t, g.v, g.kind, sealed(golden[:n]), g.key, errShort)
			}
		})
	}
}

func TestVersion3RefusesEveryTrailingByte(t *testing.T) {
	for _, g := range golden3 {
		t.Run(g.name, func(t *testing.T) {
			golden := unhex(t, g.golden)
			want := errTrailing
			if g.v == Version3Checked {
				want = errSum
			}
			for value := range 256 {
				b := append(bytes.Clone(golden), byte(value))
				checkCorrupt3(t, g.v, g.kind, b, g.key, want)
				if g.v == Version3Checked {
					b = sealed(append(bytes.Clone(golden[:len(golden)-sumSize]), byte(value)))
					checkCorrupt3(t, g.v, g.kind, b, g.key, errTrailing)
				}
				if got := g.v.PayloadOf(b); got != nil {
					t.Errorf("a single with a tail has no payload: %x: got %x, want nil", b, got)
				}
			}
		})
	}
}

func TestVersion3RefusesEveryOtherHeader(t *testing.T) {
	for _, g := range golden3 {
		t.Run(g.name, func(t *testing.T) {
			golden := unhex(t, g.golden)
			for at := range headerSize + flagsSize {
				for value := range 256 {
					if byte(value) == golden[at] {
						continue
					}
					b := bytes.Clone(golden)
					b[at] = byte(value)
					if g.v == Version3Checked {
						b = sealed(b[:len(b)-sumSize])
					}
					var want error
					switch {
					case at < 4:
						want = errMagic
					case at == 4:
						want = errVersion
					case at == headerSize:
						want = errFlags
					case value < 1 || value > 3:
						want = errKind
					case g.kind == KindBulk || Kind(value) == KindBulk:
						want = errOtherKind
					}
					checkCorrupt3(t, g.v, g.kind, b, g.key, want)
				}
			}
		})
	}
}

func TestVersion3RefusesEveryOtherKey(t *testing.T) {
	for _, g := range golden3 {
		golden := unhex(t, g.golden)
		for _, key := range []string{
			"", g.key[:len(g.key)-1], g.key[1:], g.key + "a", g.key + "\x00", strings.ToUpper(g.key), longKey,
			strings.Repeat("k", MaxKeyLen+1),
			g.key + strings.Repeat("k", 1<<16), // its length in 16 bits is that of the right key
		} {
			if g.v == Version3Checked {
				checkCorrupt3(t, g.v, g.kind, golden, key, errOtherKey)
			} else if _, err := decode3(g.v, g.kind, golden, key); err != nil {
				t.Errorf("version 3 without a checksum takes no notice of keys: got %v", err)
			}
		}
	}
	for _, c := range []corrupt{
		{"no length", "43415343 03 01 01", errShort},
		{"half a length", "43415343 03 01 01 00", errShort},
		{"a length and no key", "43415343 03 01 01 0008", errShort},
		{"one byte too long", "43415343 03 01 01 0009 73696e676c653a61", errShort},
		{"the largest length", "43415343 03 01 01 ffff 73696e676c653a61", errShort},
		{"one byte too short", "43415343 03 01 01 0007 73696e676c653a61", errOtherKey},
		{"a key and no body", "43415343 03 01 01 0008 73696e676c653a61", errShort},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkCorrupt3(t, Version3Checked, KindSingle, sealed(unhex(t, c.hex)), goldenKey, c.want)
		})
	}
}

func TestVersion3AndTheOthersRefuseEachOther(t *testing.T) {
	all := []Version{Version1, Version2, Version3, Version3Checked}
	members := []Member{{Key: "a", Gen: 1, Payload: []byte("x")}}
	for _, wrote := range all {
		for _, e := range []Entry{{Gen: 42, Payload: []byte("hi")}, {Absent: true, Gen: 7}} {
			frame, err := wrote.Append(nil, goldenKey, e)
			if err != nil {
				t.Fatal(err)
			}
			bulk, err := wrote.AppendMembers(nil, goldenKey, members)
			if err != nil {
				t.Fatal(err)
			}
			for _, reads := range all {
				want := errVersion
				switch {
				case reads == wrote:
					continue
				case reads.is3() && wrote.is3():
					want = errFlags
				}
				checkCorrupt3(t, reads, KindSingle, frame, goldenKey, want)
				checkCorrupt3(t, reads, KindBulk, bulk, goldenKey, want)
				if _, err := reads.KindOf(frame); !errors.Is(err, want) {
					t.Errorf("version %d must refuse a header of version %d: got %v, want %v", reads, wrote, err, want)
				}
				if got := reads.PayloadOf(frame); got != nil {
					t.Errorf("a single of another version has no payload: got %x, want nil", got)
				}
			}
		}
	}
}

// A method that returns no dependencies would have its caller serve what they forbid.
func TestMethodsWithoutDependenciesRefuseVersion3(t *testing.T) {
	for _, v := range []Version{Version3, Version3Checked} {
		check := func(call string, zero bool, err error) {
			t.Helper()
			if !errors.Is(err, ErrUnknownVersion) || errors.Is(err, ErrCorrupt) || !zero {
				t.Errorf("a method that cannot return dependencies must refuse version 3: %s of version %d: got %v, want ErrUnknownVersion", call, v, err)
			}
		}
		for _, g := range golden3 {
			for _, b := range [][]byte{nil, unhex(t, g.golden), unhex(t, goldenSingle)} {
				kind, gen, payload, err := v.DecodeEntry(b, g.key)
				check("DecodeEntry", kind == 0 && gen == 0 && payload == nil, err)
				gen, payload, err = v.DecodeSingle(b, g.key)
				check("DecodeSingle", gen == 0 && payload == nil, err)
				items, err := v.DecodeBulk(b, g.key)
				check("DecodeBulk", items == nil, err)
				gen, err = v.DecodeAbsent(b, g.key)
				check("DecodeAbsent", gen == 0, err)
			}
		}
		for _, e := range encoders2 {
			b, err := e.encode(v, goldenKey)
			check("encoding a "+e.kind.String(), b == nil, err)
			b, err = e.appendTo(v, []byte("left"), goldenKey)
			check("appending a "+e.kind.String(), string(b) == "left", err)
		}
	}
}

func TestUnknownVersionsFailTheMethodsOfAllVersions(t *testing.T) {
	for n := range 256 {
		v := Version(n)
		if v == Version1 || v == Version2 || v.is3() {
			continue
		}
		for _, g := range golden3 {
			b := unhex(t, g.golden)
			b[4] = byte(v)
			for _, kind := range []Kind{KindSingle, KindBulk} {
				if zero, err := decode3(v, kind, b, g.key); !errors.Is(err, ErrUnknownVersion) || errors.Is(err, ErrCorrupt) || !zero {
					t.Errorf("a version that does not exist must fail every call, and not blame the bytes: version %d: got %v, want ErrUnknownVersion", n, err)
				}
			}
		}
	}
}

func TestVersion3PayloadOf(t *testing.T) {
	rng := seeded(t)
	for range 500 {
		key, e := string(randomBytes(rng, 40)), randomEntry(t, rng)
		for _, v := range []Version{Version3, Version3Checked} {
			frame, err := v.Append(nil, key, e)
			if err != nil {
				t.Fatal(err)
			}
			got := v.PayloadOf(frame)
			if e.Absent {
				if got != nil {
					t.Fatalf("only a single has a payload: %x: got %x, want nil", frame, got)
				}
				continue
			}
			if !bytes.Equal(got, e.Payload) {
				t.Fatalf("PayloadOf must find the payload that was encoded: version %d, %x: got %x, want %x", v, frame, got, e.Payload)
			}
			checkPayload(t, frame, got)
		}
	}
}

func TestVersion3KindOfReadsTheHeaderAlone(t *testing.T) {
	for _, g := range golden3 {
		whole := unhex(t, g.golden)
		for _, b := range [][]byte{whole, whole[:7], append(whole, 0)} {
			if got, err := g.v.KindOf(b); err != nil || got != g.kind {
				t.Errorf("KindOf must judge the header and nothing after it: %x: got %v, %v, want %v", b, got, err, g.kind)
			}
		}
		if _, err := g.v.KindOf(whole[:6]); !errors.Is(err, errNoHeader) {
			t.Errorf("the header of version 3 has 7 bytes: got %v, want %v", err, errNoHeader)
		}
	}
}
