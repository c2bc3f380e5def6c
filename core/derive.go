package cascache

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/unkn0wn-root/cascache/wire"
)

// derived says what every entry of a cache depends on beside its own key.
type derived struct {
	tags      func(key string) []string // Options.Tags
	clearable bool
}

// any reports whether there is anything.
func (d *derived) any() bool { return d.tags != nil || d.clearable }

// tagsOf asks Options.Tags, whose panic is an error.
func (d *derived) tagsOf(key string) (tags []string, err error) {
	if d.tags == nil {
		return nil, nil
	}
	defer contain(&err, "Options.Tags")
	return d.tags(key), nil
}

// known returns the keys of the generations that an entry of key depends on for the
// sake of its key alone, each once and in ascending order.
func (p *proofs) known(key string) ([]string, error) {
	if !p.derived.any() {
		return nil, nil
	}
	tags, err := p.derived.tagsOf(key)
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(tags)+1)
	for _, tag := range tags {
		if err := p.keys.checkTag(tag); err != nil {
			return nil, fmt.Errorf("cascache: Options.Tags(%q): %w", key, err)
		}
		keys = append(keys, p.keys.tag+tag)
	}
	if p.derived.clearable {
		keys = append(keys, p.keys.all)
	}
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) > MaxDeps {
		return nil, fmt.Errorf("cascache: Options.Tags(%q): %d tags; at most %d are allowed, and one less with Options.Clearable", key, len(tags), MaxDeps)
	}
	return keys, nil
}

// knownOf returns what the entries of any of the keys depend on for the sake of
// their keys alone, each once.
func (p *proofs) knownOf(keys []string) []string {
	var all []string
	for _, key := range keys {
		known, err := p.known(key)
		if err != nil {
			continue // its entry is not served: see carries
		}
		all = append(all, known...)
	}
	return distinct(all)
}

// observedUnder returns the number that stands for a key's own generation and those
// of its known dependencies, in the order of known: their own if there are none.
// It is 0 if one of them is (G2). Two sets of generations have the same number with
// odds of 2^-64, of the order of those in G1.
func observedUnder(own uint64, known []uint64) uint64 {
	if len(known) == 0 || own == 0 {
		return own
	}
	h := own
	for _, gen := range known {
		if gen == 0 {
			return 0
		}
		h = mix(h, gen)
	}
	return max(h, 1)
}

