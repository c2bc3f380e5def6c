package writing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// outage is two replicas whose generations lie on a server that logs every
// write and so comes back with them. One replica gets there by a proxy.
type outage struct {
	t      *testing.T
	h      *history
	server *redistest.Server
	proxy  *redistest.Proxy
	db     database
	a, b   *replica

	mu                sync.Mutex // guards the events of a
	failed, recovered []string   // keys
}

func startOutage(t *testing.T, s setup) *outage {
	o := &outage{t: t, h: newHistory()}
	o.server = redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	o.proxy = o.server.Proxy()
	o.proxy.NameScript("bump", script(t, "bump"))
	o.proxy.NameScript("release", script(t, "release"))
	_, o.db = newDatabase(t)
	s.Values, s.Namespace = redistest.Start(t).Addr(), "outage"
	direct := s
	s.Redis, direct.Redis = o.proxy.Addr(), o.server.Addr()
	o.a = startReplica(t, o.h, o.db, "replica A", s, cascache.Hooks{
		InvalidateFailed: func(_ context.Context, e cascache.InvalidateFailedEvent) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.failed = append(o.failed, e.Key)
			o.h.note("replica A", "failed to invalidate %s", e.Key)
		},
		InvalidateRecovered: func(_ context.Context, e cascache.InvalidateRecoveredEvent) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.recovered = append(o.recovered, e.Key)
			o.h.note("replica A", "recovers %s", e.Key)
		},
	})
	o.b = startReplica(t, o.h, o.db, "replica B", direct)
	for _, r := range []*replica{o.a, o.b} {
		r.works("before the outage")
		r.beginOldFill()
	}
	return o
}

func (o *outage) events() (failed, recovered []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.failed), slices.Clone(o.recovered)
}

// commitAndFail writes to the row, kills the server and has A invalidate in
// vain.
func (o *outage) commitAndFail() {
	o.t.Helper()
	o.h.note("database", "commits version %d", o.db.commit(row))
	o.server.Kill()
	o.h.note("server", "is killed")
	o.wantFailure(o.a.cache.Invalidate(context.Background(), key))
}

func (o *outage) wantFailure(err error) {
	o.t.Helper()
	var failure *cascache.InvalidateError
	if !errors.As(err, &failure) || failure.Key != key || failure.BumpErr == nil {
		o.h.broken(o.t, "a bump that is not known to be applied is an *InvalidateError", err, "one for "+key)
	}
	if failed, _ := o.events(); !slices.Equal(failed, []string{key}) {
		o.h.broken(o.t, "a hook tells of a failed invalidation", failed, []string{key})
	}
	if _, err := o.a.cache.SnapshotGenContext(context.Background(), key); !errors.Is(err, cascache.ErrSuspect) {
		o.h.broken(o.t, "after a failed invalidation the key is suspect: no fill begins", err, cascache.ErrSuspect)
	}
}

// restartWithoutBumps brings the server back, lets A reach it, and loses every
// bump of A on the way. It returns a function that ends that.
func (o *outage) restartWithoutBumps() (attempts <-chan struct{}, end func()) {
	o.t.Helper()
	seen := make(chan struct{}, 1000)
	lose := redistest.Named("bump")
	o.proxy.OnCommand(func(c redistest.Command) {
		if lose(c) {
			o.proxy.Cut()
			seen <- struct{}{}
		}
	})
	o.server.Restart()
	o.h.note("server", "is back with its log")
	return seen, func() { o.proxy.OnCommand(nil) }
}

// wait waits for one more attempt to bump.
func (o *outage) wait(attempts <-chan struct{}) {
	o.t.Helper()
	select {
	case <-attempts:
	case <-time.After(patience):
		o.h.broken(o.t, "a failed invalidation is retried in the background", "not within "+patience.String(), "an attempt")
		o.t.FailNow()
	}
}

