package ristrettoprovider

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func newTestProvider(t testing.TB, cfg Config) *Provider {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatalf("New(%+v): %v", cfg, err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

func mustSet(t testing.TB, p *Provider, key, value string) {
	t.Helper()
	ok, err := p.Set(t.Context(), key, []byte(value), 1, time.Hour)
	if !ok || err != nil {
		t.Fatalf("Set(%q, %q) = %v, %v, want it accepted", key, value, ok, err)
	}
}

func mustDel(t testing.TB, p *Provider, key string) {
	t.Helper()
	if err := p.Del(t.Context(), key); err != nil {
		t.Fatalf("Del(%q): %v", key, err)
	}
}

// wantValue demands a hit.
func wantValue(t testing.TB, p *Provider, key, want, rule string) {
	t.Helper()
	got, ok, err := p.Get(t.Context(), key)
	if err != nil || !ok || string(got) != want {
		t.Fatalf("%s: Get(%q) = %q, %v, %v, want %q", rule, key, got, ok, err, want)
	}
}

func wantMiss(t testing.TB, p *Provider, key, rule string) {
	t.Helper()
	got, ok, err := p.Get(t.Context(), key)
	if err != nil || ok || got != nil {
		t.Fatalf("%s: Get(%q) = %q, %v, %v, want a miss", rule, key, got, ok, err)
	}
}

func TestSetGetDel(t *testing.T) {
	keys := map[string]string{
		"plain":       "single:user:42",
		"one byte":    "k",
		"binary":      "\x00\xff\n",
		"16 bytes":    strings.Repeat("a", 16),
		"1000 bytes":  strings.Repeat("b", 1000),
		"65535 bytes": strings.Repeat("c", 65535),
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t, Config{})
			wantMiss(t, p, key, "a key that was never set is a miss")
			mustSet(t, p, key, "v1")
			p.Wait()
			wantValue(t, p, key, "v1", "an accepted value is returned")
			mustSet(t, p, key, "v2")
			wantValue(t, p, key, "v2", "a new value of a stored key is visible at once")
			mustDel(t, p, key)
			wantMiss(t, p, key, "a deleted key is a miss")
			if err := p.Del(t.Context(), key); err != nil {
				t.Errorf("deleting a key that is not there is no error, got %v", err)
			}
		})
	}
}

func TestEmptyValueIsAHit(t *testing.T) {
	p := newTestProvider(t, Config{})
	mustSet(t, p, "k", "")
	p.Wait()
	wantValue(t, p, "k", "", "an empty value is a hit")
}

// Keys that meet in Ristretto's hash may push each other out, but each answers
// with its own value only.
func TestKeysAreComparedNotHashes(t *testing.T) {
	p, err := newProvider(Config{}, func(string) uint64 { return 7 })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	mustSet(t, p, "a", "of a")
	p.Wait()
	wantValue(t, p, "a", "of a", "a key alone on its hash is a hit")
	wantMiss(t, p, "b", "a key must not be answered with the value of another one of the same hash")
	mustSet(t, p, "b", "of b")
	p.Wait()
	wantValue(t, p, "b", "of b", "the later of two keys of one hash is a hit")
	wantMiss(t, p, "a", "a key must not be answered with the value of another one of the same hash")
	mustDel(t, p, "a")
	wantMiss(t, p, "a", "a deleted key is a miss")
}

