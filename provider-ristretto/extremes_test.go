package ristrettoprovider

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

// TestExtremeTTLs sets each key twice: the second Set finds the first one in the
// queue, or stored.
func TestExtremeTTLs(t *testing.T) {
	for _, ttl := range []time.Duration{1, time.Millisecond - 1, time.Millisecond, year, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
		for _, queued := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d/queued=%v", int64(ttl), queued), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newTestProvider(t, Config{NumCounters: 100, MaxCost: 1000})
					defer p.Close(t.Context())
					time.Sleep(time.Hour) // the queue's clock is past 0
					release := func() {}
					if queued {
						_, release = stall(t, p, "k")
					}
					for _, value := range []string{"v1", "v2", "v3"} {
						if ok, err := p.Set(t.Context(), "k", []byte(value), 1, ttl); !ok || err != nil {
							t.Fatalf("Set with a TTL of %d = %v, %v, want it accepted", int64(ttl), ok, err)
						}
						if !queued {
							p.Wait()
						}
					}
					release()
					p.Wait()
					if ttl >= year {
						wantValue(t, p, "k", "v3", "a value lives for its TTL")
						time.Sleep(24 * time.Hour)
						wantValue(t, p, "k", "v3", "a value lives for its TTL")
					} else {
						time.Sleep(time.Minute)
						wantMiss(t, p, "k", "a value dies with its TTL")
					}
				})
			})
		}
	}
	p := newTestProvider(t, Config{})
	for _, ttl := range []time.Duration{0, -1, -year, math.MinInt64} {
		if ok, err := p.Set(t.Context(), "k", nil, 1, ttl); ok || err == nil || !strings.Contains(err.Error(), ttl.String()) {
			t.Errorf("Set with a TTL of %d = %v, %v, want an error that names it", int64(ttl), ok, err)
		}
	}
}

func TestExtremeCosts(t *testing.T) {
	for _, maxCost := range []int64{1, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
		for _, internal := range []bool{false, true} {
			p := newTestProvider(t, Config{NumCounters: 100, MaxCost: maxCost, IncludeInternalCost: internal})
			for _, cost := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
				key := fmt.Sprint(cost)
				ok, err := p.Set(t.Context(), key, []byte("v"), cost, time.Hour)
				if cost < 0 {
					if ok || err == nil || !strings.Contains(err.Error(), key) {
						t.Errorf("Set with a cost of %d = %v, %v, want an error that names it", cost, ok, err)
					}
					continue
				}
				room := maxCost
				if internal {
					room -= internalCost
				}
				if err != nil || ok != (cost <= room) {
					t.Errorf("Set with a cost of %d, of at most %d = %v, %v", cost, room, ok, err)
				}
			}
		}
	}
}

// Ristretto adds costs up and does not look for overflow: what it counted went
// round, and it took entries for free.
func TestCostsThatAddUpToMoreThanANumberHolds(t *testing.T) {
	p := newTestProvider(t, Config{NumCounters: 1000, MaxCost: math.MaxInt64})
	keys := []string{"a", "b", "c"}
	for _, cost := range []int64{1, math.MaxInt64} {
		for _, key := range keys {
			if ok, err := p.Set(t.Context(), key, []byte("v"), cost, time.Hour); !ok || err != nil {
				t.Fatalf("Set = %v, %v, want it accepted", ok, err)
			}
			p.Wait()
		}
	}
	if ok, err := p.Set(t.Context(), "d", []byte("v"), math.MaxInt64, time.Hour); !ok || err != nil {
		t.Fatalf("Set = %v, %v, want it accepted", ok, err)
	}
	p.Wait()
	kept := 0
	for _, key := range append(keys, "d") {
		if _, ok, _ := p.Get(t.Context(), key); ok {
			kept++
		}
	}
	if kept > 1 {
		t.Errorf("MaxCost bounds the sum of the costs: %d entries are kept that fill the cache each", kept)
	}
}

func TestExtremeKeys(t *testing.T) {
	p := newTestProvider(t, Config{})
	for _, size := range []int{0, 1, 1<<16 - 1, 1 << 16, 1 << 20} {
		key := strings.Repeat(":", size)
		mustSet(t, p, key, fmt.Sprint(size))
		p.Wait()
		wantValue(t, p, key, fmt.Sprint(size), "a key may have any length")
	}
}

// TestNobodyCloses forgets providers without closing them.
func TestNobodyCloses(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 50 {
		p, err := New(Config{NumCounters: 100})
		if err != nil {
			t.Fatal(err)
		}
		mustSet(t, p, "k", "v")
		mustSet(t, p, "k", "w")
		p.Wait()
		mustDel(t, p, "k")
	}
	for start := time.Now(); runtime.NumGoroutine() > before; runtime.Gosched() {
		runtime.GC()
		if time.Since(start) > 20*time.Second {
			t.Fatalf("a provider that nobody closes ends its goroutines when it is collected: %d are left, want %d", runtime.NumGoroutine(), before)
		}
	}
}
