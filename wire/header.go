package wire

import "strconv"

const (
	magic = "CASC"

	// Untyped, and so not len(magic): sizes are added up as int and as uint64.
	headerSize = 4 + 1 + 1 // magic, version, kind
	genSize    = 8
	lenSize    = 4 // of a payload's length and of a bulk's count
	keyLenSize = 2
	flagsSize  = 1 // in the header of version 3
	timeSize   = 8
	countSize  = 2 // of an entry's dependencies
	indexSize  = 4 // of a dependency in the table of a bulk
)

// Kind says what an entry holds. The numbers are part of the format.
type Kind uint8

const (
	// KindSingle is one value with its generation.
	KindSingle Kind = 1
	// KindBulk is a set of values, each with its key and generation.
	KindBulk Kind = 2
	// KindAbsent says that the source had no such key under a generation.
	KindAbsent Kind = 3
)

// String returns the kind's name, or "kind(n)" for a number that is none.
func (k Kind) String() string {
	switch k {
	case KindSingle:
		return "single"
	case KindBulk:
		return "bulk"
	case KindAbsent:
		return "absent"
	default:
		return "kind(" + strconv.Itoa(int(k)) + ")"
	}
}

// KindOf reads the header of an entry of version 1, as [Version.KindOf] does.
func KindOf(b []byte) (Kind, error) { return Version1.KindOf(b) }

// KindOf reads the header alone: magic, version, in version 3 the flags, and a kind
// that is known. It says which decoder to call, not that the decoder will succeed; not
// even a checksum is looked at. Any other header is an error that wraps [ErrCorrupt].
func (v Version) KindOf(b []byte) (Kind, error) {
	if err := v.check(b); err != nil {
		return 0, err
	}
	return kindOf(b)
}

// kindOf reads the kind of b, which has a header.
func kindOf(b []byte) (Kind, error) {
	kind := Kind(b[len(magic)+1])
	switch kind {
	case KindSingle, KindBulk, KindAbsent:
		return kind, nil
	default:
		return 0, errKind
	}
}