func TestCost(t *testing.T) {
	t.Run("over MaxCost is declined", func(t *testing.T) {
		p := newTestProvider(t, Config{MaxCost: 100})
		mustSet(t, p, "k", "small")
		p.Wait()
		for _, cost := range []int64{101, math.MaxInt64} {
			for _, key := range []string{"k", "new"} {
				ok, err := p.Set(t.Context(), key, []byte("large"), cost, time.Hour)
				if ok || err != nil {
					t.Errorf("an entry over MaxCost is declined without an error: Set(%q, cost %d) = %v, %v, want false, nil", key, cost, ok, err)
				}
			}
		}
		p.Wait()
		wantValue(t, p, "k", "small", "a declined value leaves the one before")
		wantMiss(t, p, "new", "a declined value is not stored")
	})
	t.Run("exactly MaxCost fits", func(t *testing.T) {
		p := newTestProvider(t, Config{MaxCost: 100})
		ok, err := p.Set(t.Context(), "k", []byte("v"), 100, time.Hour)
		if !ok || err != nil {
			t.Fatalf("an entry of MaxCost is accepted: Set = %v, %v", ok, err)
		}
		p.Wait()
		wantValue(t, p, "k", "v", "an entry of MaxCost is stored")
	})
	t.Run("zero takes no room", func(t *testing.T) {
		p := newTestProvider(t, Config{MaxCost: 1})
		for i := range 10 {
			ok, err := p.Set(t.Context(), fmt.Sprint(i), []byte("v"), 0, time.Hour)
			if !ok || err != nil {
				t.Fatalf("an entry of cost 0 is accepted: Set = %v, %v", ok, err)
			}
		}
		p.Wait()
		for i := range 10 {
			wantValue(t, p, fmt.Sprint(i), "v", "entries of cost 0 take no room")
		}
	})
	t.Run("negative is an error", func(t *testing.T) {
		p := newTestProvider(t, Config{MaxCost: 100})
		ok, err := p.Set(t.Context(), "k", []byte("v"), -1, time.Hour)
		if ok || err == nil {
			t.Errorf("a negative cost, which would make room that is not there, is an error: Set = %v, %v", ok, err)
		}
	})
}

func TestMaxCostIsTheSumOfCosts(t *testing.T) {
	for _, test := range []struct {
		name    string
		include bool
		want    int
	}{
		{"by default", false, 1000},
		{"with the internal cost", true, 1000 / (1 + internalCost)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestProvider(t, Config{NumCounters: 10_000, MaxCost: 1000, IncludeInternalCost: test.include})
			stored := 0
			for i := range 1000 {
				mustSet(t, p, fmt.Sprint(i), "v")
			}
			p.Wait()
			for i := range 1000 {
				if _, ok, _ := p.Get(t.Context(), fmt.Sprint(i)); ok {
					stored++
				}
			}
			if stored != test.want {
				t.Errorf("a cache of MaxCost 1000 holds this many entries of cost 1: got %d, want %d", stored, test.want)
			}
		})
	}
}

func TestTTL(t *testing.T) {
	for _, ttl := range []time.Duration{1, time.Millisecond, 999 * time.Millisecond, 10 * time.Minute, math.MaxInt64} {
		t.Run(ttl.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTestProvider(t, Config{})
				ok, err := p.Set(t.Context(), "k", []byte("v"), 1, ttl)
				if !ok || err != nil {
					t.Fatalf("Set = %v, %v, want it accepted", ok, err)
				}
				p.Wait()
				wantValue(t, p, "k", "v", "an entry lives until its TTL is over")
				if ttl == math.MaxInt64 {
					return
				}
				time.Sleep(ttl - 1)
				wantValue(t, p, "k", "v", "an entry lives until its TTL is over")
				time.Sleep(2 * time.Nanosecond)
				wantMiss(t, p, "k", "an entry is gone when its TTL is over")
			})
		})
	}
	t.Run("an update has its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newTestProvider(t, Config{})
			for _, ttl := range []time.Duration{time.Second, time.Hour} {
				if ok, err := p.Set(t.Context(), "k", []byte(ttl.String()), 1, ttl); !ok || err != nil {
					t.Fatalf("Set = %v, %v, want it accepted", ok, err)
				}
				p.Wait()
			}
			time.Sleep(time.Minute)
			wantValue(t, p, "k", "1h0m0s", "the last TTL counts")
		})
	})
	t.Run("not positive", func(t *testing.T) {
		p := newTestProvider(t, Config{})
		for _, ttl := range []time.Duration{0, -1} {
			if ok, err := p.Set(t.Context(), "k", []byte("v"), 1, ttl); ok || err == nil {
				t.Errorf("a TTL of %v, which Ristretto takes for none at all, is an error: Set = %v, %v", ttl, ok, err)
			}
		}
	})
}

func TestClose(t *testing.T) {
	// The bubble fails the test if a goroutine outlives Close.
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		mustSet(t, p, "k", "v")
		for range 2 {
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("Close, also a second time, is no error: %v", err)
			}
		}
		if v, ok, err := p.Get(t.Context(), "k"); v != nil || ok || !errors.Is(err, cascache.ErrClosed) {
			t.Errorf("Get after Close fails with ErrClosed: got %q, %v, %v", v, ok, err)
		}
		if ok, err := p.Set(t.Context(), "k", nil, 1, time.Hour); ok || !errors.Is(err, cascache.ErrClosed) {
			t.Errorf("Set after Close fails with ErrClosed: got %v, %v", ok, err)
		}
		if err := p.Del(t.Context(), "k"); !errors.Is(err, cascache.ErrClosed) {
			t.Errorf("Del after Close fails with ErrClosed: got %v", err)
		}
		p.Wait()
		if m := p.Metrics(); m != (Metrics{}) {
			t.Errorf("Metrics after Close are 0: got %+v", m)
		}
	})
}

