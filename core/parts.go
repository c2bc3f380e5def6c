package cascache

import (
	"context"
	"errors"
	"fmt"
)

// partSize is how many keys one call of a provider or generation store is for at
// most. A larger bulk goes in parts, one after the other, each bounded in time by
// itself: one bound for all would be too short for a large bulk, and a server
// that works on a thousand keys keeps everybody else waiting for a few
// milliseconds only.
const partSize = 1000

// goesOn reports whether the next part is worth a try after one that has failed.
// A store that let the time run out would let it run out again, part by part.
func goesOn(ctx context.Context, err error) bool {
	return err == nil ||
		!outOfTime(err) && ended(ctx) == nil && !errors.Is(err, ErrGenStoreStuck) && !errors.Is(err, ErrClosed)
}

// outOfTime reports whether an error says that a call took too long. What it has
// done by then, or does later, is not known.
func outOfTime(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// few is how many of many errors are told.
const few = 3

// failures counts errors and keeps the first few.
type failures struct {
	n     int
	first []error
}

func (f *failures) add(err error) {
	if err == nil {
		return
	}
	if f.n++; f.n <= few {
		f.first = append(f.first, err)
	}
}

// merge adds what other has counted.
func (f *failures) merge(other failures) {
	f.n += other.n
	f.first = append(f.first, other.first[:min(len(other.first), few-len(f.first))]...)
}

// err returns nil if there was none.
func (f *failures) err() error {
	if more := f.n - len(f.first); more > 0 {
		return errors.Join(append(f.first[:len(f.first):len(f.first)], fmt.Errorf("cascache: and %d more errors", more))...)
	}
	return errors.Join(f.first...)
}
