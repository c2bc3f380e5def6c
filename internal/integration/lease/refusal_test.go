package lease

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// A refusal is a hook that does not send what it is given, as a rate limiter
// or a circuit breaker does.
type refusal struct{ on atomic.Bool }

var errRefused = errors.New("refused by a hook")

func (r *refusal) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *refusal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if r.on.Load() {
			return errRefused
		}
		return next(ctx, cmd)
	}
}

func (r *refusal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if r.on.Load() {
			return errRefused
		}
		return next(ctx, cmds)
	}
}

// everyCall makes all calls of a store that ask Redis, and fails the test for
// those that do not report that they were refused.
func everyCall(t *testing.T, store *leasegenstore.Store, how string) {
	t.Helper()
	ctx, keys := t.Context(), []string{"k", "l"}
	for name, call := range map[string]func() (uint64, error){
		"Current":  func() (uint64, error) { return store.Current(ctx, "k") },
		"Snapshot": func() (uint64, error) { return store.Snapshot(ctx, "k") },
		"Bump":     func() (uint64, error) { return store.Bump(ctx, "k") },
		"Hold":     func() (uint64, error) { return 0, store.Hold(ctx, keys, "token", time.Minute) },
		"Release":  func() (uint64, error) { return 0, store.Release(ctx, keys, "token") },
		"CurrentBulk": func() (uint64, error) {
			gens, err := store.CurrentBulk(ctx, keys)
			return total(gens), err
		},
		"SnapshotBulk": func() (uint64, error) {
			gens, err := store.SnapshotBulk(ctx, keys)
			return total(gens), err
		},
		"BumpBulk": func() (uint64, error) {
			gens, err := store.BumpBulk(ctx, keys)
			return total(gens), err
		},
	} {
		if gen, err := call(); err == nil || gen != 0 {
			t.Errorf("%s: a call that nobody answered has failed: %s returned (%d, %v)", how, name, gen, err)
		}
	}
}

func total(gens []uint64) (n uint64) {
	for _, gen := range gens {
		n += gen
	}
	return n
}

func TestUnansweredIsFailed(t *testing.T) {
	server := redistest.Start(t)
	for name, wrap := range map[string]func(*redis.Client) redis.UniversalClient{
		"client": plainly,
		"autopipeliner": func(c *redis.Client) redis.UniversalClient {
			a, err := c.AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			return a
		},
	} {
		r := new(refusal)
		client := connect(t, server.Addr())
		client.AddHook(r)
		store := open(t, wrap(client))
		if _, err := store.Bump(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		r.on.Store(true)
		everyCall(t, store, name+" behind a hook that refuses")
		r.on.Store(false)
		if gen, err := store.Snapshot(t.Context(), "k"); gen == 0 || err != nil {
			t.Errorf("%s: a hold that was refused holds nothing: got (%d, %v)", name, gen, err)
		}
		client.Close()
		everyCall(t, store, name+" that is closed")
		if err := store.Close(t.Context()); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
}

func TestCloseOfAClosedClient(t *testing.T) {
	server := redistest.Start(t)
	for name, joined := range map[string]bool{"used": true, "unused": false} {
		client := connect(t, server.Addr())
		owning := func(c *leasegenstore.Config) { c.CloseClient = true }
		a, b := open(t, client, owning), open(t, client, owning)
		if joined {
			for _, s := range []*leasegenstore.Store{a, b} {
				if _, err := s.Snapshot(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, s := range []*leasegenstore.Store{a, b, a} {
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("%s: a client that is closed already is what Close wanted: got %v", name, err)
			}
		}
	}
}

func TestForbiddenScriptIsNoOldServer(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "reader", "on", ">secret", "~*", "&*", "+@all", "-evalsha", "-eval")
	renamed := redistest.Start(t, "--rename-command", "EVALSHA", "")
	for name, store := range map[string]*leasegenstore.Store{
		"forbidden": open(t, connect(t, server.Addr(), func(o *redis.Options) { o.Username, o.Password = "reader", "secret" })),
		"renamed":   open(t, connect(t, renamed.Addr())),
	} {
		_, err := store.Bump(t.Context(), "k")
		if err == nil {
			t.Fatalf("%s: EVALSHA must fail", name)
		}
		text := strings.ToLower(err.Error())
		if strings.Contains(text, "too old") || !strings.Contains(text, "evalsha") {
			t.Errorf("%s: the error says that EVALSHA cannot be called, and not that the server is old: got %q", name, err)
		}
		_ = store.Close(t.Context())
	}
}
