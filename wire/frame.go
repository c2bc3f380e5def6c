package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// grow makes room for size more bytes. Sizes are added up in 64 bits: on a 32-bit
// platform the sum of lengths that each fit an int may not. A new frame gets what it
// needs and no more, since it is likely to be kept; one that is appended grows like
// any other slice.
func grow(dst []byte, size uint64) ([]byte, error) {
	if size > math.MaxInt-uint64(len(dst)) {
		return dst, errAddressSpace
	}
	if cap(dst) == 0 {
		return make([]byte, 0, size), nil
	}
	return slices.Grow(dst, int(size)), nil
}

// checkPayloadLen refuses a payload whose length does not fit its field.
func checkPayloadLen(n int) error {
	if uint64(n) > math.MaxUint32 {
		return errPayloadLen
	}
	return nil
}

// appendPayload appends the length of a payload, which fits its field, and the payload.
func appendPayload(frame, payload []byte) []byte {
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(payload)))
	return append(frame, payload...)
}

// cutPayload takes a payload and the length before it off b, which is known to hold
// the length. The payload aliases b and is clipped, so that an append to it cannot
// overwrite what follows.
func cutPayload(b []byte) (payload, rest []byte, err error) {
	// Compared before it becomes an int, which may have 32 bits.
	n := binary.BigEndian.Uint32(b)
	b = b[lenSize:]
	if uint64(n) > uint64(len(b)) {
		return nil, nil, errShort
	}
	return b[:n:n], b[n:], nil
}
