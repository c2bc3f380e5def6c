package zstdcodec

import (
	"encoding/binary"
	"fmt"
)

const (
	magic = "\x28\xb5\x2f\xfd"

	// descriptor is the only form of frame that Encode makes, but for the two
	// bits that say how long the content size is: one segment, so that the
	// window is the content, a checksum, no dictionary.
	descriptor     = 0b00_1_0_0_1_00
	descriptorMask = 0b00_1_1_1_1_11

	maxBlock       = 128 << 10
	checksumLength = 4
)

// decodedSize returns the size of the content of frame, without decompressing
// any of it. It refuses what is not exactly one frame of the form that Encode
// makes, and a size that its blocks cannot have: a block makes at most 128 KiB,
// whatever is in it, so nobody gets memory for the mere claim of a size.
func decodedSize(frame []byte) (uint64, error) {
	if len(frame) < len(magic)+1 || string(frame[:len(magic)]) != magic {
		return 0, refused("it does not begin as a frame does")
	}
	first, rest := frame[len(magic)], frame[len(magic)+1:]
	if first&descriptorMask != descriptor {
		return 0, refused("its header has descriptor %#08b; want one segment, a checksum and no dictionary", first)
	}
	width := 1 << (first >> 6)
	if len(rest) < width {
		return 0, refused("it ends within its header")
	}
	var size uint64
	switch width {
	case 1:
		size = uint64(rest[0])
	case 2:
		size = uint64(binary.LittleEndian.Uint16(rest)) + 256
	case 4:
		size = uint64(binary.LittleEndian.Uint32(rest))
	case 8:
		size = binary.LittleEndian.Uint64(rest)
	}
	rest = rest[width:]

	var most uint64
	for last := false; !last; {
		if len(rest) < 3 {
			return 0, refused("it ends before its last block")
		}
		header := uint32(rest[0]) | uint32(rest[1])<<8 | uint32(rest[2])<<16
		rest = rest[3:]
		last = header&1 != 0
		kind, length := header>>1&3, int(header>>3)
		if length > maxBlock {
			return 0, refused("a block claims %d bytes; %d are the most", length, maxBlock)
		}
		takes, makes := length, length // of a block that is raw
		switch kind {
		case 1: // one byte, repeated
			takes = 1
		case 2: // compressed
			makes = maxBlock
		case 3:
			return 0, refused("a block is of no known kind")
		}
		if len(rest) < takes {
			return 0, refused("it ends within a block")
		}
		rest = rest[takes:]
		most += uint64(makes)
	}
	if len(rest) != checksumLength {
		return 0, refused("%d bytes follow its last block; the checksum has %d", len(rest), checksumLength)
	}
	if size > most {
		return 0, refused("it claims a content of %d bytes; its blocks make at most %d", size, most)
	}
	return size, nil
}

func refused(format string, args ...any) error {
	return fmt.Errorf("zstdcodec: decode: not a frame of Encode: "+format, args...)
}
