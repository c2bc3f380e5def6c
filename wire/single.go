package wire

import "encoding/binary"

// SingleOverhead is the size of a single without its payload.
const SingleOverhead = headerSize + singleHead

// singleHead is what a single's body has before the payload.
const singleHead = genSize + lenSize

// DecodeSingle returns the generation and the payload of a single. The payload
// aliases b, is clipped to its length, and is not nil even when empty. Anything
// but exactly one whole single is an error that wraps [ErrCorrupt]. It never
// allocates.
func DecodeSingle(b []byte) (gen uint64, payload []byte, err error) {
	body, err := open(b, KindSingle)
	if err != nil {
		return 0, nil, err
	}
	return decodeSingleBody(body)
}

// EncodeSingle returns a new single, in one allocation. A payload that does not
// fit is an error that wraps [ErrTooLarge].
func EncodeSingle(gen uint64, payload []byte) ([]byte, error) {
	return AppendSingle(nil, gen, payload)
}

// AppendSingle appends a single to dst. It allocates only when dst lacks the room,
// and then once. The payload must not lie in the spare capacity of dst. A payload
// that does not fit is an error that wraps [ErrTooLarge], and dst comes back
// unchanged.
func AppendSingle(dst []byte, gen uint64, payload []byte) ([]byte, error) {
	if err := checkPayloadLen(len(payload)); err != nil {
		return dst, err
	}
	frame, err := grow(dst, SingleOverhead+uint64(len(payload)))
	if err != nil {
		return dst, err
	}
	frame = appendHeader(frame, KindSingle)
	frame = binary.BigEndian.AppendUint64(frame, gen)
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(payload)))
	return append(frame, payload...), nil
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