// TestRecovery kills the server, fails an invalidation and brings the server
// back with the generation from before.
func TestRecovery(t *testing.T) {
	t.Parallel()
	for name, unguarded := range map[string]bool{"guarded": false, "unguarded": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startOutage(t, setup{Unguarded: unguarded})
			raw := connect(t, o.server.Addr())
			record := dump(raw, generationOf("outage"))
			o.commitAndFail()
			if o.b.read() {
				o.h.broken(t, "without a generation store there is no hit (G2)", "a hit", "a miss")
			}
			attempts, end := o.restartWithoutBumps()
			if back := dump(raw, generationOf("outage")); back != record || back == "" {
				o.h.broken(t, "the server comes back with the generation from before, or the test tests nothing", fmt.Sprintf("%q", back), fmt.Sprintf("%q", record))
			}
			// B has not been told of anything. Unguarded, the old entry is as
			// good as any to it; it stores one where A sees it too.
			o.b.endOldFill()
			if hit := o.b.read(); hit != unguarded {
				o.h.broken(t, "an old generation that has come back counts again only without the guard", hit, unguarded)
			}
			for range 3 {
				o.wait(attempts)
				o.a.endOldFill()
				if o.a.read() || o.a.fill() {
					o.h.broken(t, "a suspect key is neither served nor filled until a bump that began later has succeeded", "a hit or a generation", "neither")
				}
			}
			if _, recovered := o.events(); len(recovered) > 0 {
				o.h.broken(t, "nothing recovers while no bump gets through", recovered, "none")
			}
			staleBefore := len(staleReads(o.b)) // of an invalidation that nobody has been told is done

			end()
			eventually(t, o.h, "the retry heals the key, and a hook tells", func() bool {
				_, recovered := o.events()
				return slices.Equal(recovered, []string{key})
			})
			o.b.endOldFill()
			if o.b.read() {
				o.h.broken(t, "once a retry has succeeded, no other replica serves what was stored before", "a hit", "a miss")
			}
			untilCacheable(t, o.h, time.Time{}, o.a, o.b)
			if stale := staleReads(o.b)[staleBefore:]; len(stale) > 0 {
				o.h.broken(t, "once a retry has succeeded, no read is stale", stale[0], "none")
			}
			wantNoneStale(t, o.h, o.a)
		})
	}
}

// TestReleaseFails kills the server while a write of Mutate runs.
func TestReleaseFails(t *testing.T) {
	t.Parallel()
	inTime(t, time.Second, func(lease time.Duration) bool {
		o := startOutage(t, setup{Lease: lease, GenTimeout: 50 * time.Millisecond, Unguarded: true})
		held := time.Now()
		tooSlow, err := o.a.mutate(t.Context(), func(context.Context) error {
			o.h.note("database", "commits version %d", o.db.commit(row))
			o.server.Kill()
			o.h.note("server", "is killed")
			return nil
		})
		if tooSlow {
			return false
		}
		o.wantFailure(err)
		touch(o.a, o.b)
		o.server.Restart()
		o.h.note("server", "is back with its log")
		if time.Since(held) > lease*3/4 {
			return false
		}
		untilCacheable(t, o.h, held.Add(lease), o.a, o.b)
		eventually(t, o.h, "the retry heals the key, and a hook tells", func() bool {
			_, recovered := o.events()
			return slices.Equal(recovered, []string{key})
		})
		wantNoneStale(t, o.h, o.a, o.b)
		return true
	})
}

// TestCloseTriesWhatIsLeft closes a cache whose last invalidation has failed,
// with the server back, and before the next retry.
func TestCloseTriesWhatIsLeft(t *testing.T) {
	t.Parallel()
	o := startOutage(t, setup{Unguarded: true})
	o.commitAndFail()
	attempts, end := o.restartWithoutBumps()
	for range 12 { // three retries, each sent four times by the client: the next one is a while off
		o.wait(attempts)
	}
	o.b.endOldFill()
	if !o.b.read() {
		o.h.broken(t, "nothing has been invalidated yet, or the test tests nothing", "a miss", "a hit")
	}
	staleBefore := len(staleReads(o.b))
	end()
	if err := o.a.cache.Close(t.Context()); err != nil {
		o.h.broken(t, "Close tries once more what has failed, and succeeds", err, nil)
	}
	o.h.note("replica A", "is closed")
	untilCacheable(t, o.h, time.Time{}, o.b)
	if stale := staleReads(o.b)[staleBefore:]; len(stale) > 0 {
		o.h.broken(t, "what Close has invalidated is not served", stale[0], "none")
	}
}

