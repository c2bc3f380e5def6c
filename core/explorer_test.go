package cascache

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// The explorer runs small scripts of readers, fillers, writers and losses
// through the real cache in every possible order of their calls to the
// provider, the generation store and the source. Each such call is a step, and
// a step runs only when the scheduler says so; between two steps nothing but
// the code of one actor runs, and of the loads that it waits for. A state that
// was reached before, by another order, is not explored again.

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

	combined bool // provider and generation store are one

	now       int                       // ticks: a hold ends with the tick after it
	holds     map[string]map[string]int // storage key: token: the tick it was made in
	underHold map[string]int            // the highest version committed under a hold of its own
	replies   bool                      // the reply to a bump is a step of its own
	loader    *Loader[string]
	pages     *Loader[string] // each value is made of those of the keys in its key
	near      map[string]NearEntry[string]
	down      bool // the generation store does not answer in time
	running   *actor

	actors []*actor
	log    []string

	mu      sync.Mutex // guards what follows: those who shared a load end at the same time
	stale   []string
	hits    int
	refused int // fills that the compare refused
}

func (w *world) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

// violated notes what is not as promised.
func (w *world) violated(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale = append(w.stale, fmt.Sprintf(format, args...))
}

// storeFault makes the generation store break a rule, to see it found.
type storeFault int

const (
	sound           storeFault = iota
	constantGens               // every key always has generation 1: a cache without a compare
	fromZero                   // generations count from 1 again after a loss (breaks G1)
	lossIsZero                 // Current answers 1 for a missing generation, Snapshot too (breaks G3)
	holdKeepsGen               // a release brings the generation from before the hold back
	releaseFreesAll            // the first release ends all holds
	holdsCounted               // holds are a number, so that a late release ends another's
)

type actor struct {
	name   string
	script func(context.Context, *world)

	resume  chan struct{}
	pending string // the step it waits for; empty when it has ended
	trace   uint64 // a digest of all it has seen: with its script, its whole state
	noted   map[string]int

	failBump string // "before" or "after": its bumps fail, without or with effect
	dieAfter int    // if positive: how many steps it lives for
	heldIn   int    // the tick that its hold was made in, from 1; 0: none

	// What it has seen in the call under way, by storage key: to hold what it
	// does against it.
	reading bool // it may delete nothing but what it has read
	current map[string]uint64
	read    map[string]readEntry
	steps   int
}

// readEntry is the last entry that an actor has read under a key.
type readEntry struct {
	gen       uint64
	gensFirst bool // the generation was read before the entry
}

// begin begins a call, whose first step settles what it must see.
func (a *actor) begin(reading bool) {
	a.noted, a.reading = nil, reading
	a.current, a.read = map[string]uint64{}, map[string]readEntry{}
}

// beginRead begins a reader's call. A Combined is asked after the cache has
// looked for suspects, so that the call begins with that look.
func (w *world) beginRead(ctx context.Context) {
	a := ctx.Value(actorKey{}).(*actor)
	a.begin(true)
	if w.combined {
		w.step(ctx, "call", func() string { a.first(w); return "" })
	}
}

// first settles what a reader must see, at its first look at anything: all that
// was invalidated before.
func (a *actor) first(w *world) {
	if a.noted == nil {
		a.noted = maps.Clone(w.acked)
	}
}

// sees notes an entry that the actor has read.
func (a *actor) sees(key string, raw []byte) {
	var e wire.Entry
	if err := versionOf(wire.Version1, raw).Decode(raw, key, &e); err != nil || a.read == nil {
		return
	}
	_, gensFirst := a.current[key]
	a.read[key] = readEntry{gen: e.Gen, gensFirst: gensFirst}
}

type actorKey struct{}

// step waits for the scheduler, then runs do, whose result is what the actor
// learns.
func (w *world) step(ctx context.Context, label string, do func() string) {
	a, scheduled := ctx.Value(actorKey{}).(*actor)
	if !scheduled { // the end of the run
		do()
		return
	}
	a.pending = label
	<-a.resume
	a.pending, w.running = "", a
	if a.steps++; a.dieAfter > 0 && a.steps > a.dieAfter {
		runtime.Goexit()
	}
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
	for _, k := range slices.Sorted(maps.Keys(w.near)) {
		e := w.near[k]
		fmt.Fprintf(&b, "%s=%v,%d,%v,%v;", k, e.Value, e.Gen, e.Absent, slices.Collect(depsIn(e.dependencies())))
	}
	fmt.Fprintf(&b, "%v;", w.down)
	fmt.Fprintf(&b, "%d;%v;%v;%d;%v;%v;", w.drawn, w.source, w.acked, w.now, w.holds, w.underHold)
	for _, a := range w.actors {
		fmt.Fprintf(&b, "%x,%s,%v;", a.trace, a.pending, a.noted)
	}
	return b.String()
}

