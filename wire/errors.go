package wire

import "errors"

var (
	// ErrCorrupt is wrapped by every error that a decoder has about its input: the
	// bytes are not a complete entry of the version, the kind and, with a checksum, the
	// key that was asked for. The message names what was
	// wrong, never the bytes themselves.
	ErrCorrupt = errors.New("cascache: corrupt envelope")

	// ErrTooLarge is wrapped by the errors of encoders that were given a key, a
	// payload, or a number of members or of dependencies of a bulk, that does not fit its field.
	ErrTooLarge = errors.New("cascache: too large for the envelope")

	// ErrUnknownVersion is wrapped by the errors of a [Version] that is none of the
	// constants, or that the method cannot write or read. It says nothing about the
	// bytes.
	ErrUnknownVersion = errors.New("cascache: unknown envelope version")

	// ErrDuplicateKey is wrapped by the error of an encoder that was given the
	// same key twice, in a bulk or among the dependencies of one entry: which of the
	// two the reader would get is nobody's choice to make here.
	ErrDuplicateKey = errors.New("cascache: duplicate key in the envelope")

	// ErrTooManyDeps is wrapped by the errors about more dependencies than an entry
	// can carry: [MaxDeps] in version 3, and none in versions 1 and 2.
	ErrTooManyDeps = errors.New("cascache: too many dependencies for the envelope")
)

// reason is a sentinel and what exactly was wrong. Reasons exist once, as package
// variables, so that a decoder refusing hostile input does not even allocate its
// error.
type reason struct {
	sentinel error
	what     string
}

func (r *reason) Error() string { return r.sentinel.Error() + ": " + r.what }

func (r *reason) Unwrap() error { return r.sentinel }

var (
	errNoHeader     = &reason{ErrCorrupt, "shorter than its header"}
	errMagic        = &reason{ErrCorrupt, "does not begin with the magic"}
	errVersion      = &reason{ErrCorrupt, "of another version"}
	errFlags        = &reason{ErrCorrupt, "other flags"}
	errKind         = &reason{ErrCorrupt, "unknown kind"}
	errOtherKind    = &reason{ErrCorrupt, "of another kind"}
	errSum          = &reason{ErrCorrupt, "checksum does not match"}
	errOtherKey     = &reason{ErrCorrupt, "of another key"}
	errShort        = &reason{ErrCorrupt, "shorter than it claims"}
	errTrailing     = &reason{ErrCorrupt, "bytes after its end"}
	errOrder        = &reason{ErrCorrupt, "bulk keys not in strictly ascending order"}
	errDepOrder     = &reason{ErrCorrupt, "dependencies not in strictly ascending order"}
	errDepCount     = &reason{ErrCorrupt, "more than 256 dependencies"}
	errDepIndex     = &reason{ErrCorrupt, "a dependency that is not in the table"}
	errDepUnused    = &reason{ErrCorrupt, "a dependency of no member"}
	errKeyLen       = &reason{ErrTooLarge, "a key has more than 65535 bytes"}
	errPayloadLen   = &reason{ErrTooLarge, "a payload has more than 4294967295 bytes"}
	errMemberCount  = &reason{ErrTooLarge, "a bulk has more than 4294967295 members"}
	errTableLen     = &reason{ErrTooLarge, "a bulk has more than 4294967295 dependencies"}
	errTooManyDeps  = &reason{ErrTooManyDeps, "more than 256"}
	errNoDeps       = &reason{ErrTooManyDeps, "versions 1 and 2 carry none"}
	errNoVersion    = &reason{ErrUnknownVersion, "none of the constants"}
	errNotBare      = &reason{ErrUnknownVersion, "version 3, which this method cannot write or read in full"}
	errAddressSpace = &reason{ErrTooLarge, "the frame is longer than a slice can be"}
)
