package genstoreredis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

const year = 365 * 24 * time.Hour

// passing are durations that may be over before a test can look, lasting are those
// that must not be, and notPositive are none.
var (
	passing     = []time.Duration{1, 999 * time.Microsecond, time.Millisecond - 1, time.Millisecond, time.Millisecond + 1}
	lasting     = []time.Duration{24 * time.Hour, 24*time.Hour + 1, 292 * year, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64}
	notPositive = []time.Duration{0, -1, -time.Millisecond, -292 * year, math.MinInt64}
)

func TestExtremeLeases(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, _ *redis.Client) {
		ctx := t.Context()
		for i, d := range lasting {
			key := fmt.Sprint("lasting", i)
			before := snapshot(t, s, key)
			hold(t, s, "a", d, key)
			checkHeld(t, s, key)
			if gen := bump(t, s, key); gen != 0 {
				t.Errorf("a bump of a key that is held for %d leaves it held: got %d", int64(d), gen)
			}
			checkHeld(t, s, key)
			release(t, s, "a", key)
			if gen := current(t, s, key); gen <= before {
				t.Errorf("G1: a hold for %d led from %d to %d", int64(d), before, gen)
			}
		}
		for i, d := range passing {
			key := fmt.Sprint("passing", i)
			hold(t, s, "a", d, key)
			redistest.Eventually(t, redistest.Patience, "the end of a short lease", func() bool {
				return snapshot(t, s, key) != 0
			})
		}
		for _, d := range notPositive {
			err := s.Hold(ctx, []string{"k"}, "a", d)
			if err == nil || !strings.Contains(err.Error(), "lease of "+d.String()) {
				t.Errorf("a lease of %v is refused by its name: got %v", d, err)
			}
		}
		if gen := snapshot(t, s, "k"); gen == 0 {
			t.Error("a hold that was refused holds nothing: the key is held")
		}
	})
}

// TestExtremeMutateLeases: the write runs with its keys held, and with its context
// alive.
func TestExtremeMutateLeases(t *testing.T) {
	server := redistest.Start(t)
	eachKind(t, func(t *testing.T, open opening) {
		for _, d := range lasting {
			s, other := open(t, connect(t, server.Addr())), open(t, connect(t, server.Addr()))
			cache, err := cascache.New(cascache.Options[string]{
				Namespace: "n", Provider: providerFor(s), GenStore: s, Codec: cascache.String{}, GenTimeout: redistest.Patience, MutateLease: d,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cache.Close(context.Background()) })
			ran := false
			err = cache.Mutate(t.Context(), []string{"k", "l"}, func(ctx context.Context) error {
				ran = true
				for _, key := range []string{"single:n:k", "single:n:l"} {
					checkHeld(t, other, key)
				}
				return ctx.Err()
			})
			if !ran || err != nil {
				t.Errorf("Mutate with a lease of %d: ran %t, %v", int64(d), ran, err)
			}
		}
	})
}

func TestExtremeTTLs(t *testing.T) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	eachKind(t, func(t *testing.T, open opening) {
		for _, form := range forms {
			t.Run(form.name, func(t *testing.T) {
				for _, d := range slices.Concat([]time.Duration{0}, passing, lasting) {
					raw.FlushAll(t.Context())
					s := form.open(t, server.Addr(), func(tb testing.TB, c redis.UniversalClient, change ...func(*redisgenstore.Config)) store {
						return open(tb, c, append(change, func(c *redisgenstore.Config) { c.TTL = d })...)
					})
					checkTTL(t, s, raw, d)
				}
			})
		}
	})
	for _, d := range slices.Concat([]time.Duration{0}, passing, lasting) {
		raw.FlushAll(t.Context())
		checkTTL(t, redisgenstore.NewRedisGenStoreWithTTL(raw, "test", d), raw, d)
	}
}

