package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// Version is a version of the envelope, with or without a checksum where the version
// leaves the choice. Its methods write and read entries of that one form and of no
// other.
//
// A version that is none of the constants fails every call with an error that wraps
// [ErrUnknownVersion], or with a nil slice where there is no error to return. So does
// a method that cannot return everything that an entry of version 3 says: only
// [Version.Decode], [Version.Append], [Version.DecodeMembers], [Version.AppendMembers],
// [Version.KindOf], [Version.PayloadOf] and the sizes know that version.
type Version uint8

const (
	// Version1 is the plain envelope. It takes no notice of keys, and is what the
	// functions of this package write and read.
	Version1 Version = 1
	// Version2 also carries the storage key of the entry and a checksum, so that
	// bytes that were damaged, or that belong to another key, are refused.
	Version2 Version = 2
	// Version3 carries the dependencies of an entry and the time when it was loaded.
	// Like version 1, it takes no notice of keys.
	Version3 Version = 3
	// Version3Checked is version 3 with the storage key and the checksum of version 2.
	Version3Checked = Version3 | sumChosen
)

const (
	// sumChosen tells Version3Checked from Version3. It is no part of the number in
	// the header: there, a flag says so.
	sumChosen Version = 0x80

	// sumFlag is the one flag of version 3: the entry has a key and a checksum.
	sumFlag = 0x01

	// sumSize is the size of a checksum at the end of an entry.
	sumSize = 4
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// is3 reports whether v is version 3, with or without a checksum.
func (v Version) is3() bool { return v&^sumChosen == Version3 }

// hasSum reports whether entries carry their key and a checksum.
func (v Version) hasSum() bool { return v == Version2 || v == Version3Checked }

// flags returns the flags in the header of version 3.
func (v Version) flags() byte {
	if v.hasSum() {
		return sumFlag
	}
	return 0
}

// known refuses a version that is none of the constants.
func (v Version) known() error {
	if v != Version1 && v != Version2 && !v.is3() {
		return errNoVersion
	}
	return nil
}

// bare refuses every version whose entries say more than a generation and a payload.
func (v Version) bare() error {
	if v.is3() {
		return errNotBare
	}
	return v.known()
}

// headerSize returns the size of everything before the key, or before the body.
func (v Version) headerSize() int {
	if v.is3() {
		return headerSize + flagsSize
	}
	return headerSize
}

// aroundSize returns the size of everything around the body of an entry.
func (v Version) aroundSize(key int) int {
	if v.hasSum() {
		return v.headerSize() + keyLenSize + key + sumSize
	}
	return v.headerSize()
}

// check reads everything in the header but the kind; it must be of v.
func (v Version) check(b []byte) error {
	if err := v.known(); err != nil {
		return err
	}
	if len(b) < v.headerSize() {
		return errNoHeader
	}
	if string(b[:len(magic)]) != magic {
		return errMagic
	}
	if b[len(magic)] != byte(v&^sumChosen) {
		return errVersion
	}
	if v.is3() && b[headerSize] != v.flags() {
		return errFlags
	}
	return nil
}

// openBare is open for the versions whose entries say no more than a generation and
// a payload.
func (v Version) openBare(b []byte, want Kind, key string) (body []byte, err error) {
	if err := v.bare(); err != nil {
		return nil, err
	}
	return v.open(b, want, key)
}

// open takes everything off an entry that surrounds its body: the header, and with a
// checksum also that and the key. The codecs of the bodies see nothing outside of
// them, and those of versions 1 and 2 are the same.
func (v Version) open(b []byte, want Kind, key string) (body []byte, err error) {
	if err := v.check(b); err != nil {
		return nil, err
	}
	if v.hasSum() {
		// Before anything else: a damaged kind, key or length must not even be
		// reported as if somebody had written it.
		if b, err = cutSum(b, v.headerSize()); err != nil {
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
	body = b[v.headerSize():]
	if v.hasSum() {
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
func cutSum(b []byte, header int) ([]byte, error) {
	if len(b) < header+sumSize {
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
	if v.hasSum() && len(key) > MaxKeyLen {
		return nil, errKeyLen
	}
	frame, err := grow(dst, uint64(v.aroundSize(len(key)))+bodySize)
	if err != nil {
		return nil, err
	}
	frame = append(frame, magic...)
	frame = append(frame, byte(v&^sumChosen), byte(kind))
	if v.is3() {
		frame = append(frame, v.flags())
	}
	if v.hasSum() {
		frame = appendKey(frame, key)
	}
	return frame, nil
}

// appendKey appends the length of a key, which fits its field, and the key.
func appendKey(frame []byte, key string) []byte {
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(key)))
	return append(frame, key...)
}

// finish appends what comes after the body of the entry that began at start.
func (v Version) finish(frame []byte, start int) []byte {
	if v.hasSum() {
		return binary.BigEndian.AppendUint32(frame, crc32.Checksum(frame[start:], castagnoli))
	}
	return frame
}
