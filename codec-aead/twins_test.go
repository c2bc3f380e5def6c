package aeadcodec

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A twin is a codec with single faults: functions that take the place of the
// right ones.
type twin struct {
	*Codec[[]byte]
	encode func(c *Codec[[]byte], value []byte) ([]byte, error)
	append func(c *Codec[[]byte], dst, value []byte) ([]byte, error)
	decode func(c *Codec[[]byte], data []byte) ([]byte, error)
}

func (t twin) Encode(value []byte) ([]byte, error) {
	if t.encode != nil {
		return t.encode(t.Codec, value)
	}
	return t.Codec.Encode(value)
}

func (t twin) AppendEncode(dst, value []byte) ([]byte, error) {
	switch {
	case t.append != nil:
		return t.append(t.Codec, dst, value)
	case t.encode != nil:
		data, err := t.encode(t.Codec, value)
		return append(dst, data...), err
	}
	return t.Codec.AppendEncode(dst, value)
}

func (t twin) Decode(data []byte) ([]byte, error) {
	if t.decode != nil {
		return t.decode(t.Codec, data)
	}
	return t.Codec.Decode(data)
}

// sealedAs is a payload of value, with a nonce and additional data of the
// caller's choice.
func sealedAs(c *Codec[[]byte], nonce, value, data []byte) []byte {
	key := c.keys.seal
	subkey := key.cipher().derive(nonce)
	gcm, err := cipher.NewGCM(newBlock(subkey[:]))
	if err != nil {
		panic(err)
	}
	out := append(bytes.Clone(key.header()), nonce...)
	return gcm.Seal(out, nonce[halfNonce:], value, data)
}

func randomNonce() []byte {
	nonce := make([]byte, 2*halfNonce)
	rand.Read(nonce)
	return nonce
}

// unbound seals with additional data of the caller's choice, and opens so.
func unbound(data func(*boundKey) []byte) twin {
	return twin{
		encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
			return sealedAs(c, randomNonce(), value, data(c.keys.seal)), nil
		},
		decode: func(c *Codec[[]byte], payload []byte) ([]byte, error) {
			lax := &keyring{open: make(map[uint32]*boundKey)}
			for id, key := range c.keys.open {
				lax.open[id] = &boundKey{cipher: key.cipher, data: data(key)}
			}
			opened, err := lax.payload(payload)
			if err != nil {
				return nil, err
			}
			return c.inner.Decode(opened)
		},
	}
}

// crypted encrypts and does not authenticate.
func crypted(c *Codec[[]byte], nonce, in []byte) []byte {
	subkey := c.keys.seal.cipher().derive(nonce)
	out := make([]byte, len(in))
	cipher.NewCTR(newBlock(subkey[:]), append(bytes.Clone(nonce[halfNonce:2*halfNonce]), 0, 0, 0, 2)).XORKeyStream(out, in)
	return out
}

