package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// MaxKeyLen is the length in bytes of the longest key that fits its field: that of a
// bulk member or of a dependency, and with a checksum that of the entry.
const MaxKeyLen = math.MaxUint16

// memberOverhead is the size of a bulk member without its key and payload.
const memberOverhead = keyLenSize + genSize + lenSize

// BulkItem is one member of a bulk.
type BulkItem struct {
	Key string
	Gen uint64
	// Payload aliases the input of the decoder it came from.
	Payload []byte
}

// DecodeBulk decodes a bulk of version 1, as [Version.DecodeBulk] does.
func DecodeBulk(b []byte) ([]BulkItem, error) {
	return Version1.DecodeBulk(b, "")
}

// EncodeBulk returns a new bulk of version 1, as [Version.AppendBulk] would append it.
func EncodeBulk(items []BulkItem) ([]byte, error) {
	return Version1.AppendBulk(nil, "", items)
}

// AppendBulk appends a bulk of version 1 to dst, as [Version.AppendBulk] does.
func AppendBulk(dst []byte, items []BulkItem) ([]byte, error) {
	return Version1.AppendBulk(dst, "", items)
}

// DecodeBulk returns the members of a bulk in ascending byte order of their keys.
// The key is the one that the whole bulk is stored under.
//
// Payloads alias b, are clipped to their length, and are not nil even when empty.
// The whole bulk is checked before anything is allocated, then it costs one slice
// and one string per member. Anything but exactly one whole bulk, of the key in
// version 2, is an error that wraps [ErrCorrupt], and costs no allocation whatever
// it claims to hold.
func (v Version) DecodeBulk(b []byte, key string) ([]BulkItem, error) {
	body, err := v.openBare(b, KindBulk, key)
	if err != nil {
		return nil, err
	}
	return decodeBulkBody(body)
}

// EncodeBulk returns a new bulk of the items, as [Version.AppendBulk] would append it.
func (v Version) EncodeBulk(key string, items []BulkItem) ([]byte, error) {
	return v.AppendBulk(nil, key, items)
}

// AppendBulk appends a bulk of the items to dst; the key is the one that the whole
// bulk is stored under. Items may come in any order and are written in ascending
// order of their keys; the caller's slice is left as it is, and copied only when it
// is not in that order already. Apart from that copy, it allocates only when dst
// lacks the room, and then once. Payloads must not lie in the spare capacity of
// dst.
//
// An item's key that occurs twice is an error that wraps [ErrDuplicateKey]; an
// item's key, a payload or a number of items that does not fit, or in version 2 the
// key, one that wraps [ErrTooLarge]. On an error dst comes back unchanged.
func (v Version) AppendBulk(dst []byte, key string, items []BulkItem) ([]byte, error) {
	if err := v.bare(); err != nil {
		return dst, err
	}
	if !slices.IsSortedFunc(items, compareKeys) {
		items = slices.Clone(items)
		slices.SortFunc(items, compareKeys)
	}
	size, err := bulkBodySize(items)
	if err != nil {
		return dst, err
	}
	frame, err := v.begin(dst, KindBulk, key, size)
	if err != nil {
		return dst, err
	}
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(items)))
	for _, item := range items {
		frame = appendKey(frame, item.Key)
		frame = binary.BigEndian.AppendUint64(frame, item.Gen)
		frame = appendPayload(frame, item.Payload)
	}
	return v.finish(frame, len(dst)), nil
}

// checkMemberCount refuses a number of members that does not fit its field.
func checkMemberCount(n int) error {
	if uint64(n) > math.MaxUint32 {
		return errMemberCount
	}
	return nil
}

// compareKeys orders members as the format does: a string compares byte by byte.
func compareKeys(a, b BulkItem) int { return strings.Compare(a.Key, b.Key) }

// bulkBodySize returns the size of the body that holds the items, which are sorted,
// or the reason why there is none.
func bulkBodySize(items []BulkItem) (uint64, error) {
	if err := checkMemberCount(len(items)); err != nil {
		return 0, err
	}
	size := uint64(lenSize)
	for i, item := range items {
		if i > 0 && items[i-1].Key == item.Key {
			return 0, fmt.Errorf("%w: %q", ErrDuplicateKey, item.Key)
		}
		if len(item.Key) > MaxKeyLen {
			return 0, errKeyLen
		}
		if err := checkPayloadLen(len(item.Payload)); err != nil {
			return 0, err
		}
		size += memberOverhead + uint64(len(item.Key)) + uint64(len(item.Payload))
	}
	return size, nil
}

// checkBulkBody walks a whole bulk without allocating and returns the number of its
// members, each of which is then known to be there.
func checkBulkBody(body []byte) (n int, err error) {
	if len(body) < lenSize {
		return 0, errShort
	}
	count := binary.BigEndian.Uint32(body)
	rest := body[lenSize:]
	// A count that the input cannot hold is refused before the walk, and before it
	// becomes an int, which may have 32 bits.
	if uint64(count)*memberOverhead > uint64(len(rest)) {
		return 0, errShort
	}
	n = int(count)
	var last []byte
	for i := range n {
		var m member
		m, rest, err = cutMember(rest)
		if err != nil {
			return 0, err
		}
		if i > 0 && string(last) >= string(m.key) {
			return 0, errOrder
		}
		last = m.key
	}
	if len(rest) > 0 {
		return 0, errTrailing
	}
	return n, nil
}

func decodeBulkBody(body []byte) ([]BulkItem, error) {
	n, err := checkBulkBody(body)
	if err != nil {
		return nil, err
	}
	items := make([]BulkItem, n)
	rest := body[lenSize:]
	for i := range items {
		var m member
		m, rest, err = cutMember(rest)
		if err != nil {
			return nil, err
		}
		items[i] = BulkItem{Key: string(m.key), Gen: m.gen, Payload: m.payload}
	}
	return items, nil
}

// member is a bulk member before its key has become a string of its own.
type member struct {
	key     []byte
	gen     uint64
	payload []byte
}

// cutMember takes the first member off b.
func cutMember(b []byte) (m member, rest []byte, err error) {
	if len(b) < memberOverhead {
		return member{}, nil, errShort
	}
	keyLen := int(binary.BigEndian.Uint16(b))
	if len(b) < memberOverhead+keyLen {
		return member{}, nil, errShort
	}
	b = b[keyLenSize:]
	m.key, b = b[:keyLen], b[keyLen:]
	m.gen = binary.BigEndian.Uint64(b)
	m.payload, rest, err = cutPayload(b[genSize:])
	return m, rest, err
}
