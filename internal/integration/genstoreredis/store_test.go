package genstoreredis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// forms are the ways in which a store can be used on one server. What holds
// for one must hold for all.
var forms = []struct {
	name string
	open func(tb testing.TB, addr string, open opening) store
}{
	{"guarded", func(tb testing.TB, addr string, open opening) store {
		return open(tb, connect(tb, addr))
	}},
	{"unguarded", func(tb testing.TB, addr string, open opening) store {
		return open(tb, connect(tb, addr), unguarded)
	}},
	{"autopipeliner", func(tb testing.TB, addr string, open opening) store {
		a, err := connect(tb, addr).AutoPipeline()
		if err != nil {
			tb.Fatal(err)
		}
		return open(tb, a)
	}},
	{"async autopipeliner", func(tb testing.TB, addr string, open opening) store {
		a, err := connect(tb, addr).AsyncAutoPipeline()
		if err != nil {
			tb.Fatal(err)
		}
		return open(tb, a)
	}},
	{"unguarded autopipeliner", func(tb testing.TB, addr string, open opening) store {
		a, err := connect(tb, addr).AutoPipeline()
		if err != nil {
			tb.Fatal(err)
		}
		return open(tb, a, unguarded)
	}},
	{"client of another type", func(tb testing.TB, addr string, open opening) store {
		return open(tb, wrapped{connect(tb, addr)})
	}},
}

func unguarded(c *redisgenstore.Config) { c.Unguarded = true }

// wrapped is a client whose type the store does not know.
type wrapped struct{ redis.UniversalClient }

func eachForm(t *testing.T, test func(t *testing.T, s store, raw *redis.Client)) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	eachKind(t, func(t *testing.T, open opening) {
		for _, form := range forms {
			t.Run(form.name, func(t *testing.T) {
				raw.FlushAll(t.Context())
				test(t, form.open(t, server.Addr(), open), raw)
			})
		}
	})
}

func TestGenerations(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		if gen := current(t, s, "k"); gen != 0 {
			t.Fatalf("G2: a key that has no generation has generation %d", gen)
		}
		if n := raw.DBSize(t.Context()).Val(); n != 0 {
			t.Fatalf("G3: Current wrote: there are %d Redis keys", n)
		}
		before := uint64(time.Now().Add(-time.Second).UnixMicro()) * 1000
		first := snapshot(t, s, "k")
		after := uint64(time.Now().Add(time.Second).UnixMicro()) * 1000
		if first < before || first > after {
			t.Fatalf("G1: the first generation is %d, not the time: that is between %d and %d", first, before, after)
		}
		if gen := snapshot(t, s, "k"); gen != first {
			t.Fatalf("a second Snapshot answered %d, not the generation %d", gen, first)
		}
		if gen := current(t, s, "k"); gen != first {
			t.Fatalf("Current answered %d, not the generation %d", gen, first)
		}
		second := bump(t, s, "k")
		if second <= first {
			t.Fatalf("G1: a bump led from %d to %d, which is not greater", first, second)
		}
		if gen := current(t, s, "k"); gen != second {
			t.Fatalf("G4: Current after a bump to %d answered %d", second, gen)
		}
		if gen := bump(t, s, "new"); gen == 0 || current(t, s, "new") != gen {
			t.Fatalf("a bump of a key without a generation answered %d and left %d", gen, current(t, s, "new"))
		}
		if gen := current(t, s, "k"); gen != second {
			t.Fatalf("the bump of another key changed the generation from %d to %d", second, gen)
		}
	})
}

