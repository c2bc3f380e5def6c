package genstoreredis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

const lease = time.Hour

func hold(tb testing.TB, s store, token string, lease time.Duration, keys ...string) {
	tb.Helper()
	if err := s.Hold(tb.Context(), keys, token, lease); err != nil {
		tb.Fatal(err)
	}
}

func release(tb testing.TB, s store, token string, keys ...string) {
	tb.Helper()
	if err := s.Release(tb.Context(), keys, token); err != nil {
		tb.Fatal(err)
	}
}

// checkHeld fails the test unless every way to read or create key's generation
// answers that there is none.
func checkHeld(tb testing.TB, s store, key string) {
	tb.Helper()
	if gen := current(tb, s, key); gen != 0 {
		tb.Fatalf("G2: a held key has the current generation %d", gen)
	}
	if gen := snapshot(tb, s, key); gen != 0 {
		tb.Fatalf("a snapshot of a held key answered %d: a fill could begin", gen)
	}
	for name, call := range map[string]func(context.Context, []string) ([]uint64, error){
		"CurrentBulk": s.CurrentBulk, "SnapshotBulk": s.SnapshotBulk,
	} {
		gens, err := call(tb.Context(), []string{key, "beside-" + key})
		if err != nil {
			tb.Fatal(err)
		}
		if gens[0] != 0 {
			tb.Fatalf("G2: %s answered %d for a held key", name, gens[0])
		}
	}
}

func TestHold(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, _ *redis.Client) {
		before := snapshot(t, s, "k")
		hold(t, s, "a", lease, "k", "new")
		checkHeld(t, s, "k")
		checkHeld(t, s, "new")
		if gen := bump(t, s, "k"); gen != 0 {
			t.Fatalf("a bump of a held key answered %d: it must be done and leave the key held", gen)
		}
		checkHeld(t, s, "k")
		gens, err := s.BumpBulk(t.Context(), []string{"k", "free"})
		if err != nil || gens[0] != 0 || gens[1] == 0 {
			t.Fatalf("BumpBulk of a held key and a free one answered %v, %v", gens, err)
		}
		release(t, s, "a", "k", "new")
		for _, key := range []string{"k", "new"} {
			gen := current(t, s, key)
			if gen <= before {
				t.Fatalf("G1: the generation of %q before its hold was %d and is %d after it, not greater", key, before, gen)
			}
			if again := snapshot(t, s, key); again != gen {
				t.Fatalf("the generation of %q after its hold went from %d to %d", key, gen, again)
			}
		}
	})
}

// TestHoldRaisesFloor puts the clock behind the generation: then only what the
// hold remembers keeps the one after it greater.
func TestHoldRaisesFloor(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		const far = 4_000_000_000_000_000_000
		snapshot(t, s, "k")
		replaceGeneration(t, raw, redisKey(t, raw, "k"), "4000000000000000000")
		hold(t, s, "a", lease, "k")
		bump(t, s, "k")
		release(t, s, "a", "k")
		if gen := current(t, s, "k"); gen != far+2 {
			t.Fatalf("G1: a generation of %d, a bump while held and a release led to %d, not to %d", uint64(far), gen, uint64(far+2))
		}
	})
}

func TestHoldOfSeveral(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, _ *redis.Client) {
		first := snapshot(t, s, "k")
		hold(t, s, "a", lease, "k")
		hold(t, s, "b", lease, "k")
		release(t, s, "a", "k")
		checkHeld(t, s, "k")
		release(t, s, "a", "k") // once more: of a hold that has vanished
		checkHeld(t, s, "k")
		release(t, s, "c", "k") // of one that never was
		checkHeld(t, s, "k")
		release(t, s, "b", "k")
		if gen := current(t, s, "k"); gen <= first {
			t.Fatalf("the last release left generation %d, which is not greater than %d", gen, first)
		}
	})
}

// leaseLeft returns what is left of a holder's lease, by the server's clock. The
// Redis key has no expiry, so that nothing evicts it before.
func leaseLeft(t *testing.T, raw *redis.Client, token string) time.Duration {
	t.Helper()
	name := redisKey(t, raw, "k")
	if left := raw.PTTL(t.Context(), name).Val(); left != -1 {
		t.Fatalf("a hold has no expiry of its own: got %v", left)
	}
	ends, err := raw.HGet(t.Context(), name, "holder:"+token).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(ends).Sub(raw.Time(t.Context()).Val())
}

func TestHoldTwiceIsOneHold(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		hold(t, s, "a", time.Minute, "k")
		hold(t, s, "a", lease, "k")
		if left := leaseLeft(t, raw, "a"); left < lease-time.Minute {
			t.Fatalf("a token that holds again begins its lease anew: %v are left of %v", left, lease)
		}
		release(t, s, "a", "k")
		if gen := current(t, s, "k"); gen == 0 {
			t.Fatal("a token that held twice must be released once: the key is still held")
		}
	})
}