// The cache's provider, each call a step.
type steppedProvider struct{ w *world }

func (p steppedProvider) Get(ctx context.Context, key string) (value []byte, ok bool, _ error) {
	p.w.step(ctx, "get "+key, func() string {
		value, ok = p.look(ctx, key)
		return fmt.Sprintf("%x %v", value, ok)
	})
	return value, ok, nil
}

func (p steppedProvider) look(ctx context.Context, key string) ([]byte, bool) {
	a := ctx.Value(actorKey{}).(*actor)
	a.first(p.w)
	s, found := p.w.entries[key]
	if !found {
		return nil, false
	}
	a.sees(key, []byte(s))
	return []byte(s), true
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
		p.del(ctx, key)
		return "ok"
	})
	return nil
}

// del deletes an entry. A reader heals: it may delete what it has read and knows
// to be dead, and nothing else.
func (p steppedProvider) del(ctx context.Context, key string) {
	a := ctx.Value(actorKey{}).(*actor)
	if a.reading && strings.HasPrefix(key, singlePrefix) {
		read, ok := a.read[key]
		if !ok || read.gensFirst && read.gen > a.current[key] {
			p.w.violated("%s deleted %s, of which it knows nothing bad: read %v, current %d", a.name, key, read, a.current[key])
		}
	}
	delete(p.w.entries, key)
}

func (steppedProvider) Close(context.Context) error { return nil }

// steppedBulks is a steppedProvider with the bulk calls, each call a step.
type steppedBulks struct{ steppedProvider }

func (p steppedBulks) GetBulk(ctx context.Context, keys []string) (values [][]byte, _ error) {
	p.w.step(ctx, "get batch "+strings.Join(keys, " "), func() string {
		for _, key := range keys {
			value, _ := p.look(ctx, key)
			values = append(values, value)
		}
		return fmt.Sprintf("%x", values)
	})
	return values, nil
}

func (p steppedBulks) SetBulk(ctx context.Context, items []Item) (stored []bool, _ error) {
	p.w.step(ctx, fmt.Sprint("set batch of ", len(items)), func() string {
		for _, it := range items {
			p.w.entries[it.Key] = string(it.Value)
			stored = append(stored, true)
		}
		return "ok"
	})
	return stored, nil
}

func (p steppedBulks) DelBulk(ctx context.Context, keys []string) error {
	p.w.step(ctx, "del batch "+strings.Join(keys, " "), func() string {
		for _, key := range keys {
			p.del(ctx, key)
		}
		return "ok"
	})
	return nil
}

// The cache's near tier, each call a step. It has no context: whoever runs has
// called.
type steppedNear struct{ w *world }

func (n steppedNear) ctx() context.Context {
	return context.WithValue(context.Background(), actorKey{}, n.w.running)
}

func (steppedNear) Get(string) (string, uint64, bool) { panic("the cache keeps whole entries") }

func (steppedNear) Set(string, string, uint64, time.Duration) { panic("the cache keeps whole entries") }

func (n steppedNear) GetEntry(key string) (entry NearEntry[string], ok bool) {
	n.w.step(n.ctx(), "near get "+key, func() string {
		n.w.running.first(n.w)
		entry, ok = n.w.near[key]
		return fmt.Sprint(entry.Value, entry.Gen, entry.Absent, slices.Collect(depsIn(entry.dependencies())), ok)
	})
	return entry, ok
}

func (n steppedNear) SetEntry(key string, entry NearEntry[string], _ time.Duration) {
	n.w.step(n.ctx(), "near set "+key, func() string {
		if a := n.w.running; nearGen(a.current[n.w.cache.keys.entry(key)], entry.deps) != entry.Gen {
			n.w.violated("%s kept %s near under generation %d, which it has not found to be current", a.name, key, entry.Gen)
		}
		n.w.near[key] = entry
		return "ok"
	})
}

