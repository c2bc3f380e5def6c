package genstoreredis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// opener makes the store that a fault is tried on.
type opener func(tb testing.TB, client redis.UniversalClient) cascache.GenStore

func openCounter(_ testing.TB, client redis.UniversalClient) cascache.GenStore {
	return counter{UniversalClient: client}
}

func openCredulous(_ testing.TB, client redis.UniversalClient) cascache.GenStore {
	return counter{UniversalClient: client, errorsAsMissing: true}
}

func openChooser(_ testing.TB, client redis.UniversalClient) cascache.GenStore {
	return chooser{counter{UniversalClient: client}}
}

// A fault is tried on the store, which must serve nothing stale and hit before
// and after, and on the naive store that it is known to fool, if there is one.
type fault struct {
	name  string
	naive opener
	// try returns how often a value was served that had been invalidated
	// before. It fails the test when the cache does not hit before or after.
	try func(t *testing.T, open opener) (stale int)
}

var faults = []fault{
	{"generation expired", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		return s.loses(func() {
			for _, key := range generationKeys(t, s.raw) {
				s.raw.PExpire(t.Context(), key, time.Millisecond)
			}
			redistest.Eventually(t, redistest.Patience, "every generation has expired", func() bool {
				return len(generationKeys(t, s.raw)) == 0
			})
		})
	}},
	{"generation evicted", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		return s.loses(func() {
			name := generationKey(t, s.raw)
			s.server.Config("maxmemory-policy", "allkeys-lru")
			s.server.Config("maxmemory", "4mb")
			filler := strings.Repeat("x", 100_000)
			for i := 0; s.raw.Exists(t.Context(), name).Val() == 1; i++ {
				if err := s.raw.Set(t.Context(), fmt.Sprint("filler", i), filler, 0).Err(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}},
	{"generation deleted", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		return s.loses(func() { s.raw.Del(t.Context(), generationKey(t, s.raw)) })
	}},
	{"FLUSHALL", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		return s.loses(func() { s.raw.FlushAll(t.Context()) })
	}},
	{"killed and restarted empty", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		return s.loses(func() {
			s.server.Kill()
			s.server.RestartEmpty()
		})
	}},
	{"restarted from an older snapshot", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		s.b.works("before the fault")
		s.server.Save()
		s.a.change()
		s.server.Kill()
		s.server.Restart()
		r := s.b.read()
		s.b.works("after the fault")
		return r.stale
	}},
	{"snapshot before the loss, set after it", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		observed := s.b.cache.SnapshotGen(row)
		value := s.source.read()
		s.a.change()
		s.raw.FlushAll(t.Context())
		if err := s.b.cache.SetWithGen(t.Context(), row, value, observed, 0); err != nil {
			t.Fatal(err)
		}
		r := s.b.read()
		s.b.works("after the fault")
		return r.stale
	}},
	{"replica promoted after losing a bump", openCounter, func(t *testing.T, open opener) int {
		master := redistest.Start(t)
		between := master.Proxy() // of master and replica
		replica := redistest.StartReplicaOf(t, between.Addr())
		clients := master.Proxy()
		s := newPair(t, open, clients.Addr())
		s.b.works("before the fault")
		master.WaitReplicated(replica)
		between.Freeze()
		s.a.change()
		master.Kill()
		replica.Promote()
		clients.SetTarget(replica.Addr())
		clients.Cut()
		r := s.b.read()
		s.b.works("after the fault")
		return r.stale
	}},
	{"reply of a bump lost, bump retried", openChooser, tryLostReply},
	{"server hung and resumed", openCredulous, func(t *testing.T, open opener) int {
		server := redistest.Start(t)
		// Shorter than the cache's own patience, so that it hears the error.
		s := newPair(t, open, server.Addr(), func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = 100*time.Millisecond, -1 })
		s.server = server
		s.b.works("before the fault")
		s.a.change()
		s.server.Pause()
		r := s.b.read()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := s.a.cache.Invalidate(ctx, row); err == nil {
			t.Error("G4: an invalidation on a server that does not answer returned nil")
		}
		s.server.Resume()
		r.stale += s.b.read().stale
		s.b.works("after the fault")
		return r.stale
	}},
	{"out of memory under noeviction", openCounter, func(t *testing.T, open opener) int {
		s := startPair(t, open)
		s.a.change()
		s.b.works("before the fault")
		s.server.Config("maxmemory-policy", "noeviction")
		s.server.Config("maxmemory", "1")
		if err := s.raw.Set(t.Context(), "any", "thing", 0).Err(); !redis.HasErrorPrefix(err, "OOM") {
			t.Fatalf("the server is not out of memory: %v", err)
		}
		s.source.write()
		err := s.a.cache.Invalidate(t.Context(), row)
		r := s.b.read()
		if err != nil && r.stale == 0 {
			t.Errorf("a bump is refused for lack of memory: %v", err)
		}
		if r.stale == 0 {
			if !s.b.beside { // values have room elsewhere
				s.b.works("while out of memory")
			}
			s.server.Config("maxmemory", "0")
			s.b.works("after the fault")
		}
		return r.stale
	}},
	{"old master cut off from its replicas", openCounter, func(t *testing.T, open opener) int {
		return tryOldMaster(t, open, func(old *redistest.Server, between *redistest.Proxy) {
			between.Freeze()
			redistest.Eventually(t, redistest.Patience, "the master misses its replica", func() bool {
				return old.Info("min_slaves_good_slaves") == "0"
			})
		}, func(*redistest.Server) {})
	}},
	{"old master paused, failed over and resumed", openCounter, func(t *testing.T, open opener) int {
		return tryOldMaster(t, open,
			func(old *redistest.Server, _ *redistest.Proxy) { old.Pause() },
			func(old *redistest.Server) { old.Resume() })
	}},
	// No naive store fails here: of a call whose context has ended, the cache
	// believes nothing.
	{"context cancelled at each step", nil, tryCancelled},
}

