package wire

import "encoding/binary"

// singleHead is what a single's body has before the payload.
const singleHead = genSize + lenSize

// DecodeSingle decodes a single of version 1, as [Version.DecodeSingle] does.
func DecodeSingle(b []byte) (gen uint64, payload []byte, err error) {
	return Version1.DecodeSingle(b, "")
}

// EncodeSingle returns a new single of version 1, in one allocation. A payload that
// does not fit is an error that wraps [ErrTooLarge].
func EncodeSingle(gen uint64, payload []byte) ([]byte, error) {
	return Version1.AppendSingle(nil, "", gen, payload)
}

// AppendSingle appends a single of version 1 to dst, as [Version.AppendSingle] does.
func AppendSingle(dst []byte, gen uint64, payload []byte) ([]byte, error) {
	return Version1.AppendSingle(dst, "", gen, payload)
}

// DecodeSingle returns the generation and the payload of a single. The payload
// aliases b, is clipped to its length, and is not nil even when empty. Anything
// but exactly one whole single, of the key in version 2, is an error that wraps
// [ErrCorrupt]. It never allocates.
func (v Version) DecodeSingle(b []byte, key string) (gen uint64, payload []byte, err error) {
	body, err := v.openBare(b, KindSingle, key)
	if err != nil {
		return 0, nil, err
	}
	return decodeSingleBody(body)
}

// EncodeSingle returns a new single, in one allocation. A payload that does not
// fit, or in version 2 a key, is an error that wraps [ErrTooLarge].
func (v Version) EncodeSingle(key string, gen uint64, payload []byte) ([]byte, error) {
	return v.AppendSingle(nil, key, gen, payload)
}

// AppendSingle appends a single to dst. It allocates only when dst lacks the room,
// and then once. The payload must not lie in the spare capacity of dst. A payload
// that does not fit, or in version 2 a key, is an error that wraps [ErrTooLarge],
// and dst comes back unchanged.
func (v Version) AppendSingle(dst []byte, key string, gen uint64, payload []byte) ([]byte, error) {
	if err := v.bare(); err != nil {
		return dst, err
	}
	if err := checkPayloadLen(len(payload)); err != nil {
		return dst, err
	}
	frame, err := v.begin(dst, KindSingle, key, singleHead+uint64(len(payload)))
	if err != nil {
		return dst, err
	}
	frame = binary.BigEndian.AppendUint64(frame, gen)
	frame = appendPayload(frame, payload)
	return v.finish(frame, len(dst)), nil
}

// SingleSize returns the size of a single with a key and a payload of that many bytes
// and without dependencies, or no sensible number where they do not fit.
func (v Version) SingleSize(key, payload int) int {
	size := v.aroundSize(key) + singleHead + payload
	if v.is3() {
		size += timeSize + countSize
	}
	return size
}

// PayloadOf returns where the payload lies in a single that this version encoded,
// at no more cost than reading what comes before it: it is for whoever has just
// encoded the frame, and checks neither the key nor the checksum. The payload aliases
// the frame, is clipped to its length, and is not nil even when empty. A frame that is
// not one whole single has none, which is nil.
func (v Version) PayloadOf(frame []byte) []byte {
	if kind, err := v.KindOf(frame); err != nil || kind != KindSingle {
		return nil
	}
	body := frame[v.headerSize():]
	if v.hasSum() {
		if len(body) < sumSize {
			return nil
		}
		// On an error there is no body left, and so no payload.
		_, body, _ = cutKey(body[:len(body)-sumSize])
	}
	if v.is3() {
		var e Entry
		if e.decodeBody(body, KindSingle) != nil {
			return nil
		}
		return e.Payload
	}
	_, payload, _ := decodeSingleBody(body)
	return payload
}

func decodeSingleBody(body []byte) (gen uint64, payload []byte, err error) {
	if len(body) < singleHead {
		return 0, nil, errShort
	}
	gen = binary.BigEndian.Uint64(body)
	payload, rest, err := cutPayload(body[genSize:])
	if err != nil {
		return 0, nil, err
	}
	if len(rest) > 0 {
		return 0, nil, errTrailing
	}
	return gen, payload, nil
}
