package conformance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A step is one moment of a history: what begins or ends there.
type step struct {
	what    string // "read", "load", "inv" or an end: "hit", "loaded", "inv ok", "inv failed"
	name    string // of the call, so that several can overlap
	version uint64
}

// play tells a checker of a history of one key and returns its verdict.
func play(c *Checker, steps []step) {
	reads := make(map[string]*Read)
	loads := make(map[string]*Load)
	invalidations := make(map[string]*Invalidation)
	for _, s := range steps {
		switch s.what {
		case "read":
			reads[s.name] = c.BeginRead("k")
		case "hit":
			reads[s.name].Hit(s.version)
		case "load":
			loads[s.name] = c.BeginLoad("k")
		case "loaded":
			loads[s.name].End(s.version)
		case "inv":
			invalidations[s.name] = c.BeginInvalidation("k")
		case "inv ok":
			invalidations[s.name].End(nil)
		case "inv failed":
			invalidations[s.name].End(errors.New("not known to be done"))
		default:
			panic(s.what)
		}
	}
}

func TestCheckerJudgesHistories(t *testing.T) {
	loaded := func(version uint64) []step { return []step{{what: "load"}, {what: "loaded", version: version}} }
	invalidated := []step{{what: "inv"}, {what: "inv ok"}}
	hit := func(version uint64) []step { return []step{{what: "read"}, {what: "hit", version: version}} }
	join := func(parts ...[]step) (steps []step) {
		for _, part := range parts {
			steps = append(steps, part...)
		}
		return steps
	}
	for _, test := range []struct {
		name  string
		steps []step
		wrong int // how many reads are
	}{
		{"load, read", join(loaded(1), hit(1)), 0},
		{"load, invalidate, read", join(loaded(1), invalidated, hit(1)), 1},
		{"load, invalidate, miss", join(loaded(1), invalidated, []step{{what: "read"}}), 0},
		{"load, invalidate, load, read the new one", join(loaded(1), invalidated, loaded(2), hit(2)), 0},
		{"load, invalidate, load, read the old one", join(loaded(1), invalidated, loaded(2), hit(1)), 1},
		{"the load ends while the invalidation runs", []step{
			{what: "load"}, {what: "inv"}, {what: "loaded", version: 1}, {what: "inv ok"}, {what: "read"}, {what: "hit", version: 1},
		}, 0},
		{"the load begins before and ends after the invalidation", []step{
			{what: "load"}, {what: "inv"}, {what: "inv ok"}, {what: "loaded", version: 1}, {what: "read"}, {what: "hit", version: 1},
		}, 0},
		{"the load ends just before the invalidation begins", []step{
			{what: "load"}, {what: "loaded", version: 1}, {what: "inv"}, {what: "inv ok"}, {what: "read"}, {what: "hit", version: 1},
		}, 1},
		{"the read begins before the invalidation returns", join(loaded(1), []step{
			{what: "inv"}, {what: "read"}, {what: "inv ok"}, {what: "hit", version: 1},
		}), 0},
		{"the read begins just after the invalidation returns", join(loaded(1), []step{
			{what: "inv"}, {what: "inv ok"}, {what: "read"}, {what: "hit", version: 1},
		}), 1},
		{"the invalidation has not returned", join(loaded(1), []step{{what: "inv"}}, hit(1)), 0},
		{"the invalidation failed", join(loaded(1), []step{{what: "inv"}, {what: "inv failed"}}, hit(1)), 0},
		{"one invalidation failed and another did not", join(loaded(1), invalidated, []step{{what: "inv"}, {what: "inv failed"}}, hit(1)), 1},
		{"the same version is loaded again", join(loaded(1), invalidated, loaded(1), hit(1)), 0},
		{"the same version is loaded again, and invalidated again", join(loaded(1), invalidated, loaded(1), invalidated, hit(1)), 1},
		{"of two invalidations the one that began later returned earlier", join(
			[]step{{"inv", "early", 0}}, loaded(1), []step{{"inv", "late", 0}, {"inv ok", "late", 0}, {"inv ok", "early", 0}}, hit(1)), 1},
		{"of two invalidations only the early one has returned", join(
			[]step{{"inv", "early", 0}}, loaded(1), []step{{"inv", "late", 0}, {"inv ok", "early", 0}}, hit(1)), 0},
		{"a version that nobody loaded, before any invalidation", hit(7), 0},
		{"a version that nobody loaded, after an invalidation", join(invalidated, hit(7)), 1},
		{"two reads of which one is wrong", join(loaded(1), []step{{"read", "a", 0}}, invalidated, []step{
			{"read", "b", 0}, {"hit", "b", 1}, {"hit", "a", 1},
		}), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewChecker(CheckerOptions{})
			play(c, test.steps)
			if got := len(c.Violations()); got != test.wrong {
				t.Errorf("got %d violations, want %d:\n%v", got, test.wrong, c.Err())
			}
			if (c.Err() != nil) != (test.wrong > 0) {
				t.Errorf("Err returned %v after %d violations", c.Err(), test.wrong)
			}
		})
	}
}