// checkTTL makes each call that begins the time to live of generations anew.
func checkTTL(t *testing.T, s store, raw *redis.Client, d time.Duration) {
	t.Helper()
	ctx, keys := t.Context(), []string{"k", "l"}
	lasts := d == 0 || d > time.Second
	gen := snapshot(t, s, "k")
	bumped := bump(t, s, "k")
	if bumped <= gen {
		t.Errorf("G1: with a TTL of %d, a bump led from %d to %d", int64(d), gen, bumped)
	}
	for call, look := range commits {
		if gen, err := look(ctx, s, "k"); err != nil || lasts && gen != bumped {
			t.Errorf("with a TTL of %d, %s answered %d, %v, want %d", int64(d), call, gen, err, bumped)
		}
	}
	gens, err := s.SnapshotBulk(ctx, keys)
	if err != nil || gens[0] == 0 || gens[1] == 0 || lasts && gens[0] != bumped {
		t.Errorf("with a TTL of %d, SnapshotBulk answered %d, %v, want %d first", int64(d), gens, err, bumped)
	}
	if gen := current(t, s, "k"); lasts && gen != bumped {
		t.Errorf("with a TTL of %d a generation is gone at once: %d was read as %d", int64(d), bumped, gen)
	}
	hold(t, s, "a", time.Minute, "k")
	release(t, s, "a", "k")
	if !lasts {
		return
	}
	released := current(t, s, "k")
	if released <= bumped {
		t.Errorf("G1: with a TTL of %d, a release led from %d to %d", int64(d), bumped, released)
	}
	left, err := raw.Do(ctx, "pttl", redisKey(t, raw, "k")).Int64() // as a time.Duration it may overflow
	if want := d.Milliseconds(); err != nil || d == 0 && left != -1 || d > 0 && (left > want+1 || left < want-time.Minute.Milliseconds()) {
		t.Errorf("a TTL of %d became %d ms, %v", int64(d), left, err)
	}
}

// constructors return the errors of New.
var constructors = map[string]func(client redis.UniversalClient, ttl time.Duration, replicas int, wait time.Duration) error{
	"store": func(client redis.UniversalClient, ttl time.Duration, replicas int, wait time.Duration) error {
		_, err := redisgenstore.New(redisgenstore.Config{Client: client, TTL: ttl, WaitReplicas: replicas, WaitTimeout: wait})
		return err
	},
	"backend": func(client redis.UniversalClient, ttl time.Duration, replicas int, wait time.Duration) error {
		_, err := redisbackend.New(redisbackend.Config{Client: client, TTL: ttl, WaitReplicas: replicas, WaitTimeout: wait})
		return err
	},
}

func TestExtremesAreRefusedByName(t *testing.T) {
	client := connect(t, "127.0.0.1:1")
	for name, construct := range constructors {
		for _, d := range notPositive[1:] {
			if err := construct(client, d, 0, 0); err == nil || !strings.Contains(err.Error(), "Config.TTL is "+d.String()) {
				t.Errorf("%s: a TTL of %v is refused by the name of its field: got %v", name, d, err)
			}
			if err := construct(client, 0, 1, d); err == nil || !strings.Contains(err.Error(), "Config.WaitTimeout is "+d.String()) {
				t.Errorf("%s: a wait of %v is refused by the name of its field: got %v", name, d, err)
			}
		}
		for _, d := range lasting { // longer than the client waits for a reply
			if err := construct(client, 0, 1, d); err == nil || !strings.Contains(err.Error(), "Config.WaitTimeout is "+d.String()) {
				t.Errorf("%s: a wait of %v is refused by the name of its field: got %v", name, d, err)
			}
		}
	}
}

