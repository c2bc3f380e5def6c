package providerredis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

func TestOneServer(t *testing.T) {
	server := redistest.Start(t)
	client := newClient(t, &redis.Options{Addr: server.Addr()})
	t.Run("client", func(t *testing.T) { exercise(t, newProvider(t, client)) })
	t.Run("AutoPipeliner", func(t *testing.T) { exercise(t, newProvider(t, pipelining(t, client))) })
	t.Run("RESP 2", func(t *testing.T) {
		exercise(t, newProvider(t, newClient(t, &redis.Options{Addr: server.Addr(), Protocol: 2})))
	})
}

func TestRing(t *testing.T) {
	a, b := redistest.Start(t), redistest.Start(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": a.Addr(), "b": b.Addr()}})
	t.Cleanup(func() { _ = ring.Close() })
	exercise(t, newProvider(t, ring))
	p := newProvider(t, ring)
	if _, err := p.SetBulk(t.Context(), itemsFor(keysFor("ring", batch), time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, server := range []*redistest.Server{a, b} {
		if n, _ := server.Do("DBSIZE").(int64); n < batch/10 {
			t.Errorf("a Ring must spread a batch over its servers: one of them has %d of %d keys", n, batch)
		}
	}
}

func TestLifetimeIsThatOfTheEntry(t *testing.T) {
	server := redistest.Start(t)
	p := newProvider(t, newClient(t, &redis.Options{Addr: server.Addr()}))
	for name, store := range map[string]func(ttl time.Duration) error{
		"Set": func(ttl time.Duration) error {
			_, err := p.Set(t.Context(), "k", []byte("v"), 1, ttl)
			return err
		},
		"SetBulk": func(ttl time.Duration) error {
			_, err := p.SetBulk(t.Context(), []cascache.Item{{Key: "k", Value: []byte("v"), TTL: ttl}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ttl := range []time.Duration{time.Hour, 90*time.Second + 500*time.Millisecond, 10 * 365 * 24 * time.Hour} {
				if err := store(ttl); err != nil {
					t.Fatal(err)
				}
				left, _ := server.Do("PTTL", "k").(int64)
				if got := time.Duration(left) * time.Millisecond; got > ttl || got < ttl-10*time.Second {
					t.Errorf("an entry for %v must live that long: %v are left", ttl, got)
				}
			}
			// Less than Redis can count must neither fail nor last for ever.
			if err := store(time.Nanosecond); err != nil {
				t.Fatal(err)
			}
			redistest.Eventually(t, time.Second, "an entry for a nanosecond is gone", func() bool {
				_, ok, err := p.Get(t.Context(), "k")
				return err == nil && !ok
			})
		})
	}
}

func TestKilledServerIsAnErrorAndThenAMiss(t *testing.T) {
	server := redistest.Start(t)
	client := newClient(t, &redis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1})
	for name, client := range map[string]redis.UniversalClient{"client": client, "AutoPipeliner": pipelining(t, client)} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, client)
			set(t, p, "single:x:k", []byte("v"))
			server.Kill()
			for op, call := range allCalls(p, "single:x:k") {
				if err := call(t.Context()); err == nil || !strings.Contains(err.Error(), "single:x:k") {
					t.Errorf("%s from a server that is gone must be an error that names the key: got %v", op, err)
				}
			}
			server.Restart()
			t.Logf("recovered after %v", recovers(t, p, []string{"single:x:other"}))
			wantMiss(t, p, "single:x:k")
		})
	}
}

// allCalls are all that a provider can be asked for, for one key.
func allCalls(p *redisprovider.Provider, key string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":     func(ctx context.Context) error { _, _, err := p.Get(ctx, key); return err },
		"Set":     func(ctx context.Context) error { _, err := p.Set(ctx, key, []byte(secret), 1, time.Minute); return err },
		"Del":     func(ctx context.Context) error { return p.Del(ctx, key) },
		"GetBulk": func(ctx context.Context) error { _, err := p.GetBulk(ctx, []string{key, key + "2"}); return err },
		"SetBulk": func(ctx context.Context) error {
			_, err := p.SetBulk(ctx, []cascache.Item{{Key: key, Value: []byte(secret), TTL: time.Minute}})
			return err
		},
		"DelBulk": func(ctx context.Context) error { return p.DelBulk(ctx, []string{key, key + "2"}) },
	}
}

const secret = "s3cret"

