package aeadcodec

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha3"
	"encoding/hex"
	"os"
	"os/exec"
	"slices"
	"testing"
)

// sealWith seals with a given nonce, which the package itself never does.
func sealWith(tb testing.TB, secret, nonce, text, data []byte) []byte {
	tb.Helper()
	key := newXAES([SecretSize]byte(secret)).derive(nonce)
	gcm, err := cipher.NewGCM(newBlock(key[:]))
	if err != nil {
		tb.Fatal(err)
	}
	return gcm.Seal(bytes.Clone(nonce), nonce[halfNonce:], text, data)
}

// The vectors of https://c2sp.org/XAES-256-GCM.
func TestVectors(t *testing.T) {
	const nonce = "ABCDEFGHIJKLMNOPQRSTUVWX"
	for _, test := range []struct {
		secret                byte
		k1, key, data, sealed string
	}{
		{
			1,
			"e531954aca063d5b8d9c47a47d4cc6f0",
			"c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
			"",
			"ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
		},
		{
			3,
			"23810ec50edb99f374409466ed1f4b7b",
			"e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
			"c2sp.org/XAES-256-GCM",
			"986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
		},
	} {
		secret := bytes.Repeat([]byte{test.secret}, SecretSize)
		x := newXAES([SecretSize]byte(secret))
		if got := hex.EncodeToString(x.k1[:]); got != test.k1 {
			t.Errorf("K1 is that of the specification: got %s, want %s", got, test.k1)
		}
		key := x.derive([]byte(nonce[:halfNonce]))
		if got := hex.EncodeToString(key[:]); got != test.key {
			t.Errorf("the derived key is that of the specification: got %s, want %s", got, test.key)
		}
		sealed, err := hex.DecodeString(test.sealed)
		if err != nil {
			t.Fatal(err)
		}
		if got := sealWith(t, secret, []byte(nonce), []byte("XAES-256-GCM"), []byte(test.data)); !bytes.Equal(got[2*halfNonce:], sealed) {
			t.Errorf("the sealed text is that of the specification: got %x, want %x", got[2*halfNonce:], sealed)
		}
		text, err := x.open(slices.Concat([]byte(nonce), sealed), []byte(test.data))
		if err != nil || string(text) != "XAES-256-GCM" {
			t.Errorf("what the specification seals opens: got %q, %v", text, err)
		}
	}
}

// The accumulated vectors: random inputs, and a hash over all results.
func TestAccumulatedVectors(t *testing.T) {
	const rounds, want = 10_000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
	random, results := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	read := func(n int) []byte {
		out := make([]byte, n)
		_, _ = random.Read(out)
		return out
	}
	for range rounds {
		secret, nonce := read(SecretSize), read(2*halfNonce)
		text := read(int(read(1)[0]))
		data := read(int(read(1)[0]))
		sealed := sealWith(t, secret, nonce, text, data)
		_, _ = results.Write(sealed[2*halfNonce:])
		opened, err := newXAES([SecretSize]byte(secret)).open(sealed, data)
		if err != nil || !bytes.Equal(opened, text) {
			t.Fatalf("what was sealed opens: %v", err)
		}
	}
	hash := make([]byte, 32)
	_, _ = results.Read(hash)
	if got := hex.EncodeToString(hash); got != want {
		t.Errorf("the results of %d rounds are those of the specification: got %s, want %s", rounds, got, want)
	}
}

// What seal draws itself is the same construction.
func TestSealIsTheConstruction(t *testing.T) {
	x := newXAES([SecretSize]byte(secretOf(1)))
	for _, room := range []int{0, 1000} {
		dst := appendHalf(append(make([]byte, 0, 6+room), "before"...))
		got := x.seal(dst, secretText, []byte("data"))
		nonce := got[len("before"):][:2*halfNonce]
		if want := append([]byte("before"), sealWith(t, secretOf(1), nonce, secretText, []byte("data"))...); !bytes.Equal(got, want) {
			t.Errorf("with room for %d: a sealed text is nonce and XAES-256-GCM: got %x, want %x", room, got, want)
		}
	}
}

// A process may be restricted to what FIPS 140 allows, where GCM takes no nonce
// from outside.
func TestUnderFIPS140Only(t *testing.T) {
	const inChild = "AEADCODEC_TEST_FIPS140"
	if os.Getenv(inChild) != "" {
		codec := open(t, verbatim{}, one())
		data, err := codec.Encode(secretText)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := codec.Decode(data); err != nil || !bytes.Equal(got, secretText) {
			t.Fatalf("a value comes back as it was: got %q, %v", got, err)
		}
		if _, err := cipher.NewGCM(newBlock(secretOf(1))); err == nil {
			t.Fatal("this process is not restricted, so the test has shown nothing")
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUnderFIPS140Only$")
	cmd.Env = append(os.Environ(), inChild+"=1", "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the codec works under GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
