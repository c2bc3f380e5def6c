package genstoreredis

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

var errRefused = errors.New("refused by a hook")

// A refusal is a hook that does not send what it is given, as a rate limiter or a
// circuit breaker does, and with swallow says that it has.
type refusal struct {
	on      atomic.Bool
	swallow bool
}

func (r *refusal) answer() error {
	if r.swallow {
		return nil
	}
	return errRefused
}

func (r *refusal) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *refusal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if r.on.Load() {
			return r.answer()
		}
		return next(ctx, cmd)
	}
}

func (r *refusal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if r.on.Load() {
			return r.answer()
		}
		return next(ctx, cmds)
	}
}

// TestMutateBehindARefusal: a write must not run with nothing held.
func TestMutateBehindARefusal(t *testing.T) {
	server := startOneShard(t)
	eachKind(t, func(t *testing.T, open opening) {
		for how, swallow := range map[string]bool{"refused": false, "swallowed": true} {
			for kind, connect := range map[string]func(*refusal) redis.UniversalClient{
				"client": func(r *refusal) redis.UniversalClient {
					client := connect(t, server.Addr())
					client.AddHook(r)
					return client
				},
				"Cluster": func(r *refusal) redis.UniversalClient {
					client := connectCluster(t, []string{server.Addr()})
					client.AddHook(r)
					return client
				},
			} {
				t.Run(how+", "+kind, func(t *testing.T) {
					r := &refusal{swallow: swallow}
					s := open(t, connect(r))
					cache, err := cascache.New(cascache.Options[string]{
						Namespace: "n", Provider: providerFor(s), GenStore: s, Codec: cascache.String{}, GenTimeout: redistest.Patience,
					})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = cache.Close(context.Background()) })
					for _, keys := range [][]string{{"k"}, names("k", 10)} { // in as many slots
						ran := false
						write := func(context.Context) error { ran = true; return nil }
						if err := cache.Mutate(t.Context(), keys, write); err != nil || !ran {
							t.Fatalf("Mutate of %d keys: ran %t, %v", len(keys), ran, err)
						}
						ran = false
						r.on.Store(true)
						err := cache.Mutate(t.Context(), keys, write)
						r.on.Store(false)
						if err == nil || ran || !swallow && !errors.Is(err, errRefused) {
							t.Errorf("a hold of %d keys that was never sent holds nothing, and the write must not run: ran %t, got %v", len(keys), ran, err)
						}
					}
				})
			}
		}
	})
}

// TestForbiddenScriptIsNoOldServer: who may not run scripts, or has them renamed,
// is told so.
func TestForbiddenScriptIsNoOldServer(t *testing.T) {
	eachKind(t, func(t *testing.T, open opening) {
		server := redistest.Start(t)
		server.Do("ACL", "SETUSER", "reader", "on", ">secret", "~*", "&*", "+@all", "-evalsha", "-eval")
		server.Do("ACL", "SETUSER", "half", "on", ">secret", "~*", "&*", "+@all", "-eval")
		as := func(name string) func(*redis.Options) {
			return func(o *redis.Options) { o.Username, o.Password = name, "secret" }
		}
		for name, c := range map[string]struct {
			client redis.UniversalClient
			says   string
		}{
			"both forbidden":  {connect(t, server.Addr(), as("reader")), "NOPERM"},
			"EVAL forbidden":  {connect(t, server.Addr(), as("half")), "NOPERM"},
			"EVALSHA renamed": {connect(t, redistest.Start(t, "--rename-command", "EVALSHA", "").Addr()), "renamed or disabled"},
			"EVAL renamed":    {connect(t, redistest.Start(t, "--rename-command", "EVAL", "other").Addr()), "renamed or disabled"},
		} {
			t.Run(name, func(t *testing.T) {
				s := open(t, c.client)
				ctx, keys := t.Context(), []string{"k", "l"}
				errs := make(map[string]error)
				_, errs["Bump"] = s.Bump(ctx, "k")
				_, errs["BumpBulk"] = s.BumpBulk(ctx, keys)
				_, errs["Snapshot"] = s.Snapshot(ctx, "k")
				_, errs["SnapshotBulk"] = s.SnapshotBulk(ctx, keys)
				errs["Hold"] = s.Hold(ctx, keys, "token", time.Minute)
				errs["Release"] = s.Release(ctx, keys, "token")
				if both, ok := s.(cascache.Combined); ok {
					_, _, _, errs["GetWithGen to create"] = both.GetWithGen(ctx, "k", true)
					_, _, errs["SetIfGen"] = both.SetIfGen(ctx, item("k", "v"), 7)
					_, _, errs["SetBulkIfGens"] = both.SetBulkIfGens(ctx, []cascache.Item{item("k", "v"), item("b", "v")}, []uint64{7})
					_, errs["BumpAndDel, bump"], errs["BumpAndDel, delete"] = both.BumpAndDel(ctx, keys)
					errs["DelEqual"] = both.DelEqual(ctx, keys, [][]byte{{1}, {2}})
				}
				for call, err := range errs {
					if err == nil || strings.Contains(err.Error(), "too old") || !strings.Contains(strings.ToLower(err.Error()), "eval") || !strings.Contains(err.Error(), c.says) {
						t.Errorf("%s: the error says that scripts cannot be called (%q), and not that the server is old: got %v", call, c.says, err)
					}
				}
			})
		}
	})
}

// TestCloseOfAClosedClient has two modules own one client, which the first one to
// close has closed.
func TestCloseOfAClosedClient(t *testing.T) {
	server := redistest.Start(t)
	eachKind(t, func(t *testing.T, open opening) {
		for used, use := range map[string]bool{"used": true, "unused": false} {
			client := connect(t, server.Addr())
			owned := func(c *redisgenstore.Config) { c.CloseClient = true }
			a, b := open(t, client, owned), open(t, client, owned)
			if use {
				snapshot(t, a, "k")
				snapshot(t, b, "k")
			}
			for _, s := range []store{a, b, a} {
				if err := s.Close(t.Context()); err != nil {
					t.Errorf("%s: a client that is closed already is what Close wanted: got %v", used, err)
				}
			}
		}
	})
}
