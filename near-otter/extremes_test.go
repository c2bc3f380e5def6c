package otternear

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const year = 365 * 24 * time.Hour

func TestExtremeTTLs(t *testing.T) {
	for _, ttl := range []time.Duration{math.MinInt64, -year, -1, 0, 1, time.Millisecond - 1, time.Millisecond, year, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
		t.Run(fmt.Sprint(int64(ttl)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNear(t, Config[string]{})
				defer n.Close()
				time.Sleep(time.Hour)
				n.Set("k", "v", 1, ttl)
				n.Set("k", "w", 2, ttl)
				if ttl < year {
					time.Sleep(time.Minute)
					want(t, n, "an entry dies with its TTL", "k", "", 0)
					return
				}
				want(t, n, "an entry lives for its TTL", "k", "w", 2)
				time.Sleep(24 * time.Hour)
				want(t, n, "an entry lives for its TTL", "k", "w", 2)
			})
		})
	}
}

func TestExtremeSizes(t *testing.T) {
	weigh := func(string, string) uint32 { return 1 }
	heaviest := func(string, string) uint32 { return math.MaxUint32 }
	for _, c := range []struct {
		cfg  Config[string]
		says []string // nothing: it works
	}{
		{cfg: Config[string]{MaxEntries: 1}},
		{cfg: Config[string]{MaxEntries: math.MaxInt - 1}},
		{cfg: Config[string]{MaxEntries: math.MaxInt}},
		{cfg: Config[string]{MaxWeight: math.MaxInt64, Weigher: weigh}},
		{cfg: Config[string]{MaxWeight: math.MaxInt64, Weigher: heaviest}},
		{cfg: Config[string]{MaxWeight: 1, Weigher: func(string, string) uint32 { return 0 }}},
		{Config[string]{MaxEntries: -1}, []string{"MaxEntries", "-1", "0"}},
		{Config[string]{MaxEntries: math.MinInt}, []string{"MaxEntries", fmt.Sprint(math.MinInt), "0"}},
		{Config[string]{MaxEntries: math.MinInt, Weigher: weigh, MaxWeight: 1}, []string{"MaxEntries", fmt.Sprint(math.MinInt), "0"}},
		{Config[string]{MaxWeight: 0, Weigher: weigh}, []string{"MaxWeight", "0", "from 1 to 9223372036854775807"}},
		{Config[string]{MaxWeight: math.MaxInt64 + 1, Weigher: weigh}, []string{"MaxWeight", "9223372036854775808", "from 1 to 9223372036854775807"}},
		{Config[string]{MaxWeight: math.MaxUint64, Weigher: weigh}, []string{"MaxWeight", "18446744073709551615", "from 1 to 9223372036854775807"}},
	} {
		n, err := New(c.cfg)
		if (err == nil) != (c.says == nil) {
			t.Errorf("New(%d entries, weight %d): got %v", c.cfg.MaxEntries, c.cfg.MaxWeight, err)
			continue
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error names field, value and range: %q lacks %q", err, word)
			}
		}
		if err != nil {
			continue
		}
		n.Set("k", "v", 1, time.Hour)
		n.Set("k", "w", 2, time.Hour)
		n.cache.CleanUp()
		want(t, n, "what fits is kept", "k", "w", 2)
		n.Close()
	}
}

func TestTooHeavyIsNotKept(t *testing.T) {
	n := newNear(t, Config[string]{MaxWeight: 10, Weigher: func(_, v string) uint32 {
		if v == "heavy" {
			return math.MaxUint32
		}
		return 1
	}})
	n.Set("k", "light", 1, time.Hour)
	n.Set("k", "heavy", 2, time.Hour)
	n.cache.CleanUp()
	want(t, n, "an entry over MaxWeight is not kept, nor what was there before", "k", "", 0)
}

func TestExtremeKeys(t *testing.T) {
	n := newNear(t, Config[string]{})
	for _, size := range []int{0, 1, 1<<16 - 1, 1 << 16, 1 << 20} {
		key := strings.Repeat("k", size)
		n.Set(key, "v", 1, time.Hour)
		want(t, n, "a key may have any length", key, "v", 1)
	}
}

// TestNobodyCloses forgets tiers without closing them.
func TestNobodyCloses(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 50 {
		n, err := New(Config[string]{})
		if err != nil {
			t.Fatal(err)
		}
		n.Set("k", "v", 1, time.Hour)
	}
	for start := time.Now(); runtime.NumGoroutine() > before; runtime.Gosched() {
		runtime.GC()
		if time.Since(start) > 20*time.Second {
			t.Fatalf("a tier that nobody closes is collected with its goroutine: %d are left, want %d", runtime.NumGoroutine(), before)
		}
	}
}
