package aeadcodec

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"testing"
)

var benchSizes = []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

func name(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%dMB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%dKB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

// newRaw is AES-256-GCM of the standard library alone, with one key for all
// messages and a random nonce of 96 bits each.
func newRaw(b *testing.B) cipher.AEAD {
	b.Helper()
	gcm, err := cipher.NewGCMWithRandomNonce(newBlock(secretOf(1)))
	if err != nil {
		b.Fatal(err)
	}
	return gcm
}

type contender struct {
	name string
	run  func() error
}

func compare(b *testing.B, n int, contenders ...contender) {
	for _, c := range contenders {
		b.Run(c.name+"/"+name(n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(n))
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	raw, codec := newRaw(b), mustNew(verbatim{}, one())
	for _, n := range benchSizes {
		value, dst := make([]byte, n), make([]byte, 0, n+overhead)
		compare(b, n,
			contender{"raw", func() error {
				raw.Seal(dst, nil, value, nil)
				return nil
			}},
			contender{"codec", func() error {
				_, err := codec.AppendEncode(dst, value)
				return err
			}},
		)
	}
}

// BenchmarkDecode: raw-reused has a buffer that it uses again, which the codec
// may not.
func BenchmarkDecode(b *testing.B) {
	raw, codec := newRaw(b), mustNew(verbatim{}, one())
	for _, n := range benchSizes {
		value, dst := make([]byte, n), make([]byte, 0, n)
		sealed := raw.Seal(nil, nil, value, nil)
		data, err := codec.Encode(value)
		if err != nil {
			b.Fatal(err)
		}
		compare(b, n,
			contender{"raw-reused", func() error {
				_, err := raw.Open(dst, nil, sealed, nil)
				return err
			}},
			contender{"raw", func() error {
				_, err := raw.Open(nil, nil, sealed, nil)
				return err
			}},
			contender{"codec", func() error {
				_, err := codec.Decode(data)
				return err
			}},
		)
	}
}

// BenchmarkDerive is what a key for each message costs, by the construction
// here and by HKDF.
func BenchmarkDerive(b *testing.B) {
	x := newXAES([SecretSize]byte(secretOf(1)))
	secret, half := secretOf(1), make([]byte, halfNonce)
	b.Run("xaes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x.message(half)
		}
	})
	b.Run("hkdf", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			key, err := hkdf.Expand(sha256.New, secret, string(half), SecretSize)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := cipher.NewGCMWithRandomNonce(newBlock(key)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
