package lease

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestHoldsAreNotEvicted fills a server with keys that expire after the holds do.
func TestHoldsAreNotEvicted(t *testing.T) {
	for _, policy := range []string{"volatile-ttl", "volatile-lru", "volatile-lfu", "volatile-random"} {
		t.Run(policy, func(t *testing.T) {
			server := redistest.Start(t, "--maxmemory-policy", policy)
			store := openGated(t, server)
			if err := store.Hold(t.Context(), []string{"k"}, "token", time.Minute); err != nil {
				t.Fatal(err)
			}
			// A second holder, and a bump, write the hold again.
			if err := store.Hold(t.Context(), []string{"k"}, "other", 2*time.Minute); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Bump(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			raw := connect(t, server.Addr())
			server.Config("maxmemory", fmt.Sprint(atoi(t, server.Info("used_memory"))+2<<20))
			value := strings.Repeat("v", 10_000)
			redistest.Eventually(t, redistest.Patience, "evictions", func() bool {
				pipe := raw.Pipeline()
				for i := range 500 {
					pipe.Set(context.Background(), fmt.Sprint("filler", i, time.Now().UnixNano()), value, time.Hour)
				}
				_, _ = pipe.Exec(context.Background())
				return atoi(t, server.Info("evicted_keys")) > 2000
			})
			if gen, err := store.Snapshot(t.Context(), "k"); gen != 0 || err != nil {
				t.Errorf("a held key stays held under %s: got (%d, %v)", policy, gen, err)
			}
			for _, key := range raw.Keys(t.Context(), "lease:*").Val() {
				if ttl := raw.PTTL(t.Context(), key).Val(); ttl != -1 {
					t.Errorf("nothing of the protocol may be evicted under volatile-*: %q has a TTL of %v", key, ttl)
				}
			}
			for _, token := range []string{"token", "other"} {
				if err := store.Release(t.Context(), []string{"k"}, token); err != nil {
					t.Fatal(err)
				}
			}
			if gen, err := store.Snapshot(t.Context(), "k"); gen == 0 || err != nil {
				t.Errorf("a released key has a generation: got (%d, %v)", gen, err)
			}
		})
	}
}

func atoi(t *testing.T, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatalf("%q is no number: %v", text, err)
	}
	return n
}

