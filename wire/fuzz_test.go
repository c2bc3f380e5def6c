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

func FuzzEncodeSingle(f *testing.F) {
	f.Add(uint64(42), []byte("hi"))
	f.Add(uint64(0), []byte(nil))
	f.Add(uint64(math.MaxUint64), unhex(f, goldenSingle))
	f.Fuzz(func(t *testing.T, gen uint64, payload []byte) {
		frame, err := EncodeSingle(gen, payload)
		if err != nil || len(frame) != SingleOverhead+len(payload) {
			t.Fatalf("a payload that fits must encode to its own size and the overhead: got %d bytes, %v, want %d",
				len(frame), err, SingleOverhead+len(payload))
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