func TestErrorsGiveNothingAway(t *testing.T) {
	const key = "single:x:k"
	check := func(t *testing.T, client redis.UniversalClient) {
		t.Helper()
		p := newProvider(t, client)
		for op, call := range allCalls(p, key) {
			err := call(t.Context())
			if err == nil {
				t.Errorf("%s must fail here", op)
				continue
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: neither value nor password may be in an error: %q", op, err)
				}
			}
		}
	}
	t.Run("wrong password", func(t *testing.T) {
		server := redistest.Start(t, "--requirepass", "another")
		check(t, newClient(t, &redis.Options{Addr: server.Addr(), Password: secret}))
	})
	t.Run("wrong password, RESP 2", func(t *testing.T) {
		server := redistest.Start(t, "--requirepass", "another")
		check(t, newClient(t, &redis.Options{Addr: server.Addr(), Password: secret, Username: "u", Protocol: 2}))
	})
	t.Run("commands renamed away", func(t *testing.T) {
		// The server then repeats the arguments of SET, its value included.
		server := redistest.Start(t, "--rename-command", "set", "x-set",
			"--rename-command", "get", "x-get", "--rename-command", "mget", "x-mget", "--rename-command", "del", "x-del")
		if _, err := server.Try("SET", "k", secret); err == nil || !strings.Contains(err.Error(), secret) {
			t.Fatalf("the case is void unless the server repeats the value: %v", err)
		}
		check(t, newClient(t, &redis.Options{Addr: server.Addr()}))
	})
	t.Run("HELLO renamed away", func(t *testing.T) {
		server := redistest.Start(t, "--requirepass", "another", "--rename-command", "hello", "x-hello")
		check(t, newClient(t, &redis.Options{Addr: server.Addr(), Password: secret}))
	})
	t.Run("no server", func(t *testing.T) {
		server := redistest.Start(t)
		server.Kill()
		check(t, newClient(t, &redis.Options{Addr: server.Addr(), Password: secret, MaxRetries: -1, DialerRetries: 1}))
	})
}

func TestHostileTypes(t *testing.T) {
	server := redistest.Start(t)
	p := newProvider(t, newClient(t, &redis.Options{Addr: server.Addr()}))
	for _, hostile := range [][]string{
		{"RPUSH", "k", secret}, {"HSET", "k", "f", secret}, {"SADD", "k", secret}, {"ZADD", "k", "1", secret}, {"XADD", "k", "*", "f", secret},
	} {
		t.Run(hostile[0], func(t *testing.T) {
			server.Do("DEL", "k")
			server.Do(hostile...)
			value, ok, err := p.Get(t.Context(), "k")
			if err == nil || ok || value != nil || !redis.HasErrorPrefix(err, "WRONGTYPE") {
				t.Errorf("what is not a string is an error: got %q, %t, %v", value, ok, err)
			}
			values, err := p.GetBulk(t.Context(), []string{"k", "missing"})
			if err != nil || values[0] != nil {
				t.Errorf("in a batch what is not a string is a miss: got %q, %v", values, err)
			}
			// A fill puts it right.
			set(t, p, "k", []byte("v"))
			wantHit(t, p, "k", []byte("v"))

			server.Do("DEL", "k")
			server.Do(hostile...)
			if err := p.Del(t.Context(), "k"); err != nil {
				t.Errorf("what is not a string can be deleted: got %v", err)
			}
			wantMiss(t, p, "k")
		})
	}
}

// fill sets keys of 10 kB until cond is met.
func fill(t *testing.T, p *redisprovider.Provider, cond func(ok bool, err error) bool) {
	t.Helper()
	value := []byte(strings.Repeat("v", 10_000))
	for i := range 10_000 {
		if cond(p.Set(t.Context(), "single:fill:"+strconv.Itoa(i), value, 1, time.Minute)) {
			return
		}
	}
	t.Fatal("a server with little memory took 100 MB")
}

func TestServerWithoutMemoryDeclines(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "6mb", "--maxmemory-policy", "noeviction")
	p := newProvider(t, newClient(t, &redis.Options{Addr: server.Addr()}))
	fill(t, p, func(ok bool, err error) bool {
		if err != nil {
			t.Fatalf("want of memory is declined, not an error: got %v", err)
		}
		return !ok
	})
	stored, err := p.SetBulk(t.Context(), itemsFor(keysFor("oom", 3), time.Minute))
	if err != nil || !slices.Equal(stored, []bool{false, false, false}) {
		t.Errorf("want of memory is declined in a batch too: got %v, %v", stored, err)
	}
	if _, ok, err := p.Get(t.Context(), "single:fill:0"); !ok || err != nil {
		t.Errorf("what is stored can still be read: got %t, %v", ok, err)
	}
	// Deletes work, and make room.
	if err := p.DelBulk(t.Context(), keysFor("fill", 50)); err != nil {
		t.Fatalf("a server without memory still deletes: got %v", err)
	}
	set(t, p, "single:x:k", []byte("v"))
}

func TestEvictedEntriesAreMisses(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "6mb", "--maxmemory-policy", "allkeys-lru")
	p := newProvider(t, newClient(t, &redis.Options{Addr: server.Addr()}))
	set(t, p, "single:x:first", []byte("v"))
	fill(t, p, func(ok bool, err error) bool {
		if !ok || err != nil {
			t.Fatalf("a server that evicts takes every entry: got %t, %v", ok, err)
		}
		_, err = server.Try("GET", "unrelated")
		return err == nil && server.Info("evicted_keys") > "5"
	})
	hits, misses := 0, 0
	values, err := p.GetBulk(t.Context(), append(keysFor("fill", 1000), "single:x:first"))
	if err != nil {
		t.Fatalf("what was evicted is a miss, not an error: %v", err)
	}
	for _, value := range values {
		if value != nil {
			hits++
		} else {
			misses++
		}
	}
	if hits == 0 || misses == 0 {
		t.Fatalf("the case is void unless some entries stay and some go: %d hits, %d misses", hits, misses)
	}
}

