package cascache

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The explorer runs small scripts of readers, fillers, writers and losses
// through the real cache in every possible order of their calls to the
// provider, the generation store and the source. Each such call is a step, and
// a step runs only when the scheduler says so; between two steps nothing but
// the code of one actor runs. A state that was reached before, by another
// order, is not explored again.

// world is one run: the state that the actors share, and the schedule.
type world struct {
	cache   *Handle[string]
	entries map[string]string // the provider
	gens    map[string]uint64 // the generation store
	drawn   uint64            // the last generation drawn; survives any loss
	local   *LocalGenStore    // set: keeps the generations instead
	source  map[string]int    // the version committed last
	acked   map[string]int    // the highest version whose invalidation has returned
	broken  storeFault

	actors  []*actor
	parked  chan *actor
	log     []string
	stale   []string
	hits    int
	refused int // fills that the compare refused
}

// storeFault makes the generation store break a rule, to see it found.
type storeFault int

const (
	sound        storeFault = iota
	constantGens            // every key always has generation 1: a cache without a compare
	fromZero                // generations count from 1 again after a loss (breaks G1)
	lossIsZero              // Current answers 1 for a missing generation, Snapshot too (breaks G3)
)

type actor struct {
	name   string
	script func(context.Context, *world)

	resume  chan struct{}
	pending string // the step it waits for; empty when it has ended
	trace   uint64 // a digest of all it has seen: with its script, its whole state
	noted   map[string]int
}

type actorKey struct{}

// step waits for the scheduler, then runs do, whose result is what the actor
// learns.
func (w *world) step(ctx context.Context, label string, do func() string) {
	a := ctx.Value(actorKey{}).(*actor)
	a.pending = label
	w.parked <- a
	<-a.resume
	result := do()
	h := fnv.New64a()
	fmt.Fprintf(h, "%x|%s|%s", a.trace, label, result)
	a.trace = h.Sum64()
	w.log = append(w.log, fmt.Sprintf("%s: %s -> %s", a.name, label, result))
}

// digest identifies the state of the run.
func (w *world) digest() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(w.entries)) {
		fmt.Fprintf(&b, "%s=%x;", k, w.entries[k])
	}
	for _, k := range slices.Sorted(maps.Keys(w.gens)) {
		fmt.Fprintf(&b, "%s=%d;", k, w.gens[k])
	}
	fmt.Fprintf(&b, "%d;%v;%v;", w.drawn, w.source, w.acked)
	for _, a := range w.actors {
		fmt.Fprintf(&b, "%x,%s,%v;", a.trace, a.pending, a.noted)
	}
	return b.String()
}

// The cache's provider, each call a step.
type steppedProvider struct{ w *world }

func (p steppedProvider) Get(ctx context.Context, key string) (value []byte, ok bool, _ error) {
	p.w.step(ctx, "get "+key, func() string {
		// What a reader must see is settled here, not when it was created:
		// all that was invalidated before its first look at anything.
		a := ctx.Value(actorKey{}).(*actor)
		if a.noted == nil {
			a.noted = maps.Clone(p.w.acked)
		}
		s, found := p.w.entries[key]
		value, ok = []byte(s), found
		return fmt.Sprintf("%x %v", s, found)
	})
	return value, ok, nil
}

func (p steppedProvider) Set(ctx context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p.w.step(ctx, "set "+key, func() string {
		p.w.entries[key] = string(value)
		return "ok"
	})
	return true, nil
}

func (p steppedProvider) Del(ctx context.Context, key string) error {
	p.w.step(ctx, "del "+key, func() string {
		delete(p.w.entries, key)
		return "ok"
	})
	return nil
}

func (steppedProvider) Close(context.Context) error { return nil }

// The cache's generation store, each call a step.
type steppedGens struct{ w *world }

func (s steppedGens) NonBlocking() bool { return true }

