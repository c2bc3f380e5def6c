package genstoreredis

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// A pairing is a backend, and what the harness must know of it.
type pairing struct {
	*redisbackend.Backend
	database int
	line     *line
}

func (p pairing) Unwrap() any { return p.Backend }

// backends is the harness of backends on one server, each state in a database
// of its own, since the namespace does not keep values apart.
type backends struct {
	server *redistest.Server
	client func(*redis.Client) redis.UniversalClient
	change []func(*redisgenstore.Config)
	states int
}

func (b *backends) open(tb testing.TB, database int) pairing {
	l := new(line)
	client := b.client(connect(tb, b.server.Addr(), func(o *redis.Options) { o.Dialer, o.DialerRetries, o.DB = l.dial, 1, database }))
	return pairing{openBackend(tb, client, b.change...).(*redisbackend.Backend), database, l}
}

func (b *backends) fresh(tb testing.TB) pairing {
	b.states++
	return b.open(tb, b.states)
}

func (b *backends) losses() []conformance.Loss {
	return []conformance.Loss{
		{Name: "FLUSHALL", Lose: func(testing.TB, cascache.GenStore) { b.server.Do("FLUSHALL") }},
		{Name: "an eviction of all generations", Lose: func(tb testing.TB, s cascache.GenStore) {
			raw := connect(tb, b.server.Addr(), func(o *redis.Options) { o.DB = databaseOf(s) })
			for _, key := range raw.Keys(context.Background(), "gen:*").Val() {
				raw.Unlink(context.Background(), key)
			}
		}},
		{Name: "a restart without data", Lose: func(testing.TB, cascache.GenStore) {
			b.server.Kill()
			b.server.RestartEmpty()
		}},
		{
			Name:    "a restart from an older snapshot",
			Prepare: func(testing.TB, cascache.GenStore) { b.server.Save() },
			Lose: func(testing.TB, cascache.GenStore) {
				b.server.Kill()
				b.server.Restart()
			},
		},
	}
}

// databaseOf returns the database of a pairing, also of one with faults.
func databaseOf(v any) int {
	for {
		switch s := v.(type) {
		case pairing:
			return s.database
		case cascache.Wrapper:
			v = s.Unwrap()
		default:
			panic("no pairing")
		}
	}
}

func TestConformanceOfTheBackend(t *testing.T) {
	for _, form := range []struct {
		name   string
		client func(*redis.Client) redis.UniversalClient
		change []func(*redisgenstore.Config)
		losses int // how many of them it is for
	}{
		{"guarded", plainly, nil, 4},
		{"unguarded", plainly, []func(*redisgenstore.Config){unguarded}, 3}, // for servers that save nothing
		{"autopipeliner", func(c *redis.Client) redis.UniversalClient {
			a, err := c.AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			return a
		}, nil, 1},
	} {
		t.Run(form.name, func(t *testing.T) {
			if testing.Short() && raceEnabled && form.change != nil {
				t.Skip("differs in no goroutine: the short form tries it without -race")
			}
			b := &backends{server: redistest.Start(t, "--databases", "5000"), client: form.client, change: form.change}
			losses := b.losses()[:form.losses]
			t.Run("both", func(t *testing.T) {
				conformance.RunCombined(t, conformance.CombinedHarness{New: func(tb testing.TB) cascache.Combined { return b.fresh(tb) }})
			})
			t.Run("provider", func(t *testing.T) {
				conformance.RunProvider(t, conformance.ProviderHarness{
					New:   func(tb testing.TB) cascache.Provider { return b.fresh(tb) },
					Break: func(_ testing.TB, p cascache.Provider) { p.(pairing).line.sever() },
				})
			})
			t.Run("generations", func(t *testing.T) {
				conformance.RunGenStore(t, conformance.GenStoreHarness{
					New:    func(tb testing.TB) cascache.GenStore { return b.fresh(tb) },
					Peer:   func(tb testing.TB, s cascache.GenStore) cascache.GenStore { return b.open(tb, s.(pairing).database) },
					Losses: losses,
					LoseReply: func(_ testing.TB, s cascache.GenStore, meanwhile func()) {
						s.(pairing).line.meanwhile.Store(&meanwhile)
					},
					Break: func(_ testing.TB, s cascache.GenStore) { s.(pairing).line.sever() },
				})
			})
			t.Run("a cache", func(t *testing.T) {
				conformance.RunCache(t, conformance.CacheHarness{
					New: func(tb testing.TB, n int) []cascache.Options[string] {
						all := make([]cascache.Options[string], n)
						first := b.fresh(tb)
						for i := range all {
							one := first
							if i > 0 {
								one = b.open(tb, first.database)
							}
							all[i] = cascache.Options[string]{Namespace: "app", Provider: one, GenStore: one, Codec: cascache.String{}}
						}
						return all
					},
					Losses: losses,
				})
			})
		})
	}
}
