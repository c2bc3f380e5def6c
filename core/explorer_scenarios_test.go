package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The parts of scripts.

func (w *world) load(ctx context.Context, key string) (v int) {
	w.step(ctx, "load "+key, func() string { v = w.source[key]; return fmt.Sprint(v) })
	return v
}

func reader(keys ...string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		for _, key := range keys {
			w.read(ctx, key)
		}
	}
}

func (w *world) read(ctx context.Context, key string) bool {
	w.beginRead(ctx)
	v, ok, err := w.cache.Get(ctx, key)
	w.must(err)
	if ok {
		w.check(ctx, key, v)
	}
	return ok
}

func filler(key string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) { w.fill(ctx, key) }
}

func (w *world) fill(ctx context.Context, key string) {
	obs, err := w.cache.SnapshotGenContext(ctx, key)
	if !errors.Is(err, ErrSuspect) && !errors.Is(err, errDown) {
		w.must(err)
	}
	v := w.load(ctx, key)
	w.must(w.cache.SetWithGen(ctx, key, strconv.Itoa(v), obs, 0))
}

// readThrough reads, and fills after a miss.
func readThrough(key string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		if !w.read(ctx, key) {
			w.fill(ctx, key)
		}
	}
}

func writer(keys ...string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		versions := make([]int, len(keys))
		w.step(ctx, "commit "+strings.Join(keys, " "), func() string {
			for i, key := range keys {
				w.source[key]++
				versions[i] = w.source[key]
			}
			return fmt.Sprint(versions)
		})
		w.must(w.cache.InvalidateBulk(ctx, keys))
		for i, key := range keys {
			w.acked[key] = max(w.acked[key], versions[i])
		}
	}
}

func bulkReader(keys ...string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.beginRead(ctx)
		values, _, err := w.cache.GetBulk(ctx, keys)
		w.must(err)
		for _, key := range keys {
			if v, ok := values[key]; ok {
				w.check(ctx, key, v)
			}
		}
	}
}

func bulkFiller(keys ...string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		gens, err := w.cache.SnapshotGensContext(ctx, keys)
		w.must(err)
		items := make(map[string]string, len(keys))
		for _, key := range keys {
			items[key] = strconv.Itoa(w.load(ctx, key))
		}
		w.must(w.cache.SetBulkWithGens(ctx, items, gens, 0))
	}
}

// expiry ends the TTL of all entries of a key, wherever they are.
func expiry(key string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.step(ctx, "expire "+key, func() string {
			delete(w.entries, w.cache.keys.entry(key))
			delete(w.near, key)
			return "gone"
		})
	}
}

// outage makes the generation store miss its GenTimeout for a while.
func outage(ctx context.Context, w *world) {
	w.step(ctx, "generation store down", func() string { w.down = true; return "" })
	w.step(ctx, "generation store up", func() string { w.down = false; return "" })
}

// loss forgets the generation of each key, as a prune, an expiry, an eviction
// or a flush does.
func loss(keys ...string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		for _, key := range keys {
			w.step(ctx, "lose "+key, func() string {
				if w.local != nil {
					w.local.Cleanup(0)
				}
				delete(w.gens, w.cache.keys.entry(key))
				return "gone"
			})
		}
	}
}

// loaderReader reads through the loader. A key that the source does not have
// is at version 0.
func loaderReader(key string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.beginRead(ctx)
		v, err := w.loader.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			v, err = "0", nil
		}
		w.must(err)
		w.check(ctx, key, v)
	}
}

// loadPage makes a page: of a key "a+b" one of the rows a and b, of "a+a" one that
// reads a row twice, and of "<a+b>" one of
// that page.
func (w *world) loadPage(ctx context.Context, key string) (string, error) {
	if inner, ok := strings.CutPrefix(key, "<"); ok {
		return w.pages.Get(ctx, strings.TrimSuffix(inner, ">"))
	}
	var parts []string
	for _, row := range strings.Split(key, "+") {
		v, err := w.loader.Get(ctx, row)
		if errors.Is(err, ErrNotFound) {
			v, err = "0", nil
		}
		if err != nil {
			return "", err
		}
		parts = append(parts, v)
	}
	return strings.Join(parts, "+"), nil
}

// pageReader reads a page through its loader, and pageLooker from the cache alone.
func pageReader(page string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.beginRead(ctx)
		v, err := w.pages.Get(ctx, page)
		w.must(err)
		w.checkPage(ctx, page, v)
	}
}

func pageLooker(page string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.beginRead(ctx)
		v, ok, err := w.cache.Get(ctx, page)
		w.must(err)
		if ok {
			w.checkPage(ctx, page, v)
		}
	}
}