// TestExpiredHoldIsNone looks at a hold that no key's expiry has removed.
func TestExpiredHoldIsNone(t *testing.T) {
	server := redistest.Start(t)
	store := openGated(t, server)
	before, err := store.Bump(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Hold(t.Context(), []string{"k"}, "token", time.Millisecond); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // the lease is by the server's clock
	raw := connect(t, server.Addr())
	if kind := raw.Type(t.Context(), newestGen(t, server)).Val(); kind != "hash" {
		t.Fatalf("an expired hold is still there for its floor: got a %s", kind)
	}
	if gen, err := store.Current(t.Context(), "k"); gen != 0 || err != nil {
		t.Errorf("an expired hold is no generation (G2): got (%d, %v)", gen, err)
	}
	gen, err := store.Snapshot(t.Context(), "k")
	if gen <= before || err != nil {
		t.Errorf("a generation after a hold is greater than all before (G1): got (%d, %v), want more than %d", gen, err, before)
	}
	if got, err := store.Current(t.Context(), "k"); got != gen || err != nil {
		t.Errorf("got (%d, %v), want %d", got, err, gen)
	}
}

// newestGen returns the Redis key of the one generation that there is.
func newestGen(t *testing.T, server *redistest.Server) string {
	t.Helper()
	keys := connect(t, server.Addr()).Keys(t.Context(), "lease:*:gen:*").Val()
	if len(keys) != 1 {
		t.Fatalf("want the Redis key of one generation, got %q", keys)
	}
	return keys[0]
}

// TestEachKeyMayVanish deletes each Redis key of the protocol at each step of a
// write, as an eviction does. No replica answers by what was replaced.
func TestEachKeyMayVanish(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	for _, vanishes := range []string{"lease:*:state", "lease:*:log", "gen:*", "lease:*:gen:*"} {
		for step := range 4 {
			t.Run(fmt.Sprintf("%s/%d", vanishes, step), func(t *testing.T) {
				reader, writer, old := pair(t)
				raw := connect(t, writer.server.Addr())
				vanish := func(at int) {
					if at != step {
						return
					}
					keys := raw.Keys(t.Context(), vanishes).Val()
					if len(keys) == 0 {
						t.Fatalf("%s is not there at step %d", vanishes, at)
					}
					raw.Del(t.Context(), keys...)
				}
				vanish(0)
				gen, err := writer.Bump(t.Context(), "k")
				if err != nil || gen <= old {
					t.Fatalf("a bump: got (%d, %v), want more than %d (G1)", gen, err, old)
				}
				reader.sees(t, old, "G4")
				vanish(1)
				old = max(gen, reader.serving(t, "k"))
				if err := writer.Hold(t.Context(), []string{"k"}, "token", time.Minute); err != nil {
					t.Fatal(err)
				}
				reader.sees(t, old, "rule 12")
				vanish(2)
				gen, err = reader.Snapshot(t.Context(), "k")
				if lost := step == 2 && vanishes == "lease:*:gen:*"; err != nil || gen != 0 && !lost || gen != 0 && gen <= old {
					t.Errorf("a held key: got (%d, %v), want none, or after a loss more than %d (G1)", gen, err, old)
				}
				old = max(old, gen)
				vanish(3)
				if err := writer.Release(t.Context(), []string{"k"}, "token"); err != nil {
					t.Fatal(err)
				}
				reader.sees(t, old, "G4: a release bumps, whatever has vanished")
				if gen := reader.serving(t, "k"); gen <= old {
					t.Errorf("the generation after a release is %d, want more than %d (G1)", gen, old)
				}
			})
		}
	}
}

// TestMarkIsWrittenAgain: an evicted mark does not let stores of genstore-redis in.
func TestMarkIsWrittenAgain(t *testing.T) {
	server := redistest.Start(t)
	leased := openGated(t, server)
	if _, err := leased.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	raw := connect(t, server.Addr())
	if n := raw.Del(t.Context(), raw.Keys(t.Context(), "gen:*").Val()...).Val(); n != 1 {
		t.Fatalf("deleted %d marks, want 1", n)
	}
	if _, err := leased.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	plain := redisgenstore.NewRedisGenStore(connect(t, server.Addr()), "test")
	if _, err := plain.Bump(t.Context(), "k"); !errors.Is(err, redisgenstore.ErrOtherKind) {
		t.Errorf("rule 11: a mark that was lost is written again: a plain bump got %v, want ErrOtherKind", err)
	}
}

// TestOutOfMemory: nobody makes a full server fuller by asking for keys, and
// whoever invalidates or writes is not refused.
func TestOutOfMemory(t *testing.T) {
	server := redistest.Start(t)
	store := openGated(t, server, func(c *leasegenstore.Config) { c.TTL = time.Hour })
	ctx := t.Context()
	known, err := store.Snapshot(ctx, "known")
	if err != nil {
		t.Fatal(err)
	}
	server.Config("maxmemory", "1")
	before := atoi(t, server.Info("used_memory"))
	keys := make([]string, 20_000)
	for i := range keys {
		keys[i] = fmt.Sprint("unknown", i)
	}
	gens, err := store.SnapshotBulk(ctx, append([]string{"known"}, keys...))
	if err == nil || len(gens) != len(keys)+1 || gens[0] != known || total(gens[1:]) != 0 {
		t.Errorf("out of memory a snapshot returns what there is and creates nothing: got %d generations, %v", len(gens), err)
	} else if len(err.Error()) > 10_000 {
		t.Errorf("the error of 20,000 keys has %d bytes", len(err.Error()))
	}
	if grown := atoi(t, server.Info("used_memory")) - before; grown > 1<<20 {
		t.Errorf("out of memory snapshots of 20,000 keys took %d bytes", grown)
	}
	if gen, err := store.Snapshot(ctx, "unknown"); gen != 0 || err == nil {
		t.Errorf("out of memory a snapshot creates nothing: got (%d, %v)", gen, err)
	}
	if gen, err := store.Snapshot(ctx, "known"); gen != known || err != nil {
		t.Errorf("out of memory a snapshot of what there is works: got (%d, %v), want %d", gen, err, known)
	}
	if gen, err := store.Current(ctx, "known"); gen != known || err != nil {
		t.Errorf("out of memory reads work: got (%d, %v), want %d", gen, err, known)
	}
	if gen, err := store.Bump(ctx, "known"); gen <= known || err != nil {
		t.Errorf("out of memory bumps work: got (%d, %v), want more than %d", gen, err, known)
	}
	if gen, err := store.Bump(ctx, "new"); gen == 0 || err != nil {
		t.Errorf("out of memory bumps work: got (%d, %v)", gen, err)
	}
	if err := store.Hold(ctx, []string{"known", "newer"}, "token", time.Minute); err != nil {
		t.Errorf("out of memory holds work: got %v", err)
	}
	if err := store.Release(ctx, []string{"known", "newer"}, "token"); err != nil {
		t.Errorf("out of memory releases work: got %v", err)
	}
	server.Config("maxmemory", "0")
	if gen, err := store.Snapshot(ctx, "unknown"); gen == 0 || err != nil {
		t.Errorf("with memory again a snapshot creates: got (%d, %v)", gen, err)
	}
}
