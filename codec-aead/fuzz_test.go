package aeadcodec

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzDecode feeds any bytes to the decoder. Nothing may panic, and nothing
// opens: a fuzzer that finds a payload has broken AES-GCM, or us.
func FuzzDecode(f *testing.F) {
	codec, err := New(verbatim{}, Config{Keys: []Key{keyOf(1), keyOf(2)}, Seal: 2, Scope: "fuzz"})
	if err != nil {
		f.Fatal(err)
	}
	// The only ones there are, the same ones in all processes of the fuzzer.
	var sealed [][]byte
	for i, n := range []int{0, 1, 16, 100} {
		key := codec.keys.seal
		nonce := bytes.Repeat([]byte{byte(i)}, 2*halfNonce)
		data := append(bytes.Clone(key.header()), sealWith(f, secretOf(2), nonce, bytes.Repeat([]byte("v"), n), key.data)...)
		sealed = append(sealed, data)
		f.Add(data)
		f.Add(data[:len(data)-1])
		other := bytes.Clone(data)
		binary.BigEndian.PutUint32(other[1:], 1)
		f.Add(other)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		value, err := codec.Decode(data)
		if !bytes.Equal(data, before) {
			t.Fatal("Decode leaves its input alone: it is another one now")
		}
		known := false
		for _, s := range sealed {
			known = known || bytes.Equal(s, data)
		}
		if known != (err == nil) {
			t.Fatalf("what was sealed opens, and nothing else: %x: got %q, %v", data, value, err)
		}
	})
}

// FuzzRoundTrip seals any value in any scope, by any call.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(nil), "", []byte(nil))
	f.Add(secretText, "user", []byte("before"))
	f.Fuzz(func(t *testing.T, value []byte, scope string, dst []byte) {
		dst = bytes.Clone(dst) // what lies behind it belongs to the fuzzer
		codec := open(t, verbatim{}, Config{Keys: []Key{keyOf(1)}, Scope: scope})
		before := string(dst)
		out, err := codec.AppendEncode(dst, value)
		if err != nil {
			t.Fatalf("what the inner codec encodes is sealed: %v", err)
		}
		if string(out[:len(dst)]) != before {
			t.Fatal("AppendEncode leaves what is there: it is other bytes now")
		}
		if got, err := codec.Decode(out[len(dst):]); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("a value comes back as it was: got %q, %v, want %q", got, err, value)
		}
	})
}
