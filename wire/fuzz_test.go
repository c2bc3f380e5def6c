package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

// addSeeds gives a decoder's fuzz target the entries of every kind, so that it
// starts past the header.
func addSeeds(f *testing.F) {
	f.Helper()
	for _, d := range decoders {
		f.Add(unhex(f, d.golden))
	}
	f.Add(plainBulk(0))
	f.Add(plainBulk(math.MaxUint32, goldenItems()...))
	f.Add(plainBulk(3, BulkItem{}, BulkItem{Key: "a"}, BulkItem{Key: "b", Payload: []byte("x")}))
}

// checkRefusal holds a failed decode to its promise.
func checkRefusal(t *testing.T, err error, zero bool) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a decoder's error must be ErrCorrupt: got %v", err)
	}
	if !zero {
		t.Fatalf("a failed decode must return nothing beside its error: %v", err)
	}
}

// checkKind holds an accepted input to the header that it must have.
func checkKind(t *testing.T, b []byte, want Kind) {
	t.Helper()
	if kind, err := KindOf(b); err != nil || kind != want {
		t.Fatalf("only an entry of its own kind may be accepted by a decoder: got %v, %v, want %v", kind, err, want)
	}
}

// checkCanonical holds an accepted input to being the only encoding of what it says.
func checkCanonical(t *testing.T, b, again []byte, err error) {
	t.Helper()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("every entry must have one encoding: got %x, %v, want %x", again, err, b)
	}
}

func FuzzDecodeSingle(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		gen, payload, err := DecodeSingle(b)
		if err != nil {
			checkRefusal(t, err, gen == 0 && payload == nil)
			return
		}
		checkKind(t, b, KindSingle)
		checkPayload(t, b, payload)
		again, err := EncodeSingle(gen, payload)
		checkCanonical(t, b, again, err)
	})
}

func FuzzDecodeBulk(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := DecodeBulk(b)
		if err != nil {
			checkRefusal(t, err, items == nil)
			return
		}
		checkKind(t, b, KindBulk)
		if cap(items) > len(b)/memberOverhead {
			t.Fatalf("a decoder must not allocate more members than the input can hold: got %d for %d bytes", cap(items), len(b))
		}
		for i, item := range items {
			checkPayload(t, b, item.Payload)
			if i > 0 && items[i-1].Key >= item.Key {
				t.Fatalf("keys must be strictly ascending: got %q before %q", items[i-1].Key, item.Key)
			}
		}
		again, err := EncodeBulk(items)
		checkCanonical(t, b, again, err)
	})
}

func FuzzDecodeAbsent(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		gen, err := DecodeAbsent(b)
		if err != nil {
			checkRefusal(t, err, gen == 0)
			return
		}
		checkKind(t, b, KindAbsent)
		checkCanonical(t, b, EncodeAbsent(gen), nil)
	})
}

// addSeeds2 gives a fuzz target of version 2 a key and what may stand behind it.
func addSeeds2(f *testing.F) {
	f.Helper()
	for i, d := range decoders {
		body := unhex(f, d.golden)[headerSize:]
		f.Add(decoders2[i].key, body)
		f.Add("", body)
	}
	for _, d := range decoders2 {
		f.Add(d.key, unhex(f, d.golden))
		f.Add("", unhex(f, d.golden))
	}
	f.Add(longKey, plainBulk(math.MaxUint32, goldenItems()...)[headerSize:])
	f.Add(longKey, plainBulk(3, BulkItem{}, BulkItem{Key: "a"}, BulkItem{Key: "b", Payload: []byte("x")})[headerSize:])
}

// inputs2 makes of what was dealt an input for each depth of a decoder: nothing a
// fuzzer comes upon gets past a checksum, and little past a key.
func inputs2(kind Kind, key string, b []byte) [][]byte {
	return [][]byte{
		b,
		sealed(b),
		sealed(append([]byte{'C', 'A', 'S', 'C', byte(Version2), byte(kind)}, b...)),
		plainVersion2(key, append([]byte{'C', 'A', 'S', 'C', byte(Version1), byte(kind)}, b...)),
	}
}

// checkVersion2 holds what a decoder of version 2 accepted under a key to being
// accepted by nobody else.
func checkVersion2(t *testing.T, kind Kind, b []byte, key string) {
	t.Helper()
	if got, err := Version2.KindOf(b); err != nil || got != kind {
		t.Fatalf("only an entry of its own kind may be accepted by a decoder: got %v, %v, want %v", got, err, kind)
	}
	if !bytes.Equal(sealed(b[:len(b)-4]), b) {
		t.Fatalf("only an entry with its checksum may be accepted: %x", b)
	}
	if zero, err := decoders2[kind-KindSingle].decode(b, key+"x"); !errors.Is(err, errOtherKey) || !zero {
		t.Fatalf("an entry must be refused under another key: got %v, want %v", err, errOtherKey)
	}
	if zero, err := decoders[kind-KindSingle].decode(b); !errors.Is(err, errVersion) || !zero {
		t.Fatalf("version 1 must refuse version 2: got %v, want %v", err, errVersion)
	}
}

