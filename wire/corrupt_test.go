package wire

import (
	"errors"
	"testing"
)

// corrupt is an input that a decoder must refuse, and the reason.
type corrupt struct {
	name string
	hex  string
	want error
}

// checkCorrupt holds a decoder to its promise about input that is no entry.
func checkCorrupt(t *testing.T, decode func([]byte) (bool, error), b []byte, want error) {
	t.Helper()
	zero, err := decode(b)
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("input that is no whole entry must be ErrCorrupt: %x: got %v, want %v", b, err, want)
	}
	if want != nil && !errors.Is(err, want) {
		t.Errorf("the error must name what was wrong: %x: got %v, want %v", b, err, want)
	}
	if !zero {
		t.Errorf("a failed decode must return nothing beside its error: %x", b)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = decode(b) }); n != 0 {
		t.Errorf("a failed decode must not allocate: %x: got %v allocations, want 0", b, n)
	}
}

// checkCorruptBody holds the decoders of a kind in both versions to refusing the body
// of b, a frame of version 1, for the same reason: what is wrong inside is not for
// the checksum to excuse.
func checkCorruptBody(t *testing.T, kind Kind, b []byte, want error) {
	t.Helper()
	checkCorrupt(t, decoders[kind-KindSingle].decode, b, want)
	checkCorrupt(t, func(b []byte) (bool, error) {
		return decoders2[kind-KindSingle].decode(b, longKey)
	}, plainVersion2(longKey, b), want)
}
