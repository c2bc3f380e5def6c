package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// Version is a version of the envelope: the number in its header, and the functions
// that write and read entries of that version and of no other.
//
// A version that is none of the constants fails every call with an error that wraps
// [ErrUnknownVersion], or with a nil slice where there is no error to return.
type Version uint8

const (
	// Version1 is the plain envelope. It takes no notice of keys, and is what the
	// functions of this package write and read.
	Version1 Version = 1
	// Version2 also carries the storage key of the entry and a checksum, so that
	// bytes that were damaged, or that belong to another key, are refused.
	Version2 Version = 2
)

// sumSize is the size of the checksum at the end of an entry of version 2.
const sumSize = 4

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// known refuses a version that is none of the constants.
func (v Version) known() error {
	if v != Version1 && v != Version2 {
		return errNoVersion
	}
	return nil
}

// check reads the header as far as the version, which must be v.
func (v Version) check(b []byte) error {
	if err := v.known(); err != nil {
		return err
	}
	if len(b) < headerSize {
		return errNoHeader
	}
	if string(b[:len(magic)]) != magic {
		return errMagic
	}
	if b[len(magic)] != byte(v) {
		return errVersion
	}
	return nil
}

// open takes everything off an entry that surrounds its body: the header, and in
// version 2 the key and the checksum. The codecs of the three bodies see nothing
// outside of them, and are the same for both versions.
func (v Version) open(b []byte, want Kind, key string) (body []byte, err error) {
	if err := v.check(b); err != nil {
		return nil, err
	}
	if v == Version2 {
		// Before anything else: a damaged kind, key or length must not even be
		// reported as if somebody had written it.
		if b, err = cutSum(b); err != nil {
			return nil, err
		}
	}
	kind, err := kindOf(b)
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, errOtherKind
	}
	body = b[headerSize:]
	if v == Version2 {
		var found []byte
		if found, body, err = cutKey(body); err != nil {
			return nil, err
		}
		if string(found) != key {
			return nil, errOtherKey
		}
	}
	return body, nil
}

// cutSum checks the checksum of b, which has a header, and takes it off.
func cutSum(b []byte) ([]byte, error) {
	if len(b) < headerSize+sumSize {
		return nil, errShort
	}
	b, sum := b[:len(b)-sumSize], b[len(b)-sumSize:]
	if crc32.Checksum(b, castagnoli) != binary.BigEndian.Uint32(sum) {
		return nil, errSum
	}
	return b, nil
}

// cutKey takes a key and the length before it off b.
func cutKey(b []byte) (key, rest []byte, err error) {
	if len(b) < keyLenSize {
		return nil, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[keyLenSize:]
	if n > len(b) {
		return nil, nil, errShort
	}
	return b[:n], b[n:], nil
}

// begin makes room in dst for a whole entry of a known version and appends everything
// that comes before its body.
func (v Version) begin(dst []byte, kind Kind, key string, bodySize uint64) ([]byte, error) {
	size := headerSize + bodySize
	if v == Version2 {
		if len(key) > MaxKeyLen {
			return nil, errKeyLen
		}
		size += keyLenSize + uint64(len(key)) + sumSize
	}
	frame, err := grow(dst, size)
	if err != nil {
		return nil, err
	}
	frame = append(frame, magic...)
	frame = append(frame, byte(v), byte(kind))
	if v == Version2 {
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(key)))
		frame = append(frame, key...)
	}
	return frame, nil
}

// finish appends what comes after the body of the entry that began at start.
func (v Version) finish(frame []byte, start int) []byte {
	if v == Version2 {
		return binary.BigEndian.AppendUint32(frame, crc32.Checksum(frame[start:], castagnoli))
	}
	return frame
}