func FuzzVersion2DecodeSingle(f *testing.F) {
	addSeeds2(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, b := range inputs2(KindSingle, key, dealt) {
			found := Version2.PayloadOf(b)
			gen, payload, err := Version2.DecodeSingle(b, key)
			if err != nil {
				checkRefusal(t, err, gen == 0 && payload == nil)
				continue
			}
			checkVersion2(t, KindSingle, b, key)
			checkPayload(t, b, payload)
			checkPayload(t, b, found)
			if !bytes.Equal(found, payload) {
				t.Fatalf("PayloadOf must find what the decoder returns: %x: got %x, want %x", b, found, payload)
			}
			again, err := Version2.EncodeSingle(key, gen, payload)
			checkCanonical(t, b, again, err)
		}
	})
}

func FuzzVersion2DecodeBulk(f *testing.F) {
	addSeeds2(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, b := range inputs2(KindBulk, key, dealt) {
			items, err := Version2.DecodeBulk(b, key)
			if err != nil {
				checkRefusal(t, err, items == nil)
				continue
			}
			checkVersion2(t, KindBulk, b, key)
			if cap(items) > len(b)/memberOverhead {
				t.Fatalf("a decoder must not allocate more members than the input can hold: got %d for %d bytes", cap(items), len(b))
			}
			for i, item := range items {
				checkPayload(t, b, item.Payload)
				if i > 0 && items[i-1].Key >= item.Key {
					t.Fatalf("keys must be strictly ascending: got %q before %q", items[i-1].Key, item.Key)
				}
			}
			again, err := Version2.EncodeBulk(key, items)
			checkCanonical(t, b, again, err)
		}
	})
}

func FuzzVersion2DecodeAbsent(f *testing.F) {
	addSeeds2(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, b := range inputs2(KindAbsent, key, dealt) {
			gen, err := Version2.DecodeAbsent(b, key)
			if err != nil {
				checkRefusal(t, err, gen == 0)
				continue
			}
			checkVersion2(t, KindAbsent, b, key)
			again, err := Version2.EncodeAbsent(key, gen)
			checkCanonical(t, b, again, err)
		}
	})
}

func FuzzEncodeSingle(f *testing.F) {
	f.Add(uint64(42), []byte("hi"))
	f.Add(uint64(0), []byte(nil))
	f.Add(uint64(math.MaxUint64), unhex(f, goldenSingle))
	f.Fuzz(func(t *testing.T, gen uint64, payload []byte) {
		frame, err := EncodeSingle(gen, payload)
		if want := plainSingle(gen, payload); err != nil || !bytes.Equal(frame, want) {
			t.Fatalf("a payload that fits must encode in the specified layout: got %x, %v, want %x", frame, err, want)
		}
		gotGen, gotPayload, err := DecodeSingle(frame)
		if err != nil || gotGen != gen || !bytes.Equal(gotPayload, payload) {
			t.Fatalf("a decoder must return what was encoded: got %d, %x, %v, want %d, %x", gotGen, gotPayload, err, gen, payload)
		}
	})
}

func FuzzEncodeBulk(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01a\x01x\x02bb\x00"))
	f.Add([]byte("\x02bb\x00\x01a\x01x"))
	f.Add([]byte("\x01a\x00\x01a\x00"))
	f.Fuzz(func(t *testing.T, script []byte) {
		items, duplicate := deal(script)
		given := slices.Clone(items)
		frame, err := EncodeBulk(items)
		if !sameItems(items, given) {
			t.Fatalf("an encoder must leave the caller's slice as it was: got %v, want %v", items, given)
		}
		if duplicate {
			if !errors.Is(err, ErrDuplicateKey) || frame != nil {
				t.Fatalf("a key given twice must be refused: got %x, %v, want ErrDuplicateKey", frame, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("distinct keys that fit must encode: got %v", err)
		}
		slices.SortFunc(given, compareKeys)
		got, err := DecodeBulk(frame)
		if err != nil || !sameItems(got, given) {
			t.Fatalf("a decoder must return what was encoded: got %v, %v, want %v", got, err, given)
		}
	})
}

// deal cuts a script into items, each a length and a key, a length and a payload,
// with lengths of one byte, and says whether a key came twice.
func deal(script []byte) (items []BulkItem, duplicate bool) {
	seen := make(map[string]bool)
	next := func() []byte {
		if len(script) == 0 {
			return nil
		}
		n := min(int(script[0]), len(script)-1)
		part := script[1 : 1+n]
		script = script[1+n:]
		return part
	}
	for len(script) > 0 {
		key, payload := string(next()), next()
		gen := binary.BigEndian.Uint64(append(make([]byte, 8), payload...)[len(payload):])
		duplicate = duplicate || seen[key]
		seen[key] = true
		items = append(items, BulkItem{Key: key, Gen: gen, Payload: payload})
	}
	return items, duplicate
}
