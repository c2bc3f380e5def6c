package bigcacheprovider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
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
		t.Fatalf("Set(%.20q, %.20q) = %v, %v, want it accepted", key, value, ok, err)
	}
}

func wantValue(t testing.TB, p *Provider, key, want, rule string) {
	t.Helper()
	got, ok, err := p.Get(t.Context(), key)
	if err != nil || !ok || string(got) != want {
		t.Fatalf("%s: Get(%.20q) = %.20q, %v, %v, want %.20q", rule, key, got, ok, err, want)
	}
}

func wantMiss(t testing.TB, p *Provider, key, rule string) {
	t.Helper()
	got, ok, err := p.Get(t.Context(), key)
	if err != nil || ok || got != nil {
		t.Fatalf("%s: Get(%.20q) = %.20q, %v, %v, want a miss", rule, key, got, ok, err)
	}
}

func TestSetGetDel(t *testing.T) {
	keys := map[string]string{
		"plain":          "single:user:42",
		"one byte":       "k",
		"binary":         "\x00\xff\n",
		"1000 bytes":     strings.Repeat("b", 1000),
		"the longest":    strings.Repeat("c", maxKeyLen),
		"looks like log": "%d%s",
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(t, Config{})
			wantMiss(t, p, key, "a key that was never set is a miss")
			mustSet(t, p, key, "v1")
			wantValue(t, p, key, "v1", "a value is visible once it was accepted")
			mustSet(t, p, key, "v2")
			wantValue(t, p, key, "v2", "a new value takes the place of the old one")
			mustSet(t, p, key, "")
			wantValue(t, p, key, "", "an empty value is a hit")
			for range 2 {
				if err := p.Del(t.Context(), key); err != nil {
					t.Errorf("Del, also of a key that is not there, is no error: %v", err)
				}
				wantMiss(t, p, key, "a deleted key is a miss")
			}
		})
	}
}

// BigCache itself panics on the first Get, and leaves the shard locked.
func TestKeysThatBigCacheCannotHold(t *testing.T) {
	p := newTestProvider(t, Config{Shards: 1})
	for _, size := range []int{maxKeyLen + 1, 1<<16 - 1} {
		key := strings.Repeat("k", size)
		if ok, err := p.Set(t.Context(), key, []byte("v"), 1, time.Hour); ok || err != nil {
			t.Errorf("a key of %d bytes is declined without an error: Set = %v, %v", size, ok, err)
		}
		wantMiss(t, p, key, "a declined key is a miss")
		if err := p.Del(t.Context(), key); err != nil {
			t.Errorf("Del of a key that is not there is no error: %v", err)
		}
	}
}

type constantHash struct{}

func (constantHash) Sum64(string) uint64 { return 7 }