func TestBulks(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, _ *redis.Client) {
		ctx := t.Context()
		keys := names("k", 50)
		want := bump(t, s, keys[7])
		gens, err := s.CurrentBulk(ctx, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i, gen := range gens {
			if i == 7 && gen != want || i != 7 && gen != 0 {
				t.Fatalf("CurrentBulk answered %d for key %d; only key 7 has a generation, %d", gen, i, want)
			}
		}
		if gens, err = s.SnapshotBulk(ctx, keys); err != nil {
			t.Fatal(err)
		}
		if gens[7] != want {
			t.Fatalf("SnapshotBulk answered %d for a key with generation %d", gens[7], want)
		}
		again, err := s.CurrentBulk(ctx, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i := range keys {
			if gens[i] == 0 || again[i] != gens[i] {
				t.Fatalf("G3: SnapshotBulk answered %d for key %d, and CurrentBulk %d after it", gens[i], i, again[i])
			}
		}
		bumped, err := s.BumpBulk(ctx, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i, key := range keys {
			if bumped[i] <= gens[i] {
				t.Fatalf("G1: BumpBulk led from %d to %d", gens[i], bumped[i])
			}
			if gen := current(t, s, key); gen != bumped[i] {
				t.Fatalf("G4: Current of key %d after a bump to %d answered %d", i, bumped[i], gen)
			}
		}
		for name, call := range map[string]func(context.Context, []string) ([]uint64, error){
			"CurrentBulk": s.CurrentBulk, "SnapshotBulk": s.SnapshotBulk, "BumpBulk": s.BumpBulk,
		} {
			if gens, err := call(ctx, nil); err != nil || len(gens) != 0 {
				t.Fatalf("%s of no keys answered %v, %v", name, gens, err)
			}
		}
	})
}

func TestBulkOfThousands(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, connect(t, server.Addr()))
	keys := names("k", 9000) // more than Lua passes to one command
	gens, err := s.SnapshotBulk(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.CurrentBulk(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if gens[i] == 0 || again[i] != gens[i] {
			t.Fatalf("key %d: SnapshotBulk answered %d, CurrentBulk after it %d", i, gens[i], again[i])
		}
	}
}

// TestClockBehind sets a generation that the clock has not reached, as a
// failover to a server with another clock leaves behind.
func TestClockBehind(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		for _, c := range []struct{ name, present, want string }{
			{"one more", "4000000000000000001", "4000000000000000002"},
			{"a carry", "4000000000000000999", "4000000000000001000"},
			{"a carry into the first digit", "3999999999999999999", "4000000000000000000"},
			{"beyond what a double tells apart", "8999999999999999990", "8999999999999999991"},
		} {
			t.Run(c.name, func(t *testing.T) {
				key := strings.ReplaceAll(c.name, " ", "-")
				snapshot(t, s, key)
				name := redisKey(t, raw, key)
				replaceGeneration(t, raw, name, c.present)
				if got := strconv.FormatUint(bump(t, s, key), 10); got != c.want {
					t.Fatalf("G1: a bump of %s, which the clock has not reached, drew %s; want one more, %s", c.present, got, c.want)
				}
				if got := strconv.FormatUint(current(t, s, key), 10); got != c.want {
					t.Fatalf("the generation after it is %s, want %s", got, c.want)
				}
			})
		}
	})
}

// replaceGeneration puts another number in a record and leaves the id that it
// is bound to.
func replaceGeneration(tb testing.TB, raw *redis.Client, name, gen string) {
	tb.Helper()
	record, err := raw.Get(tb.Context(), name).Result()
	if err != nil {
		tb.Fatal(err)
	}
	_, id, bound := strings.Cut(record, ":")
	if bound {
		gen += ":" + id
	}
	if err := raw.Set(tb.Context(), name, gen, 0).Err(); err != nil {
		tb.Fatal(err)
	}
}