func TestReleaseBumpsWhatItDoesNotHold(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		hold(t, s, "a", lease, "k")
		raw.FlushAll(t.Context()) // the hold vanishes
		filled := snapshot(t, s, "k")
		release(t, s, "a", "k")
		if gen := current(t, s, "k"); gen <= filled {
			t.Fatalf("a release whose hold had vanished left generation %d of a fill meanwhile (now %d)", filled, gen)
		}
	})
}

func TestLeaseEndsByItself(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		before := snapshot(t, s, "k")
		hold(t, s, "a", 20*time.Millisecond, "k")
		redistest.Eventually(t, redistest.Patience, "the hold ends with its lease", func() bool {
			return leaseLeft(t, raw, "a") < 0
		})
		if gen := current(t, s, "k"); gen != 0 {
			t.Fatalf("a lease that ended left generation %d; it must leave none", gen)
		}
		if gen := snapshot(t, s, "k"); gen <= before {
			t.Fatalf("G1: the generation before the hold was %d, and the one after its lease %d is not greater", before, gen)
		}
	})
}

// TestExpiredHolderDoesNotCount has a short hold end beside a long one: the
// key lives on, and the short one must not keep it held.
func TestExpiredHolderDoesNotCount(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		hold(t, s, "long", lease, "k")
		hold(t, s, "short", time.Millisecond, "k")
		name := redisKey(t, raw, "k")
		if left := leaseLeft(t, raw, "long"); left < lease-time.Minute {
			t.Fatalf("a second, shorter hold cut the first one's lease of %v to %v", lease, left)
		}
		ends, err := raw.HGet(t.Context(), name, "holder:short").Int64()
		if err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, redistest.Patience, "the server's clock passes the lease", func() bool {
			return raw.Time(context.Background()).Val().UnixMilli() > ends
		})
		checkHeld(t, s, "k")
		release(t, s, "long", "k")
		if gen := current(t, s, "k"); gen == 0 {
			t.Fatal("a hold that has expired keeps the key held after the last live one was released")
		}
	})
}

func TestHoldOfManyKeysIsOneTrip(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	s := open(t, connect(t, proxy.Addr()))
	keys := names("k", 50)
	hold(t, s, "warm", lease, keys...)
	release(t, s, "warm", keys...)
	proxy.ResetTrips()
	hold(t, s, "a", lease, keys...)
	if n := proxy.RoundTrips(); n != 1 {
		t.Fatalf("a hold of 50 keys took %d round trips: %v", n, proxy.Trips())
	}
	for _, key := range keys {
		checkHeld(t, s, key)
	}
}

func TestHoldRefusesWhatCannotWork(t *testing.T) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	s := open(t, raw)
	for name, err := range map[string]error{
		"no token":         s.Hold(t.Context(), []string{"k"}, "", lease),
		"no lease":         s.Hold(t.Context(), []string{"k"}, "a", 0),
		"a negative lease": s.Hold(t.Context(), []string{"k"}, "a", -1),
	} {
		if err == nil {
			t.Errorf("a hold with %s was accepted", name)
		}
	}
	if n := raw.DBSize(t.Context()).Val(); n != 0 {
		t.Fatalf("a refused hold left %d Redis keys", n)
	}
}

// TestHoldIsUndone loses the replies of a hold and of all its retries: whether
// it was applied is not known, so the keys must not stay held.
func TestHoldIsUndone(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	proxy.NameScript("hold", source(t, "hold"))
	raw := connect(t, server.Addr())
	s := open(t, connect(t, proxy.Addr(), func(o *redis.Options) { o.MaxRetries = -1 }))
	before := snapshot(t, s, "k")
	hold(t, s, "warm", lease, "warm")
	dropped := proxy.DropReply(redistest.Named("hold"))
	if err := s.Hold(t.Context(), []string{"k", "l"}, "a", lease); err == nil {
		t.Fatal("a hold whose reply was lost returned nil")
	}
	<-dropped
	direct := open(t, raw)
	if gen := current(t, direct, "k"); gen <= before {
		t.Fatalf("a hold that failed left generation %d; it must not stay held, and its release draws one greater than %d", gen, before)
	}
	if gen := current(t, direct, "l"); gen == 0 {
		t.Fatal("a hold that failed left a key held")
	}
}

func TestHoldUnderDoneContext(t *testing.T) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range everyCall(ctx, open(t, raw)) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a done context returned %v, not its error", name, err)
		}
	}
	if n := raw.DBSize(t.Context()).Val(); n != 0 {
		t.Fatalf("calls under a done context left %d Redis keys", n)
	}
}
