package cascache

import (
	"context"
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

func TestOpErrorsNameOperationAndKey(t *testing.T) {
	refused := errors.New("refused")
	ctx := t.Context()
	values, gens := map[string]string{"a": "1", "b": "2"}, func(r *rig) map[string]uint64 { return r.SnapshotGens([]string{"a", "b"}) }
	long := strings.Repeat("k", 70_000)
	for name, c := range map[string]struct {
		act   func(r *rig) error
		want  OpError
		cause error
	}{
		"get": {
			func(r *rig) error { r.provider.getErr = refused; _, _, err := r.Get(ctx, "k"); return err },
			OpError{Op: OpGet, Key: "k", Keys: 1}, refused,
		},
		"get of no key": {
			func(r *rig) error { _, _, err := r.Get(ctx, ""); return err },
			OpError{Op: OpGet, Keys: 1}, ErrInvalidKey,
		},
		"get of too long a key": {
			func(r *rig) error { _, _, err := r.Get(ctx, long); return err },
			OpError{Op: OpGet, Key: long, Keys: 1}, ErrInvalidKey,
		},
		"set": {
			func(r *rig) error {
				r.provider.setErr = refused
				return r.SetWithGen(ctx, "k", "v", r.SnapshotGen("k"), 0)
			},
			OpError{Op: OpSet, Key: "k", Keys: 1}, refused,
		},
		"set with a negative TTL": {
			func(r *rig) error { return r.SetWithGen(ctx, "k", "v", 1, -1) },
			OpError{Op: OpSet, Key: "k", Keys: 1}, ErrInvalidTTL,
		},
		"set of no key": {
			func(r *rig) error { return r.SetWithGen(ctx, "", "v", 1, 0) },
			OpError{Op: OpSet, Keys: 1}, ErrInvalidKey,
		},
		"load": {
			func(r *rig) error { _, err := failingLoader(r.Handle, refused).Get(ctx, "k"); return err },
			OpError{Op: OpLoad, Key: "k", Keys: 1}, refused,
		},
		"load that fails with an OpError": {
			func(r *rig) error {
				_, err := failingLoader(r.Handle, &OpError{Op: OpSet, Namespace: "n", Key: "other", Keys: 1, Err: refused}).Get(ctx, "k")
				return err
			},
			OpError{Op: OpSet, Key: "other", Keys: 1}, refused,
		},
		"snapshot": {
			func(r *rig) error {
				r.store.fail(GenSnapshot, refused)
				_, err := r.SnapshotGenContext(ctx, "k")
				return err
			},
			OpError{Op: OpSnapshot, Key: "k", Keys: 1}, refused,
		},
		"snapshot of a suspect": {
			func(r *rig) error {
				r.store.fail(GenBump, refused)
				_ = r.Invalidate(ctx, "k")
				_, err := r.SnapshotGenContext(ctx, "k")
				r.store.fail(GenBump, nil)
				return err
			},
			OpError{Op: OpSnapshot, Key: "k", Keys: 1}, ErrSuspect,
		},
		"snapshots": {
			func(r *rig) error {
				r.store.fail(GenSnapshot, refused)
				_, err := r.SnapshotGensContext(ctx, []string{"b", "a"})
				return err
			},
			OpError{Op: OpSnapshotBulk, Key: "b", Keys: 2}, refused,
		},
		"get bulk": {
			func(r *rig) error {
				r.provider.getErr = refused
				_, _, err := r.GetBulk(ctx, []string{"b", "a"})
				return err
			},
			OpError{Op: OpGetBulk, Key: "b", Keys: 2}, refused,
		},
		"get bulk with no key": {
			func(r *rig) error { _, _, err := r.GetBulk(ctx, []string{"b", ""}); return err },
			OpError{Op: OpGetBulk, Keys: 1}, ErrInvalidKey,
		},
		"set bulk": {
			func(r *rig) error {
				g := gens(r)
				r.provider.setErr = refused
				return r.SetBulkWithGens(ctx, values, g, 0)
			},
			OpError{Op: OpSetBulk, Key: "a", Keys: 2}, refused,
		},
		"set bulk with a negative TTL": {
			func(r *rig) error { return r.SetBulkWithGens(ctx, values, gens(r), -1) },
			OpError{Op: OpSetBulk, Key: "a", Keys: 2}, ErrInvalidTTL,
		},
		"set bulk with no key": {
			func(r *rig) error { return r.SetBulkWithGens(ctx, map[string]string{"": "v", "a": "v"}, nil, 0) },
			OpError{Op: OpSetBulk, Keys: 1}, ErrInvalidKey,
		},
		"invalidate no key": {
			func(r *rig) error { return r.Invalidate(ctx, "") },
			OpError{Op: OpInvalidate, Keys: 1}, ErrInvalidKey,
		},
		"invalidate many with no key": {
			func(r *rig) error { return r.InvalidateBulk(ctx, []string{"a", ""}) },
			OpError{Op: OpInvalidate, Keys: 1}, ErrInvalidKey,
		},
		"mutate without holds": {
			func(r *rig) error {
				return r.Mutate(ctx, []string{"b", "a"}, func(context.Context) error { return nil })
			},
			OpError{Op: OpMutate, Key: "b", Keys: 2}, ErrHoldUnsupported,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.act(newRig(t))
			var got *OpError
			if !errors.As(err, &got) {
				t.Fatalf("an error names operation and key in fields: got %T, %v", err, err)
			}
			found := *got
			found.Err = nil
			if c.want.Namespace = "n"; found != c.want {
				t.Errorf("an error names operation and key: got %+v, want %+v", found, c.want)
			}
			if !errors.Is(err, c.cause) {
				t.Errorf("an error wraps its cause: got %v, want %v", err, c.cause)
			}
			text := err.Error()
			if !strings.Contains(text, "cascache: "+string(c.want.Op)) || len(text) > 1000 {
				t.Errorf("an error's text names the operation and is short: got %d bytes, %.200s", len(text), text)
			}
		})
	}
}