func bulkPageReader(pages ...string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.beginRead(ctx)
		values, _, err := w.cache.GetBulk(ctx, pages)
		w.must(err)
		for page, v := range values {
			w.checkPage(ctx, page, v)
		}
	}
}

func (w *world) checkPage(ctx context.Context, page, value string) {
	rows := strings.Split(strings.Trim(page, "<>"), "+")
	for i, v := range strings.Split(value, "+") {
		w.check(ctx, rows[i], v)
	}
}

// sweeper commits a new version of a key, and then invalidates what is not the key:
// its tag, or all there is.
func sweeper(key string, sweep func(ctx context.Context, w *world) error) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		var version int
		w.step(ctx, "commit "+key, func() string {
			w.source[key]++
			version = w.source[key]
			return fmt.Sprint(version)
		})
		w.must(sweep(ctx, w))
		w.acked[key] = max(w.acked[key], version)
	}
}

func clearing(ctx context.Context, w *world) error { return w.cache.Clear(ctx) }

func untagging(tags ...string) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error { return w.cache.InvalidateTags(ctx, tags...) }
}

// failingWriter is a writer whose bump fails, "before" or "after" it took
// effect. Since this process must not serve the old value any more, its
// invalidation counts as returned all the same.
func failingWriter(key, when string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		ctx.Value(actorKey{}).(*actor).failBump = when
		var version int
		w.step(ctx, "commit "+key, func() string {
			w.source[key]++
			version = w.source[key]
			return fmt.Sprint(version)
		})
		if err := w.cache.Invalidate(ctx, key); !errors.Is(err, errBump) {
			w.must(fmt.Errorf("an invalidation whose bump failed returned %v", err))
		}
		w.acked[key] = max(w.acked[key], version)
	}
}

// retry is one round of the background retry of failed invalidations.
func retry(ctx context.Context, w *world) { w.must(w.cache.recovery.attempt(ctx)) }

// mutator writes under a hold. outcome is what becomes of it: "" is well;
// "late" is an error, with the commit landing after it has been returned;
// "not committed" is an error without a commit.
func mutator(key, outcome string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		a := ctx.Value(actorKey{}).(*actor)
		var version int
		commit := func() string {
			w.source[key]++
			version = w.source[key]
			if a.heldIn == w.now {
				// However the writer ends: once the lease is over, nothing
				// older may be served.
				w.underHold[key] = version
			}
			return fmt.Sprint(version)
		}
		err := w.cache.Mutate(ctx, []string{key}, func(ctx context.Context) error {
			switch outcome {
			case "late":
				return errors.New("no answer")
			case "not committed":
				return ErrNotCommitted
			}
			w.step(ctx, "commit "+key, commit)
			return nil
		})
		switch outcome {
		case "late":
			w.step(ctx, "late commit "+key, commit)
		case "":
			w.must(err)
			w.acked[key] = max(w.acked[key], version)
		}
	}
}

// fillAndRead fills and then reads.
func fillAndRead(key string) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		w.fill(ctx, key)
		w.read(ctx, key)
	}
}

// dying runs a script whose process dies after some steps.
func dying(steps int, script func(context.Context, *world)) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		ctx.Value(actorKey{}).(*actor).dieAfter = steps
		script(ctx, w)
	}
}

// ticks ends the leases of all holds that stand, so many times.
func ticks(n int) func(context.Context, *world) {
	return func(ctx context.Context, w *world) {
		for range n {
			w.tick(ctx)
		}
	}
}

func (w *world) tick(ctx context.Context) {
	w.step(ctx, "tick", func() string {
		w.now++
		for entry, holds := range w.holds {
			for token, made := range holds {
				if made < w.now {
					delete(w.holds[entry], token)
				}
			}
		}
		for key, version := range w.underHold {
			w.acked[key] = max(w.acked[key], version)
		}
		return fmt.Sprint(w.now)
	})
}

func (w *world) must(err error) {
	if err != nil {
		w.violated("unexpected error: %v", err)
	}
}

// check holds what was read against what had been invalidated before the read
// began.
func (w *world) check(ctx context.Context, key, value string) {
	a := ctx.Value(actorKey{}).(*actor)
	w.count(&w.hits)
	v, err := strconv.Atoi(value)
	if err != nil || v < a.noted[key] {
		w.violated("%s read version %s of %s after the invalidation for version %d had returned",
			a.name, value, key, a.noted[key])
	}
}

type scripts = []func(context.Context, *world)