func TestViolationTellsItsHistoryInOrder(t *testing.T) {
	c := NewChecker(CheckerOptions{})
	play(c, []step{
		{what: "load"}, {what: "loaded", version: 41}, {what: "inv"}, {what: "inv ok"}, {what: "read"}, {what: "hit", version: 41},
	})
	text := c.Err().Error()
	at := 0
	for _, part := range []string{`read of "k" returned version 41`, "load: the source had version 41", "invalidation: returned nil", "read: returned version 41"} {
		i := strings.Index(text[at:], part)
		if i < 0 {
			t.Fatalf("the report does not say %q, in that order:\n%s", part, text)
		}
		at += i
	}
}

func TestCheckerForgetsVersionsAndStillJudges(t *testing.T) {
	c := NewChecker(CheckerOptions{MaxVersions: 4})
	load := func(version uint64) { c.BeginLoad("k").End(version) }
	for version := range uint64(100) {
		load(version)
	}
	h := c.keys["k"]
	if len(h.loads) != 4 || len(h.order) != 4 {
		t.Fatalf("of 100 versions %d are remembered, want 4", len(h.loads))
	}
	if read := c.BeginRead("k"); !read.Hit(3) {
		t.Error("a version that was forgotten is no violation without an invalidation")
	}
	c.BeginInvalidation("k").End(nil)
	if read := c.BeginRead("k"); read.Hit(3) {
		t.Error("a version that was forgotten before an invalidation began must not be read after it")
	}
	if !strings.Contains(c.Err().Error(), "forgotten") {
		t.Errorf("the report does not say that the load is forgotten:\n%v", c.Err())
	}
	load(100)
	c.BeginInvalidation("k")
	for version := range uint64(10) {
		load(101 + version)
	}
	if read := c.BeginRead("k"); !read.Hit(101) {
		t.Error("a version that may have been loaded after the last invalidation is no violation")
	}
}

func TestCheckerForgetsKeysAndRaisesNoFalseAlarm(t *testing.T) {
	c := NewChecker(CheckerOptions{MaxKeys: 8})
	for round := range 50 {
		for i := range 40 {
			key := fmt.Sprint("key-", i)
			version := uint64(round)
			c.BeginInvalidation(key).End(nil)
			c.BeginLoad(key).End(version)
			if read := c.BeginRead(key); !read.Hit(version) {
				t.Fatalf("a false alarm:\n%v", c.Err())
			}
		}
	}
	if n := len(c.keys); n > 8 {
		t.Errorf("%d keys are watched, want 8 at most", n)
	}
	// A load that began under a history which is forgotten meanwhile.
	load := c.BeginLoad("early")
	for i := range 40 {
		c.BeginRead(fmt.Sprint("other-", i))
	}
	c.BeginInvalidation("early").End(nil)
	load.End(1)
	if read := c.BeginRead("early"); !read.Hit(1) {
		t.Errorf("a false alarm:\n%v", c.Err())
	}
}

func TestCheckerKeepsAFewViolationsAndCountsAll(t *testing.T) {
	c := NewChecker(CheckerOptions{MaxViolations: 2})
	play(c, []step{{what: "load"}, {what: "loaded", version: 1}, {what: "inv"}, {what: "inv ok"}})
	for range 5 {
		c.BeginRead("k").Hit(1)
	}
	if len(c.Violations()) != 2 || c.Counts().Violations != 5 || !strings.Contains(c.Err().Error(), "and 3 more") {
		t.Errorf("got %d violations of %d:\n%v", len(c.Violations()), c.Counts().Violations, c.Err())
	}
	if got, want := c.Counts(), (Counts{Reads: 5, Hits: 5, Loads: 1, Invalidations: 1, Violations: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCheckerTakesTheSameTimeHoweverLongTheHistory(t *testing.T) {
	c := NewChecker(CheckerOptions{})
	run := func(n int) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			for i := range n {
				c.BeginInvalidation("k").End(nil)
				c.BeginLoad("k").End(uint64(i))
				c.BeginRead("k").Hit(uint64(i))
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	young := run(200)
	run(50_000)
	if old := run(200); old > 20*young+time.Millisecond {
		t.Errorf("200 events took %v at first, and %v after a history of 250,000", young, old)
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

func BenchmarkChecker(b *testing.B) {
	c := NewChecker(CheckerOptions{})
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		c.BeginLoad("k").End(i)
		c.BeginRead("k").Hit(i)
	}
}