// TestExtremeWaits waits for a replica that is there.
func TestExtremeWaits(t *testing.T) {
	master := redistest.Start(t)
	master.StartReplica()
	patient := connect(t, master.Addr(), func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = -1, -1 })
	eachKind(t, func(t *testing.T, open opening) {
		for i, d := range slices.Concat([]time.Duration{0}, passing, lasting) {
			s := open(t, patient, func(c *redisgenstore.Config) { c.WaitReplicas, c.WaitTimeout = 1, d })
			key := fmt.Sprint("k", i)
			errs := make(map[string]error)
			_, errs["Bump"] = s.Bump(t.Context(), key)
			errs["Hold"] = s.Hold(t.Context(), []string{key}, "a", time.Minute)
			errs["Release"] = s.Release(t.Context(), []string{key}, "a")
			for call, err := range errs {
				// A replica may take longer than a millisecond.
				if short := d > 0 && d < time.Second; err != nil && !(short && strings.Contains(err.Error(), "Config.WaitReplicas")) {
					t.Errorf("%s with a wait of %d: got %v", call, int64(d), err)
				}
			}
		}
	})
}

// TestExtremeTTLsOfValues stores values by each call that does.
func TestExtremeTTLsOfValues(t *testing.T) {
	eachValueForm(t, func(t *testing.T, s cascache.Combined, raw *redis.Client) {
		ctx := t.Context()
		gens, err := s.(store).SnapshotBulk(ctx, []string{"k", "l"})
		if err != nil {
			t.Fatal(err)
		}
		of := func(key string, d time.Duration) cascache.Item {
			return cascache.Item{Key: key, Value: []byte("v"), TTL: d}
		}
		calls := map[string]func(d time.Duration) (bool, error){
			"Set": func(d time.Duration) (bool, error) { return s.Set(ctx, "k", []byte("v"), 1, d) },
			"SetBulk": func(d time.Duration) (bool, error) {
				stored, err := s.(cascache.BulkProvider).SetBulk(ctx, []cascache.Item{of("k", d)})
				return len(stored) == 1 && stored[0], err
			},
			"SetIfGen": func(d time.Duration) (bool, error) {
				_, stored, err := s.SetIfGen(ctx, of("k", d), gens[0])
				return stored, err
			},
			"SetBulkIfGens": func(d time.Duration) (bool, error) {
				_, stored, err := s.SetBulkIfGens(ctx, []cascache.Item{of("k", d), of("l", time.Minute), of("bulk", d)}, gens)
				return len(stored) == 3 && stored[0] && stored[1] && stored[2], err
			},
			"SetBulkIfGens, a large bulk entry": func(d time.Duration) (bool, error) {
				large := cascache.Item{Key: "bulk", Value: make([]byte, 1<<20), TTL: d}
				_, stored, err := s.SetBulkIfGens(ctx, []cascache.Item{of("k", d), of("l", time.Minute), large}, gens)
				return len(stored) == 3 && stored[0] && stored[1] && stored[2], err
			},
		}
		for call, store := range calls {
			for _, d := range slices.Concat(passing, lasting) {
				raw.Del(ctx, "k", "bulk")
				if stored, err := store(d); !stored || err != nil {
					t.Errorf("%s for %d: stored %t, %v", call, int64(d), stored, err)
				}
				for _, key := range []string{"k", "bulk"} {
					if key == "bulk" && !strings.Contains(call, "IfGens") || d < time.Second {
						continue
					}
					left, err := raw.Do(ctx, "pttl", key).Int64()
					if want := d.Milliseconds(); err != nil || left > want+1 || left < want-time.Minute.Milliseconds() {
						t.Errorf("%s for %d: %q is left for %d ms, %v", call, int64(d), key, left, err)
					}
				}
			}
			for _, d := range notPositive {
				raw.Del(ctx, "k", "bulk")
				stored, err := store(d)
				if stored || !errors.Is(err, cascache.ErrInvalidTTL) || !strings.Contains(err.Error(), d.String()) {
					t.Errorf("%s for %v is refused: stored %t, %v", call, d, stored, err)
				}
				if raw.Exists(ctx, "k", "bulk").Val() != 0 {
					t.Errorf("%s for %v was refused and has stored something", call, d)
				}
			}
		}
	})
}