// scenarios are small enough to be exhausted.
var scenarios = map[string]scenario{
	"two read-throughs against a writer": {
		actors: scripts{readThrough("a"), readThrough("a"), writer("a")},
	},
	"a fill across a write, read twice": {
		actors: scripts{filler("a"), writer("a"), reader("a", "a")},
	},
	"a warm entry, two writers and two readers": {
		setUp:  scripts{filler("a")},
		actors: scripts{writer("a"), writer("a"), reader("a"), reader("a")},
	},
	"a fill across a loss and a write": {
		actors: scripts{filler("a"), writer("a"), loss("a"), reader("a")},
	},
	"a snapshot before a loss, two fills": {
		setUp:  scripts{filler("a")},
		actors: scripts{filler("a"), writer("a"), loss("a"), readThrough("a")},
	},
	"an entry that outlives two losses": {
		setUp:  scripts{filler("a"), writer("a"), filler("a")},
		actors: scripts{loss("a", "a"), readThrough("a"), writer("a")},
	},
	"two readers through the loader against a writer": {
		actors: scripts{loaderReader("a"), loaderReader("a"), writer("a")},
	},
	"two readers through the loader against an insert, absence cached": {
		setUp:  scripts{loaderReader("a")},
		actors: scripts{loaderReader("a"), loaderReader("a"), writer("a")},
	},
	"a loader, a loss and a writer": {
		setUp:  scripts{writer("a"), filler("a")},
		actors: scripts{loaderReader("a"), loss("a"), writer("a"), reader("a")},
	},
	"a writer under a hold": {
		setUp:  scripts{filler("a")},
		actors: scripts{mutator("a", ""), readThrough("a"), readThrough("a")},
	},
	"a writer that does not commit": {
		setUp:  scripts{filler("a")},
		actors: scripts{mutator("a", "not committed"), writer("a"), readThrough("a")},
	},
	"a late commit under a hold": {
		setUp:  scripts{filler("a")},
		actors: scripts{mutator("a", "late"), ticks(1), readThrough("a"), reader("a")},
	},
	"a writer that dies with the hold": {
		setUp:  scripts{filler("a")},
		actors: scripts{dying(1, mutator("a", "")), ticks(1), readThrough("a"), reader("a")},
	},
	"a writer that dies after its commit": {
		setUp:  scripts{filler("a")},
		actors: scripts{dying(2, mutator("a", "")), ticks(1), readThrough("a"), reader("a")},
	},
	"a writer that dies after its release": {
		setUp:  scripts{filler("a")},
		actors: scripts{dying(3, mutator("a", "")), ticks(1), readThrough("a"), reader("a")},
	},
	"a fill across a write under a hold": {
		actors: scripts{mutator("a", ""), filler("a"), reader("a", "a")},
	},
	"two writers under holds, one dying": {
		actors: scripts{mutator("a", ""), dying(2, mutator("a", "")), ticks(2), fillAndRead("a")},
	},
	"an invalidation during a hold whose writer dies": {
		actors: scripts{dying(2, mutator("a", "")), writer("a"), ticks(1), fillAndRead("a")},
	},
	"a failed bump and a good one, each with a reply": {
		replies: true,
		setUp:   scripts{filler("a")},
		actors:  scripts{failingWriter("a", "before"), writer("a"), readThrough("a"), reader("a")},
	},
	"a bump that was applied and failed, and its retry": {
		setUp:  scripts{filler("a")},
		actors: scripts{failingWriter("a", "after"), retry, readThrough("a"), reader("a")},
	},
	"a near entry against a writer": {
		near:   true,
		setUp:  scripts{filler("a")},
		actors: scripts{writer("a"), readThrough("a"), reader("a")},
	},
	"a fill of near across a write": {
		near:   true,
		actors: scripts{filler("a"), writer("a"), reader("a")},
	},
	"near and a provider that has more": {
		near:   true,
		setUp:  scripts{filler("a")},
		actors: scripts{writer("a"), filler("a"), reader("a")},
	},
	"near, a loss and a write": {
		near:   true,
		setUp:  scripts{filler("a")},
		actors: scripts{loss("a"), writer("a"), readThrough("a")},
	},
	"absence kept near, and an insert": {
		near:   true,
		actors: scripts{loaderReader("a"), loaderReader("a"), writer("a")},
	},
	"near in bulks against a writer": {
		near:    true,
		batches: true,
		setUp:   scripts{filler("a")},
		actors:  scripts{bulkReader("a", "b"), writer("a"), bulkFiller("a", "b")},
	},
	"batches against a writer": {
		batches: true,
		setUp:   scripts{bulkFiller("a", "b")},
		actors:  scripts{bulkReader("a", "b"), writer("a"), filler("a")},
	},
	"batches, two writers and a loss": {
		batches: true,
		setUp:   scripts{bulkFiller("a", "b")},
		actors:  scripts{bulkReader("a", "b"), writer("a", "b"), loss("a"), bulkReader("a", "b")},
	},
	"a TTL that ends in the middle": {
		near:   true,
		setUp:  scripts{filler("a")},
		actors: scripts{expiry("a"), writer("a"), readThrough("a")},
	},
	"look-ups that time out": {
		setUp:  scripts{filler("a")},
		actors: scripts{outage, writer("a"), readThrough("a"), reader("a")},
	},
	"a page of a row against a writer": {
		actors: scripts{pageReader("a+a"), writer("a"), pageLooker("a+a")},
	},
	"a page of two rows against a writer of one": {
		setUp:  scripts{filler("b")},
		actors: scripts{pageReader("a+b"), writer("a"), pageLooker("a+b")},
	},
	"a page against two writers": {
		setUp:  scripts{filler("a"), filler("b")},
		actors: scripts{pageReader("a+b"), writer("a"), writer("b"), pageLooker("a+b")},
	},
	"two readers of a page against a writer": {
		setUp:  scripts{filler("a"), filler("b")},
		actors: scripts{pageReader("a+b"), pageReader("a+b"), writer("a")},
	},
	"a warm page against a writer and a loss": {
		setUp:  scripts{pageReader("a+b")},
		actors: scripts{writer("b"), loss("b"), pageLooker("a+b"), pageReader("a+b")},
	},
	"a page of a page against a writer": {
		setUp:  scripts{filler("a"), filler("b")},
		actors: scripts{pageReader("<a+b>"), writer("a"), pageLooker("<a+b>")},
	},
	"a page near against a writer": {
		near:   true,
		setUp:  scripts{pageReader("a+b")},
		actors: scripts{writer("a"), pageLooker("a+b"), pageReader("a+b")},
	},
	"a page against a failed bump and its retry": {
		setUp:  scripts{pageReader("a+b")},
		actors: scripts{failingWriter("a", "before"), retry, pageLooker("a+b"), pageReader("a+b")},
	},
	"a page against a writer under a hold that dies": {
		setUp:  scripts{pageReader("a+b")},
		actors: scripts{dying(2, mutator("a", "")), ticks(1), pageReader("a+b")},
	},
	"a page in a bulk against a writer": {
		setUp:  scripts{pageReader("a+b"), pageReader("b+b")},
		actors: scripts{writer("a"), bulkPageReader("a+b", "b+b"), pageLooker("a+b")},
	},
	"a fill by hand against a clear": {
		clearable: true,
		actors:    scripts{filler("a"), sweeper("a", clearing), reader("a", "a")},
	},
	"a bulk fill by hand against a clear": {
		clearable: true,
		actors:    scripts{bulkFiller("a", "b"), sweeper("a", clearing), bulkReader("a", "b")},
	},
	"two readers through the loader against a clear": {
		clearable: true,
		actors:    scripts{loaderReader("a"), loaderReader("a"), sweeper("a", clearing)},
	},
	"a fill by hand against its tag": {
		tagged: true,
		actors: scripts{filler("a"), sweeper("a", untagging("a", "b")), reader("a")},
	},
	"a tag known too late against its invalidation": {
		tagsOf: func(key, _ string) []string { return []string{"t" + key} },
		setUp:  scripts{writer("a")},
		actors: scripts{loaderReader("a"), sweeper("a", untagging("ta")), reader("a")},
	},
	"two readers of a late tag against its invalidation": {
		tagsOf: func(key, _ string) []string { return []string{"t" + key} },
		setUp:  scripts{writer("a")},
		actors: scripts{loaderReader("a"), loaderReader("a"), sweeper("a", untagging("ta"))},
	},
	"a bulk read and a bulk fill against a writer": {
		actors: scripts{bulkFiller("a", "b"), writer("b"), bulkReader("a", "b")},
	},
	"a warm bulk against a writer of both members": {
		setUp:  scripts{bulkFiller("a", "b")},
		actors: scripts{writer("a", "b"), bulkReader("a", "b"), bulkReader("b", "a")},
	},
	"a warm bulk, a writer, a loss and a single fill": {
		setUp:  scripts{bulkFiller("a", "b")},
		actors: scripts{bulkReader("a", "b"), writer("b"), loss("b"), filler("b")},
	},
}