// mix returns a number for one that stands for some generations and one generation
// more, by the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable
// Pseudorandom Number Generators, 2014).
func mix(h, gen uint64) uint64 {
	h += gen + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// observeBulk returns one number for each of the keys, for fills to be observed
// under, and the generations of extra names. Missing generations are created. The
// results always are as long as keys and extra. anySuspect says that a number is 0
// since something is suspect.
func (p *proofs) observeBulk(ctx context.Context, keys, extra []string) (observed, extraGens []uint64, anySuspect bool, err error) {
	observed = make([]uint64, len(keys))
	known := make([][]string, len(keys))
	ask := make([]string, 0, len(keys)+len(extra))
	for _, key := range keys {
		ask = append(ask, p.keys.gen+key)
	}
	for i, key := range keys {
		if known[i], err = p.known(key); err != nil {
			return observed, make([]uint64, len(extra)), false, err
		}
		ask = append(ask, known[i]...)
	}
	ask = append(ask, extra...)
	asked := distinct(ask)
	suspect := make(map[string]bool)
	for _, key := range asked {
		if p.suspects.has(key) { // first, as in proof
			suspect[key] = true
		}
	}
	drawn, err := p.gens.snapshotBulk(ctx, asked)
	gens := make(map[string]uint64, len(asked))
	for i, key := range asked {
		if !suspect[key] {
			gens[key] = drawn[i]
		}
	}
	for i, key := range keys {
		observed[i] = observedUnder(gens[p.keys.gen+key], gensOf(gens, known[i]))
	}
	return observed, gensOf(gens, extra), len(suspect) > 0, err
}

func gensOf(gens map[string]uint64, keys []string) []uint64 {
	if len(keys) == 0 {
		return nil
	}
	out := make([]uint64, len(keys))
	for i, key := range keys {
		out[i] = gens[key]
	}
	return out
}

// A claim is what a fill says of itself: that its value was read under an observed
// number and dependencies.
type claim struct {
	key      string
	observed uint64
	deps     []wire.Dep // taken during the load

	// What prove finds.

	why Reason     // it does not hold any more
	own uint64     // the key's own generation
	all []wire.Dep // the dependencies, known ones included, each once
}

// prove decides which claims hold: all generations are those that the source was
// read under. It is one look-up for all. The error is the caller's own ended context.
func (p *proofs) prove(ctx context.Context, claims []claim) error {
	known := make([][]string, len(claims))
	var ask []string
	for i := range claims {
		c := &claims[i]
		switch {
		case c.why != "":
			continue
		case c.observed == 0:
			c.why = ReasonNoSnapshot
			continue
		}
		var err error
		if known[i], err = p.known(c.key); err != nil {
			c.why = ReasonDependency
			continue
		}
		ask = append(ask, p.keys.gen+c.key)
		ask = append(ask, known[i]...)
		for _, dep := range c.deps {
			ask = append(ask, dep.Key)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	ask = distinct(ask)
	suspect := make(map[string]bool)
	for _, key := range ask {
		if p.suspects.has(key) { // first, as in proof
			suspect[key] = true
		}
	}
	read, genErr := p.gens.currentToCommitBulk(ctx, ask)
	if genErr != nil {
		p.emit.genStoreError(ctx, GenCurrent, p.keys.nameOf(ask[0]), len(ask), genErr)
		if err := ended(ctx); err != nil {
			return err
		}
	}
	gens := make(map[string]uint64, len(ask))
	for i, key := range ask {
		gens[key] = read[i]
	}
	for i := range claims {
		if c := &claims[i]; c.why == "" {
			c.judge(p, known[i], gens, suspect, genErr)
		}
	}
	return nil
}

// judge compares one claim.
func (c *claim) judge(p *proofs, known []string, gens map[string]uint64, suspect map[string]bool, genErr error) {
	none := func(key string) bool {
		switch {
		case suspect[key]:
			c.why = ReasonSuspect
		case gens[key] != 0:
			return false
		case genErr != nil:
			c.why = ReasonGenError
		default:
			c.why = ReasonNoGen
		}
		return true
	}
	own := p.keys.gen + c.key
	if none(own) || slices.ContainsFunc(known, none) {
		return
	}
	c.own = gens[own]
	if why := compare(observedUnder(c.own, gensOf(gens, known)), c.observed); why != "" {
		c.why = why
		return
	}
	c.all = make([]wire.Dep, 0, len(known)+len(c.deps))
	for _, key := range known {
		c.all = append(c.all, wire.Dep{Key: key, Gen: gens[key]})
	}
	for _, dep := range c.deps {
		if none(dep.Key) {
			return
		}
		if gens[dep.Key] != dep.Gen {
			c.why = ReasonDependency
			return
		}
		c.all = append(c.all, dep)
	}
	slices.SortFunc(c.all, func(a, b wire.Dep) int { return strings.Compare(a.Key, b.Key) })
	c.all = slices.CompactFunc(c.all, func(a, b wire.Dep) bool { return a.Key == b.Key })
	if len(c.all) > MaxDeps {
		c.why = ReasonTooManyDeps
	}
}

// scratchGens are lent to look-ups of dependencies.
var scratchGens = sync.Pool{New: func() any { return new(depGens) }}

type depGens struct {
	keys []string
	gens []uint64
}

// proofWith is proof of an entry with dependencies. own is the generation of key, or
// 0 where it has not been read. why says why there is no generation of key to prove
// the entry with, and depWhy why the dependencies do not.
func (p *proofs) proofWith(ctx context.Context, key string, own uint64, deps wire.Deps) (gen uint64, why, depWhy Reason, err error) {
	s := scratchGens.Get().(*depGens)
	defer func() {
		clear(s.keys) // they may be views of an entry
		s.keys, s.gens = s.keys[:0], s.gens[:0]
		scratchGens.Put(s)
	}()
	for dep := range deps.All() {
		s.keys, s.gens = append(s.keys, dep), append(s.gens, 0)
	}
	if p.suspects.any.Load() { // first, as in proof
		if p.suspects.has(p.keys.gen+key) || slices.ContainsFunc(s.keys, p.suspects.has) {
			return 0, ReasonSuspect, "", nil
		}
	}
	gen = own
	if gen == 0 {
		gen, err = p.gens.currentLocally(key)
	}
	if err == nil {
		err = p.gens.currentDeps(ctx, p.keys.gen, key, &gen, s.keys, s.gens)
	}
	if err != nil {
		why, err = p.unread(ctx, GenCurrent, key, err)
	}
	if gen == 0 {
		if why == "" {
			why = ReasonNoGen
		}
		return 0, why, "", err
	}
	unreadable := why
	i := 0
	for _, want := range deps.All() {
		switch s.gens[i] {
		case want:
		case 0:
			if depWhy = unreadable; depWhy == "" {
				depWhy = ReasonNoGen
			}
		default:
			return gen, "", ReasonDependency, err
		}
		i++
	}
	if depWhy == "" && !p.carries(key, s.keys) {
		depWhy = ReasonDependency
	}
	return gen, "", depWhy, err
}

// carries reports whether the dependencies of an entry, in ascending order, are
// those that it must have for the sake of its key: an entry from before
// [Options.Tags] or [Options.Clearable] was set has none.
func (p *proofs) carries(key string, deps []string) bool {
	if p.derived.clearable {
		if _, ok := slices.BinarySearch(deps, p.keys.all); !ok {
			return false
		}
	}
	if p.derived.tags == nil {
		return true
	}
	tags, err := p.derived.tagsOf(key)
	if err != nil {
		return false
	}
	next := 0 // tags that come in order are found at once
	for _, tag := range tags {
		at := p.findTag(deps[next:], tag)
		if at >= 0 {
			next += at + 1
			continue
		}
		if p.findTag(deps[:next], tag) < 0 {
			return false
		}
	}
	return true
}

// findTag returns where the dependency on a tag is, or -1.
func (p *proofs) findTag(deps []string, tag string) int {
	for i, dep := range deps {
		if len(dep) == len(p.keys.tag)+len(tag) && strings.HasSuffix(dep, tag) && strings.HasPrefix(dep, p.keys.tag) {
			return i
		}
	}
	return -1
}

// currentDeps fills in the generation of an entry, where it is 0, and those of keys:
// from memory as far as they are known there, and the others in one call.
func (g *generations) currentDeps(ctx context.Context, prefix, key string, gen *uint64, keys []string, gens []uint64) (err error) {
	if g.localReader != nil {
		if err := g.locally(keys, gens); err != nil {
			return err
		}
	}
	missing := 0
	for _, gen := range gens {
		if gen == 0 {
			missing++
		}
	}
	if *gen != 0 && missing == 0 {
		return nil
	}
	unknown := make([]string, 0, missing+1)
	if *gen == 0 {
		unknown = append(unknown, prefix+key)
	}
	for i, key := range keys {
		if gens[i] == 0 {
			unknown = append(unknown, strings.Clone(key)) // the store may keep it longer than the entry lives
		}
	}
	read, err := g.lookUpBulk(ctx, g.many, unknown)
	if *gen == 0 {
		*gen, read = read[0], read[1:]
	}
	for i := range gens {
		if gens[i] == 0 {
			gens[i], read = read[0], read[1:]
		}
	}
	return err
}

// locally fills in the generations that the store knows without a call.
func (g *generations) locally(keys []string, gens []uint64) (err error) {
	if len(keys) == 0 {
		return nil
	}
	defer contain(&err, "the generation store")
	g.localReader.CurrentLocalBulk(keys, gens)
	if floor := g.floor.Load(); floor > 0 {
		for i, gen := range gens {
			if gen < floor {
				gens[i] = 0
			}
		}
	}
	return nil
}
