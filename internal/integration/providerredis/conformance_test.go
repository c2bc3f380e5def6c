package providerredis

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// A handle is a provider, and what the harness must know of it.
type handle struct {
	*redisprovider.Provider
	database int
	line     *line
}

// Unwrap says that the handle has the provider's abilities, which it embeds.
func (h handle) Unwrap() any { return h.Provider }

// A line is the way to the server. Cut, all of its connections fail.
type line struct {
	cut atomic.Bool
	mu  sync.Mutex
	all []net.Conn
}

var errCut = errors.New("the line is cut")

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.cut.Load() {
		return nil, errCut
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		l.mu.Lock()
		l.all = append(l.all, conn)
		l.mu.Unlock()
	}
	return conn, err
}

func (l *line) sever() {
	l.cut.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.all {
		_ = conn.Close()
	}
}

// harness keeps each instance in a database of its own. Few are open at once.
func harness(tb testing.TB, over func(testing.TB, *redis.Client) redis.UniversalClient) conformance.ProviderHarness {
	server := redistest.Start(tb)
	open := func(tb testing.TB, database int) handle {
		l := new(line)
		client := newClient(tb, &redis.Options{
			Addr: server.Addr(), DB: database, Dialer: l.dial, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		})
		p, err := redisprovider.New(redisprovider.Config{Client: over(tb, client)})
		if err != nil {
			tb.Fatal(err)
		}
		return handle{p, database, l}
	}
	next := 0
	return conformance.ProviderHarness{
		New: func(tb testing.TB) cascache.Provider {
			next++
			h := open(tb, next%16)
			client := newClient(tb, &redis.Options{Addr: server.Addr(), DB: h.database})
			if err := client.FlushDB(context.Background()).Err(); err != nil {
				tb.Fatal(err)
			}
			return h
		},
		Break: func(_ testing.TB, p cascache.Provider) { p.(handle).line.sever() },
		Peer: func(tb testing.TB, p cascache.Provider) cascache.Provider {
			return open(tb, p.(handle).database)
		},
	}
}

func TestConformance(t *testing.T) {
	for name, over := range map[string]func(testing.TB, *redis.Client) redis.UniversalClient{
		"client":     func(_ testing.TB, client *redis.Client) redis.UniversalClient { return client },
		"pipelining": func(tb testing.TB, client *redis.Client) redis.UniversalClient { return pipelining(tb, client) },
	} {
		t.Run(name, func(t *testing.T) { conformance.RunProvider(t, harness(t, over)) })
	}
}

func BenchmarkConformance(b *testing.B) {
	conformance.BenchmarkProvider(b, harness(b, func(_ testing.TB, client *redis.Client) redis.UniversalClient { return client }))
}