// Keys that meet in a hash may push each other out, but each answers with its
// own value only.
func TestKeysAreComparedNotHashes(t *testing.T) {
	p, err := newProvider(Config{}, constantHash{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	mustSet(t, p, "a", "of a")
	wantValue(t, p, "a", "of a", "a key alone on its hash is a hit")
	wantMiss(t, p, "b", "a key must not be answered with the value of another one of the same hash")
	mustSet(t, p, "b", "of b")
	wantValue(t, p, "b", "of b", "the later of two keys of one hash is a hit")
	wantMiss(t, p, "a", "a key must not be answered with the value of another one of the same hash")
}

func TestValuesAreCopied(t *testing.T) {
	p := newTestProvider(t, Config{})
	value := []byte("value")
	if ok, err := p.Set(t.Context(), "k", value, 1, time.Hour); !ok || err != nil {
		t.Fatalf("Set = %v, %v", ok, err)
	}
	got, _, _ := p.Get(t.Context(), "k")
	for i := range 1000 {
		mustSet(t, p, fmt.Sprint(i), strings.Repeat("x", 100))
	}
	if !bytes.Equal(got, value) {
		t.Errorf("what Get returned does not change afterwards: got %q, want %q", got, value)
	}
}

func TestLargeEntries(t *testing.T) {
	p := newTestProvider(t, Config{HardMaxCacheSizeMB: 1, Shards: 16})
	const limit = (64<<10 - 1) / 2
	mustSet(t, p, "k", "small")
	for range 100 {
		if ok, err := p.Set(t.Context(), "k", make([]byte, limit-entryOverhead), 1, time.Hour); ok || err != nil {
			t.Fatalf("an entry of half a shard is declined without an error: Set = %v, %v", ok, err)
		}
		wantValue(t, p, "k", "small", "a declined value leaves the one before")
	}
	large := strings.Repeat("x", limit-entryOverhead-1)
	for range 100 {
		mustSet(t, p, "k", large)
		wantValue(t, p, "k", large, "an entry of less than half a shard is stored, however full the shard")
	}
}

func TestRoomGoesToTheNewest(t *testing.T) {
	p := newTestProvider(t, Config{HardMaxCacheSizeMB: 1, Shards: 1})
	const entries = 20_000 // of 100 bytes: about two times the room
	for i := range entries {
		mustSet(t, p, fmt.Sprintf("%06d", i), strings.Repeat("x", 100))
	}
	if n := p.cache.Load().Capacity(); n > 1<<20 {
		t.Errorf("HardMaxCacheSizeMB bounds the memory for entries: got %d bytes", n)
	}
	wantMiss(t, p, fmt.Sprintf("%06d", 0), "for want of room the oldest entry goes")
	wantValue(t, p, fmt.Sprintf("%06d", entries-1), strings.Repeat("x", 100), "the newest entry stays")
	stored := 0
	for i := range entries {
		if _, ok, _ := p.Get(t.Context(), fmt.Sprintf("%06d", i)); ok {
			stored++
		}
	}
	if stored < entries/4 {
		t.Errorf("a full cache uses its room: it holds %d entries", stored)
	}
}

// oneShard sends all keys to the same shard.
type oneShard struct{ hasher }

func (h oneShard) Sum64(key string) uint64 { return h.hasher.Sum64(key)<<16 | 1 }

// A shard is one ring of bytes: entries of all sizes, replaced, deleted and
// pushed out, must come back whole or not at all.
func TestAgainstModel(t *testing.T) {
	const keys = 60
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		p, err := newProvider(Config{
			HardMaxCacheSizeMB: 1, Shards: 256, MaxEntriesInWindow: 1, MaxEntrySize: 1 + rnd.IntN(300),
		}, oneShard{hasher{maphash.MakeSeed()}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(t.Context())
		model := make(map[string]string)
		hits := 0
		for step := range 5000 {
			key := fmt.Sprint("key", rnd.IntN(keys))
			switch rnd.IntN(10) {
			case 0:
				if err := p.Del(t.Context(), key); err != nil {
					t.Fatalf("seed %d, step %d: Del: %v", seed, step, err)
				}
				delete(model, key)
			case 1, 2, 3, 4:
				size := rnd.IntN(200)
				if rnd.IntN(8) == 0 {
					size = rnd.IntN(4096)
				}
				value := strings.Repeat(string(rune('a'+step%26)), size)
				ok, err := p.Set(t.Context(), key, []byte(value), 1, time.Hour)
				if err != nil {
					t.Fatalf("seed %d, step %d: Set: %v", seed, step, err)
				}
				if fits := len(key)+size+entryOverhead <= (4096-1)/2; ok != fits {
					t.Fatalf("seed %d, step %d: an entry is accepted if and only if it takes less than half a shard: Set of %d bytes = %v", seed, step, size, ok)
				}
				if ok {
					model[key] = value
					wantValue(t, p, key, value, "a value is visible once it was accepted")
				}
			default:
				got, ok, err := p.Get(t.Context(), key)
				if err != nil {
					t.Fatalf("seed %d, step %d: Get: %v", seed, step, err)
				}
				if want, there := model[key]; ok && (!there || string(got) != want) {
					t.Fatalf("seed %d, step %d: a read returns what was accepted last or nothing: Get(%q) = %.20q, want %.20q", seed, step, key, got, want)
				}
				if ok {
					hits++
				}
			}
		}
		if hits < 500 {
			t.Errorf("seed %d: only %d hits: the test shows little", seed, hits)
		}
	}
}

func TestLifeWindow(t *testing.T) {
	for _, test := range []struct {
		name   string
		window time.Duration
		start  time.Duration // within the second
		lives  time.Duration
		dead   time.Duration
	}{
		{"set on the second", 2 * time.Second, 0, 3*time.Second - 1, 3 * time.Second},
		{"set late in the second", 2 * time.Second, 900 * time.Millisecond, 2100*time.Millisecond - 1, 2100 * time.Millisecond},
		{"rounded down", 2900 * time.Millisecond, 0, 3*time.Second - 1, 3 * time.Second},
		{"the default", 0, 0, 10 * time.Minute, 10*time.Minute + time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Nothing is cleaned up meanwhile.
				p := newTestProvider(t, Config{LifeWindow: test.window, CleanWindow: time.Hour})
				time.Sleep(test.start)
				for _, ttl := range []time.Duration{time.Millisecond, 24 * time.Hour} {
					if ok, err := p.Set(t.Context(), ttl.String(), []byte("v"), 1, ttl); !ok || err != nil {
						t.Fatalf("Set = %v, %v", ok, err)
					}
				}
				time.Sleep(test.lives)
				for _, key := range []string{"1ms", "24h0m0s"} {
					wantValue(t, p, key, "v", "an entry lives for LifeWindow, whatever its TTL")
				}
				time.Sleep(test.dead - test.lives)
				for _, key := range []string{"1ms", "24h0m0s"} {
					wantMiss(t, p, key, "an entry past LifeWindow is not returned, cleaned up or not")
				}
			})
		})
	}
}

func TestCleanUpGivesRoomBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestProvider(t, Config{LifeWindow: time.Second})
		mustSet(t, p, "k", "v")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := p.cache.Load().Len(); n != 0 {
			t.Errorf("by default entries past LifeWindow are cleaned up: %d are left", n)
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
	})
}

func TestCloseWhileInUse(t *testing.T) {
	p := newTestProvider(t, Config{})
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
	for calls.Load() < 1000 {
		runtime.Gosched()
	}
	var closers sync.WaitGroup
	for range 2 {
		closers.Go(func() { p.Close(context.Background()) })
	}
	closers.Wait()
	users.Wait()
}

// One writer a key, so that it is known what may be read: the value accepted
// last before the read began, a later one, or none.
func TestReadsUnderLoad(t *testing.T) {
	const keys, rounds = 8, 700
	p := newTestProvider(t, Config{Shards: 1, HardMaxCacheSizeMB: 1})
	var (
		floor   [keys]atomic.Int64 // no lower value may be read
		hits    atomic.Int64
		done    atomic.Bool
		writers sync.WaitGroup
		readers sync.WaitGroup
	)
	for k := range keys {
		key := fmt.Sprint("key", k)
		writers.Go(func() {
			// On a busy machine the readers may not have begun when the rounds
			// are over.
			for n := int64(1); n <= rounds || hits.Load() == 0 && n < 1e6; n++ {
				if n > rounds {
					runtime.Gosched()
				}
				if n%7 == 0 {
					if err := p.Del(t.Context(), key); err != nil {
						t.Errorf("Del: %v", err)
					}
				} else if ok, err := p.Set(t.Context(), key, fmt.Append(nil, n), 1, time.Hour); !ok || err != nil {
					t.Errorf("Set = %v, %v, want it accepted", ok, err)
				}
				floor[k].Store(n)
			}
		})
		readers.Go(func() {
			for ; !done.Load(); runtime.Gosched() {
				least := floor[k].Load()
				value, ok, err := p.Get(t.Context(), key)
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
				if !ok {
					continue
				}
				hits.Add(1)
				var got int64
				if _, err := fmt.Sscan(string(value), &got); err != nil {
					t.Errorf("a read returns a value as it was set: got %q", value)
					return
				}
				if got < least {
					t.Errorf("a read returns nothing older than what was accepted or deleted before it began: got value %d, want at least %d", got, least)
					return
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	if hits.Load() == 0 {
		t.Error("all reads missed: the test shows nothing")
	}
}

func TestSilence(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var logged bytes.Buffer
		log.SetOutput(&logged)
		defer log.SetOutput(os.Stderr)
		path := filepath.Join(t.TempDir(), "stdout")
		stdout, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		old := os.Stdout
		os.Stdout = stdout
		defer func() { os.Stdout = old }()

		p := newTestProvider(t, Config{Shards: 1, HardMaxCacheSizeMB: 1, MaxEntriesInWindow: 1, Verbose: verbose})
		for i := range 20_000 {
			mustSet(t, p, fmt.Sprint(i), strings.Repeat("x", 100))
		}
		p.Close(t.Context())

		os.Stdout = old
		stdout.Close()
		printed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(printed) > 0 {
			t.Errorf("Verbose %v: nothing is printed to the standard output: got %q", verbose, printed)
		}
		if got := logged.Len() > 0; got != verbose {
			t.Errorf("Verbose %v: growth is logged if asked for and not otherwise: got %q", verbose, logged.String())
		}
		log.SetOutput(io.Discard)
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
