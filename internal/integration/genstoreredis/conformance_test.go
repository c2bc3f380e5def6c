package genstoreredis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// A replica is a store, and what the harness must know of it.
type replica struct {
	*redisgenstore.Store
	namespace string
	line      *line
}

// Unwrap says that the replica has the store's abilities, which it embeds.
func (r replica) Unwrap() any { return r.Store }

// A line is the way from a client to the server.
type line struct {
	cut       atomic.Bool            // all of its connections fail
	meanwhile atomic.Pointer[func()] // the reply to the next script is lost, and this comes after it

	mu  sync.Mutex
	all []net.Conn
}

var errCut = errors.New("the line is cut")

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.cut.Load() {
		return nil, errCut
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, conn)
	return &lossy{conn, l}, nil
}

func (l *line) sever() {
	l.cut.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.all {
		_ = conn.Close()
	}
}

// lossy is a connection that breaks between a script and its reply when the
// line says so.
type lossy struct {
	net.Conn
	line *line
}

func (c *lossy) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil || c.line.meanwhile.Load() == nil || !bytes.Contains(bytes.ToLower(b), []byte("evalsha")) {
		return n, err
	}
	if meanwhile := c.line.meanwhile.Swap(nil); meanwhile != nil {
		// The reply says that the script has run; nobody else hears of it.
		_, err := c.Conn.Read(make([]byte, 4096))
		_ = c.Conn.Close()
		if err == nil {
			(*meanwhile)()
		}
	}
	return n, nil
}

// harness keeps each state in a namespace of its own.
func harness(tb testing.TB, client func(*redis.Client) redis.UniversalClient, change ...func(*redisgenstore.Config)) conformance.GenStoreHarness {
	server := redistest.Start(tb)
	connectBy := func(tb testing.TB, l *line) redis.UniversalClient {
		return client(connect(tb, server.Addr(), func(o *redis.Options) { o.Dialer, o.DialerRetries = l.dial, 1 }))
	}
	openIn := func(tb testing.TB, namespace string) replica {
		l := new(line)
		store := open(tb, connectBy(tb, l), append(change, func(c *redisgenstore.Config) { c.Namespace = namespace })...)
		return replica{store, namespace, l}
	}
	states := 0
	h := conformance.GenStoreHarness{
		New: func(tb testing.TB) cascache.GenStore {
			states++
			return openIn(tb, fmt.Sprint("state-", states))
		},
		Peer: func(tb testing.TB, s cascache.GenStore) cascache.GenStore { return openIn(tb, s.(replica).namespace) },
		Losses: []conformance.Loss{
			{
				Name: "FLUSHALL",
				Lose: func(testing.TB, cascache.GenStore) { server.Do("FLUSHALL") },
			},
			{
				Name: "an eviction of everything",
				Lose: func(tb testing.TB, _ cascache.GenStore) {
					raw := connect(tb, server.Addr())
					for _, key := range raw.Keys(context.Background(), "*").Val() {
						raw.Unlink(context.Background(), key)
					}
				},
			},
			{
				Name: "a restart without data",
				Lose: func(testing.TB, cascache.GenStore) {
					server.Kill()
					server.RestartEmpty()
				},
			},
			{
				Name:    "a restart from an older snapshot",
				Prepare: func(testing.TB, cascache.GenStore) { server.Save() },
				Lose: func(testing.TB, cascache.GenStore) {
					server.Kill()
					server.Restart()
				},
			},
		},
		LoseReply: func(_ testing.TB, s cascache.GenStore, meanwhile func()) {
			s.(replica).line.meanwhile.Store(&meanwhile)
		},
		Break: func(_ testing.TB, s cascache.GenStore) { s.(replica).line.sever() },
	}
	return h
}

func plainly(c *redis.Client) redis.UniversalClient { return c }

func TestConformance(t *testing.T) {
	t.Run("guarded", func(t *testing.T) {
		conformance.RunGenStore(t, harness(t, plainly))
	})
	t.Run("unguarded", func(t *testing.T) {
		h := harness(t, plainly, func(c *redisgenstore.Config) { c.Unguarded = true })
		h.Losses = h.Losses[:3] // it is for servers that save nothing
		conformance.RunGenStore(t, h)
	})
	t.Run("autopipeliner", func(t *testing.T) {
		h := harness(t, func(c *redis.Client) redis.UniversalClient {
			a, err := c.AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			return a
		})
		h.Losses = h.Losses[:1]
		conformance.RunGenStore(t, h)
	})
}

func TestConformanceOfACache(t *testing.T) {
	gens := harness(t, plainly)
	server := redistest.Start(t)
	namespaces := 0
	conformance.RunCache(t, conformance.CacheHarness{
		New: func(tb testing.TB, n int) []cascache.Options[string] {
			namespaces++
			all := make([]cascache.Options[string], n)
			for i := range all {
				provider, err := redisprovider.New(redisprovider.Config{Client: connect(tb, server.Addr())})
				if err != nil {
					tb.Fatal(err)
				}
				all[i] = cascache.Options[string]{
					Namespace: fmt.Sprint("cache-", namespaces), Provider: provider, Codec: cascache.String{}, GenStore: gens.New(tb),
				}
				if i > 0 {
					all[i].GenStore = gens.Peer(tb, all[0].GenStore)
				}
			}
			return all
		},
		Losses: gens.Losses,
	})
}

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkGenStore(b, harness(b, plainly)) }
