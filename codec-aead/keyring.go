package aeadcodec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
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

// newKeyring returns what cfg says, or an error that names the field that is
// wrong.
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

// payload returns what was sealed in data, if it was so with one of the keys.
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
