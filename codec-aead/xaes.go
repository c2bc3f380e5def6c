package aeadcodec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

// The sizes of XAES-256-GCM: the nonce has two halves, one for the key of the
// message and one for the message.
const (
	halfNonce = 12
	tagSize   = 16
)

// xaes is XAES-256-GCM for one secret. Each message has an AES-256-GCM key of
// its own, derived from the secret and the first half of a random nonce by the
// counter-mode function of NIST SP 800-108r1 over AES-CMAC, where all inputs are
// single blocks. It may be used concurrently.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // the CMAC subkey for whole blocks
}

func newXAES(secret [SecretSize]byte) *xaes {
	x := &xaes{block: newBlock(secret[:])}
	x.block.Encrypt(x.k1[:], x.k1[:])
	var carry byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		x.k1[i], carry = x.k1[i]<<1|carry, x.k1[i]>>7
	}
	x.k1[len(x.k1)-1] ^= carry * 0b1000_0111
	return x
}

// derive returns the key of the messages whose nonces begin with half.
func (x *xaes) derive(half []byte) (key [SecretSize]byte) {
	for i, counter := range []byte{1, 2} {
		part := key[i*aes.BlockSize:][:aes.BlockSize]
		copy(part, []byte{0, counter, 'X', 0})
		copy(part[4:], half[:halfNonce])
		for j := range part {
			part[j] ^= x.k1[j]
		}
		x.block.Encrypt(part, part)
	}
	return key
}

// message returns the cipher of the messages whose nonces begin with half. It
// draws the other half itself, which is the only way that is allowed when the
// process is restricted to FIPS 140.
func (x *xaes) message(half []byte) cipher.AEAD {
	key := x.derive(half)
	aead, err := cipher.NewGCMWithRandomNonce(newBlock(key[:]))
	if err != nil {
		panic(fmt.Sprintf("aeadcodec: GCM: %v", err)) // only over other ciphers than AES
	}
	return aead
}

func newBlock(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(fmt.Sprintf("aeadcodec: AES: %v", err)) // only for other sizes
	}
	return block
}

// sealedOverhead is how much longer a sealed text is.
const sealedOverhead = halfNonce + halfNonce + tagSize

// appendHalf appends the first half of a new nonce.
func appendHalf(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, halfNonce)...)
	rand.Read(dst[n:]) // never fails: the program ends instead
	return dst
}

// seal puts text, sealed, behind dst, which ends with the first half of the
// nonce. text may lie where it will be put, and is overwritten then.
func (x *xaes) seal(dst, text, data []byte) []byte {
	return x.message(dst[len(dst)-halfNonce:]).Seal(dst, nil, text, data)
}

// open returns the text of sealed, which begins with the nonce, in memory of
// its own.
func (x *xaes) open(sealed, data []byte) ([]byte, error) {
	if len(sealed) < sealedOverhead {
		return nil, errShort
	}
	half, rest := sealed[:halfNonce], sealed[halfNonce:]
	return x.message(half).Open(make([]byte, 0, len(sealed)-sealedOverhead), nil, rest, data)
}