func TestContextBoundsACallIfTheClientLetsIt(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	client := newClient(t, &redis.Options{Addr: proxy.Addr(), ContextTimeoutEnabled: true})
	p := newProvider(t, client)
	set(t, p, "single:x:k", []byte("v"))
	proxy.Freeze()
	for op, call := range allCalls(p, "single:x:k") {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		err := call(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s under a deadline that has passed must tell so: got %v", op, err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s must end with its deadline of 50 ms: it took %v", op, took)
		}
	}
	proxy.Thaw()
	recovers(t, p, []string{"single:x:k"})
}

func TestLostRepliesAndCutConnections(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	p := newProvider(t, newClient(t, &redis.Options{Addr: proxy.Addr()}))
	for _, name := range []string{"SET", "GET", "MGET", "DEL"} {
		dropped := proxy.DropReply(redistest.Named(name))
		exercise(t, p)
		<-dropped // the client has tried again, and nothing was mixed up
	}
	noRetry := newProvider(t, newClient(t, &redis.Options{Addr: proxy.Addr(), MaxRetries: -1}))
	dropped := proxy.DropReply(redistest.Named("SET"))
	if ok, err := noRetry.Set(t.Context(), "single:x:lost", []byte("v"), 1, time.Minute); ok || err == nil {
		t.Errorf("a set whose reply is lost is not known to be accepted: got %t, %v", ok, err)
	}
	<-dropped
	wantHit(t, p, "single:x:lost", []byte("v"))

	dropped = proxy.DropReply(func(c redistest.Command) bool { return c.Name == "SET" && c.Args[0] == "single:lost:1" })
	stored, err := noRetry.SetBulk(t.Context(), itemsFor(keysFor("lost", 3), time.Minute))
	if err == nil || slices.Contains(stored[1:], true) {
		t.Errorf("of a batch whose replies are lost only what was answered is known to be stored: got %v, %v", stored, err)
	}
	<-dropped
}

func TestOneClientServesManyProviders(t *testing.T) {
	server := redistest.Start(t)
	client := newClient(t, &redis.Options{Addr: server.Addr()})
	first, second := newProvider(t, client), newProvider(t, client)
	set(t, first, "single:x:k", []byte("v"))
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHit(t, second, "single:x:k", []byte("v"))

	owner, err := redisprovider.New(redisprovider.Config{Client: client, CloseClient: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("a provider that owns its client closes it: got %v", err)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	server := redistest.Start(t)
	client := newClient(t, &redis.Options{Addr: server.Addr()})
	for name, client := range map[string]redis.UniversalClient{"client": client, "AutoPipeliner": pipelining(t, client)} {
		t.Run(name, func(t *testing.T) {
			p, err := redisprovider.New(redisprovider.Config{Client: client})
			if err != nil {
				t.Fatal(err)
			}
			keys := keysFor(name, 16)
			var wg sync.WaitGroup
			var mu sync.Mutex
			hits := 0
			for worker := range 16 {
				wg.Go(func() {
					for round := range 60 {
						if err := oneRound(t.Context(), p, keys, worker+round, func() { mu.Lock(); hits++; mu.Unlock() }); err != nil {
							if !errors.Is(err, cascache.ErrClosed) {
								t.Errorf("concurrent calls must not disturb each other: %v", err)
							}
							return
						}
						if worker == 0 && round == 50 {
							if err := p.Close(t.Context()); err != nil {
								t.Errorf("Close: %v", err)
							}
						}
					}
				})
			}
			wg.Wait()
			if hits == 0 {
				t.Fatal("the case is void without hits")
			}
		})
	}
}

func oneRound(ctx context.Context, p *redisprovider.Provider, keys []string, n int, hit func()) error {
	key := keys[n%len(keys)]
	switch n % 6 {
	case 0:
		_, err := p.SetBulk(ctx, itemsFor(keys, time.Minute))
		return err
	case 1:
		return p.Del(ctx, key)
	case 2:
		_, err := p.Set(ctx, key, valueOf(key), 1, time.Minute)
		return err
	case 3:
		return p.DelBulk(ctx, keys[:2])
	case 4:
		values, err := p.GetBulk(ctx, keys)
		for i, value := range values {
			if value != nil && !slices.Equal(value, valueOf(keys[i])) {
				return fmt.Errorf("%q has the value %q", keys[i], value)
			}
		}
		return err
	default:
		value, ok, err := p.Get(ctx, key)
		if ok {
			hit()
			if !slices.Equal(value, valueOf(key)) {
				return fmt.Errorf("%q has the value %q", key, value)
			}
		}
		return err
	}
}
