package cascache

import (
	"context"
	"fmt"
	"reflect"
	"sync"
)

// ClosedTeller is an optional ability of a [Provider] or [GenStore]: to say that
// it has been closed. [New] refuses one that has.
type ClosedTeller interface {
	Closed() bool
}

// A backend is what several caches may have in common: a provider or a
// generation store.
type backend interface {
	Close(ctx context.Context) error
}

// owners counts how many times open caches have each backend, so that the last
// of them closes it. A cache that has one value as both counts twice.
var owners = struct {
	mu sync.Mutex // guards of
	of map[backend]int
}{of: make(map[backend]int)}

// closing stands in owners for a backend that the last cache is closing.
const closing = -1

// countable reports whether a backend can be told from others. One that cannot
// belongs to each cache that has it.
func countable(b backend) bool { return reflect.ValueOf(b).Comparable() }

// acquire counts one more owner of a backend that was given as a field of Options,
// or returns an error if it is closed.
func acquire(field string, b backend) error {
	if countable(b) {
		owners.mu.Lock()
		n := owners.of[b]
		if n != closing {
			owners.of[b] = n + 1
		}
		owners.mu.Unlock()
		if n == closing {
			return errGone(field, b)
		}
	}
	// From here on no cache closes it.
	if c, ok := AbilityOf[ClosedTeller](b); ok && c.Closed() {
		release(b)
		return errGone(field, b)
	}
	return nil
}

func errGone(field string, b backend) error {
	return fmt.Errorf("cascache: Options.%s is a %T that is closed: the last cache that had it closed it, or somebody else did; "+
		"make a new one, or open the next cache before the last one closes", field, b)
}

// release takes back what acquire has counted, without closing anything.
func release(b backend) {
	if !countable(b) {
		return
	}
	owners.mu.Lock()
	defer owners.mu.Unlock()
	if owners.of[b]--; owners.of[b] <= 0 {
		delete(owners.of, b)
	}
}

// leave is called when a cache is closed, once for each acquire. It closes the
// backend if no other cache has it.
func leave(ctx context.Context, b backend) error {
	if !countable(b) {
		return b.Close(ctx)
	}
	owners.mu.Lock()
	if n := owners.of[b]; n > 1 {
		owners.of[b] = n - 1
		owners.mu.Unlock()
		return nil
	}
	owners.of[b] = closing
	owners.mu.Unlock()
	defer func() {
		owners.mu.Lock()
		delete(owners.of, b)
		owners.mu.Unlock()
	}()
	return b.Close(ctx)
}