func (n steppedNear) Del(key string) {
	n.w.step(n.ctx(), "near del "+key, func() string {
		delete(n.w.near, key)
		return "ok"
	})
}

func (steppedNear) Close() error { return nil }

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
		if s.w.down {
			err = errDown
			return "no answer"
		}
		defer func() {
			if a := ctx.Value(actorKey{}).(*actor); a.current != nil {
				a.current[key] = gen
			}
		}()
		if s.w.local != nil {
			gen, err = s.w.local.Current(ctx, key)
			return fmt.Sprint(gen)
		}
		gen = s.w.gens[key]
		if s.held(key) {
			return "held"
		}
		if gen == 0 && s.w.broken == lossIsZero || s.w.broken == constantGens {
			gen = 1
		}
		return fmt.Sprint(gen)
	})
	return gen, err
}

func (s steppedGens) Snapshot(ctx context.Context, key string) (gen uint64, err error) {
	s.w.step(ctx, "snapshot "+key, func() string {
		if s.w.down {
			err = errDown
			return "no answer"
		}
		if s.w.local != nil {
			gen, err = s.w.local.Snapshot(ctx, key)
			return fmt.Sprint(gen)
		}
		gen = s.w.gens[key]
		switch {
		case s.held(key):
			gen = 0
		case s.w.broken == constantGens || gen == 0 && s.w.broken == lossIsZero:
			gen = 1
		case gen == 0:
			gen = s.draw(key)
		}
		return fmt.Sprint(gen)
	})
	return gen, err
}

var (
	errBump = errors.New("the bump failed")
	errDown = errors.New("no answer in time")
)

func (s steppedGens) Bump(ctx context.Context, key string) (gen uint64, err error) {
	a, _ := ctx.Value(actorKey{}).(*actor)
	if a == nil {
		a = &actor{}
	}
	s.w.step(ctx, "bump "+key, func() string {
		switch {
		case a.failBump == "before":
			err = errBump
			return "failed"
		case s.w.local != nil:
			gen, err = s.w.local.Bump(ctx, key)
		case s.held(key):
		default:
			if s.w.broken == lossIsZero && s.w.drawn == 0 {
				s.w.drawn = 1 // 1 is taken: it stands for "missing"
			}
			gen = s.draw(key)
		}
		if a.failBump == "after" {
			gen, err = 0, errBump
		}
		return fmt.Sprint(gen, err)
	})
	if s.w.replies {
		s.w.step(ctx, "reply to bump "+key, func() string { return "" })
	}
	return gen, err
}

// held reports whether a live hold stands.
func (s steppedGens) held(key string) bool {
	for token, made := range s.w.holds[key] {
		if made < s.w.now {
			delete(s.w.holds[key], token)
		}
	}
	return len(s.w.holds[key]) > 0
}

func (s steppedGens) Hold(ctx context.Context, keys []string, token string, _ time.Duration) error {
	s.w.step(ctx, "hold "+strings.Join(keys, " "), func() string {
		ctx.Value(actorKey{}).(*actor).heldIn = s.w.now
		for _, key := range keys {
			s.held(key) // forgets the dead
			if s.w.holds[key] == nil {
				s.w.holds[key] = map[string]int{}
			}
			// The real token is random, which would make every run another
			// state.
			s.w.holds[key][ctx.Value(actorKey{}).(*actor).name] = s.w.now
			if s.w.broken != holdKeepsGen {
				delete(s.w.gens, key)
			}
		}
		return fmt.Sprint("in tick ", s.w.now)
	})
	return nil
}

func (s steppedGens) Release(ctx context.Context, keys []string, token string) error {
	s.w.step(ctx, "release "+strings.Join(keys, " "), func() string {
		var gens []uint64
		for _, key := range keys {
			held := s.held(key)
			switch s.w.broken {
			case releaseFreesAll:
				delete(s.w.holds, key)
			case holdsCounted:
				if tokens := slices.Sorted(maps.Keys(s.w.holds[key])); len(tokens) > 0 {
					delete(s.w.holds[key], tokens[0])
				}
			default:
				delete(s.w.holds[key], ctx.Value(actorKey{}).(*actor).name)
			}
			if !s.held(key) && (!held || s.w.broken != holdKeepsGen) {
				s.draw(key)
			}
			gens = append(gens, s.w.gens[key])
		}
		return fmt.Sprint(gens)
	})
	return nil
}

func (steppedGens) Close(context.Context) error { return nil }

