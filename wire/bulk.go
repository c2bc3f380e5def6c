package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// BulkOverhead is the size of a bulk without its members.
	BulkOverhead = headerSize + lenSize

	// MemberOverhead is the size of a bulk member without its key and payload.
	MemberOverhead = keyLenSize + genSize + lenSize

	// MaxKeyLen is the length in bytes of the longest key a bulk member can have.
	MaxKeyLen = math.MaxUint16
)

// BulkItem is one member of a bulk.
type BulkItem struct {
	Key string
	Gen uint64
	// Payload aliases the input of the decoder it came from.
	Payload []byte
}

// DecodeBulk returns the members of a bulk in ascending byte order of their keys.
// Payloads alias b, are clipped to their length, and are not nil even when empty.
// The whole bulk is checked before anything is allocated, then it costs one slice
// and one string per member. Anything but exactly one whole bulk is an error that
// wraps [ErrCorrupt], and costs no allocation whatever it claims to hold.
func DecodeBulk(b []byte) ([]BulkItem, error) {
	body, err := open(b, KindBulk)
	if err != nil {
		return nil, err
	}
	return decodeBulkBody(body)
}

// EncodeBulk returns a new bulk of the items, as [AppendBulk] would append it.
func EncodeBulk(items []BulkItem) ([]byte, error) {
	return AppendBulk(nil, items)
}

// AppendBulk appends a bulk of the items to dst. They may come in any order and are
// written in ascending order of their keys; the caller's slice is left as it is,
// and copied only when it is not in that order already. Apart from that copy, it
// allocates only when dst lacks the room, and then once. Payloads must not lie in
// the spare capacity of dst.
//
// A key that occurs twice is an error that wraps [ErrDuplicateKey]; a key, a
// payload or a number of items that does not fit, one that wraps [ErrTooLarge].
// On an error dst comes back unchanged.
func AppendBulk(dst []byte, items []BulkItem) ([]byte, error) {
	if !slices.IsSortedFunc(items, compareKeys) {
		items = slices.Clone(items)
		slices.SortFunc(items, compareKeys)
	}
	size, err := bulkSize(items)
	if err != nil {
		return dst, err
	}
	frame, err := grow(dst, size)
	if err != nil {
		return dst, err
	}
	frame = appendBulkHead(appendHeader(frame, KindBulk), uint32(len(items)))
	for _, item := range items {
		frame = appendMemberHead(frame, item.Key, item.Gen, uint32(len(item.Payload)))
		frame = append(frame, item.Payload...)
	}
	return frame, nil
}

// BeginBulk appends the head of a bulk of exactly n members. The caller then writes
// each of them with [BeginMember] and [FinishMember], in strictly ascending byte
// order of their keys, and calls [FinishBulk] with the length that dst had here;
// until then the frame is not a valid entry. An n that does not fit is an error
// that wraps [ErrTooLarge], and dst comes back unchanged.
//
// A dst with room for [BulkOverhead], and for each member [MemberOverhead], its key
// and its payload, is never reallocated.
func BeginBulk(dst []byte, n int) ([]byte, error) {
	if err := checkMemberCount(n); err != nil {
		return dst, err
	}
	return appendBulkHead(appendHeader(dst, KindBulk), uint32(n)), nil
}

// BeginMember appends everything of a bulk member that comes before its payload,
// with the length left blank. The caller appends the payload, and nothing else,
// then calls [FinishMember] with the length that dst had here. A key longer than
// [MaxKeyLen] is an error that wraps [ErrTooLarge], and dst comes back unchanged.
func BeginMember(dst []byte, key string, gen uint64) ([]byte, error) {
	if len(key) > MaxKeyLen {
		return dst, errKeyLen
	}
	return appendMemberHead(dst, key, gen, 0), nil
}

// FinishMember fills in the length of the member that [BeginMember] began at start,
// where start is the length of the dst it was given. Everything after the member's
// head is its payload; one that does not fit is an error that wraps
// [ErrTooLarge]. A frame too short to hold a member at start is an error that
// wraps [ErrCorrupt]. On an error the frame comes back unchanged.
func FinishMember(frame []byte, start int) ([]byte, error) {
	b, err := unfinished(frame, start)
	if err != nil {
		return frame, err
	}
	if len(b) < keyLenSize {
		return frame, errShort
	}
	keyLen := int(binary.BigEndian.Uint16(b))
	return frame, putPayloadLen(b, MemberOverhead+keyLen)
}

// FinishBulk checks the bulk that [BeginBulk] began at start, where start is the
// length of the dst it was given: n whole members, keys strictly ascending, and
// nothing after them. A frame for which that does not hold, and that no reader
// would accept, is an error that wraps [ErrCorrupt]. The frame comes back
// unchanged either way, and nothing is allocated.
func FinishBulk(frame []byte, start int) ([]byte, error) {
	b, err := unfinished(frame, start)
	if err != nil {
		return frame, err
	}
	body, err := open(b, KindBulk)
	if err != nil {
		return frame, err
	}
	_, err = checkBulkBody(body)
	return frame, err
}

// checkMemberCount refuses a number of members that does not fit its field.
func checkMemberCount(n int) error {
	// A negative n becomes a number that is too large.
	if uint64(n) > math.MaxUint32 {
		return errMemberCount
	}
	return nil
}

// compareKeys orders members as the format does: a string compares byte by byte.
func compareKeys(a, b BulkItem) int { return strings.Compare(a.Key, b.Key) }

// bulkSize returns the size of the bulk that holds the items, which are sorted, or
// the reason why there is none.
func bulkSize(items []BulkItem) (uint64, error) {
	if err := checkMemberCount(len(items)); err != nil {
		return 0, err
	}
	size := uint64(BulkOverhead)
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
		size += MemberOverhead + uint64(len(item.Key)) + uint64(len(item.Payload))
	}
	return size, nil
}

func appendBulkHead(dst []byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32(dst, n)
}

// appendMemberHead appends a member up to its payload. The key fits its field.
func appendMemberHead(dst []byte, key string, gen uint64, payloadLen uint32) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(key)))
	dst = append(dst, key...)
	dst = binary.BigEndian.AppendUint64(dst, gen)
	return binary.BigEndian.AppendUint32(dst, payloadLen)
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
	if uint64(count)*MemberOverhead > uint64(len(rest)) {
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
	if len(b) < MemberOverhead {
		return member{}, nil, errShort
	}
	keyLen := int(binary.BigEndian.Uint16(b))
	if len(b) < MemberOverhead+keyLen {
		return member{}, nil, errShort
	}
	b = b[keyLenSize:]
	m.key, b = b[:keyLen], b[keyLen:]
	m.gen = binary.BigEndian.Uint64(b)
	m.payload, rest, err = cutPayload(b[genSize:])
	return m, rest, err
}
