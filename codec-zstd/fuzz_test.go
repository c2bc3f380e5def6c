package zstdcodec

import (
	"bytes"
	"errors"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// FuzzDecode feeds any bytes to the decoder. Nothing may panic, nothing may be
// larger than allowed, and what decodes must survive another round.
func FuzzDecode(f *testing.F) {
	const most = 1 << 20
	lax, err := New(verbatim{}, Config{MinSize: 1})
	if err != nil {
		f.Fatal(err)
	}
	codec, err := New(verbatim{}, Config{MinSize: 1, MaxDecoded: most})
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range []int{0, 1, 300, 1000, 20_000} {
		for _, payload := range [][]byte{text(n), noise(n), make([]byte, n)} {
			data, err := codec.Encode(payload)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	bomb, err := lax.Encode(make([]byte, 2*most))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bomb)
	f.Add(append([]byte{compressed}, frameOf(most, lastBlock(repeated, maxBlock, []byte("a")))...))

	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		value, err := codec.Decode(data)
		if !bytes.Equal(data, before) {
			t.Fatal("Decode leaves its input alone: it is another one now")
		}
		if err != nil {
			if errors.Is(err, cascache.ErrValueTooLarge) && len(data) < 20 {
				t.Fatalf("a size is believed only if the blocks bear it out: %d bytes are refused for theirs: %v", len(data), err)
			}
			return
		}
		if len(value) > most {
			t.Fatalf("nothing decodes to more than MaxDecoded: got %d bytes of %d", len(value), len(data))
		}
		again, err := codec.Encode(value)
		if err != nil {
			t.Fatalf("what was decoded must encode: %v", err)
		}
		if got, err := codec.Decode(again); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("a value must survive another round: got %d bytes, %v, want %d bytes", len(got), err, len(value))
		}
	})
}
