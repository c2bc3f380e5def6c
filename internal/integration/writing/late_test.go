package writing

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

var errNoAnswer = errors.New("the database did not answer")

// mutate runs Mutate on the row, a panic in write included. tooSlow says that
// the hold took the time of the write, which has not run.
func (r *replica) mutate(ctx context.Context, write func(context.Context) error) (tooSlow bool, err error) {
	ran := false
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
		tooSlow = !ran && errors.Is(err, context.DeadlineExceeded)
	}()
	return false, r.cache.Mutate(ctx, []string{key}, func(ctx context.Context) error {
		ran = true
		return write(ctx)
	})
}

// TestLateCommit has a write fail without anybody knowing whether it was
// committed; the database applies it later, within the lease.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, write := range map[string]func(context.Context) error{
		"the answer was lost": func(context.Context) error { return errNoAnswer },
		"the write panicked":  func(context.Context) error { panic(errNoAnswer) },
		"the write ran too long": func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return errNoAnswer
			case <-time.After(patience):
				return errors.New("the context of a write has no end")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, 400*time.Millisecond, func(lease time.Duration) bool {
				return tryLateCommit(t, server.Addr(), fmt.Sprint(name, lease), lease, write)
			})
		})
	}
}

func tryLateCommit(t *testing.T, addr, namespace string, lease time.Duration, write func(context.Context) error) bool {
	h := newHistory()
	_, db := newDatabase(t)
	s := setup{Redis: addr, Values: addr, Namespace: namespace, Lease: lease}
	writer := startReplica(t, h, db, "writer", s)
	all := append(startReplicas(t, h, db, s), writer)
	for _, r := range all {
		r.works("before the write")
		r.beginOldFill()
	}
	end := time.Now().Add(lease) // not after the lease's end
	tooSlow, err := writer.mutate(t.Context(), write)
	if tooSlow {
		return false
	}
	if !errors.Is(err, errNoAnswer) {
		h.broken(t, "the error of a write is returned", err, errNoAnswer)
	}
	h.note("writer", "Mutate has failed")
	for time.Until(end) > lease/6 {
		wantHeld(t, h, end, "a write whose outcome is unknown leaves the key held until its lease ends", all...)
	}
	db.commit(row)
	if time.Until(end) < lease/12 {
		return false
	}
	h.note("database", "commits version %d, %v before the end of the lease", db.read(row), time.Until(end))
	untilCacheable(t, h, end, all...)
	wantNoneStale(t, h, all...)
	return true
}

// TestLateCommitAfterInvalidate is what happens to those who invalidate when
// the commit has failed.
func TestLateCommitAfterInvalidate(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := newHistory()
	_, db := newDatabase(t)
	replicas := startReplicas(t, h, db, setup{Redis: server.Addr(), Values: server.Addr(), Namespace: "late"})
	for _, r := range replicas {
		r.works("before the write")
	}
	replicas[0].invalidate() // the commit returned errNoAnswer
	for _, r := range replicas {
		r.works("before the commit lands")
	}
	db.commit(row)
	h.note("database", "commits version %d", db.read(row))
	for _, r := range replicas {
		r.read()
		if len(staleReads(r)) == 0 {
			h.broken(t, "a commit that lands after its invalidation leaves "+r.name+" stale: the test must see that", "no stale read", "one")
		}
	}
}

// TestCommitAfterTheLease shows why the database must enforce a deadline: a
// commit that lands when the lease is over is nobody's to notice.
func TestCommitAfterTheLease(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := newHistory()
	_, db := newDatabase(t)
	replicas := startReplicas(t, h, db, setup{Redis: server.Addr(), Values: server.Addr(), Namespace: "after", Lease: 100 * time.Millisecond})
	_, _ = replicas[0].mutate(t.Context(), func(context.Context) error { return errNoAnswer })
	for _, r := range replicas {
		r.works("after the lease")
	}
	db.commit(row)
	h.note("database", "commits version %d", db.read(row))
	for _, r := range replicas {
		r.read()
		if len(staleReads(r)) == 0 {
			h.broken(t, "a commit that lands after the lease leaves "+r.name+" stale: the tests must see that", "no stale read", "one")
		}
	}
}