func (s steppedGens) draw(key string) uint64 {
	if s.w.broken == fromZero {
		s.w.gens[key]++
	} else {
		s.w.drawn++
		s.w.gens[key] = s.w.drawn
	}
	return s.w.gens[key]
}

func (s steppedGens) Current(ctx context.Context, key string) (gen uint64, err error) {
	s.w.step(ctx, "current "+key, func() string {
		if s.w.local != nil {
			gen, err = s.w.local.Current(ctx, key)
			return fmt.Sprint(gen)
		}
		gen = s.w.gens[key]
		if gen == 0 && s.w.broken == lossIsZero || s.w.broken == constantGens {
			gen = 1
		}
		return fmt.Sprint(gen)
	})
	return gen, err
}

func (s steppedGens) Snapshot(ctx context.Context, key string) (gen uint64, err error) {
	s.w.step(ctx, "snapshot "+key, func() string {
		if s.w.local != nil {
			gen, err = s.w.local.Snapshot(ctx, key)
			return fmt.Sprint(gen)
		}
		gen = s.w.gens[key]
		switch {
		case s.w.broken == constantGens || gen == 0 && s.w.broken == lossIsZero:
			gen = 1
		case gen == 0:
			gen = s.draw(key)
		}
		return fmt.Sprint(gen)
	})
	return gen, err
}

func (s steppedGens) Bump(ctx context.Context, key string) (gen uint64, err error) {
	s.w.step(ctx, "bump "+key, func() string {
		if s.w.local != nil {
			gen, err = s.w.local.Bump(ctx, key)
			return fmt.Sprint(gen)
		}
		if s.w.broken == lossIsZero && s.w.drawn == 0 {
			s.w.drawn = 1 // 1 is taken: it stands for "missing"
		}
		gen = s.draw(key)
		return fmt.Sprint(gen)
	})
	return gen, err
}

func (steppedGens) Close(context.Context) error { return nil }

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
	ctx.Value(actorKey{}).(*actor).noted = nil
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
	w.must(err)
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
		ctx.Value(actorKey{}).(*actor).noted = nil
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

func (w *world) must(err error) {
	if err != nil {
		w.stale = append(w.stale, "unexpected error: "+err.Error())
	}
}

// check holds what was read against what had been invalidated before the read
// began.
func (w *world) check(ctx context.Context, key, value string) {
	a := ctx.Value(actorKey{}).(*actor)
	w.hits++
	v, err := strconv.Atoi(value)
	if err != nil || v < a.noted[key] {
		w.stale = append(w.stale, fmt.Sprintf("%s read version %s of %s after the invalidation for version %d had returned",
			a.name, value, key, a.noted[key]))
	}
}

// scenario is a set of scripts that run at once, after a set-up in order.
type scenario struct {
	broken storeFault
	local  bool // generations in a LocalGenStore; its losses are prunes
	setUp  []func(context.Context, *world)
	actors []func(context.Context, *world)
}

