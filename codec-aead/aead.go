package aeadcodec

import (
	"fmt"
	"io"
	"maps"
	"slices"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Codec seals the payloads of another codec. All methods may be called
// concurrently, if those of the other codec may.
//
// It forwards the ability to append: a Codec is a cascache.AppendEncoder to a
// cache if everything that it wraps is.
type Codec[V any] struct {
	inner    cascache.Codec[V]
	appender cascache.AppendEncoder[V] // nil: inner has no appending form
	keys     *keyring
}

// New returns a codec that seals what inner encodes. Its error names the field
// of cfg that is wrong.
func New[V any](inner cascache.Codec[V], cfg Config) (*Codec[V], error) {
	if err := checkInner(inner); err != nil {
		return nil, err
	}
	keys, err := newKeyring(cfg)
	if err != nil {
		return nil, err
	}
	appender, _ := cascache.AbilityOf[cascache.AppendEncoder[V]](inner)
	return &Codec[V]{inner: inner, appender: appender, keys: keys}, nil
}

// Unwrap returns the inner codec.
func (c *Codec[V]) Unwrap() any { return c.inner }

// Encode returns the sealed payload of value, another one at each call.
func (c *Codec[V]) Encode(value V) ([]byte, error) {
	return c.AppendEncode(nil, value)
}

// AppendEncode appends the sealed payload of value to dst. Where the inner
// codec appends too, its payload is sealed in its place.
func (c *Codec[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	key := c.keys.seal
	if c.appender == nil {
		payload, err := c.inner.Encode(value)
		if err != nil {
			return nil, err
		}
		dst = slices.Grow(dst, overhead+len(payload))
		dst = appendHalf(append(dst, key.header()...))
		return key.cipher().seal(dst, payload, key.data), nil
	}
	dst = appendHalf(append(dst, key.header()...))
	before := len(dst)
	dst, err := c.appender.AppendEncode(dst, value)
	if err != nil {
		return nil, err
	}
	// Where there is room for all of it, it is sealed in its place.
	return key.cipher().seal(dst[:before], dst[before:], key.data), nil
}

// Decode returns the value that data holds. The inner codec sees nothing that
// was not sealed with one of the keys.
func (c *Codec[V]) Decode(data []byte) (V, error) {
	payload, err := c.keys.payload(data)
	if err != nil {
		var none V
		return none, err
	}
	return c.inner.Decode(payload)
}

// Format prints which keys the codec has, by their ids, whatever the verb.
func (c *Codec[V]) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, c.String())
}

// String returns which keys the codec has, by their ids.
func (c *Codec[V]) String() string {
	if c == nil || c.keys == nil {
		return "aeadcodec.Codec(made without New)"
	}
	return fmt.Sprintf("aeadcodec.Codec(seals with key %d, opens with %v)", c.keys.sealID, slices.Sorted(maps.Keys(c.keys.open)))
}
