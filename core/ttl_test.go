package cascache

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestTTLWithoutJitter(t *testing.T) {
	ttls := ttls{single: time.Minute, bulk: time.Hour}
	for _, c := range []struct{ asked, fallback, want time.Duration }{
		{0, ttls.single, time.Minute},
		{0, ttls.bulk, time.Hour},
		{time.Second, ttls.single, time.Second},
		{time.Nanosecond, ttls.single, time.Nanosecond},
		{math.MaxInt64, ttls.single, math.MaxInt64},
	} {
		if got := ttls.of(c.asked, c.fallback); got != c.want {
			t.Errorf("a TTL is what was asked for, or the default for 0: asked %v: got %v, want %v", c.asked, got, c.want)
		}
	}
}

func TestTTLJitterStaysInItsBounds(t *testing.T) {
	for _, c := range []struct {
		ttl, least time.Duration
		jitter     float64
	}{
		{time.Hour, 45 * time.Minute, 0.25},
		{time.Hour, 0, math.Nextafter(1, 0)},
		{10 * time.Millisecond, time.Millisecond, 0.99},
		{2 * time.Millisecond, time.Millisecond, 0.99},
		{time.Millisecond, time.Millisecond, 0.99},
		{time.Microsecond, time.Microsecond, 0.99},
		{math.MaxInt64, math.MaxInt64 / 2, 0.5},
	} {
		ttls := ttls{single: c.ttl, jitter: c.jitter}
		least, most := c.ttl, time.Duration(0)
		for range 2000 {
			got := ttls.of(0, ttls.single)
			least, most = min(least, got), max(most, got)
		}
		floor := max(c.least, min(time.Millisecond, c.ttl))
		if least < floor || most > c.ttl {
			t.Errorf("jitter %v shortens a TTL of %v by up to its share, never below 1 ms, and never lengthens it: got %v to %v, want within %v to %v",
				c.jitter, c.ttl, least, most, floor, c.ttl)
		}
		// All of the range is used: with 2000 draws, the tenth at either end
		// stays empty once in 10^91 runs.
		if width := c.ttl - floor; c.ttl >= time.Hour && c.jitter == 0.25 && (least > floor+width/10 || most < c.ttl-width/10) {
			t.Errorf("jitter spreads over its whole range: got %v to %v of %v to %v", least, most, floor, c.ttl)
		}
	}
}

func TestTTLsAsStored(t *testing.T) {
	const single, bulk, asked = 3 * time.Minute, 5 * time.Minute, 7 * time.Second
	for name, c := range map[string]struct {
		asked, single, bulk time.Duration
		change              func(*Options[string])
	}{
		"none asked for, none configured": {0, 10 * time.Minute, 10 * time.Minute, func(*Options[string]) {}},
		"none asked for": {0, single, bulk, func(o *Options[string]) {
			o.DefaultTTL, o.BulkTTL = single, bulk
		}},
		"asked for": {asked, asked, asked, func(o *Options[string]) {
			o.DefaultTTL, o.BulkTTL = single, bulk
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []*rig{newRig(t, c.change), newBulkRig(t, c.change)} {
				if err := r.SetWithGen(t.Context(), "k", "v", r.SnapshotGen("k"), c.asked); err != nil {
					t.Fatal(err)
				}
				obs := r.SnapshotGens([]string{"a", "b"})
				if err := r.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "2"}, obs, c.asked); err != nil {
					t.Fatal(err)
				}
				for entry, want := range map[string]time.Duration{
					"single:n:k": c.single, "single:n:a": c.single, "single:n:b": c.single, bulkOfAB: c.bulk,
				} {
					if got, ok := r.provider.entry(entry); got.ttl != want || !ok {
						t.Errorf("singles live for DefaultTTL and bulks for BulkTTL unless the call says otherwise: %s: got %v, want %v", entry, got.ttl, want)
					}
				}
			}
		})
	}
}

// Entries that are stored together do not expire together.
func TestJitterIsDrawnForEachEntry(t *testing.T) {
	r := newRig(t, func(o *Options[string]) { o.TTLJitter, o.DefaultTTL, o.BulkTTL = 0.5, time.Hour, time.Hour })
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
	seen := make(map[time.Duration]bool)
	for _, entry := range []string{"single:n:a", "single:n:b", bulkOfAB} {
		e, _ := r.provider.entry(entry)
		if e.ttl < 30*time.Minute || e.ttl > time.Hour {
			t.Errorf("jitter shortens a TTL by up to its share: got %v of %v", e.ttl, time.Hour)
		}
		seen[e.ttl] = true
	}
	if len(seen) != 3 {
		t.Errorf("each TTL gets a jitter of its own: got %v", seen)
	}
}

