package cascache

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound says that the source has no such key. A load returns it, or an
// error that wraps it; Loader.Get does in turn.
var ErrNotFound = errors.New("cascache: not found in the source")

// ErrLoadCycle is wrapped by the error for a key whose load would wait for
// itself: a load asked a loader for its own key, directly or through the loads
// of other keys. The error names the key that was asked for.
var ErrLoadCycle = errors.New("cascache: a load waits for itself")

// LoadPanicError is what the callers of a load that panicked get.
type LoadPanicError struct {
	Value any    // what the load panicked with
	Stack []byte // of the goroutine that panicked
}

func (e *LoadPanicError) Error() string {
	return fmt.Sprintf("cascache: the load panicked: %v\n%s", e.Value, e.Stack)
}

// Unwrap returns the value of the panic if it is an error.
func (e *LoadPanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// BulkLoadError is the error of [Loader.GetBulk] when keys could not be loaded.
type BulkLoadError struct {
	Keys []string // that could not be loaded, in the order asked for, each once
	Err  error    // why; it wraps the errors of all loads that failed
}

// Error counts the keys and the errors, and shows a few of each.
func (e *BulkLoadError) Error() string {
	return fmt.Sprintf("cascache: load %s: %v", abridged(e.Keys, func(key string) string { return fmt.Sprintf("%q", key) }, ", "), e.Err)
}

// Unwrap returns Err.
func (e *BulkLoadError) Unwrap() error { return e.Err }

// bulkFailure collects what becomes the error of one GetBulk.
type bulkFailure[V any] struct {
	keys   []string
	causes loadErrors
	told   map[*flight[V]]bool // flights whose error is among the causes; nil stands for the caller's own
}

// add notes that a key could not be loaded. The errors of one flight are one
// error: they are not compared, because an error may be of a type that cannot be.
func (b *bulkFailure[V]) add(key string, f *flight[V], err error) {
	b.keys = append(b.keys, key)
	b.cause(f, err)
}

// hook notes that Hooks.Load panicked, if it did.
func (b *bulkFailure[V]) hook(f *flight[V]) {
	if f.hookErr != nil {
		b.cause(f, f.hookErr)
	}
}

func (b *bulkFailure[V]) cause(f *flight[V], err error) {
	if b.told[f] {
		return
	}
	if b.told == nil {
		b.told = make(map[*flight[V]]bool)
	}
	b.told[f] = true
	b.causes = append(b.causes, err)
}

func (b *bulkFailure[V]) err() error {
	if len(b.causes) == 0 {
		return nil
	}
	var err error = b.causes
	if len(b.causes) == 1 {
		err = b.causes[0]
	}
	if len(b.keys) == 0 {
		return err // of a hook
	}
	return &BulkLoadError{Keys: b.keys, Err: err}
}

// loadErrors are the errors of several loads.
type loadErrors []error

func (e loadErrors) Error() string { return abridged(e, error.Error, "; ") }

func (e loadErrors) Unwrap() []error { return e }

// abridged shows the first of some items, and counts the others.
func abridged[T any](items []T, show func(T) string, separator string) string {
	var b strings.Builder
	for i, item := range items[:min(len(items), few)] {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(show(item))
	}
	if more := len(items) - few; more > 0 {
		fmt.Fprintf(&b, "%sand %d more", separator, more)
	}
	return b.String()
}

// onlyNotFound reports whether everything that err joins wraps [ErrNotFound]. A
// load of many keys may join the errors of several: then one key that is not
// found says nothing of a key that could not be read.
func onlyNotFound(err error) bool {
	if e, ok := err.(interface{ Is(error) bool }); ok && e.Is(ErrNotFound) {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		causes := e.Unwrap()
		for _, cause := range causes {
			if !onlyNotFound(cause) {
				return false
			}
		}
		return len(causes) > 0
	case interface{ Unwrap() error }:
		return onlyNotFound(e.Unwrap())
	}
	return errors.Is(err, ErrNotFound)
}

// afterLoadError tells of a panic that came after the source had answered.
type afterLoadError struct {
	where string
	value any
	stack []byte
}

func (e *afterLoadError) Error() string {
	return fmt.Sprintf("cascache: %s panicked: %v\n%s", e.where, e.value, e.stack)
}

func (e *afterLoadError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
