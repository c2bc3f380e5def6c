package lease

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// A gate stands in front of a client's commands and lets a test hold them.
type gate struct {
	mu      sync.Mutex
	beats   chan struct{}  // not nil: heartbeats wait until it is closed
	changes func()         // called before a change is sent
	count   map[string]int // of scripts, by what they are
}

func (g *gate) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (g *gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// kind tells a heartbeat, which names three Redis keys, from the others.
func kind(args []any) string {
	if len(args) < 3 || args[0] != "evalsha" && args[0] != "eval" {
		return ""
	}
	n, _ := args[2].(int)
	mark, _, _ := redisgen.Mark("test")
	switch {
	case n == 3:
		return "heartbeat"
	case n > 3 && args[5] == mark:
		return "change" // or a snapshot
	}
	return "read" // or a removal
}

func (g *gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		what := kind(cmd.Args())
		g.mu.Lock()
		beats, changes := g.beats, g.changes
		if g.count == nil {
			g.count = make(map[string]int)
		}
		g.count[what]++
		g.mu.Unlock()
		if what == "heartbeat" && beats != nil {
			select {
			case <-beats:
			case <-ctx.Done():
				cmd.SetErr(ctx.Err())
				return ctx.Err()
			}
		}
		if what == "change" && changes != nil {
			changes()
		}
		return next(ctx, cmd)
	}
}

func (g *gate) counted(what string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count[what]
}

// holdBeats keeps heartbeats from being sent. The function that it returns lets
// them go.
func (g *gate) holdBeats() (release func()) {
	held := make(chan struct{})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.beats = held
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.beats = nil
		close(held)
	})
}

// gated is a store behind a gate.
type gated struct {
	*leasegenstore.Store
	gate   *gate
	server *redistest.Server
}

func openGated(tb testing.TB, server *redistest.Server, change ...func(*leasegenstore.Config)) gated {
	client := connect(tb, server.Addr())
	g := new(gate)
	client.AddHook(g)
	store := open(tb, client, change...)
	tb.Cleanup(func() { _ = store.Close(context.Background()) })
	return gated{store, g, server}
}

// serving returns when the store answers for key from memory.
func (s gated) serving(tb testing.TB, key string) uint64 {
	tb.Helper()
	var gen uint64
	redistest.Eventually(tb, redistest.Patience, "an answer from memory", func() bool {
		if local, ok := s.CurrentLocal("", key); ok {
			gen = local
			return true
		}
		if _, err := s.Snapshot(context.Background(), key); err != nil {
			return false
		}
		time.Sleep(time.Millisecond)
		return false
	})
	return gen
}
