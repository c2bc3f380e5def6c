package wire

import "strconv"

const (
	magic   = "CASC"
	version = 0x01

	// Untyped, and so not len(magic): sizes are added up as int and as uint64.
	headerSize = 4 + 1 + 1 // magic, version, kind
	genSize    = 8
	lenSize    = 4 // of a payload's length and of a bulk's count
	keyLenSize = 2
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

// KindOf reads the header alone: magic, version, and a kind that is known. It says
// which decoder to call, not that the decoder will succeed. Any other header is
// an error that wraps [ErrCorrupt].
func KindOf(b []byte) (Kind, error) {
	if len(b) < headerSize {
		return 0, errNoHeader
	}
	if string(b[:len(magic)]) != magic {
		return 0, errMagic
	}
	if b[len(magic)] != version {
		return 0, errVersion
	}
	kind := Kind(b[len(magic)+1])
	switch kind {
	case KindSingle, KindBulk, KindAbsent:
		return kind, nil
	default:
		return 0, errKind
	}
}

// open takes the header off an entry of the wanted kind and returns its body. The
// codecs of the three bodies see nothing outside of it, so an envelope that puts
// more around the same bodies needs only its own open and appendHeader.
func open(b []byte, want Kind) ([]byte, error) {
	kind, err := KindOf(b)
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, errOtherKind
	}
	return b[headerSize:], nil
}

func appendHeader(dst []byte, kind Kind) []byte {
	dst = append(dst, magic...)
	return append(dst, version, byte(kind))
}
