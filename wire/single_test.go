package wire

import (
	"bytes"
	"math"
	"testing"
)

func TestSingleGolden(t *testing.T) {
	want := unhex(t, goldenSingle)
	got, err := EncodeSingle(42, []byte("hi"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("a single's bytes are fixed: got %x, %v, want %x", got, err, want)
	}
	gen, payload, err := DecodeSingle(want)
	if err != nil || gen != 42 || string(payload) != "hi" {
		t.Errorf("a decoder must return what was encoded: got %d, %q, %v, want 42, \"hi\"", gen, payload, err)
	}
	checkPayload(t, want, payload)
}

func TestSingleExtremes(t *testing.T) {
	for _, gen := range []uint64{0, 1, math.MaxInt64, math.MaxUint64} {
		for _, payload := range [][]byte{nil, {}, {0}, bytes.Repeat([]byte{0xff}, 1<<17)} {
			frame, err := EncodeSingle(gen, payload)
			if err != nil {
				t.Fatalf("every generation and every payload that fits must encode: got %v", err)
			}
			gotGen, gotPayload, err := DecodeSingle(frame)
			if err != nil || gotGen != gen || !bytes.Equal(gotPayload, payload) {
				t.Errorf("a decoder must return what was encoded: got %d, %d bytes, %v, want %d, %d bytes",
					gotGen, len(gotPayload), err, gen, len(payload))
			}
			checkPayload(t, frame, gotPayload)
		}
	}
}

func TestDecodeSingleRefuses(t *testing.T) {
	for _, c := range []corrupt{
		{"length one too long", "43415343 01 01 000000000000002a 00000003 6869", errShort},
		{"length one too short", "43415343 01 01 000000000000002a 00000001 6869", errTrailing},
		{"length 0 before a payload", "43415343 01 01 000000000000002a 00000000 6869", errTrailing},
		{"length with the sign bit", "43415343 01 01 000000000000002a 80000000 6869", errShort},
		{"length one below the sign bit", "43415343 01 01 000000000000002a 7fffffff 6869", errShort},
		{"largest length", "43415343 01 01 000000000000002a ffffffff 6869", errShort},
		{"length in the other byte order", "43415343 01 01 000000000000002a 02000000 6869", errShort},
		{"no length", "43415343 01 01 000000000000002a", errShort},
		{"a bulk", goldenBulk, errOtherKind},
		{"an absent entry", goldenAbsent, errOtherKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkCorruptBody(t, KindSingle, unhex(t, c.hex), c.want)
		})
	}
}

func TestSingleRoundTrips(t *testing.T) {
	rng := seeded(t)
	for range 2000 {
		gen, payload := rng.Uint64(), randomBytes(rng, 300)
		frame, err := EncodeSingle(gen, payload)
		if err != nil {
			t.Fatalf("a payload that fits must encode: got %v", err)
		}
		if want := plainSingle(gen, payload); !bytes.Equal(frame, want) {
			t.Fatalf("a single must have the specified layout: got %x, want %x", frame, want)
		}
		gotGen, gotPayload, err := DecodeSingle(frame)
		if err != nil || gotGen != gen || !bytes.Equal(gotPayload, payload) {
			t.Fatalf("a decoder must return what was encoded: got %d, %x, %v, want %d, %x", gotGen, gotPayload, err, gen, payload)
		}
	}
}

func TestAppendSingleKeepsWhatIsThere(t *testing.T) {
	want := unhex(t, goldenSingle)
	for _, spare := range []int{0, 1, len(want) - 1, len(want), 100} {
		dst := append(make([]byte, 0, 4+spare), "left"...)
		got, err := AppendSingle(dst, 42, []byte("hi"))
		if err != nil || !bytes.Equal(got, append([]byte("left"), want...)) {
			t.Errorf("an appending encoder must extend dst (%d spare): got %x, %v, want \"left\" and %x", spare, got, err, want)
		}
		if inPlace := aliases(dst[:cap(dst)], got); inPlace != (spare >= len(want)) {
			t.Errorf("an appending encoder must use the room that dst has (%d spare of %d needed): in place %v",
				spare, len(want), inPlace)
		}
	}
}

func TestSingleAliasing(t *testing.T) {
	t.Run("the payload is the input", func(t *testing.T) {
		frame := unhex(t, goldenSingle)
		_, payload, err := DecodeSingle(frame)
		if err != nil {
			t.Fatal(err)
		}
		frame[len(frame)-1] = 'o'
		if string(payload) != "ho" {
			t.Errorf("a decoded payload must alias the input: got %q after the input changed, want \"ho\"", payload)
		}
	})
	t.Run("an append stays out of the input's spare room", func(t *testing.T) {
		buffer := append(unhex(t, goldenSingle), "next"...)
		_, payload, err := DecodeSingle(buffer[:len(buffer)-4])
		if err != nil {
			t.Fatal(err)
		}
		_ = append(payload, "XXXX"...)
		if got := string(buffer[len(buffer)-4:]); got != "next" {
			t.Errorf("an append to a payload must not overwrite what follows: got %q, want \"next\"", got)
		}
	})
	t.Run("the frame is not the caller's payload", func(t *testing.T) {
		payload := []byte("hi")
		frame, err := EncodeSingle(42, payload)
		if err != nil {
			t.Fatal(err)
		}
		payload[0] = 'X'
		if want := unhex(t, goldenSingle); !bytes.Equal(frame, want) {
			t.Errorf("an encoder must copy the payload: got %x after it changed, want %x", frame, want)
		}
	})
}

func TestSingleAllocations(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 4096)
	frame, err := EncodeSingle(42, payload)
	if err != nil {
		t.Fatal(err)
	}
	frame2, err := Version2.EncodeSingle(longKey, 42, payload)
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
		{"decode", 0, func() { _, _, _ = DecodeSingle(frame) }},
		{"encode", 1, func() { _, _ = EncodeSingle(42, payload) }},
		{"append where there is room", 0, func() { _, _ = AppendSingle(room, 42, payload) }},
		{"append where there is none", 1, func() { _, _ = AppendSingle(nil, 42, payload) }},
		{"version 2, decode", 0, func() { _, _, _ = Version2.DecodeSingle(frame2, longKey) }},
		{"version 2, encode", 1, func() { _, _ = Version2.EncodeSingle(longKey, 42, payload) }},
		{"version 2, append where there is room", 0, func() { _, _ = Version2.AppendSingle(room2, longKey, 42, payload) }},
		{"version 2, append where there is none", 1, func() { _, _ = Version2.AppendSingle(nil, longKey, 42, payload) }},
		{"the payload of a frame", 0, func() { _ = Version1.PayloadOf(frame) }},
		{"version 2, the payload of a frame", 0, func() { _ = Version2.PayloadOf(frame2) }},
	} {
		if got := testing.AllocsPerRun(100, c.call); got != c.want {
			t.Errorf("%s: a single must cost no more than its frame: got %v allocations, want %v", c.name, got, c.want)
		}
	}
}

func TestSingleSize(t *testing.T) {
	for _, v := range []Version{Version1, Version2} {
		for _, key := range []string{"", "k", longKey} {
			for _, size := range []int{0, 1, 240, 70_000} {
				frame, err := v.EncodeSingle(key, 7, make([]byte, size))
				if err != nil {
					t.Fatal(err)
				}
				if got := v.SingleSize(len(key), size); got != len(frame) {
					t.Errorf("the size of a single must be known beforehand: version %d, key of %d, payload of %d: got %d, want %d", v, len(key), size, got, len(frame))
				}
			}
		}
	}
}
