package wire

import "encoding/binary"

// entryHead is what the body of a single and of an absent entry of version 3 has
// before the number of its dependencies.
const entryHead = genSize + timeSize

// Entry is what may lie under the key of one value: the value, or the statement that
// the source has none.
type Entry struct {
	// Absent says that the source had no such key: then there is no payload.
	Absent bool
	Gen    uint64
	// Loaded is when the value was loaded, in Unix milliseconds, or 0 where that is
	// unknown. Versions 1 and 2 leave it out and are decoded to 0.
	Loaded uint64
	Deps   Deps
	// Payload aliases the input of the decoder it came from.
	Payload []byte
}

// kind returns the kind that the entry is encoded as.
func (e *Entry) kind() Kind {
	if e.Absent {
		return KindAbsent
	}
	return KindSingle
}

// bodySize returns the size of the body that holds the entry in version 3.
func (e *Entry) bodySize() uint64 {
	size := entryHead + e.Deps.size()
	if !e.Absent {
		size += lenSize + uint64(len(e.Payload))
	}
	return size
}

// Decode decodes what may lie under the key of one value. Whatever e held before is
// lost. Payload and dependencies alias b. The payload is clipped to its length, and not
// nil even when empty, unless the entry is absent. Anything but exactly one whole
// single or absent entry, of the key where there is a checksum, is an error that wraps
// [ErrCorrupt], and leaves e as the zero Entry. It never allocates.
func (v Version) Decode(b []byte, key string, e *Entry) error {
	if v == Version1 && isSingle1(b) { // as in DecodeEntry, without the call
		payload := b[headerSize+singleHead:]
		*e = Entry{Gen: binary.BigEndian.Uint64(b[headerSize:]), Payload: payload[:len(payload):len(payload)]}
		return nil
	}
	if !v.is3() {
		kind, gen, payload, err := v.DecodeEntry(b, key)
		*e = Entry{Absent: kind == KindAbsent, Gen: gen, Payload: payload}
		return err
	}
	kind := KindSingle
	// Only a guess, of bytes that may be damaged: open tells.
	if len(b) > len(magic)+1 && b[len(magic)+1] == byte(KindAbsent) {
		kind = KindAbsent
	}
	*e = Entry{}
	body, err := v.open(b, kind, key)
	if err != nil {
		return err
	}
	if err := e.decodeBody(body, kind); err != nil {
		*e = Entry{}
		return err
	}
	return nil
}

// Append appends an entry to dst. It allocates only when dst lacks the room, and then
// once. Neither the payload nor the dependencies may lie in the spare capacity of dst.
// The payload of an absent entry is not written.
//
// A payload that does not fit, or with a checksum a key, is an error that wraps
// [ErrTooLarge]; dependencies in versions 1 and 2, which have no room for any, are one
// that wraps [ErrTooManyDeps]. On an error dst comes back unchanged.
func (v Version) Append(dst []byte, key string, e Entry) ([]byte, error) {
	if err := v.known(); err != nil {
		return dst, err
	}
	if !v.is3() {
		switch {
		case e.Deps.n > 0:
			return dst, errNoDeps
		case e.Absent:
			return v.AppendAbsent(dst, key, e.Gen)
		default:
			return v.AppendSingle(dst, key, e.Gen, e.Payload)
		}
	}
	if !e.Absent {
		if err := checkPayloadLen(len(e.Payload)); err != nil {
			return dst, err
		}
	}
	frame, err := v.begin(dst, e.kind(), key, e.bodySize())
	if err != nil {
		return dst, err
	}
	frame = binary.BigEndian.AppendUint64(frame, e.Gen)
	frame = binary.BigEndian.AppendUint64(frame, e.Loaded)
	frame = e.Deps.appendTo(frame)
	if !e.Absent {
		frame = appendPayload(frame, e.Payload)
	}
	return v.finish(frame, len(dst)), nil
}

// Size returns the size of an entry with a key of that many bytes, as [Version.Append]
// would append it, or no sensible number where it would fail.
func (v Version) Size(key int, e Entry) int {
	switch {
	case v.is3():
		return v.aroundSize(key) + int(e.bodySize())
	case e.Absent:
		return v.aroundSize(key) + genSize
	default:
		return v.SingleSize(key, len(e.Payload))
	}
}

// decodeBody fills in the entry from its body in version 3. With an error, it may
// have filled in a part.
func (e *Entry) decodeBody(body []byte, kind Kind) (err error) {
	if len(body) < entryHead {
		return errShort
	}
	e.Gen = binary.BigEndian.Uint64(body)
	e.Loaded = binary.BigEndian.Uint64(body[genSize:])
	rest, err := e.Deps.decode(body[entryHead:])
	if err != nil {
		return err
	}
	if kind == KindAbsent {
		e.Absent = true
	} else {
		if len(rest) < lenSize {
			return errShort
		}
		if e.Payload, rest, err = cutPayload(rest); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return errTrailing
	}
	return nil
}

// singleHeader is the header of a single of version 1.
const singleHeader = magic + "\x01\x01"

// DecodeEntry decodes what may lie under the key of one value, and tells which it
// is: a single, as [Version.DecodeSingle] does, or an absent entry, as
// [Version.DecodeAbsent] does, without a payload then. A bulk is an error that wraps
// [ErrCorrupt].
func (v Version) DecodeEntry(b []byte, key string) (kind Kind, gen uint64, payload []byte, err error) {
	// What nearly every hit is, in one look.
	if v == Version1 && isSingle1(b) {
		payload = b[headerSize+singleHead:]
		return KindSingle, binary.BigEndian.Uint64(b[headerSize:]), payload[:len(payload):len(payload)], nil
	}
	if err = v.bare(); err != nil {
		return 0, 0, nil, err
	}
	if kind, err = v.KindOf(b); err != nil {
		return 0, 0, nil, err
	}
	if kind == KindAbsent {
		gen, err = v.DecodeAbsent(b, key)
	} else {
		gen, payload, err = v.DecodeSingle(b, key)
	}
	if err != nil {
		return 0, 0, nil, err
	}
	return kind, gen, payload, nil
}

// isSingle1 reports whether b is one whole single of version 1.
func isSingle1(b []byte) bool {
	return len(b) >= headerSize+singleHead && string(b[:headerSize]) == singleHeader &&
		uint64(binary.BigEndian.Uint32(b[headerSize+genSize:])) == uint64(len(b)-headerSize-singleHead)
}