func TestANegativeTTLIsAnError(t *testing.T) {
	r := newRig(t)
	for _, ttl := range []time.Duration{-1, -time.Hour, math.MinInt64} {
		if err := r.SetWithGen(t.Context(), "k", "v", r.SnapshotGen("k"), ttl); !errors.Is(err, ErrInvalidTTL) {
			t.Errorf("a negative TTL is an error: SetWithGen with %v: got %v, want %v", ttl, err, ErrInvalidTTL)
		}
		err := r.SetBulkWithGens(t.Context(), map[string]string{"k": "v"}, r.SnapshotGens([]string{"k"}), ttl)
		if !errors.Is(err, ErrInvalidTTL) {
			t.Errorf("a negative TTL is an error: SetBulkWithGens with %v: got %v, want %v", ttl, err, ErrInvalidTTL)
		}
	}
	if got := r.provider.count("set"); got != 0 {
		t.Errorf("a negative TTL stores nothing: got %d sets", got)
	}
}

// A bulk entry lives no longer than its shortest member.
func TestABulkLivesNoLongerThanItsMembers(t *testing.T) {
	const short = 200 * time.Millisecond
	for name, change := range map[string]func(*Options[string]){
		"apart": func(*Options[string]) {},
		"together": func(o *Options[string]) {
			both := joined{o.Provider, o.GenStore}
			o.Provider, o.GenStore = both, both
		},
	} {
		for what, c := range map[string]struct {
			a, b   time.Duration // as the loader says
			most   time.Duration // of the bulk
			jitter float64
		}{
			"one short":          {short, 0, short, 0},
			"both, one short":    {time.Hour, short, short, 0},
			"long":               {time.Hour, 2 * time.Hour, 5 * time.Minute, 0},
			"none":               {0, 0, 5 * time.Minute, 0},
			"jitter":             {short, time.Hour, short, 0.9},
			"a nanosecond":       {1, 0, 1, 0},
			"for ever":           {math.MaxInt64, math.MaxInt64, 5 * time.Minute, 0},
			"one stores nothing": {-1, short, 0, 0},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				for _, newOne := range rigs {
					r := newOne(t, func(o *Options[string]) { o.BulkTTL, o.TTLJitter = 5*time.Minute, c.jitter }, change)
					l, err := NewLoader(r.Handle, LoaderOptions[string]{
						LoadMany: func(context.Context, []string) (map[string]string, error) { return ab, nil },
						TTL: func(key, _ string) time.Duration {
							if key == "a" {
								return c.a
							}
							return c.b
						},
					})
					if err != nil {
						t.Fatal(err)
					}
					if values, err := l.GetMany(t.Context(), []string{"a", "b"}); len(values) != 2 || err != nil {
						t.Fatalf("got %v, %v", values, err)
					}
					bulks := 0
					r.provider.mu.Lock()
					for entry, e := range r.provider.entries {
						if !strings.HasPrefix(entry, bulkPrefix) {
							continue
						}
						bulks++
						if e.ttl > c.most || c.jitter == 0 && e.ttl != c.most {
							t.Errorf("a bulk lives no longer than its shortest member: got %v, want %v", e.ttl, c.most)
						}
						if a, b := r.provider.entries["single:n:a"], r.provider.entries["single:n:b"]; c.jitter > 0 && e.ttl > min(a.ttl, b.ttl) {
							t.Errorf("a bulk lives no longer than its shortest member: got %v beside %v and %v", e.ttl, a.ttl, b.ttl)
						}
					}
					r.provider.mu.Unlock()
					if want := c.most > 0; (bulks == 1) != want {
						t.Errorf("a bulk is written if every member is stored: got %d bulks", bulks)
					}
				}
			})
		}
		t.Run(name+", SetBulkWithGens", func(t *testing.T) {
			r := newRig(t, func(o *Options[string]) { o.TTLJitter = 0.9 }, change)
			for range 20 {
				if err := r.SetBulkWithGens(t.Context(), ab, r.SnapshotGens([]string{"a", "b"}), time.Hour); err != nil {
					t.Fatal(err)
				}
				a, _ := r.provider.entry("single:n:a")
				b, _ := r.provider.entry("single:n:b")
				if bulk, ok := r.provider.entry(bulkOfAB); !ok || bulk.ttl > min(a.ttl, b.ttl) {
					t.Fatalf("a bulk lives no longer than its shortest member: got %v beside %v and %v", bulk.ttl, a.ttl, b.ttl)
				}
			}
		})
	}
}

// A member that is not stored leaves no bulk entry of the others behind, which
// nobody would ask for.
func TestAMemberThatStoresNothingMeansNoBulk(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		l, err := NewLoader(r.Handle, LoaderOptions[string]{
			LoadMany: func(context.Context, []string) (map[string]string, error) {
				return map[string]string{"a": "1", "b": "2", "c": "3"}, nil
			},
			TTL: func(key, _ string) time.Duration {
				if key == "c" {
					return -1
				}
				return time.Hour
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if values, err := l.GetMany(t.Context(), []string{"a", "b", "c"}); len(values) != 3 || err != nil {
			t.Fatalf("got %v, %v", values, err)
		}
		r.wantEntries(t, "a member with a negative TTL is not stored, and no bulk is", "single:n:a", "single:n:b")
	})
}
