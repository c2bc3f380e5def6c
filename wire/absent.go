package wire

import "encoding/binary"

// AbsentSize is the size of an absent entry.
const AbsentSize = headerSize + genSize

// DecodeAbsent returns the generation under which the source had no such key.
// Anything but exactly one whole absent entry is an error that wraps
// [ErrCorrupt]. It never allocates.
func DecodeAbsent(b []byte) (gen uint64, err error) {
	body, err := open(b, KindAbsent)
	if err != nil {
		return 0, err
	}
	return decodeAbsentBody(body)
}

// EncodeAbsent returns a new absent entry.
func EncodeAbsent(gen uint64) []byte {
	return AppendAbsent(make([]byte, 0, AbsentSize), gen)
}

// AppendAbsent appends an absent entry to dst.
func AppendAbsent(dst []byte, gen uint64) []byte {
	return binary.BigEndian.AppendUint64(appendHeader(dst, KindAbsent), gen)
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