func TestForeignRecords(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		ctx := t.Context()
		long := strings.Repeat("9", 1<<20)
		for name, put := range map[string]func(key string) error{
			"text":                func(k string) error { return raw.Set(ctx, k, "no generation", 0).Err() },
			"nothing":             func(k string) error { return raw.Set(ctx, k, "", 0).Err() },
			"zero":                func(k string) error { return raw.Set(ctx, k, "0", 0).Err() },
			"negative":            func(k string) error { return raw.Set(ctx, k, "-5", 0).Err() },
			"leading zero":        func(k string) error { return raw.Set(ctx, k, "01712345678901234567", 0).Err() },
			"spaces":              func(k string) error { return raw.Set(ctx, k, " 1712345678901234567 ", 0).Err() },
			"exponent":            func(k string) error { return raw.Set(ctx, k, "1e18", 0).Err() },
			"overlong":            func(k string) error { return raw.Set(ctx, k, long, 0).Err() },
			"the greatest int64":  func(k string) error { return raw.Set(ctx, k, "9223372036854775807", 0).Err() },
			"the greatest uint64": func(k string) error { return raw.Set(ctx, k, "18446744073709551615", 0).Err() },
			"over uint64":         func(k string) error { return raw.Set(ctx, k, "18446744073709551616", 0).Err() },
			"list":                func(k string) error { return raw.RPush(ctx, k, "1").Err() },
			"set":                 func(k string) error { return raw.SAdd(ctx, k, "1").Err() },
			"stream": func(k string) error {
				return raw.XAdd(ctx, &redis.XAddArgs{Stream: k, Values: []string{"a", "b"}}).Err()
			},
			"hash of something":    func(k string) error { return raw.HSet(ctx, k, "a", "b", "floor", "x", "c", "-1").Err() },
			"hold that is over":    func(k string) error { return raw.HSet(ctx, k, "holder:t", "5", "floor", "7").Err() },
			"floor out of bounds":  func(k string) error { return raw.HSet(ctx, k, "holder:t", "5", "floor", "18446744073709551615").Err() },
			"id of nothing":        func(k string) error { return raw.Set(ctx, k, ":0123456789abcdef0123", 0).Err() },
			"two ids":              func(k string) error { return raw.Set(ctx, k, "1712345678901234567:ab:cd", 0).Err() },
			"bytes that are no id": func(k string) error { return raw.Set(ctx, k, "1712345678901234567:\xff\x00", 0).Err() },
		} {
			t.Run(name, func(t *testing.T) {
				snapshot(t, s, name)
				redisName := redisKey(t, raw, name)
				for op, heal := range map[string]func() uint64{
					"Bump":     func() uint64 { return bump(t, s, name) },
					"Snapshot": func() uint64 { return snapshot(t, s, name) },
				} {
					raw.Del(ctx, redisName)
					if err := put(redisName); err != nil {
						t.Fatal(err)
					}
					gen, err := s.Current(ctx, name)
					gens, bulkErr := s.CurrentBulk(ctx, []string{name, "other"})
					if gen != 0 {
						t.Fatalf("G2: a foreign record was read as generation %d (error %v)", gen, err)
					}
					if bulkErr != nil || gens[0] != 0 {
						t.Fatalf("G2: a foreign record was read in a batch as %v, %v", gens, bulkErr)
					}
					healed := heal()
					if healed < 1_000_000_000_000_000_000 || current(t, s, name) != healed {
						t.Fatalf("%s over a foreign record drew %d and left %d; it must heal the key", op, healed, current(t, s, name))
					}
				}
			})
		}
	})
}