// TestNotCommitted has a write say that it certainly was not committed.
func TestNotCommitted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := newHistory()
	_, db := newDatabase(t)
	s := setup{Redis: server.Addr(), Values: server.Addr(), Namespace: "refused", Lease: time.Minute}
	replicas := startReplicas(t, h, db, s)
	for _, r := range replicas {
		r.works("before the write")
		r.beginOldFill()
	}
	_, err := replicas[0].mutate(t.Context(), func(context.Context) error { return errors.Join(cascache.ErrNotCommitted, errNoAnswer) })
	if !errors.Is(err, errNoAnswer) {
		h.broken(t, "the error of a write is returned", err, errNoAnswer)
	}
	for _, r := range replicas {
		r.fill()
		if !r.read() {
			h.broken(t, "what was not committed is released at once, long before its lease ends", "a miss by "+r.name, "a hit")
		}
	}
	wantNoneStale(t, h, replicas...)
}

// TestWriteOutlastsItsLease commits when nothing holds the row any more. Until
// Mutate has returned there is no promise; then there is.
func TestWriteOutlastsItsLease(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	inTime(t, 100*time.Millisecond, func(lease time.Duration) bool {
		h := newHistory()
		_, db := newDatabase(t)
		s := setup{Redis: server.Addr(), Values: server.Addr(), Namespace: "outlasts" + lease.String(), Lease: lease}
		var ended []cascache.LeaseEndedEvent
		writer := startReplica(t, h, db, "writer", s, cascache.Hooks{
			LeaseEnded: func(_ context.Context, e cascache.LeaseEndedEvent) { ended = append(ended, e) },
		})
		replicas := startReplicas(t, h, db, s)
		for _, r := range replicas {
			r.works("before the write")
		}
		tooSlow, err := writer.mutate(t.Context(), func(ctx context.Context) error {
			for _, r := range replicas {
				r.works("after the lease, with what the row was")
				r.beginOldFill()
			}
			if ctx.Err() == nil {
				h.broken(t, "the context of a write ends before its lease", "a lease that is over, and a context that is not", "neither")
			}
			db.commit(row)
			h.note("database", "commits version %d", db.read(row))
			return nil
		})
		if tooSlow {
			return false
		}
		if err != nil {
			h.broken(t, "a write that outlasted its lease and succeeded is no error", err, nil)
		}
		touch(replicas...)
		untilCacheable(t, h, time.Time{}, replicas...)
		wantNoneStale(t, h, replicas...)
		if len(ended) != 1 || ended[0].Lease != lease || ended[0].Took < lease {
			h.broken(t, "a hook tells of a write that outlasted its lease", ended, "one event")
		}
		return true
	})
}

// TestHoldVanishes loses the hold, with everything else, while the write runs.
func TestHoldVanishes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := newHistory()
	_, db := newDatabase(t)
	s := setup{Redis: server.Addr(), Namespace: "vanishes", Lease: time.Minute, Unguarded: true}
	replicas := startReplicas(t, h, db, s)
	for _, r := range replicas {
		r.works("before the write")
	}
	_, err := replicas[0].mutate(t.Context(), func(context.Context) error {
		server.Do("FLUSHALL")
		h.note("server", "loses everything")
		for _, r := range replicas {
			r.works("without the hold")
			r.beginOldFill()
		}
		db.commit(row)
		return nil
	})
	if err != nil {
		h.broken(t, "a release bumps even when its hold has vanished", err, nil)
	}
	touch(replicas...)
	untilCacheable(t, h, time.Time{}, replicas...)
	wantNoneStale(t, h, replicas...)
}