func TestFaults(t *testing.T) {
	long(t)
	for _, f := range faults {
		for _, kind := range kinds {
			t.Run(f.name+", "+kind.name, func(t *testing.T) {
				open := func(tb testing.TB, client redis.UniversalClient) cascache.GenStore { return kind.open(tb, client) }
				if stale := f.try(t, open); stale > 0 {
					t.Errorf("the promise: %d reads returned a value that had been invalidated before", stale)
				}
			})
		}
		if f.naive == nil {
			continue
		}
		t.Run(f.name+", naive store", func(t *testing.T) {
			if stale := f.try(t, f.naive); stale == 0 {
				t.Error("a naive store served nothing stale: the fault is no test of anything")
			}
		})
	}
}

// pair is two processes on one server.
type pair struct {
	t      *testing.T
	server *redistest.Server
	raw    *redis.Client
	source *database
	a, b   *node
}

func startPair(t *testing.T, open opener) *pair {
	server := redistest.Start(t)
	s := newPair(t, open, server.Addr())
	s.server = server
	return s
}

func newPair(t *testing.T, open opener, addr string, change ...func(*redis.Options)) *pair {
	s := &pair{t: t, raw: connect(t, addr), source: new(database)}
	s.a = startNode(t, s.source, open(t, connect(t, addr, change...)))
	s.b = startNode(t, s.source, open(t, connect(t, addr, change...)))
	return s
}

// loses tries the loss of all generations: b has an entry that a invalidated.
func (s *pair) loses(lose func()) (stale int) {
	s.t.Helper()
	s.b.works("before the fault")
	s.a.change()
	lose()
	r := s.b.read()
	s.a.fill() // a fill by another process must not revive b's entry either
	r.stale += s.b.read().stale
	s.b.works("after the fault")
	return r.stale
}

// isMark reports whether a Redis key is the mark of the tests' namespace.
func isMark(key string) bool {
	mark, _, _ := redisgen.Mark("test")
	return key == mark
}

// generationKeys returns all Redis keys but those of values and the mark.
func generationKeys(tb testing.TB, raw *redis.Client) []string {
	tb.Helper()
	return slices.DeleteFunc(raw.Keys(context.WithoutCancel(tb.Context()), "*").Val(), func(key string) bool {
		return isMark(key) || strings.HasPrefix(key, "single:")
	})
}

// generationKey returns the Redis key of the only generation there is.
func generationKey(tb testing.TB, raw *redis.Client) string {
	tb.Helper()
	keys := generationKeys(tb, raw)
	if len(keys) != 1 {
		tb.Fatalf("there are %d Redis keys, not one: %q", len(keys), keys)
	}
	return keys[0]
}