// readOrder is how a Combined reads a value and its generation.
type readOrder string

const (
	atOnce     readOrder = "at once"
	valueFirst readOrder = "value first"
	gensFirst  readOrder = "gens first"
)

type (
	provider = steppedBulks
	store    = steppedGens
)

// steppedCombined is the cache's provider and generation store in one. Reads are
// one step, or two; everything else is one.
type steppedCombined struct {
	provider
	store
	order readOrder
}

func (c steppedCombined) world() *world { return c.store.w }

func (c steppedCombined) Close(context.Context) error { return nil }

func (c steppedCombined) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	var r BulkReading
	r, valueErr = c.read(ctx, "", []string{key}, true, create)
	return r.Values[0], r.Gens[0], valueErr, r.GenErr
}

func (c steppedCombined) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (BulkReading, error) {
	return c.read(ctx, bulk, keys, wanted, false)
}

func (c steppedCombined) read(ctx context.Context, bulk string, keys []string, wanted, create bool) (r BulkReading, _ error) {
	label := fmt.Sprintf("%s %s, wanted %v, create %v", bulk, strings.Join(keys, " "), wanted, create)
	values := func() string {
		if bulk != "" {
			r.Bulk, _ = c.look(ctx, bulk)
		}
		if wanted {
			r.Values = nil
			for _, key := range keys {
				value, _ := c.look(ctx, key)
				r.Values = append(r.Values, value)
			}
		}
		return fmt.Sprintf("%x %x", r.Bulk, r.Values)
	}
	gens := func() string {
		a := ctx.Value(actorKey{}).(*actor)
		a.first(c.world())
		r.Gens = make([]uint64, len(keys))
		if c.world().down {
			r.GenErr = errDown
			return "no answer"
		}
		for i, key := range keys {
			switch gen := c.world().gens[key]; {
			case c.held(key):
			case gen == 0 && create:
				r.Gens[i] = c.draw(key)
			default:
				r.Gens[i] = gen
			}
			a.current[key] = r.Gens[i]
		}
		return fmt.Sprint(r.Gens)
	}
	switch c.order {
	case valueFirst:
		c.world().step(ctx, "get "+label, values)
		c.world().step(ctx, "gens "+label, gens)
	case gensFirst:
		c.world().step(ctx, "gens "+label, gens)
		c.world().step(ctx, "get "+label, values)
	default:
		c.world().step(ctx, "get with gens "+label, func() string { return values() + gens() })
	}
	return r, nil
}

func (c steppedCombined) SetIfGen(ctx context.Context, item Item, gen uint64) (current uint64, stored bool, err error) {
	gens, stores, err := c.SetBulkIfGens(ctx, []Item{item}, []uint64{gen})
	return gens[0], stores[0], err
}

func (c steppedCombined) SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) (current []uint64, stored []bool, err error) {
	current, stored = make([]uint64, len(gens)), make([]bool, len(items))
	c.world().step(ctx, fmt.Sprint("set if ", gens), func() string {
		if c.world().down {
			err = errDown
			return "no answer"
		}
		all := true
		for i, item := range items {
			if i < len(gens) {
				if !c.held(item.Key) {
					current[i] = c.world().gens[item.Key]
				}
				ctx.Value(actorKey{}).(*actor).current[item.Key] = current[i]
				stored[i] = current[i] == gens[i]
			} else {
				stored[i] = all
			}
			if all = all && stored[i]; stored[i] {
				c.world().entries[item.Key] = string(item.Value)
			}
		}
		return fmt.Sprint(current, stored)
	})
	return current, stored, err
}

func (c steppedCombined) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	a := ctx.Value(actorKey{}).(*actor)
	gens = make([]uint64, len(keys))
	c.world().step(ctx, "bump and del "+strings.Join(keys, " "), func() string {
		if a.failBump == "before" {
			bumpErr = errBump
			return "failed"
		}
		for i, key := range keys {
			if !c.held(key) {
				gens[i] = c.draw(key)
			}
			delete(c.world().entries, key)
		}
		drawn := fmt.Sprint(gens)
		if a.failBump == "after" {
			clear(gens)
			bumpErr = errBump
		}
		return drawn
	})
	if c.world().replies {
		c.world().step(ctx, "reply to bump "+strings.Join(keys, " "), func() string { return "" })
	}
	return gens, bumpErr, nil
}

