package wire

import (
	"bytes"
	"errors"
	"testing"
)

// decodeApart is what DecodeEntry does, in as many calls.
func decodeApart(v Version, b []byte, key string) (kind Kind, gen uint64, payload []byte, err error) {
	if kind, err = v.KindOf(b); err != nil {
		return 0, 0, nil, err
	}
	if kind == KindAbsent {
		gen, err = v.DecodeAbsent(b, key)
	} else {
		gen, payload, err = v.DecodeSingle(b, key)
	}
	if err != nil {
		kind = 0
	}
	return kind, gen, payload, err
}

// checkEntry holds DecodeEntry to the decoders of the two kinds.
func checkEntry(t *testing.T, v Version, b []byte, key string) {
	t.Helper()
	kind, gen, payload, err := v.DecodeEntry(b, key)
	wantKind, wantGen, wantPayload, wantErr := decodeApart(v, b, key)
	if kind != wantKind || gen != wantGen || !bytes.Equal(payload, wantPayload) || (payload == nil) != (wantPayload == nil) || !errors.Is(err, wantErr) {
		t.Fatalf("an entry must be what the decoder of its kind says: got %v, %d, %x, %v, want %v, %d, %x, %v of %x",
			kind, gen, payload, err, wantKind, wantGen, wantPayload, wantErr, b)
	}
	if err == nil && kind == KindSingle {
		checkPayload(t, b, payload)
	}
}

func TestDecodeEntry(t *testing.T) {
	const key = "single:ns:key"
	for _, v := range []Version{Version1, Version2, 0, 4} {
		for _, d := range decoders {
			golden := unhex(t, d.golden)
			for n := range len(golden) + 1 {
				checkEntry(t, v, golden[:n], key)
			}
			checkEntry(t, v, append(golden, 0), key)
			for i := range golden { // every byte damaged
				damaged := bytes.Clone(golden)
				damaged[i] ^= 0x81
				checkEntry(t, v, damaged, key)
			}
		}
		for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("x"), 1000)} {
			if frame, err := v.EncodeSingle(key, 42, payload); err == nil {
				checkEntry(t, v, frame, key)
				checkEntry(t, v, frame, "single:ns:other")
			}
		}
		if frame, err := v.EncodeAbsent(key, 7); err == nil {
			checkEntry(t, v, frame, key)
			checkEntry(t, v, frame, "single:ns:other")
		}
	}
	if kind, gen, payload, err := Version1.DecodeEntry(unhex(t, goldenSingle), ""); kind != KindSingle || gen != 42 || string(payload) != "hi" || err != nil {
		t.Errorf("a decoder must return what was encoded: got %v, %d, %q, %v, want single, 42, hi", kind, gen, payload, err)
	}
	if kind, gen, payload, err := Version1.DecodeEntry(unhex(t, goldenAbsent), ""); kind != KindAbsent || gen != 7 || payload != nil || err != nil {
		t.Errorf("a decoder must return what was encoded: got %v, %d, %q, %v, want absent, 7", kind, gen, payload, err)
	}
}

func FuzzDecodeEntry(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		checkEntry(t, Version1, b, "")
		checkEntry(t, Version2, b, longKey)
	})
}
