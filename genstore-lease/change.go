package leasegenstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/unkn0wn-root/cascache/genstore-lease/internal/protocol"
)

// undoTimeout bounds how long a failed Hold takes to undo what it may have
// done.
const undoTimeout = time.Second

// Bump implements [cascache.GenStore]. It returns nil when no process can
// answer by an older generation any more: as a rule after two round trips of
// the slowest process, and after a lease at the latest.
func (s *engine) Bump(ctx context.Context, key string) (uint64, error) {
	gens, err := s.BumpBulk(ctx, []string{key})
	if err != nil {
		return 0, err
	}
	return gens[0], nil
}

// BumpBulk implements [cascache.BulkGenStore].
func (s *engine) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	return s.changeAll(ctx, bumpScript, keys, "", "")
}

// Hold implements [cascache.Holder]. It returns nil when no process can answer
// by a generation of these keys any more. Of more than a thousand keys, those
// that were held already when others failed are released again, and should that
// fail too, end with their leases.
func (s *engine) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if token == "" {
		return errors.New("leasegenstore: hold with an empty token")
	}
	if lease <= 0 {
		return fmt.Errorf("leasegenstore: hold with a lease of %v; it must be more than 0", lease)
	}
	_, err := s.changeAll(ctx, holdScript, keys, token, milliseconds(lease))
	if err != nil {
		s.undoHold(ctx, keys, token)
	}
	return err
}

// undoHold tries to release keys, for a limited time, whatever has become of
// the caller's context.
func (s *engine) undoHold(ctx context.Context, keys []string, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	done := make(chan struct{})
	go func() { // a client may ignore contexts
		defer cancel()
		defer close(done)
		for len(keys) > 0 {
			part := keys[:min(len(keys), maxGroup)]
			keys = keys[len(part):]
			_, _, _ = s.change(ctx, releaseScript, part, token, "")
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Release implements [cascache.Holder].
func (s *engine) Release(ctx context.Context, keys []string, token string) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	_, err := s.changeAll(ctx, releaseScript, keys, token, "")
	return err
}

// changeAll changes keys and waits until every replica has it.
func (s *engine) changeAll(ctx context.Context, sc *script, keys []string, token, lease string) ([]uint64, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	gens := make([]uint64, 0, len(keys))
	var errs []error
	var waiters []*waiter
	var parts [][]string
	for rest := keys; len(rest) > 0; {
		part := rest[:min(len(rest), maxGroup)]
		rest = rest[len(part):]
		got, w, err := s.change(ctx, sc, part, token, lease)
		if err != nil {
			errs = append(errs, err)
			got = make([]uint64, len(part))
		}
		gens = append(gens, got...)
		waiters = append(waiters, w)
		parts = append(parts, part)
	}
	for i, w := range waiters {
		if w == nil {
			continue
		}
		if err := s.await(ctx, w); err != nil {
			errs = append(errs, failed(sc.op, parts[i], err))
			clear(gens[i*maxGroup:][:len(parts[i])])
		}
	}
	return gens, errors.Join(errs...)
}

// change changes at most maxGroup keys, and returns what is to be awaited.
func (s *engine) change(ctx context.Context, sc *script, keys []string, token, lease string) ([]uint64, *waiter, error) {
	items, err := s.run(ctx, sc, s.names.all(keys), s.args(token, lease, s.id)...)
	received := s.now() // rule 2: not before the answer is here
	if err != nil {
		return nil, nil, failed(sc.op, keys, err)
	}
	r := reader{items: items}
	c := protocol.Change{Epoch: r.text(), Seq: r.count(), Others: r.number() > 0, Self: r.number() > 0}
	gens := r.gens(len(keys))
	if err := r.end(); err != nil {
		return nil, nil, failed(sc.op, keys, err)
	}
	changes := make([]protocol.Invalidation, len(keys))
	for i, key := range keys {
		changes[i] = protocol.Invalidation{Seq: c.Seq - uint64(len(keys)-1-i), Key: key, Gen: gens[i]}
	}
	reflected := s.replica.Changed(c.Epoch, changes)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &waiter{barrier: s.writer.Begin(c, reflected, received), acknowledged: make(chan struct{})}
	if !w.barrier.Acknowledged() {
		s.waiting[w] = struct{}{}
		s.start()
		s.wake()
	}
	return gens, w, nil
}

// A waiter is a change that waits for the replicas. Its barrier is guarded by
// Store.mu.
type waiter struct {
	barrier      protocol.Barrier
	acknowledged chan struct{} // closed when all have acknowledged
}

// await returns nil when the barrier of a change has been passed (rule 13:
// never before).
func (s *engine) await(ctx context.Context, w *waiter) error {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if delete(s.waiting, w); !w.barrier.Acknowledged() {
			// Somebody is silent: look on, to know for how long.
			s.watch = max(s.watch, s.now()+3*int64(protocol.Stretch(s.lease)))
		}
	}()
	acknowledged := w.acknowledged
	for {
		s.mu.Lock()
		left := w.barrier.Opens() - s.now()
		s.mu.Unlock()
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(time.Duration(left))
		select {
		case <-timer.C:
		case <-acknowledged:
			acknowledged = nil
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", ErrUnconfirmed, ctx.Err())
		}
		timer.Stop()
	}
}

// observe takes a view of the members that has just come.
func (s *engine) observe(v protocol.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	silent := s.writer.Silent(v, s.now())
	for w := range s.waiting {
		if w.barrier.Acknowledged() {
			continue
		}
		if w.barrier.Observe(v); w.barrier.Acknowledged() {
			close(w.acknowledged)
		}
	}
	if len(silent) > 0 && s.life.Err() == nil {
		s.running.Go(func() { s.remove(silent) })
	}
}

// remove takes members out that are silent, unless they have been heard of
// since.
func (s *engine) remove(silent []protocol.Member) {
	args := make([]any, 0, 2*len(silent))
	for _, m := range silent {
		args = append(args, m.ID, m.Number)
	}
	ctx, cancel := context.WithTimeout(s.life, askTimeout)
	defer cancel()
	_, _ = s.run(ctx, removeScript, []string{s.names.state}, args...) // else the next view tries again
}

// watching reports whether the members are of interest now.
func (s *engine) watching() (now, soon bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.waiting {
		if !w.barrier.Acknowledged() {
			return true, true
		}
	}
	return s.now() < s.watch, false
}
