package writing

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestHolders has three writers hold one row at a time: one is killed, one
// fails, and one loses the reply of its hold, so that its client holds again.
// Each in turn is the last one to let go.
func TestHolders(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, holders := range map[string]holders{
		"the dead one is last":            {dying: 3, failing: 1},
		"the one that failed is last":     {dying: 1, failing: 3},
		"the one that held twice is last": {dying: 1, failing: 1, retryingLast: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, 200*time.Millisecond, func(unit time.Duration) bool {
				return holders.try(t, server.Addr(), fmt.Sprint(name, unit), unit)
			})
		})
	}
}

// inTime tries with longer and longer leases until the machine is fast enough
// for try, which reports false when it was not.
func inTime(t *testing.T, lease time.Duration, try func(time.Duration) bool) {
	t.Helper()
	for ; !try(lease) && !t.Failed(); lease *= 2 {
		t.Logf("leases of %v were too short for this machine", lease)
		if lease > time.Minute {
			t.Fatal("the machine is too slow for every lease that was tried")
		}
	}
}

type holders struct {
	dying, failing time.Duration // how many units their leases last
	retryingLast   bool          // releases only when the other leases are over
}

func (w holders) try(t *testing.T, addr, namespace string, unit time.Duration) bool {
	h := newHistory()
	path, db := newDatabase(t)
	s := setup{Redis: addr, Values: addr, Namespace: namespace}
	readers := startReplicas(t, h, db, s)
	failingSetup, dyingSetup, retryingSetup := s, s, s
	failingSetup.Lease, dyingSetup.Lease = w.failing*unit, w.dying*unit
	failing := startReplica(t, h, db, "failing writer", failingSetup)
	proxy := redistest.StartProxy(t, addr)
	proxy.NameScript("hold", script(t, "hold"))
	retryingSetup.Redis, retryingSetup.Lease = proxy.Addr(), time.Hour
	retrying := startReplica(t, h, db, "retrying writer", retryingSetup)
	all := append(readers, failing, retrying)
	for _, r := range all {
		r.works("before the writes")
		r.beginOldFill()
	}

	child := startChild(t, h, task{Run: "write", Setup: dyingSetup, Database: path})
	dyingSince, tooSlow := child.advance("committed")
	if tooSlow {
		return false
	}

	var holds atomic.Int64
	proxy.OnCommand(func(c redistest.Command) {
		if c.Script == "hold" {
			holds.Add(1)
		}
	})
	dropped := proxy.DropReply(redistest.Named("hold"))
	var end time.Time // of the leases of the dead one and of the failing one
	_, err := retrying.mutate(t.Context(), func(ctx context.Context) error {
		<-dropped
		h.note("retrying writer", "holds")
		if n := holds.Load(); n != 2 {
			h.broken(t, "a hold whose reply is lost is sent again, and then succeeds", fmt.Sprint(n, " commands"), "2 commands")
		}
		child.kill()
		failingSince := time.Now()
		var err error
		if tooSlow, err = failing.mutate(ctx, func(context.Context) error { return errNoAnswer }); !tooSlow && !errors.Is(err, errNoAnswer) {
			h.broken(t, "the error of a write is returned", err, errNoAnswer)
		}
		h.note("failing writer", "has failed")
		end = later(dyingSince.Add(dyingSetup.Lease), failingSince.Add(failingSetup.Lease))
		for _, r := range all {
			r.invalidate()
		}
		released := time.Now().Add(retryingSetup.Lease)
		wantHeld(t, h, released, "an invalidation does not free a held key", all...)
		db.commit(row)
		h.note("database", "commits version %d", db.read(row))
		for w.retryingLast && time.Until(end) > -unit/2 {
			wantHeld(t, h, released, "the leases of others end, and the key stays held", all...)
		}
		return nil
	})
	if err != nil {
		h.broken(t, "a write that succeeds is no error, whatever others do", err, nil)
	}
	if tooSlow {
		return false
	}
	h.note("retrying writer", "releases")

	if w.retryingLast {
		for _, r := range all {
			r.read()
			r.fill()
			if !r.read() {
				h.broken(t, "once the last hold is released, long before its lease would end, the key is cacheable", "a miss by "+r.name, "a hit")
			}
		}
	} else {
		for _, r := range all {
			r.invalidate()
		}
		wantHeld(t, h, end, "a release frees the key for none but the one who held it", all...)
		if time.Until(end) < unit/2 {
			return false
		}
	}
	untilCacheable(t, h, end, all...)
	wantNoneStale(t, h, all...)
	return true
}

// advance lets the child go on until it reports step, and returns a time just
// before it sent its hold.
func (c *child) advance(step string) (beforeHold time.Time, tooSlow bool) {
	c.tb.Helper()
	for {
		at := c.await("its next step, on the way to "+step, func(m message) bool { return m.Kind == "step" }).Step
		switch at {
		case step, noTimeLeft:
			return beforeHold, at == noTimeLeft
		case "before the hold":
			beforeHold = time.Now()
		}
		c.send(message{Kind: "go"})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wantHeld has each replica do all that could serve or store something, and
// fails the test if one serves the row or gets a generation before `until`.
func wantHeld(t *testing.T, h *history, until time.Time, rule string, replicas ...*replica) {
	t.Helper()
	for _, r := range replicas {
		r.endOldFill()
		var got string
		switch {
		case r.read():
			got = "a hit by " + r.name
		case r.fill():
			got = "a generation for a fill by " + r.name
		case r.read():
			got = "a hit after a fill by " + r.name
		}
		if left := time.Until(until); got != "" && left > clockGrain {
			h.broken(t, rule, fmt.Sprintf("%s, %v before the end of the lease", got, left), "neither a hit nor a generation")
			t.FailNow()
		}
	}
}
