package cascache

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrClosed is returned by every call that comes after Close.
	ErrClosed = errors.New("cascache: closed")

	// ErrInvalidKey is wrapped by the error for a key that is empty or whose
	// storage key is over 65,535 bytes long.
	ErrInvalidKey = errors.New("cascache: invalid key")

	// ErrInvalidTTL is wrapped by the error for a negative TTL.
	ErrInvalidTTL = errors.New("cascache: invalid TTL")

	// ErrValueTooLarge is wrapped by the error of a [Limit] codec.
	ErrValueTooLarge = errors.New("cascache: value too large")

	// ErrSuspect is wrapped by the error of a snapshot of a key whose last
	// invalidation in this process is not known to be applied.
	ErrSuspect = errors.New("cascache: key is suspect since an invalidation failed")

	// ErrNotCommitted is wrapped by the error of a write given to Mutate when
	// the source certainly did not take the write, now or later.
	ErrNotCommitted = errors.New("cascache: not committed")

	// ErrHoldUnsupported is returned by Mutate when the generation store has
	// no [Holder] ability. The write has not run.
	ErrHoldUnsupported = errors.New("cascache: the generation store cannot hold keys")

	// ErrGenStoreStuck is returned for a generation look-up that was not even
	// begun, since as many earlier ones as may be under way never returned.
	ErrGenStoreStuck = errors.New("cascache: the generation store does not answer")
)

// InvalidateBulkError tells that of an invalidation of many keys some are not
// known to be applied: each of Keys is as an [InvalidateError] says, the others
// are invalidated.
type InvalidateBulkError struct {
	// Keys are the caller's keys whose bump is not known to be applied, in the
	// order in which they were given, each once.
	Keys []string

	failed failures // of keys, and keys that cannot exist
}

// Error counts the keys that failed, and names a few.
func (e *InvalidateBulkError) Error() string {
	return fmt.Sprintf("cascache: %d keys could not be invalidated: %v", max(e.failed.n, len(e.Keys)), e.failed.err())
}

// Unwrap returns the errors of the first few keys: an [*InvalidateError] for each
// of Keys, and one that wraps [ErrInvalidKey] for a key that cannot exist.
func (e *InvalidateBulkError) Unwrap() []error { return e.failed.first }

// Op names an operation of a cache.
type Op string

// The operations that an [OpError] tells of.
const (
	OpGet          Op = "get"
	OpGetBulk      Op = "get bulk"
	OpSet          Op = "set"
	OpSetBulk      Op = "set bulk"
	OpSnapshot     Op = "snapshot"
	OpSnapshotBulk Op = "snapshot bulk"
	OpInvalidate   Op = "invalidate"
	OpMutate       Op = "mutate"
	OpLoad         Op = "load" // of Loader.Get
)

// OpError tells which operation of a cache failed, and for which key. It is found
// by errors.As in what the calls return, but for [ErrClosed] and the end of the
// caller's own context, which are returned as they are, and the failures that
// [InvalidateError], [LoadPanicError] and [BulkLoadError] tell of.
type OpError struct {
	Op        Op
	Namespace string // of the cache; empty for a load over another [CAS] than a [Handle]
	Key       string // the caller's key; of several, the first one
	Keys      int    // how many keys the operation was for
	Err       error  // the cause
}

// shownKey is how much of a key an error shows.
const shownKey = 256

func (e *OpError) Error() string {
	key := e.Key
	if e.Namespace != "" {
		key = newKeySpace(e.Namespace, "").entry(key)
	}
	if len(key) > shownKey {
		key = strings.ToValidUTF8(key[:shownKey], "") + "..."
	}
	if e.Keys > 1 {
		return fmt.Sprintf("cascache: %s %q and %d more keys: %v", e.Op, key, e.Keys-1, e.Err)
	}
	return fmt.Sprintf("cascache: %s %q: %v", e.Op, key, e.Err)
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// failed returns an [*OpError] of this cache for a key, or the first of several.
func (p *proofs) failed(op Op, key string, keys int, err error) error {
	return &OpError{Op: op, Namespace: p.emit.namespace, Key: key, Keys: keys, Err: err}
}

// check returns an error that wraps [ErrInvalidKey] if an operation cannot be for
// key.
func (p *proofs) check(op Op, key string) error {
	if err := p.keys.check(key); err != nil {
		return p.failed(op, key, 1, err)
	}
	return nil
}

// InvalidateError tells that an invalidation is not known to be applied: other
// processes may go on serving the old value. In this process the key is
// suspect from then on: reads miss and fills are skipped until a later bump
// of the key has succeeded, which is retried in the background.
type InvalidateError struct {
	Key     string // the caller's key
	BumpErr error  // why the bump is not known to be applied; never nil
	DelErr  error  // the failure of the delete that was tried all the same, or nil
}

func (e *InvalidateError) Error() string {
	if e.DelErr != nil {
		return fmt.Sprintf("cascache: invalidate %q: bump: %v; delete: %v", e.Key, e.BumpErr, e.DelErr)
	}
	return fmt.Sprintf("cascache: invalidate %q: bump: %v", e.Key, e.BumpErr)
}

// Unwrap returns the causes that are not nil.
func (e *InvalidateError) Unwrap() []error {
	causes := make([]error, 0, 2)
	for _, err := range [...]error{e.BumpErr, e.DelErr} {
		if err != nil {
			causes = append(causes, err)
		}
	}
	return causes
}
