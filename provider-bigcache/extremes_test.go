package bigcacheprovider

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

func TestExtremeWindows(t *testing.T) {
	for _, d := range []time.Duration{0, time.Second, year, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
		for field, cfg := range map[string]Config{"LifeWindow": {LifeWindow: d}, "CleanWindow": {CleanWindow: d}} {
			t.Run(fmt.Sprintf("%s/%d", field, int64(d)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, err := New(cfg)
					if err != nil {
						t.Fatalf("Config.%s may be %d: got %v", field, int64(d), err)
					}
					defer p.Close(t.Context())
					for _, value := range []string{"v", "w"} {
						if ok, err := p.Set(t.Context(), "k", []byte(value), 1, time.Hour); !ok || err != nil {
							t.Fatalf("Set = %v, %v, want it accepted", ok, err)
						}
					}
					if field == "LifeWindow" && d >= year {
						time.Sleep(24 * time.Hour)
					}
					if v, ok, err := p.Get(t.Context(), "k"); string(v) != "w" || !ok || err != nil {
						t.Errorf("with a Config.%s of %d an entry lives for LifeWindow: got %q, %v, %v", field, int64(d), v, ok, err)
					}
				})
			})
		}
	}
	for _, d := range []time.Duration{1, time.Second - 1, -1, -year, math.MinInt64} {
		for field, cfg := range map[string]Config{"LifeWindow": {LifeWindow: d}, "CleanWindow": {CleanWindow: d}} {
			if p, err := New(cfg); err == nil {
				p.Close(t.Context())
				t.Errorf("Config.%s may not be %v", field, d)
			} else if !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), d.String()) {
				t.Errorf("the error names field and value: %q lacks %s or %v", err, field, d)
			}
		}
	}
}

// What BigCache ignores it ignores at any value.
func TestExtremeTTLsAndCosts(t *testing.T) {
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	for _, n := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64} {
		key := fmt.Sprint(n)
		if ok, err := p.Set(t.Context(), key, []byte("v"), n, time.Duration(n)); !ok || err != nil {
			t.Fatalf("Set with a cost and a TTL of %d = %v, %v, want it accepted", n, ok, err)
		}
		if v, ok, err := p.Get(t.Context(), key); string(v) != "v" || !ok || err != nil {
			t.Errorf("an entry lives for LifeWindow, whatever its TTL: got %q, %v, %v", v, ok, err)
		}
	}
}

func TestExtremeSizes(t *testing.T) {
	for _, n := range []int{math.MinInt, -1, 1 << 31, math.MaxInt/2 + 1, math.MaxInt} {
		for field, cfg := range map[string]Config{
			"MaxEntriesInWindow": {MaxEntriesInWindow: n},
			"MaxEntrySize":       {MaxEntrySize: n},
			"HardMaxCacheSizeMB": {HardMaxCacheSizeMB: n},
			"Shards":             {Shards: n},
		} {
			p, err := New(cfg)
			if err == nil {
				p.Close(t.Context())
				t.Errorf("Config.%s may not be %d", field, n)
			} else if text := err.Error(); !strings.Contains(text, "Config."+field+" ") || !strings.Contains(text, fmt.Sprint(n)) || !strings.Contains(text, " to ") {
				t.Errorf("the error names field, value and range: got %q for a Config.%s of %d", text, field, n)
			}
		}
	}
}

// BigCache makes two maps of as many entries as it is told to expect: of the
// number that used to be allowed they take 60 GB.
func TestExpectsNoMoreThanItHolds(t *testing.T) {
	for _, c := range []struct{ entries, megabytes, most int }{
		{math.MaxInt32, 0, DefaultHardMaxCacheSizeMB << 20 / entryOverhead},
		{45_591, 1, 45_590},
		{45_590, 1, 0},
		{1, 1, 0},
	} {
		cfg := Config{MaxEntriesInWindow: c.entries, HardMaxCacheSizeMB: c.megabytes}
		_, err := cfg.withDefaults()
		if c.most == 0 {
			if err != nil {
				t.Errorf("%d MiB hold %d entries: got %v", c.megabytes, c.entries, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%+v expects more entries than it holds", cfg)
			continue
		}
		for _, word := range []string{"MaxEntriesInWindow", fmt.Sprint(c.entries), fmt.Sprint(c.most)} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error names field, value and range: %q lacks %q", err, word)
			}
		}
	}
}

// TestNobodyCloses forgets providers without closing them.
func TestNobodyCloses(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 50 {
		p, err := New(Config{HardMaxCacheSizeMB: 1, Shards: 1})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Set(t.Context(), "k", []byte("v"), 1, time.Hour); !ok || err != nil {
			t.Fatalf("Set = %v, %v, want it accepted", ok, err)
		}
		if i%2 == 0 {
			p.Close(t.Context())
		}
	}
	for start := time.Now(); runtime.NumGoroutine() > before; runtime.Gosched() {
		runtime.GC()
		if time.Since(start) > 20*time.Second {
			t.Fatalf("a provider that nobody closes ends its goroutine when it is collected: %d are left, want %d", runtime.NumGoroutine(), before)
		}
	}
}
