package aeadcodec

import (
	"fmt"
	"io"
)

// SecretSize is the size in bytes of the secret of a [Key].
const SecretSize = 32

// A Key seals and opens payloads. It is made by [NewKey], and printing it shows
// nothing but its id.
type Key struct {
	id     uint32
	cipher func() *xaes // nothing that prints values looks into a closure
}

// NewKey returns the key of a secret, which it copies. id is what payloads name
// the key by: any number but 0, never used for another secret while payloads
// sealed with it are around. The secret is [SecretSize] bytes from a random
// source.
func NewKey(id uint32, secret []byte) (Key, error) {
	if id == 0 {
		return Key{}, fmt.Errorf("aeadcodec: the id of a key is 0, must be from 1 to %d", ^uint32(0))
	}
	if len(secret) != SecretSize {
		return Key{}, fmt.Errorf("aeadcodec: the secret of key %d has %d bytes, must have %d", id, len(secret), SecretSize)
	}
	var any byte
	for _, b := range secret {
		any |= b
	}
	if any == 0 {
		return Key{}, fmt.Errorf("aeadcodec: the secret of key %d is all zeros, must be random", id)
	}
	cipher := newXAES([SecretSize]byte(secret))
	return Key{id: id, cipher: func() *xaes { return cipher }}, nil
}

// ID returns the number that payloads name the key by.
func (k Key) ID() uint32 { return k.id }

// Format prints the id, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, k.String())
}

// String returns the id, in words.
func (k Key) String() string { return fmt.Sprintf("aeadcodec.Key(%d)", k.id) }