// run plays the scenario. choose picks among the actors that can go on; it is
// asked once a step and is given the state. A negative answer means that
// nothing new can follow: the rest is played in any order.
func (s scenario) run(t testing.TB, choose func(w *world, able []*actor) int) *world {
	w := &world{
		entries: map[string]string{}, gens: map[string]uint64{},
		source: map[string]int{}, acked: map[string]int{},
		broken: s.broken,
		parked: make(chan *actor),
	}
	hooks := &Hooks{SetSkipped: func(context.Context, SetSkippedEvent) { w.refused++ }}
	if s.local {
		w.local = NewLocalGenStore(0, 0)
		defer w.local.Close(context.Background())
	}
	cache, err := New(Options[string]{
		Namespace: "x", Provider: steppedProvider{w}, Codec: String{}, GenStore: steppedGens{w}, Hooks: hooks,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cache = cache

	begin := func(name string, script func(context.Context, *world)) *actor {
		a := &actor{name: name, script: script, resume: make(chan struct{})}
		w.actors = append(w.actors, a)
		go func() {
			script(context.WithValue(context.Background(), actorKey{}, a), w)
			a.pending = ""
			w.parked <- a
		}()
		<-w.parked
		return a
	}
	grant := func(a *actor) {
		a.resume <- struct{}{}
		<-w.parked
	}
	for i, script := range s.setUp {
		for a := begin(fmt.Sprintf("set-up %d", i), script); a.pending != ""; {
			grant(a)
		}
	}
	w.actors = nil
	for i, script := range s.actors {
		begin(fmt.Sprintf("actor %d", i), script)
	}
	able := make([]*actor, 0, len(w.actors))
	decided := true
	for {
		able = able[:0]
		for _, a := range w.actors {
			if a.pending != "" {
				able = append(able, a)
			}
		}
		if len(able) == 0 {
			return w
		}
		next := 0
		if decided {
			if next = choose(w, able); next < 0 {
				decided, next = false, 0
			}
		}
		grant(able[next])
	}
}

// exploration is what a search found.
type exploration struct {
	runs    int
	states  int
	hits    int
	refused int
	stale   *world // the first run that served a stale value, or nil
}

// exhaust explores every order of steps, and stops at the first stale read.
func (s scenario) exhaust(t testing.TB) exploration {
	type decision struct{ chosen, of int }
	var stack []decision
	seen := make(map[string]struct{})
	var e exploration
	for {
		depth := 0
		w := s.run(t, func(w *world, able []*actor) int {
			if depth < len(stack) {
				depth++
				return stack[depth-1].chosen
			}
			d := w.digest()
			if _, dup := seen[d]; dup {
				return -1
			}
			seen[d] = struct{}{}
			stack = append(stack, decision{0, len(able)})
			depth++
			return 0
		})
		e.runs++
		e.hits += w.hits
		e.refused += w.refused
		if len(w.stale) > 0 {
			e.stale = w
			break
		}
		for len(stack) > 0 && stack[len(stack)-1].chosen+1 == stack[len(stack)-1].of {
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 {
			break
		}
		stack[len(stack)-1].chosen++
	}
	e.states = len(seen)
	return e
}

// sample plays runs random orders.
func (s scenario) sample(t testing.TB, seed uint64, runs int) exploration {
	rng := rand.New(rand.NewPCG(seed, 0))
	var e exploration
	for range runs {
		w := s.run(t, func(_ *world, able []*actor) int { return rng.IntN(len(able)) })
		e.runs++
		e.hits += w.hits
		e.refused += w.refused
		if len(w.stale) > 0 {
			e.stale = w
			return e
		}
	}
	return e
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

func TestExplorerExhaustsSmallScripts(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := scenarios[name].exhaust(t)
			t.Logf("%d runs, %d states, %d hits, %d fills refused", e.runs, e.states, e.hits, e.refused)
			if e.stale != nil {
				t.Fatalf("a value was served after it was invalidated, in this order of steps:\n\t%s\n%s",
					strings.Join(e.stale.log, "\n\t"), strings.Join(e.stale.stale, "\n"))
			}
			if e.hits == 0 {
				t.Fatal("no order of steps had a hit: the scenario shows nothing")
			}
		})
	}
}

func TestExplorerSamplesLargerScripts(t *testing.T) {
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
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := large
			s.local = seed == 1
			e := s.sample(t, seed, runs)
			if e.stale != nil {
				t.Fatalf("a value was served after it was invalidated, in this order of steps:\n\t%s\n%s",
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
	for _, c := range []struct {
		name     string
		scenario string
		fault    storeFault
	}{
		{"the compare removed", "a fill across a write, read twice", constantGens},
		{"the compare removed, in a bulk", "a warm bulk against a writer of both members", constantGens},
		{"G1: generations count from zero after a loss", "a fill across a loss and a write", fromZero},
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