// Each of these is played over a Combined as well, in each order of reading.
var combinedToo = []string{
	"two read-throughs against a writer",
	"a fill across a write, read twice",
	"a fill across a loss and a write",
	"an entry that outlives two losses",
	"two readers through the loader against a writer",
	"two readers through the loader against an insert, absence cached",
	"a loader, a loss and a writer",
	"a late commit under a hold",
	"a writer that dies after its commit",
	"an invalidation during a hold whose writer dies",
	"a failed bump and a good one, each with a reply",
	"a bump that was applied and failed, and its retry",
	"a fill of near across a write",
	"near and a provider that has more",
	"near, a loss and a write",
	"look-ups that time out",
	"a bulk read and a bulk fill against a writer",
	"a warm bulk against a writer of both members",
	"a warm bulk, a writer, a loss and a single fill",
	"near in bulks against a writer",
	"a page of a row against a writer",
	"a page of two rows against a writer of one",
	"two readers of a page against a writer",
	"a warm page against a writer and a loss",
	"a page in a bulk against a writer",
	"a fill by hand against a clear",
	"a bulk fill by hand against a clear",
	"two readers through the loader against a clear",
	"a tag known too late against its invalidation",
}

// allScenarios are scenarios, and those of combinedToo with a Combined.
func allScenarios() map[string]scenario {
	all := maps.Clone(scenarios)
	for _, name := range combinedToo {
		for _, order := range []readOrder{atOnce, valueFirst, gensFirst} {
			s := scenarios[name]
			s.combined = order
			all[name+", combined "+string(order)] = s
		}
	}
	return all
}