// Every rule must be able to fail: each of these twins has a fault that one or
// more rules name, and no other.
func TestBrokenTwinsAreFound(t *testing.T) {
	var reused []byte
	for _, test := range []struct {
		fault string
		found []string
		twin  twin
	}{
		{
			"does not encrypt",
			[]string{
				"nothing of the text shows",
				"no two nonces share a half",
				"a missing or further byte is an error",
				"what was not sealed is an error",
				"a changed bit is an error",
				"another secret under the same id does not open",
				"a payload opens only under the key that it names",
				"a payload opens only in its scope",
				"the inner codec sees nothing that was not sealed",
			},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				return slices.Concat(c.keys.seal.header(), make([]byte, sealedOverhead), value, []byte{byte(len(value))})[:overhead+len(value)], nil
			}, decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				if _, err := c.Decode(data); len(data) < overhead || data[0] != version || c.keys.open[binary.BigEndian.Uint32(data[1:])] == nil {
					return nil, err
				}
				return c.inner.Decode(bytes.Clone(data[overhead:]))
			}},
		},
		{
			"encrypts and does not authenticate",
			[]string{
				"a changed bit is an error",
				"another secret under the same id does not open",
				"a payload opens only in its scope",
				"what was not sealed is an error",
				"a missing or further byte is an error",
				"the inner codec sees nothing that was not sealed",
				"keys rotate without a flush", // it opens with the key that seals
			},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				nonce := randomNonce()
				return slices.Concat(c.keys.seal.header(), nonce, crypted(c, nonce, value), make([]byte, tagSize)), nil
			}, decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				if _, err := c.Decode(data); len(data) < overhead || !bytes.Equal(data[:headerSize], c.keys.seal.header()) {
					return nil, err
				}
				end := len(data) - tagSize
				return c.inner.Decode(crypted(c, data[headerSize:], data[headerSize+2*halfNonce:end]))
			}},
		},
		{
			"seals with one nonce for all",
			[]string{"no two nonces share a half"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				return sealedAs(c, make([]byte, 2*halfNonce), value, c.keys.seal.data), nil
			}},
		},
		{
			"draws the second half of the nonce only",
			[]string{"no two nonces share a half"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				nonce := randomNonce()
				clear(nonce[:halfNonce])
				return sealedAs(c, nonce, value, c.keys.seal.data), nil
			}},
		},
		{
			"draws the first half of the nonce only",
			[]string{"no two nonces share a half"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				nonce := randomNonce()
				clear(nonce[halfNonce:])
				return sealedAs(c, nonce, value, c.keys.seal.data), nil
			}},
		},
		{
			"binds nothing",
			[]string{"a payload opens only under the key that it names", "a payload opens only in its scope"},
			unbound(func(k *boundKey) []byte { return make([]byte, headerSize)[:headerSize] }),
		},
		{
			"binds the key alone",
			[]string{"a payload opens only in its scope"},
			unbound(func(k *boundKey) []byte { return k.header() }),
		},
		{
			"binds the scope alone",
			[]string{"a payload opens only under the key that it names"},
			unbound(func(k *boundKey) []byte { return append(make([]byte, headerSize), k.data[headerSize:]...) }),
		},
		{
			"tries every key",
			[]string{
				"a changed bit is an error",
				"the inner codec sees nothing that was not sealed",
				"a payload opens only under the key that it names",
				"keys rotate without a flush", // no key is unknown
			},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				for _, key := range c.keys.open {
					if err != nil && len(data) > headerSize {
						value, err = c.Decode(append(bytes.Clone(key.header()), data[headerSize:]...))
					}
				}
				return value, err
			}},
		},
		{
			"seals with the first key",
			[]string{"keys rotate without a flush"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				first := *c
				first.keys = &keyring{seal: c.keys.open[slices.Sorted(keysOf(c))[0]], open: c.keys.open}
				return first.Encode(value)
			}},
		},
		{
			"opens with the key that seals",
			[]string{
				"keys rotate without a flush",
				"a payload opens only under the key that it names",
				"a changed bit is an error", // of the name
				"the inner codec sees nothing that was not sealed",
			},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				if len(data) >= headerSize && c.keys.open[binary.BigEndian.Uint32(data[1:])] != nil {
					data = append(bytes.Clone(c.keys.seal.header()), data[headerSize:]...)
				}
				return c.Decode(data)
			}},
		},
		{
			"takes for plain text what was not sealed",
			[]string{"what was not sealed is an error", "a changed bit is an error", "the inner codec sees nothing that was not sealed"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				if len(data) > 1 && data[0] != version {
					return c.inner.Decode(data)
				}
				return c.Decode(data)
			}},
		},
		{
			"leaves out what follows",
			[]string{"a missing or further byte is an error"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if err != nil && len(data) > 0 {
					value, err = c.Decode(data[:len(data)-1])
				}
				return value, err
			}},
		},
		{
			"says that the key is unknown, whatever it is",
			[]string{"another secret under the same id does not open", "a payload opens only under the key that it names", "a payload opens only in its scope"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if err != nil {
					err = ErrUnknownKey
				}
				return value, err
			}},
		},
		{
			"pads",
			[]string{"a value comes back as it was, a fixed number of bytes longer"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				if len(value) == 17 {
					value = append(bytes.Clone(value), 0)
				}
				return c.Encode(value)
			}},
		},
		{
			"overwrites what it is to append to",
			[]string{"AppendEncode appends a payload"},
			twin{append: func(c *Codec[[]byte], dst, value []byte) ([]byte, error) { return c.AppendEncode(dst[:0], value) }},
		},
		{
			"encrypts the value in its own memory",
			[]string{"the value stays as it is"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				data, err := c.Encode(value)
				if bytes.Equal(value, secretText) && &value[0] != &secretText[0] {
					copy(value, data)
				}
				return data, err
			}},
		},
		{
			"returns the same buffer again",
			[]string{"the result of Encode is not used again"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				out, err := c.AppendEncode(reused[:0], value)
				reused = out
				return out, err
			}, append: func(c *Codec[[]byte], dst, value []byte) ([]byte, error) { return c.AppendEncode(dst, value) }},
		},
		{
			"decrypts into the same buffer again",
			[]string{"the memory given to the inner codec is not used again"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if err != nil {
					return nil, err
				}
				reused = append(reused[:0], value...)
				return reused, nil
			}},
		},
		{
			"decrypts in place",
			[]string{
				"Decode leaves its input alone",
				"the memory given to the inner codec is not used again",
				"keys rotate without a flush", // the same payload opens once
			},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if err != nil {
					return nil, err
				}
				return data[overhead:][:copy(data[overhead:], value)], nil
			}},
		},
		{
			"tells its secret when it fails",
			[]string{"no error shows a secret"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if err != nil {
					err = fmt.Errorf("%w with secret %x", err, secretOf(1))
				}
				return value, err
			}},
		},
	} {
		t.Run(test.fault, func(t *testing.T) {
			reused = nil
			var found []string
			for _, r := range rules {
				if r.try(func(cfg Config) subject {
					broken := test.twin
					broken.Codec = open(t, verbatim{}, cfg)
					return broken
				}) != nil {
					found = append(found, r.name)
				}
			}
			for _, name := range test.found {
				if !slices.Contains(found, name) {
					t.Errorf("a codec that %s breaks the rule %q, and passes", test.fault, name)
				}
			}
			for _, name := range found {
				if !slices.Contains(test.found, name) {
					t.Errorf("a codec that %s keeps the rule %q, and fails it", test.fault, name)
				}
			}
		})
	}
}

func keysOf(c *Codec[[]byte]) func(func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for id := range c.keys.open {
			if !yield(id) {
				return
			}
		}
	}
}

var (
	_ cascache.Wrapper = twin{}
)
