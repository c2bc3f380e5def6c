package aeadcodec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var (
	// ErrUnknownKey is wrapped by the error for a payload that names a key
	// which is not among those of the [Config].
	ErrUnknownKey = errors.New("aeadcodec: sealed with a key that is not here")

	// ErrNotAuthentic is wrapped by the error for a payload that is not what
	// was sealed with the key that it names, in this scope: a byte was
	// changed, or the key or the scope is another one.
	ErrNotAuthentic = errors.New("aeadcodec: not authentic")
)

var errShort = errors.New("aeadcodec: too short for a payload")

// Config says which keys to use. Keys is required.
type Config struct {
	// Keys open, each what was sealed with it. At least one, each with an id
	// of its own.
	Keys []Key

	// Seal is the id of the key that seals. 0 means the only key, and is an
	// error if there are several.
	Seal uint32

	// Scope is bound to every payload and not stored: what was sealed in one
	// scope does not open in another. Give each cache that shares its keys
	// with others one of its own, such as its namespace. Changing it makes
	// every entry a miss. "" is a scope like any other.
	Scope string
}

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

// version is the first byte of a payload. No JSON or Protocol Buffers encoding
// begins with it, and in CBOR and MessagePack it is a number, behind which
// nothing may follow.
const version = 1

// A payload is the header, the nonce, and the sealed text with its tag.
const (
	headerSize = 1 + 4 // version and the id of the key
	overhead   = headerSize + sealedOverhead
)

// A boundKey is a key with what it binds.
type boundKey struct {
	cipher func() *xaes
	data   []byte // the header and the scope, which are authenticated too
}

func (k *boundKey) header() []byte { return k.data[:headerSize] }

// keyring is what a Config says. Nothing in it changes.
type keyring struct {
	sealID uint32
	seal   *boundKey
	open   map[uint32]*boundKey
}

// New returns a codec that seals what inner encodes. Its error names the field
// of cfg that is wrong.
func New[V any](inner cascache.Codec[V], cfg Config) (*Codec[V], error) {
	if inner == nil {
		return nil, errors.New("aeadcodec: the inner codec is nil; it is required")
	}
	keys, err := newKeyring(cfg)
	if err != nil {
		return nil, err
	}
	appender, _ := cascache.AbilityOf[cascache.AppendEncoder[V]](inner)
	return &Codec[V]{inner: inner, appender: appender, keys: keys}, nil
}

func newKeyring(cfg Config) (*keyring, error) {
	if len(cfg.Keys) == 0 {
		return nil, errors.New("aeadcodec: Config.Keys is empty; at least one is required")
	}
	r := &keyring{sealID: cfg.Seal, open: make(map[uint32]*boundKey, len(cfg.Keys))}
	for i, key := range cfg.Keys {
		switch {
		case key.cipher == nil:
			return nil, fmt.Errorf("aeadcodec: Config.Keys[%d] is the zero Key; keys are made by NewKey", i)
		case r.open[key.id] != nil:
			return nil, fmt.Errorf("aeadcodec: Config.Keys[%d] has the id %d, as one before it; each must have its own", i, key.id)
		}
		data := binary.BigEndian.AppendUint32([]byte{version}, key.id)
		r.open[key.id] = &boundKey{cipher: key.cipher, data: append(data, cfg.Scope...)}
	}
	if r.sealID == 0 {
		if len(cfg.Keys) > 1 {
			return nil, fmt.Errorf("aeadcodec: Config.Seal is 0, must be one of the ids of the %d keys", len(cfg.Keys))
		}
		r.sealID = cfg.Keys[0].id
	}
	if r.seal = r.open[r.sealID]; r.seal == nil {
		return nil, fmt.Errorf("aeadcodec: Config.Seal is %d, must be one of the ids of Config.Keys, which are %v",
			cfg.Seal, slices.Sorted(maps.Keys(r.open)))
	}
	return r, nil
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

func (r *keyring) payload(data []byte) ([]byte, error) {
	if len(data) < headerSize {
		return nil, errShort
	}
	if data[0] != version {
		return nil, fmt.Errorf("aeadcodec: the first byte is %#02x; it must be %#02x", data[0], version)
	}
	id := binary.BigEndian.Uint32(data[1:])
	key := r.open[id]
	if key == nil {
		return nil, fmt.Errorf("%w: key %d", ErrUnknownKey, id)
	}
	payload, err := key.cipher().open(data[headerSize:], key.data)
	if err != nil {
		return nil, fmt.Errorf("%w: key %d", ErrNotAuthentic, id)
	}
	return payload, nil
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
