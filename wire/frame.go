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

// unfinished returns the part of frame that a Begin function wrote at start.
// Third-party encoders append in between, and may return a slice that is no
// extension of what they were given.
func unfinished(frame []byte, start int) ([]byte, error) {
	if start < 0 || start > len(frame) {
		return nil, errStart
	}
	return frame[start:], nil
}

// putPayloadLen fills in the blank length, the last field of the first head bytes
// of b, now that everything after them is the payload.
func putPayloadLen(b []byte, head int) error {
	if len(b) < head {
		return errShort
	}
	n := len(b) - head
	if err := checkPayloadLen(n); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(b[head-lenSize:], uint32(n))
	return nil
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