// tryLostReply loses the reply of a's first bump. Before a's client sends it
// again, b fills under the generation that this bump made, and a third process
// invalidates that.
func tryLostReply(t *testing.T, open opener) int {
	server := redistest.Start(t)
	proxy := server.Proxy()
	s := newPair(t, open, server.Addr())
	s.server = server
	s.b.works("before the fault")
	through := startNode(t, s.source, open(t, connect(t, proxy.Addr())))
	through.read() // the connection is there
	other := startNode(t, s.source, open(t, connect(t, server.Addr())))

	isBump := func(c redistest.Command) bool {
		return c.Name == "SET" || c.Name == "EVAL" || c.Name == "EVALSHA"
	}
	dropped := proxy.DropReply(isBump)
	var sent atomic.Int32
	retried := make(chan struct{})
	proxy.OnCommand(func(c redistest.Command) {
		if !isBump(c) || sent.Add(1) != 2 {
			return
		}
		<-dropped
		// Between the first bump and its repetition:
		s.b.works("between the bump and its repetition")
		s.source.write()
		if err := other.cache.Invalidate(context.Background(), row); err != nil {
			t.Errorf("Invalidate: %v", err)
		}
		close(retried)
	})
	if err := through.cache.Invalidate(t.Context(), row); err != nil {
		t.Fatalf("a bump whose reply was lost once failed: %v", err)
	}
	<-retried
	r := s.b.read()
	s.b.works("after the fault")
	return r.stale
}

// tryOldMaster has b talk to an old master while a has been led to the new
// one.
func tryOldMaster(t *testing.T, open opener, away func(*redistest.Server, *redistest.Proxy), back func(*redistest.Server)) int {
	old := redistest.Start(t, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
	between := old.Proxy()
	replica := redistest.StartReplicaOf(t, between.Addr())
	redistest.Eventually(t, redistest.Patience, "the master counts its replica", func() bool {
		return old.Info("min_slaves_good_slaves") == "1"
	})
	clients := old.Proxy()
	source := new(database)
	b := startNode(t, source, open(t, connect(t, clients.Addr())))
	b.works("before the fault")
	old.WaitReplicated(replica)
	away(old, between)
	replica.Promote()
	a := startNode(t, source, open(t, connect(t, replica.Addr())))
	a.change()
	back(old)
	var stale int
	for range 20 {
		stale += b.read().stale
	}
	clients.SetTarget(replica.Addr())
	clients.Cut()
	b.works("after the fault")
	return stale
}

// tryCancelled ends the context of one command at a time, of all those that a
// fill, a read, a write and a read make: before the command has arrived, after
// it has, and while the connection breaks.
func tryCancelled(t *testing.T, open opener) (stale int) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	for _, how := range []string{"before", "after", "cut"} {
		for step := 0; ; step++ {
			raw.FlushAll(t.Context())
			proxy := server.Proxy()
			db := new(database)
			a := startNode(t, db, open(t, connect(t, proxy.Addr())))
			b := startNode(t, db, open(t, connect(t, server.Addr())))
			b.works("before the fault")
			a.read() // the connection is there

			ctx, cancel := context.WithCancel(t.Context())
			var seen atomic.Int32
			isStep := func(redistest.Command) bool { return int(seen.Add(1))-1 == step }
			switch how {
			case "after":
				dropped := proxy.DropReply(isStep)
				go func() {
					select {
					case <-dropped:
						cancel()
					case <-ctx.Done():
					}
				}()
			default:
				proxy.OnCommand(func(c redistest.Command) {
					if isStep(c) {
						cancel()
						if how == "cut" {
							proxy.Cut()
						}
					}
				})
			}
			observed, _ := a.cache.SnapshotGenContext(ctx, row)
			_ = a.cache.SetWithGen(ctx, row, db.read(), observed, 0)
			_, _, _ = a.cache.Get(ctx, row)
			db.write()
			if a.cache.Invalidate(ctx, row) == nil {
				stale += b.read().stale
			}
			_, _, _ = a.cache.Get(ctx, row)
			proxy.OnCommand(nil)
			stale += a.read().stale // whether or not it was told that all is well
			b.works("after the fault")
			done := ctx.Err() == nil // fewer commands than steps
			cancel()
			if done {
				if step < 4 {
					t.Fatalf("only %d commands went by", step)
				}
				break
			}
		}
	}
	return stale
}
