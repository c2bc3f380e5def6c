package writing

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// crashStep is a moment at which a writing process is killed.
type crashStep struct {
	name string // as the child reports it, unless it is on the wire

	// A step on the wire: the child has sent a command, the server has
	// applied it, and the reply is on its way. It comes after the child has
	// reported the step `after`, and changes what lies under a Redis key.
	after   string
	command string                        // or script
	changes func(namespace string) string // a pattern for the Redis key

	late bool // what was sent to the database before the death lands after it
	held bool // the process dies while the key is held
}

func generationOf(namespace string) string { return "gen:*:single:" + namespace + ":" + key }
func entryOf(namespace string) string      { return "single:" + namespace + ":" + key }

// stepsOfMutate are all of them, in order.
var stepsOfMutate = []crashStep{
	{name: "before the hold"},
	{name: "hold sent", after: "before the hold", command: "hold", changes: generationOf, held: true},
	{name: "held", held: true},
	{name: "before the commit", held: true},
	{name: "commit sent", late: true, held: true},
	{name: "committed", held: true},
	{name: "write returned", held: true},
	{name: "release sent", after: "write returned", command: "release", changes: generationOf},
	{name: "released"},
	{name: "delete sent", after: "released", command: "DEL", changes: entryOf},
	{name: "deleted"},
	{name: "returned"},
}

// stepsOfInvalidate are those of commit-then-Invalidate.
var stepsOfInvalidate = []crashStep{
	{name: "before the commit"},
	{name: "commit sent", late: true},
	{name: "committed"},
	{name: "before the bump"},
	{name: "bump sent", after: "before the bump", command: "bump", changes: generationOf},
	{name: "bumped"},
	{name: "delete sent", after: "bumped", command: "DEL", changes: entryOf},
	{name: "deleted"},
	{name: "returned"},
}

// TestCrash kills a process that writes by Mutate, by SIGKILL at each step,
// and watches the row from three other replicas until long after the lease.
func TestCrash(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, step := range stepsOfMutate {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			h, replicas := crash(t, server.Addr(), step, false)
			wantNoneStale(t, h, replicas...)
		})
	}
}

// TestCrashOfCommitThenInvalidate shows that the same loop tells a write that
// is not safe from one that is.
func TestCrashOfCommitThenInvalidate(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, step := range stepsOfInvalidate {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			h, replicas := crash(t, server.Addr(), step, true)
			unsafe := slices.Contains([]string{"commit sent", "committed", "before the bump"}, step.name)
			if !unsafe {
				wantNoneStale(t, h, replicas...)
				return
			}
			for _, r := range replicas {
				if len(staleReads(r)) == 0 {
					h.broken(t, "a process that dies between the commit and the invalidation leaves "+r.name+" stale: the loop must see that",
						"no stale read", "at least one")
				}
			}
		})
	}
}

// crash has a child write and kills it at step. It returns what three replicas
// have seen, and when.
func crash(t *testing.T, addr string, step crashStep, naive bool) (h *history, replicas []*replica) {
	inTime(t, 400*time.Millisecond, func(lease time.Duration) (ok bool) {
		h, replicas, ok = tryCrash(t, addr, step, naive, lease)
		return ok
	})
	return h, replicas
}

// tryCrash reports false when the machine took so long that the write may have
// come after the lease: then there is nothing to conclude.
func tryCrash(t *testing.T, addr string, step crashStep, naive bool, lease time.Duration) (*history, []*replica, bool) {
	raw := connect(t, addr)
	proxy := redistest.StartProxy(t, addr)
	for _, name := range []string{"hold", "release", "bump"} {
		proxy.NameScript(name, script(t, name))
	}
	path, db := newDatabase(t)
	s := setup{Redis: addr, Values: addr, Namespace: "crash-" + lease.String(), Lease: lease}
	if naive {
		s.Namespace = "naive-" + lease.String()
	}
	s.Namespace += "-" + step.name
	h := newHistory()
	replicas := startReplicas(t, h, db, s)
	for _, r := range replicas {
		r.works("before the write")
		r.beginOldFill()
	}

	through := s
	through.Redis, through.Values = proxy.Addr(), proxy.Addr()
	c := startChild(t, h, task{Run: "write", Setup: through, Database: path, Naive: naive})
	held := time.Now() // not before this
	for at := ""; ; {
		at = c.await("its next step, on the way to "+step.name, func(m message) bool { return m.Kind == "step" }).Step
		if at == step.name {
			break
		}
		if at == noTimeLeft {
			return nil, nil, false
		}
		if at == "before the hold" {
			held = time.Now()
		}
		if !naive {
			touch(replicas...) // safe at any time
		}
		if at == step.after {
			onTheWire(t, h, raw, proxy, c, step, s.Namespace)
			break
		}
		c.send(message{Kind: "go"})
	}
	c.kill()
	if step.late {
		db.commit(row)
		h.note("database", "applies what it was sent: version %d", db.read(row))
	}
	if !naive && time.Since(held) > lease/2 {
		return nil, nil, false
	}

	var heldUntil time.Time
	if step.held {
		heldUntil = held.Add(lease)
	}
	untilCacheable(t, h, heldUntil, replicas...)
	return h, replicas, true
}

// onTheWire lets the child go on and returns once its command has been applied
// and its reply is held back for good.
func onTheWire(t *testing.T, h *history, raw *redis.Client, proxy *redistest.Proxy, c *child, step crashStep, namespace string) {
	t.Helper()
	before := dump(raw, step.changes(namespace))
	matches := redistest.Named(step.command)
	sent := make(chan struct{})
	proxy.OnCommand(func(command redistest.Command) {
		if matches(command) {
			proxy.OnCommand(nil)
			proxy.Delay(time.Hour)
			close(sent)
		}
	})
	c.send(message{Kind: "go"})
	select {
	case <-sent:
	case <-time.After(patience):
		h.broken(t, "the child sends its "+step.command, "not within "+patience.String(), "it")
		t.FailNow()
	}
	eventually(t, h, "the server applies the "+step.command, func() bool {
		return dump(raw, step.changes(namespace)) != before
	})
	h.note("test", "the server has applied the %s, the child has no reply", step.command)
}

// dump returns what lies under the one Redis key that matches, "" for nothing.
func dump(raw *redis.Client, pattern string) string {
	ctx := context.Background()
	for _, name := range raw.Keys(ctx, pattern).Val() {
		return raw.Dump(ctx, name).Val()
	}
	return ""
}