// Ristretto alone panics here and has data races: run with -race.
func TestCloseWhileInUse(t *testing.T) {
	for range 20 {
		p, err := New(Config{BufferItems: 1, Metrics: true})
		if err != nil {
			t.Fatal(err)
		}
		var users sync.WaitGroup
		var calls atomic.Int64
		for u := range 8 {
			users.Go(func() {
				for i := 0; ; i++ {
					key := fmt.Sprint(u, i%100)
					var err error
					switch i % 4 {
					case 0:
						_, err = p.Set(context.Background(), key, []byte("v"), 1, time.Hour)
					case 1, 2:
						_, _, err = p.Get(context.Background(), key)
					case 3:
						err = p.Del(context.Background(), key)
						p.Wait()
					}
					calls.Add(1)
					if errors.Is(err, cascache.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("while a cache is being closed, calls work or fail with ErrClosed: got %v", err)
						return
					}
				}
			})
		}
		for calls.Load() < 200 {
			runtime.Gosched()
		}
		var closers sync.WaitGroup
		for range 2 {
			closers.Go(func() { p.Close(context.Background()) })
		}
		closers.Wait()
		users.Wait()
	}
}

func TestGetDoesNotAllocate(t *testing.T) {
	p := newTestProvider(t, Config{})
	mustSet(t, p, "k", "v")
	p.Wait()
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		if _, ok, _ := p.Get(ctx, "k"); !ok {
			t.Fatal("an accepted value is returned")
		}
	})
	if allocs != 0 {
		t.Errorf("a Get does not allocate: got %v allocations", allocs)
	}
}

func TestGetPrefixedIsGetOfTheWholeKey(t *testing.T) {
	for name, hash := range map[string]func(string) uint64{"": nil, "all keys collide": func(string) uint64 { return 7 }} {
		t.Run(name, func(t *testing.T) {
			p, err := newProvider(Config{}, hash)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close(context.Background()) })
			for _, n := range []int{1, 16, 127, 128, 129, 5000} {
				key := strings.Repeat("a", n-1) + "b"
				if ok, err := p.Set(t.Context(), key, []byte(key), 1, time.Hour); !ok || err != nil {
					t.Fatalf("nothing in the way of a Set: got %v, %v", ok, err)
				}
				p.Wait()
				for _, at := range []int{0, 1, n / 2, n} {
					at = min(at, n)
					if got, ok, err := p.GetPrefixed(t.Context(), key[:at], key[at:]); string(got) != key || !ok || err != nil {
						t.Errorf("a key of %d bytes divided at %d is that key: got %d bytes, %v, %v", n, at, len(got), ok, err)
					}
				}
				if got, ok, _ := p.GetPrefixed(t.Context(), "x", key[1:]); ok && n > 1 {
					t.Errorf("another prefix is another key: got %d bytes", len(got))
				}
				if err := p.Del(t.Context(), key); err != nil {
					t.Fatal(err)
				}
				p.Wait()
			}
		})
	}
}

func TestGetPrefixedDoesNotAllocate(t *testing.T) {
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	if _, err := p.Set(t.Context(), "single:ns:key", []byte("v"), 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	ctx := t.Context()
	if n := testing.AllocsPerRun(200, func() { _, _, _ = p.GetPrefixed(ctx, "single:ns:", "key") }); n != 0 {
		t.Errorf("a look-up joins no strings: got %v allocations", n)
	}
}

// A cache that was given it would fail at each call.
func TestClosedIsTold(t *testing.T) {
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Closed() {
		t.Error("what is open is not closed: Closed reports true")
	}
	_ = p.Close(t.Context())
	h, err := cascache.New(cascache.Options[string]{Namespace: "n", Codec: cascache.String{}, Provider: p})
	if !p.Closed() || err == nil || h != nil {
		t.Errorf("New refuses what is closed: Closed reports %v, New returned %v, %v", p.Closed(), h, err)
	}
}