// TestCloseReportsWhatRemains closes a cache whose invalidations fail to the
// last.
func TestCloseReportsWhatRemains(t *testing.T) {
	t.Parallel()
	o := startOutage(t, setup{})
	o.server.Kill()
	keys := []string{keyOf(0), keyOf(1), keyOf(2)}
	if got := failedKeys(o.a.cache.InvalidateBulk(t.Context(), keys)); !slices.Equal(got, keys) {
		o.h.broken(t, "InvalidateBulk tells each key that is not known to be invalidated", got, keys)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begin := time.Now()
	err := o.a.cache.Close(ctx)
	got := failedKeys(err)
	slices.Sort(got)
	if !slices.Equal(got, keys) {
		o.h.broken(t, "Close tells each key that it could not invalidate", err, keys)
	}
	if took := time.Since(begin); took > 3*time.Second {
		o.h.broken(t, "Close is bounded by its context", took, "2s")
	}
	if again := o.a.cache.Close(t.Context()); !errors.Is(again, err) {
		o.h.broken(t, "a later Close returns what the first one did", again, err)
	}
}

// failedKeys returns the keys that err says are not known to be invalidated.
func failedKeys(err error) (keys []string) {
	switch err := err.(type) {
	case *cascache.InvalidateBulkError:
		keys = err.Keys
	case *cascache.InvalidateError:
		keys = append(keys, err.Key)
	case interface{ Unwrap() error }:
		keys = failedKeys(err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			keys = append(keys, failedKeys(err)...)
		}
	}
	return keys
}

// TestMoreFailuresThanCanBeRemembered fails more invalidations than a cache
// can keep in mind.
func TestMoreFailuresThanCanBeRemembered(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	const remembered = 1 << 16 // as docs/writing.md says
	o := startOutage(t, setup{Unguarded: true})
	o.h.note("database", "commits version %d", o.db.commit(row))
	o.server.Kill()
	keys := make([]string, 0, remembered+1)
	for i := range remembered {
		keys = append(keys, fmt.Sprint("other", i))
	}
	keys = append(keys, key) // finds no room
	err := o.a.cache.InvalidateBulk(t.Context(), keys)
	if n := len(failedKeys(err)); n != len(keys) {
		o.h.broken(t, "InvalidateBulk tells each key that is not known to be invalidated", n, len(keys))
	}
	if _, err := o.a.cache.SnapshotGenContext(t.Context(), "innocent"); !errors.Is(err, cascache.ErrSuspect) {
		o.h.broken(t, "past 65,536 suspect keys all keys are suspect", err, cascache.ErrSuspect)
	}
	o.server.Restart()
	o.h.note("server", "is back with its log")
	o.b.endOldFill()
	if !o.b.read() {
		o.h.broken(t, "the old generation is back, or the test tests nothing", "a miss", "a hit")
	}
	// A recovers, and comes to see the entry that is current to B.
	eventually(t, o.h, "A fills other keys again", func() bool {
		_, err := o.a.cache.SnapshotGenContext(t.Context(), "innocent")
		return err == nil
	})
	if o.a.read() {
		o.h.broken(t, "after too many failures a cache believes no generation from before", "a hit", "a miss")
	}
	o.a.endOldFill()
	if o.a.read() {
		o.h.broken(t, "nor may a fill that began before store under one", "a hit", "a miss")
	}
	o.a.works("after its own fill")
	staleBefore := len(staleReads(o.b))
	untilCacheable(t, o.h, time.Time{}, o.a, o.b)
	wantNoneStale(t, o.h, o.a)
	if stale := staleReads(o.b)[staleBefore:]; len(stale) > 0 {
		o.h.broken(t, "the fill of A has bumped the key, for B as well", stale[0], "none")
	}
}
