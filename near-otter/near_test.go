package otternear

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func newNear(t testing.TB, cfg Config[string]) *Near[string] {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatalf("this configuration is valid: %v", err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func want(t testing.TB, n *Near[string], rule, key, value string, gen uint64) {
	t.Helper()
	if v, g, ok := n.Get(key); v != value || g != gen || ok != (gen != 0) {
		t.Errorf("%s: Get(%q) = %q, %d, %v, want %q, %d, %v", rule, key, v, g, ok, value, gen, gen != 0)
	}
}

func TestSetAndDel(t *testing.T) {
	n := newNear(t, Config[string]{})
	want(t, n, "an empty tier misses", "k", "", 0)
	n.Set("k", "v", 7, time.Hour)
	want(t, n, "what was set last is there, with its generation", "k", "v", 7)
	want(t, n, "keys are compared byte for byte", "K", "", 0)
	n.Set("k", "w", 8, time.Hour)
	want(t, n, "what was set last is there, with its generation", "k", "w", 8)
	n.Set("k", "x", 9, 0)
	want(t, n, "a ttl that is not positive keeps nothing, nor what was there before", "k", "", 0)
	n.Set("k", "y", 10, time.Hour)
	n.Del("k")
	n.Del("never there")
	want(t, n, "a deleted key misses", "k", "", 0)
}

func TestEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNear(t, Config[string]{})
		defer n.Close()
		absent := cascache.NearEntry[string]{Gen: 7, Absent: true}
		entry := func(rule, key string, want cascache.NearEntry[string], found bool) {
			t.Helper()
			if got, ok := n.GetEntry(key); got != want || ok != found {
				t.Errorf("%s: GetEntry(%q) = %+v, %v, want %+v, %v", rule, key, got, ok, want, found)
			}
		}
		n.SetEntry("k", absent, time.Second)
		entry("absence is kept", "k", absent, true)
		want(t, n, "absence is no value", "k", "", 0)
		time.Sleep(time.Second)
		entry("absence dies with its TTL", "k", cascache.NearEntry[string]{}, false)
		n.SetEntry("k", absent, time.Hour)
		n.Set("k", "v", 8, time.Hour)
		entry("a value replaces absence", "k", cascache.NearEntry[string]{Value: "v", Gen: 8}, true)
		n.SetEntry("k", absent, time.Hour)
		want(t, n, "absence replaces a value", "k", "", 0)
		n.Del("k")
		entry("a deleted key misses", "k", cascache.NearEntry[string]{}, false)
	})
}

func TestAbsenceIsWeighedByItsKey(t *testing.T) {
	n, err := New(Config[*string]{MaxWeight: 1000, Weigher: func(_ string, v *string) uint32 { return uint32(len(*v)) }})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.SetEntry("", cascache.NearEntry[*string]{Gen: 1, Absent: true}, time.Hour)
	for i := range 1000 {
		n.SetEntry(strconv.Itoa(1_000_000_000+i), cascache.NearEntry[*string]{Gen: 1, Absent: true}, time.Hour)
	}
	n.cache.CleanUp()
	if got := n.Len(); got == 0 || got > 100 {
		t.Errorf("absent keys of ten bytes weigh ten each: got %d of them in a weight of 1000, want 1 to 100", got)
	}
}

func TestTTLOfEachEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNear(t, Config[string]{})
		n.Set("short", "v", 1, time.Second)
		n.Set("long", "v", 2, time.Hour)
		n.Set("renewed", "v", 3, time.Second)
		time.Sleep(500 * time.Millisecond)
		want(t, n, "an entry lives for its TTL", "short", "v", 1)
		n.Set("renewed", "w", 4, time.Hour)
		time.Sleep(time.Second)
		want(t, n, "an entry dies with its TTL, and reads do not prolong it", "short", "", 0)
		want(t, n, "each entry has a TTL of its own", "long", "v", 2)
		want(t, n, "a later set has a TTL of its own", "renewed", "w", 4)
		time.Sleep(time.Hour)
		want(t, n, "an entry dies with its TTL", "long", "", 0)
		n.Close()
	})
}

func TestBounds(t *testing.T) {
	for name, cfg := range map[string]Config[string]{
		"entries": {MaxEntries: 100},
		"weight":  {MaxWeight: 1000, Weigher: func(_, v string) uint32 { return uint32(len(v)) }},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNear(t, cfg)
			for i := range 10_000 {
				n.Set(strconv.Itoa(i), "0123456789", 1, time.Hour)
			}
			n.cache.CleanUp()
			if got := n.Len(); got == 0 || got > 100 {
				t.Errorf("the tier is bounded, and not empty: got %d entries, want at most 100", got)
			}
		})
	}
}

func TestClose(t *testing.T) {
	n := newNear(t, Config[string]{})
	n.Set("k", "v", 1, time.Hour)
	for range 2 {
		if err := n.Close(); err != nil {
			t.Errorf("Close, once or again, returns nil: got %v", err)
		}
	}
	n.Set("k", "v", 1, time.Hour)
	n.Del("k")
	want(t, n, "a closed tier misses", "k", "", 0)
}

func TestCloseWhileInUse(t *testing.T) {
	n := newNear(t, Config[string]{MaxEntries: 50})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				key := strconv.Itoa(i % 100)
				n.Set(key, key, uint64(i+1), time.Hour)
				if v, _, ok := n.Get(key); ok && v != key {
					t.Errorf("a value is never under another key: %q has %q", key, v)
				}
				n.Del(key)
				if w == 0 && i == 1000 {
					n.Close()
				}
			}
		})
	}
	wg.Wait()
}

func TestAHitAllocatesNothing(t *testing.T) {
	n := newNear(t, Config[string]{})
	h, err := cascache.New(cascache.Options[string]{Namespace: "n", Near: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(t.Context()) })
	ctx := t.Context()
	if err := h.SetWithGen(ctx, "k", "v", h.SnapshotGen("k"), 0); err != nil {
		t.Fatal(err)
	}
	if v, ok, err := h.Get(ctx, "k"); v != "v" || !ok || err != nil {
		t.Fatalf("a fill is served from near alone: got %q, %v, %v", v, ok, err)
	}
	if got := testing.AllocsPerRun(500, func() { _, _, _ = h.Get(ctx, "k") }); got != 0 {
		t.Errorf("a near hit over local generations allocates nothing: got %v", got)
	}
	if err := h.Invalidate(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	if v, ok, err := h.Get(ctx, "k"); ok || err != nil {
		t.Errorf("nothing is served after an invalidation: got %q, %v", v, err)
	}
	if err := h.Close(ctx); err != nil && !errors.Is(err, cascache.ErrClosed) {
		t.Error(err)
	}
	want(t, n, "the cache closes its near tier", "k", "", 0)
}