func TestTTL(t *testing.T) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	const ttl = time.Hour
	s := redisgenstore.NewRedisGenStoreWithTTL(connect(t, server.Addr()), "test", ttl)
	ctx := t.Context()

	gen := snapshot(t, s, "k")
	name := redisKey(t, raw, "k")
	left := func() time.Duration { return raw.PTTL(ctx, name).Val() }
	age := func() {
		t.Helper()
		if err := raw.PExpire(ctx, name, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if d := left(); d <= ttl-time.Minute || d > ttl {
		t.Fatalf("a new generation lives for %v, not for its TTL of %v", d, ttl)
	}
	age()
	if got := current(t, s, "k"); got != gen {
		t.Fatalf("the generation went from %d to %d", gen, got)
	}
	if d := left(); d <= 0 || d > time.Minute {
		t.Fatalf("G3: Current moved the expiry from %v to %v", time.Minute, d)
	}
	if _, err := s.CurrentBulk(ctx, []string{"k", "l"}); err != nil {
		t.Fatal(err)
	}
	if d := left(); d <= 0 || d > time.Minute {
		t.Fatalf("G3: CurrentBulk moved the expiry from %v to %v", time.Minute, d)
	}
	if got := snapshot(t, s, "k"); got != gen {
		t.Fatalf("the generation went from %d to %d", gen, got)
	}
	if d := left(); d < ttl-time.Minute {
		t.Fatalf("a key in use keeps its generation: after Snapshot %v are left of %v", d, ttl)
	}
	age()
	bump(t, s, "k")
	if d := left(); d < ttl-time.Minute {
		t.Fatalf("after Bump %v are left of %v", d, ttl)
	}

	forever := open(t, connect(t, server.Addr()))
	bump(t, forever, "k")
	if d := left(); d != -1 {
		t.Fatalf("a generation of a store without TTL expires in %v", d)
	}
}

func TestNamespaces(t *testing.T) {
	server := redistest.Start(t)
	client := connect(t, server.Addr())
	gens := make(map[uint64]string)
	pairs := [][2]string{{"", "k"}, {"a", "k"}, {"a:", "k"}, {"a", ":k"}, {"a%3A", "k"}, {"{a}", "k"}, {"a}", "k"}, {"", "a:k"}}
	namespaces := make(map[string]bool) // each has a mark
	for _, p := range pairs {
		gens[snapshot(t, redisgenstore.NewRedisGenStore(client, p[0]), p[1])] = p[0] + "/" + p[1]
		namespaces[p[0]] = true
	}
	if n := client.DBSize(t.Context()).Val(); int(n) != len(pairs)+len(namespaces) {
		t.Fatalf("%d pairs of namespace and key, in %d namespaces, have %d Redis keys: two share one", len(pairs), len(namespaces), n)
	}
}

func TestClosed(t *testing.T) { eachKind(t, testClosed) }

func testClosed(t *testing.T, open opening) {
	server := redistest.Start(t)
	for _, owned := range []bool{false, true} {
		client := connect(t, server.Addr())
		s := open(t, client, func(c *redisgenstore.Config) { c.CloseClient = owned })
		snapshot(t, s, "k")
		for range 2 {
			if err := s.Close(t.Context()); err != nil {
				t.Fatalf("Close returned %v; further calls must return nil", err)
			}
		}
		for name, err := range everyCall(t.Context(), s) {
			if !errors.Is(err, cascache.ErrClosed) {
				t.Errorf("%s after Close returned %v, not ErrClosed", name, err)
			}
		}
		if err := client.Ping(t.Context()).Err(); owned != errors.Is(err, redis.ErrClosed) {
			t.Errorf("with CloseClient %t the client answers a ping after Close with %v", owned, err)
		}
	}
}

// everyCall returns the error of every method.
func everyCall(ctx context.Context, s store) map[string]error {
	keys := []string{"k", "l"}
	errs := make(map[string]error)
	_, errs["Current"] = s.Current(ctx, "k")
	_, errs["Snapshot"] = s.Snapshot(ctx, "k")
	_, errs["Bump"] = s.Bump(ctx, "k")
	_, errs["CurrentBulk"] = s.CurrentBulk(ctx, keys)
	_, errs["CurrentToCommit"] = s.CurrentToCommit(ctx, "k")
	_, errs["CurrentToCommitBulk"] = s.CurrentToCommitBulk(ctx, keys)
	_, errs["SnapshotBulk"] = s.SnapshotBulk(ctx, keys)
	_, errs["BumpBulk"] = s.BumpBulk(ctx, keys)
	errs["Hold"] = s.Hold(ctx, keys, "token", time.Second)
	errs["Release"] = s.Release(ctx, keys, "token")
	if both, ok := s.(cascache.Combined); ok {
		item := cascache.Item{Key: "k", Value: []byte("v"), TTL: time.Minute}
		_, _, _, errs["GetWithGen"] = both.GetWithGen(ctx, "k", false)
		_, _, _, errs["GetWithGen to create"] = both.GetWithGen(ctx, "k", true)
		reading, _ := both.GetBulkWithGens(ctx, "b", keys, true)
		errs["GetBulkWithGens"] = reading.GenErr
		_, _, errs["SetIfGen"] = both.SetIfGen(ctx, item, 7)
		_, _, errs["SetBulkIfGens"] = both.SetBulkIfGens(ctx, []cascache.Item{item}, []uint64{7})
		_, errs["BumpAndDel"], _ = both.BumpAndDel(ctx, keys)
		errs["DelEqual"] = both.DelEqual(ctx, keys, [][]byte{{}, {}})
	}
	return errs
}