func (c steppedCombined) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	c.world().step(ctx, "del equal "+strings.Join(keys, " "), func() string {
		for i, key := range keys {
			if c.world().entries[key] == string(values[i]) {
				c.del(ctx, key)
			}
		}
		return "ok"
	})
	return nil
}

// scenario is a set of scripts that run at once, after a set-up in order.
type scenario struct {
	broken  storeFault
	local   bool // generations in a LocalGenStore; its losses are prunes
	replies bool // the reply to a bump is a step of its own
	near    bool // with a near tier
	batches bool // the provider has the bulk calls

	clearable bool
	tagged    bool                         // each key has itself for a tag, known from the key
	tagsOf    func(key, v string) []string // of the loader

	// Provider and generation store are one Combined, which reads a value and
	// its generation in this order.
	combined readOrder

	setUp  []func(context.Context, *world)
	actors []func(context.Context, *world)
}

// run plays the scenario, in a bubble. choose picks among the actors that can
// go on; it is asked once a step and is given the state. A negative answer
// means that nothing new can follow: the rest is played in any order.
func (s scenario) run(t testing.TB, choose func(w *world, able []*actor) int) *world {
	w := &world{
		entries: map[string]string{}, gens: map[string]uint64{},
		source: map[string]int{}, acked: map[string]int{},
		holds: map[string]map[string]int{}, underHold: map[string]int{}, near: map[string]NearEntry[string]{},
		broken: s.broken, replies: s.replies, now: 1,
	}
	if s.local {
		w.local = NewLocalGenStore(0, 0)
		defer w.local.Close(context.Background())
	}
	opts := Options[string]{
		Namespace: "x", Provider: steppedProvider{w}, Codec: String{}, GenStore: steppedGens{w},
		Hooks:     &Hooks{SetSkipped: func(context.Context, SetSkippedEvent) { w.count(&w.refused) }},
		Clearable: s.clearable,
	}
	if s.tagged {
		opts.Tags = func(key string) []string { return []string{key} }
	}
	if s.batches {
		opts.Provider = steppedBulks{steppedProvider{w}}
	}
	if s.combined != "" {
		w.combined = true
		both := steppedCombined{provider: steppedBulks{steppedProvider{w}}, store: steppedGens{w}, order: s.combined}
		opts.Provider, opts.GenStore = both, both
	}
	if s.near {
		opts.Near = steppedNear{w}
	}
	cache, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	w.cache = cache
	w.loader, err = NewLoader(cache, LoaderOptions[string]{
		AbsentTTL: time.Minute,
		TagsOf:    s.tagsOf,
		Load: func(ctx context.Context, key string) (string, error) {
			v := w.load(ctx, key)
			if v == 0 {
				return "", ErrNotFound
			}
			return strconv.Itoa(v), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pages, err = NewLoader(cache, LoaderOptions[string]{Load: w.loadPage})
	if err != nil {
		t.Fatal(err)
	}

	begin := func(name string, script func(context.Context, *world)) *actor {
		a := &actor{name: name, script: script, resume: make(chan struct{})}
		a.begin(false)
		w.actors = append(w.actors, a)
		w.running = a
		go func() {
			defer func() { a.pending = "" }()
			script(context.WithValue(context.Background(), actorKey{}, a), w)
		}()
		synctest.Wait()
		return a
	}
	grant := func(a *actor) {
		a.resume <- struct{}{}
		synctest.Wait()
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
			break
		}
		next := 0
		if decided {
			if next = choose(w, able); next < 0 {
				decided, next = false, 0
			}
		}
		grant(able[next])
	}
	if err := cache.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
	return w
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
func (s scenario) exhaust(t *testing.T) (e exploration) {
	synctest.Test(t, func(t *testing.T) { e = s.exhaustInBubble(t) })
	return e
}

func (s scenario) exhaustInBubble(t testing.TB) (e exploration) {
	type decision struct{ chosen, of int }
	var stack []decision
	seen := make(map[string]struct{})
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
func (s scenario) sample(t *testing.T, seed uint64, runs int) (e exploration) {
	rng := rand.New(rand.NewPCG(seed, 0))
	synctest.Test(t, func(t *testing.T) {
		for range runs {
			w := s.run(t, func(_ *world, able []*actor) int { return rng.IntN(len(able)) })
			e.runs++
			e.hits += w.hits
			e.refused += w.refused
			if len(w.stale) > 0 {
				e.stale = w
				return
			}
		}
	})
	return e
}
