package redisprovider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A callError says which call failed for which entry.
type callError struct {
	op    string
	key   string
	keys  int // how many keys failed, of which key is the first
	cause error
}

func (e *callError) Error() string {
	if e.keys > 1 {
		return fmt.Sprintf("redisprovider: %s %d keys, the first %q: %v", e.op, e.keys, e.key, e.cause)
	}
	return fmt.Sprintf("redisprovider: %s %q: %v", e.op, e.key, e.cause)
}

func (e *callError) Unwrap() error { return e.cause }

// failures gathers the keys of a bulk call that failed.
type failures struct {
	first string
	count int
	cause error
}

func (f *failures) add(key string, cause error) {
	if f.count == 0 {
		f.first, f.cause = key, cause
	}
	f.count++
}

// refused is the error of a call that was never begun.
func refused(op string, cause error, keys ...string) error {
	return &callError{op: op, key: keys[0], keys: len(keys), cause: cause}
}

// fail is the error of a call that the client failed.
func (p *Provider) fail(ctx context.Context, op string, cause error, keys ...string) error {
	return &callError{op: op, key: keys[0], keys: len(keys), cause: p.judge(ctx, cause)}
}

// failAll is the error of a bulk call, or nil when no key failed.
func (p *Provider) failAll(ctx context.Context, op string, f failures) error {
	if f.count == 0 {
		return nil
	}
	return &callError{op: op, key: f.first, keys: f.count, cause: p.judge(ctx, f.cause)}
}

// judge returns what the caller is told of the client's error, and has the
// client look for the masters of its Cluster when a connection failed: by
// itself it would go on asking a node that is gone until its timer is up.
func (p *Provider) judge(ctx context.Context, err error) error {
	var fromServer redis.Error
	if errors.As(err, &fromServer) {
		if p.cluster == nil && redis.HasErrorPrefix(err, "MOVED") {
			return fmt.Errorf("the key is on another server of the Cluster, which takes a redis.ClusterClient: %w", err)
		}
		return discreet(err)
	}
	if errors.Is(err, redis.ErrClosed) {
		if p.closed.Load() {
			return cascache.ErrClosed
		}
		return err
	}
	if p.cluster != nil && !errors.Is(err, context.Canceled) {
		p.cluster.ReloadState(ctx)
	}
	// The client tells of a deadline as of any other timeout.
	if over := ended(ctx); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("%w: %w", over, discreet(err))
	}
	return discreet(err)
}

// ended returns why ctx is done, or nil. A deadline is judged by the clock as
// well: the connection's own may fire a moment before the context's.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// discreet returns err without what its text may quote of values and
// passwords. A server that does not know a command, by its age or since it was
// renamed, repeats the arguments, be they those of SET or AUTH; and the client
// quotes replies that it cannot read.
func discreet(err error) error {
	text := err.Error()
	for _, quotes := range []string{"with args beginning with", "redis: can't", "redis: invalid reply", "redis: unexpected"} {
		if at := strings.Index(text, quotes); at >= 0 {
			return &discreetError{text: text[:at] + quotes + " (left out)", cause: err}
		}
	}
	return err
}

// A discreetError stands for its cause, which it does not give away: it is
// what the cause is, and cannot be unwrapped to it.
type discreetError struct {
	text  string
	cause error
}

func (e *discreetError) Error() string { return e.text }

func (e *discreetError) Is(target error) bool { return errors.Is(e.cause, target) }