func TestOpErrorTexts(t *testing.T) {
	cause := errors.New("EOF")
	for _, c := range []struct {
		err  OpError
		want string
	}{
		{OpError{Op: OpGet, Namespace: "n", Key: "k", Keys: 1, Err: cause}, `cascache: get "single:n:k": EOF`},
		{OpError{Op: OpSetBulk, Namespace: "a:b", Key: "k", Keys: 3, Err: cause}, `cascache: set bulk "single:a%3Ab:k" and 2 more keys: EOF`},
		{OpError{Op: OpGet, Namespace: "n", Key: strings.Repeat("é", 500), Keys: 1, Err: cause}, `cascache: get "single:n:` + strings.Repeat("é", 123) + `...": EOF`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("an error is one readable line: got %s, want %s", got, c.want)
		}
	}
}

func failingLoader(cache CAS[string], err error) *Loader[string] {
	l, newErr := NewLoader(cache, LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "", err }})
	if newErr != nil {
		panic(newErr)
	}
	return l
}

func TestLoadErrorsThatAreReturnedAsTheyAre(t *testing.T) {
	r := newRig(t)
	_, err := failingLoader(struct{ CAS[string] }{r.Handle}, errBroken).Get(t.Context(), "k")
	if want := (OpError{Op: OpLoad, Key: "k", Keys: 1, Err: errBroken}); *err.(*OpError) != want || err.Error() != `cascache: load "k": broken` {
		t.Errorf("over another CAS the namespace is not known: got %+v", err)
	}
	absent := fmt.Errorf("row: %w", ErrNotFound)
	if _, err := failingLoader(r.Handle, absent).Get(t.Context(), "k"); err != absent {
		t.Errorf("that the source has no such key is no failure of the load: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := failingLoader(r.Handle, errBroken).Get(ctx, "k"); err != context.Canceled {
		t.Errorf("the end of the caller's context is returned as it is: got %v", err)
	}
	_, err = failingLoader(r.Handle, errBroken).GetBulk(t.Context(), []string{"k"})
	var bulk *BulkLoadError
	if !errors.As(err, &bulk) || bulk.Err != errBroken {
		t.Errorf("a bulk tells which keys failed with a BulkLoadError: got %v", err)
	}
}
