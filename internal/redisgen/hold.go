package redisgen

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// undoTimeout bounds how long a failed Hold takes to undo what it may have
// done.
const undoTimeout = time.Second

// Hold implements [cascache.Holder]. On one server all keys are held or none.
// In a Cluster that is so for the keys of one slot; of several slots, those
// that were held already when another one failed are released again, and
// should that fail too, end with their leases.
func (s *Store) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if token == "" {
		return errors.New("redisgenstore: hold with an empty token")
	}
	if lease <= 0 {
		return fmt.Errorf("redisgenstore: hold with a lease of %v; it must be more than 0", lease)
	}
	if len(keys) == 0 {
		return nil
	}
	if err := s.beginChange(ctx, holdScript.op, keys...); err != nil {
		return err
	}
	list, replies := s.grouped(ctx, s.writer(), holdScript, keys, len(keys), nil,
		s.guardFlag(), s.ttl, tail(), token, milliseconds(lease))
	errs := make([]error, len(keys))
	undo := false
	for i, reply := range replies {
		err := reply.Err()
		// What a server refuses it has not done. Of what it did not answer,
		// nobody knows.
		undo = undo || err == nil || fromNetwork(err)
		for _, at := range list[i].at {
			errs[at] = err
		}
	}
	err := joined(holdScript.op, keys, errs)
	if err != nil && undo {
		s.undoHold(ctx, keys, token)
	}
	return err
}

// undoHold tries to release keys, for a limited time, whatever has become of
// the caller's context.
func (s *Store) undoHold(ctx context.Context, keys []string, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	done := make(chan struct{})
	go func() { // a client may ignore contexts
		defer cancel()
		defer close(done)
		_ = s.release(ctx, nil, keys, token)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Release implements [cascache.Holder].
func (s *Store) Release(ctx context.Context, keys []string, token string) error {
	if err := s.beginChange(ctx, releaseScript.op, keys...); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	return s.release(ctx, s.writer(), keys, token)
}

func (s *Store) release(ctx context.Context, send sender, keys []string, token string) error {
	_, errs := s.collect(ctx, send, releaseScript, keys, s.guardFlag(), s.ttl, tail(), token)
	return joined(releaseScript.op, keys, errs)
}
