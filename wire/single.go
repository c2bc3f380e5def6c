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
	frame = appendSingleHead(appendHeader(frame, KindSingle), gen, uint32(len(payload)))
	return append(frame, payload...), nil
}

// BeginSingle appends everything of a single that comes before its payload, with
// the length left blank. The caller appends the payload, and nothing else, then
// calls [FinishSingle] with the length that dst had here; until then the frame
// is not a valid entry. A dst with room for [SingleOverhead] and the payload is
// never reallocated.
func BeginSingle(dst []byte, gen uint64) []byte {
	return appendSingleHead(appendHeader(dst, KindSingle), gen, 0)
}

// FinishSingle fills in the length of the single that [BeginSingle] began at
// start, where start is the length of the dst it was given. Everything after the
// single's head is its payload; one that does not fit is an error that wraps
// [ErrTooLarge]. A frame with no single at start, which is what an encoder leaves
// that did not append to what it was given, is an error that wraps [ErrCorrupt].
// On an error the frame comes back unchanged.
func FinishSingle(frame []byte, start int) ([]byte, error) {
	b, err := unfinished(frame, start)
	if err != nil {
		return frame, err
	}
	body, err := open(b, KindSingle)
	if err != nil {
		return frame, err
	}
	return frame, putPayloadLen(body, singleHead)
}

func appendSingleHead(dst []byte, gen uint64, payloadLen uint32) []byte {
	dst = binary.BigEndian.AppendUint64(dst, gen)
	return binary.BigEndian.AppendUint32(dst, payloadLen)
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
