package wire

import "encoding/binary"

// singleHeader is the header of a single of version 1.
const singleHeader = magic + "\x01\x01"

// DecodeEntry decodes what may lie under the key of one value, and tells which it
// is: a single, as [Version.DecodeSingle] does, or an absent entry, as
// [Version.DecodeAbsent] does, without a payload then. A bulk is an error that wraps
// [ErrCorrupt].
func (v Version) DecodeEntry(b []byte, key string) (kind Kind, gen uint64, payload []byte, err error) {
	// What nearly every hit is, in one look.
	if v == Version1 && len(b) >= headerSize+singleHead && string(b[:headerSize]) == singleHeader {
		payload = b[headerSize+singleHead:]
		if uint64(binary.BigEndian.Uint32(b[headerSize+genSize:])) == uint64(len(payload)) {
			return KindSingle, binary.BigEndian.Uint64(b[headerSize:]), payload[:len(payload):len(payload)], nil
		}
	}
	if kind, err = v.KindOf(b); err != nil {
		return 0, 0, nil, err
	}
	if kind == KindAbsent {
		gen, err = v.DecodeAbsent(b, key)
	} else {
		gen, payload, err = v.DecodeSingle(b, key)
	}
	if err != nil {
		return 0, 0, nil, err
	}
	return kind, gen, payload, nil
}
