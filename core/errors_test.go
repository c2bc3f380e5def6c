package cascache

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestInvalidateErrorUnwrapsToItsCauses(t *testing.T) {
	refused := errors.New("the delete was refused")
	both := &InvalidateError{Key: "k", BumpErr: errBroken, DelErr: refused}
	bumpOnly := &InvalidateError{Key: "k", BumpErr: errBroken}
	wrapped := fmt.Errorf("while renaming: %w", errors.Join(errors.New("another"), both))

	var found *InvalidateError
	if !errors.As(wrapped, &found) || found != both {
		t.Errorf("an *InvalidateError is found in whatever wraps it: got %v", found)
	}
	for name, c := range map[string]struct {
		err  error
		bump bool
		del  bool
	}{
		"both": {both, true, true}, "the bump alone": {bumpOnly, true, false}, "wrapped": {wrapped, true, true},
	} {
		if errors.Is(c.err, errBroken) != c.bump || errors.Is(c.err, refused) != c.del {
			t.Errorf("an *InvalidateError unwraps to the causes that there are: %s", name)
		}
	}
	if got := len(both.Unwrap()); got != 2 {
		t.Errorf("an *InvalidateError unwraps to the causes that there are: got %d, want 2", got)
	}
	if got := len(bumpOnly.Unwrap()); got != 1 {
		t.Errorf("an *InvalidateError unwraps to the causes that there are: got %d, want 1", got)
	}
	for _, part := range []string{"k", errBroken.Error(), refused.Error()} {
		if !strings.Contains(both.Error(), part) {
			t.Errorf("the message tells the key and the causes: %q is missing in %q", part, both)
		}
	}
}

func TestSentinelsAreToldApart(t *testing.T) {
	sentinels := []error{ErrClosed, ErrInvalidKey, ErrInvalidTTL, ErrValueTooLarge, ErrSuspect, ErrGenStoreStuck}
	for i, a := range sentinels {
		if !strings.HasPrefix(a.Error(), "cascache: ") {
			t.Errorf("an error says whose it is: got %q", a)
		}
		for j, b := range sentinels {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("each sentinel is itself and no other: %v is %v", a, b)
			}
		}
	}
}
