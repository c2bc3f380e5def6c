package wire

import "encoding/binary"

// AbsentSize is the size of an absent entry of version 1.
const AbsentSize = headerSize + genSize

// DecodeAbsent decodes an absent entry of version 1, as [Version.DecodeAbsent] does.
func DecodeAbsent(b []byte) (gen uint64, err error) {
	return Version1.DecodeAbsent(b, "")
}

// EncodeAbsent returns a new absent entry of version 1.
func EncodeAbsent(gen uint64) []byte {
	return AppendAbsent(nil, gen)
}

// AppendAbsent appends an absent entry of version 1 to dst.
func AppendAbsent(dst []byte, gen uint64) []byte {
	// Without a key there is nothing that may not fit.
	frame, _ := Version1.AppendAbsent(dst, "", gen)
	return frame
}

// DecodeAbsent returns the generation under which the source had no such key.
// Anything but exactly one whole absent entry, of the key in version 2, is an error
// that wraps [ErrCorrupt]. It never allocates.
func (v Version) DecodeAbsent(b []byte, key string) (gen uint64, err error) {
	body, err := v.openBare(b, KindAbsent, key)
	if err != nil {
		return 0, err
	}
	return decodeAbsentBody(body)
}

// EncodeAbsent returns a new absent entry, in one allocation. A key that does not
// fit, in version 2, is an error that wraps [ErrTooLarge].
func (v Version) EncodeAbsent(key string, gen uint64) ([]byte, error) {
	return v.AppendAbsent(nil, key, gen)
}

// AppendAbsent appends an absent entry to dst. It allocates only when dst lacks the
// room, and then once. A key that does not fit, in version 2, is an error that wraps
// [ErrTooLarge], and dst comes back unchanged.
func (v Version) AppendAbsent(dst []byte, key string, gen uint64) ([]byte, error) {
	if err := v.bare(); err != nil {
		return dst, err
	}
	frame, err := v.begin(dst, KindAbsent, key, genSize)
	if err != nil {
		return dst, err
	}
	frame = binary.BigEndian.AppendUint64(frame, gen)
	return v.finish(frame, len(dst)), nil
}

func decodeAbsentBody(body []byte) (gen uint64, err error) {
	if len(body) < genSize {
		return 0, errShort
	}
	if len(body) > genSize {
		return 0, errTrailing
	}
	return binary.BigEndian.Uint64(body), nil
}