func TestExplorerExhaustsSmallScripts(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("one goroutine runs at a time: the short form tries this without -race")
	}
	scenarios := allScenarios()
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := scenarios[name].exhaust(t)
			t.Logf("%d runs, %d states, %d hits, %d fills refused", e.runs, e.states, e.hits, e.refused)
			if e.stale != nil {
				t.Fatalf("the promise is broken in this order of steps:\n\t%s\n%s",
					strings.Join(e.stale.log, "\n\t"), strings.Join(e.stale.stale, "\n"))
			}
			if e.hits == 0 {
				t.Fatal("no order of steps had a hit: the scenario shows nothing")
			}
		})
	}
}

func TestExplorerSamplesLargerScripts(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("one goroutine runs at a time: the short form tries this without -race")
	}
	large := scenario{
		setUp: scripts{bulkFiller("a", "b"), filler("c")},
		actors: scripts{
			readThrough("a"), readThrough("b"), bulkReader("a", "b"), bulkFiller("a", "b", "c"),
			writer("a"), writer("b", "c"), loss("a", "b"), reader("a", "b", "c"),
		},
	}
	runs := 3_000
	if testing.Short() {
		runs = 500
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := large
			s.local = seed == 1
			s.combined = []readOrder{"", "", valueFirst, gensFirst}[seed]
			e := s.sample(t, seed, runs)
			if e.stale != nil {
				t.Fatalf("the promise is broken in this order of steps:\n\t%s\n%s",
					strings.Join(e.stale.log, "\n\t"), strings.Join(e.stale.stale, "\n"))
			}
			if e.hits == 0 || e.refused == 0 {
				t.Fatalf("the sample shows nothing: %d hits, %d fills refused", e.hits, e.refused)
			}
		})
	}
}

// An explorer that cannot find a stale read proves nothing.
func TestExplorerFindsBrokenRules(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("one goroutine runs at a time: the short form tries this without -race")
	}
	for _, c := range []struct {
		name     string
		scenario string
		fault    storeFault
	}{
		{"the compare removed", "a fill across a write, read twice", constantGens},
		{"the compare removed, in a bulk", "a warm bulk against a writer of both members", constantGens},
		{"G1: generations count from zero after a loss", "a fill across a loss and a write", fromZero},
		{"a hold without a bump", "a fill across a write under a hold", holdKeepsGen},
		{"a release by whoever ends first", "two writers under holds, one dying", releaseFreesAll},
		{"a counter for a set of holders", "two writers under holds, one dying", holdsCounted},
		{"G3: a missing generation is a number that can be matched later", "a fill across a loss and a write", lossIsZero},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scenarios[c.scenario]
			s.broken = c.fault
			e := s.exhaust(t)
			if e.stale == nil {
				t.Fatalf("the explorer must find the stale read: %d runs over %d states found none", e.runs, e.states)
			}
			t.Logf("found in run %d:\n\t%s\n%s", e.runs, strings.Join(e.stale.log, "\n\t"), e.stale.stale[0])
		})
	}
}
