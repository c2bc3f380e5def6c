package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/unkn0wn-root/cascache/wire"
)

// MaxDeps is how many dependencies an entry may have, direct and indirect. A value
// with more is returned, and not stored: [Hooks.SetSkipped] tells it with
// [ReasonTooManyDeps].
const MaxDeps = wire.MaxDeps

// Dep is a dependency: a generation that an entry needs to be current beside its
// own. It is that of a key ([Handle.KeyDep]), of a tag ([Handle.TagDep]) or of a
// whole namespace ([Handle.AllDep]). Two deps are equal if they are of the same
// cache and name the same thing. The zero Dep names nothing.
type Dep struct {
	cache depCache
	kind  depKind
	name  string // the key or the tag
}

// depCache is a [Handle] whatever its values.
type depCache interface {
	theProofs() *proofs
	off() bool
}

type depKind uint8

const (
	depKey depKind = iota + 1
	depTag
	depAll
)

func (h *Handle[V]) theProofs() *proofs { return &h.proofs }
func (h *Handle[V]) off() bool          { return h.disabled }

// KeyDep is the generation of a key of this cache: what depends on it dies when the
// key is invalidated. The key need not be cached, nor exist in the source.
func (h *Handle[V]) KeyDep(key string) Dep { return Dep{h, depKey, key} }

// TagDep is the generation of a tag of this namespace, which is any string but the
// empty one: what depends on it dies when [Handle.InvalidateTags] is called with it.
func (h *Handle[V]) TagDep(tag string) Dep { return Dep{h, depTag, tag} }

// AllDep is the generation of the whole namespace: what depends on it dies with
// [Handle.Clear].
func (h *Handle[V]) AllDep() Dep { return Dep{h, depAll, ""} }

// String returns what a dependency is of, for people.
func (d Dep) String() string {
	if d.cache == nil {
		return "nothing"
	}
	ns := d.cache.theProofs().emit.namespace
	switch d.kind {
	case depKey:
		return fmt.Sprintf("key %q of %q", d.name, ns)
	case depTag:
		return fmt.Sprintf("tag %q of %q", d.name, ns)
	}
	return fmt.Sprintf("all of %q", ns)
}

// genKey returns the key of the generation, or an error that tells why there is
// none.
func (d Dep) genKey() (string, error) {
	if d.cache == nil {
		return "", fmt.Errorf("%w: a zero Dep depends on nothing; make one with KeyDep, TagDep or AllDep", ErrInvalidKey)
	}
	p := d.cache.theProofs()
	switch d.kind {
	case depKey:
		return p.keys.gen + d.name, p.keys.check(d.name)
	case depTag:
		return p.keys.tag + d.name, p.keys.checkTag(d.name)
	}
	return p.keys.all, nil
}

// ErrNotLoading is returned by [DependOn] outside of a load.
var ErrNotLoading = errors.New("cascache: DependOn: the context is not that of a load of a Loader over a Handle")

// DependOn makes the value that is being loaded depend on deps. Call it inside a
// load, with the load's context, and before you read what the deps guard: it takes
// their generations at once, and a change that came before would not be noticed.
//
// The value is served only while all these generations are current, and is not
// stored if one of them has moved by the end of the load. It is returned and not
// stored, and [Hooks.SetSkipped] tells why, if a generation cannot be read, if a dep
// is of a cache with another generation store or of a disabled one, and if there are
// more than [MaxDeps].
//
// The error says that the call is wrong, or that ctx has ended: it is
// [ErrNotLoading] outside of a load, and wraps [ErrInvalidKey] for a Dep of an
// invalid key or tag and for the zero Dep. What could not be added then keeps the
// value from being stored. It may be called concurrently.
func DependOn(ctx context.Context, deps ...Dep) error {
	t := trackerOf(ctx)
	if t == nil {
		return ErrNotLoading
	}
	keys := make([]string, 0, len(deps))
	var at *proofs
	for _, d := range deps {
		key, err := d.genKey()
		if err != nil {
			t.fail(ReasonNoGen)
			return err
		}
		if d.cache.off() {
			t.fail(ReasonDisabled)
			return nil
		}
		if at = d.cache.theProofs(); at.storeID != t.storeID {
			t.fail(ReasonForeignDep)
			return nil
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	at.trackNow(ctx, t, keys)
	return ctx.Err()
}

// tracker collects what the value or values of one load depend on.
type tracker struct {
	storeID any  // tells the generation store of the cache that is loaded for
	auto    bool // what is read through other caches counts by itself

	mu   sync.Mutex // guards what follows
	deps map[string]uint64
	why  Reason // nothing that is loaded can be stored
}

// trackerOf returns the tracker of the load that ctx was given to, or nil.
func trackerOf(ctx context.Context) *tracker {
	if n := lineageOf(ctx); n != nil {
		return n.tracker
	}
	return nil
}

// autoTrackerOf is trackerOf where reads count by themselves.
func autoTrackerOf(ctx context.Context) *tracker {
	if t := trackerOf(ctx); t != nil && t.auto {
		return t
	}
	return nil
}

// fail notes that what is loaded cannot be stored. The first reason counts.
func (t *tracker) fail(why Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why == "" {
		t.why = why
	}
}

// add notes a dependency that had that generation, in a store.
func (t *tracker) add(storeID any, key string, gen uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why != "" {
		return
	}
	had, known := t.deps[key]
	switch {
	case storeID != t.storeID:
		t.why = ReasonForeignDep
	case gen == 0:
		t.why = ReasonNoGen // G2
	case known && had != gen:
		t.why = ReasonDependency // it moved during the load
	case !known && len(t.deps) >= MaxDeps:
		t.why = ReasonTooManyDeps
	default:
		if t.deps == nil {
			t.deps = make(map[string]uint64)
		}
		t.deps[key] = gen
	}
}

// addAll notes what another entry depends on.
func (t *tracker) addAll(storeID any, deps wire.Deps) {
	for key, gen := range deps.All() {
		t.add(storeID, key, gen)
	}
}

// collected returns what has been noted so far, in order.
func (t *tracker) collected() (deps []wire.Dep, why Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	deps = make([]wire.Dep, 0, len(t.deps))
	for _, key := range slices.Sorted(maps.Keys(t.deps)) {
		deps = append(deps, wire.Dep{Key: key, Gen: t.deps[key]})
	}
	return deps, t.why
}

// tracked notes that a load read key of this cache under a generation, and that
// what it read has dependencies.
func (p *proofs) tracked(ctx context.Context, key string, gen uint64, deps wire.Deps) {
	if t := autoTrackerOf(ctx); t != nil {
		t.add(p.storeID, p.keys.gen+key, gen)
		t.addAll(p.storeID, deps)
	}
}

// trackMissing notes that a load asked this cache for keys in vain: it may go on to
// read the source by itself.
func (p *proofs) trackMissing(ctx context.Context, keys ...string) {
	t := autoTrackerOf(ctx)
	if t == nil || len(keys) == 0 {
		return
	}
	var all []string
	for _, key := range keys {
		if p.keys.check(key) != nil {
			continue
		}
		all = append(all, p.keys.gen+key)
		known, err := p.known(key)
		if err != nil {
			t.fail(ReasonDependency)
			return
		}
		all = append(all, known...)
	}
	p.trackNow(ctx, t, all)
}

// trackFills notes that a load read keys of this cache from the source by itself,
// under what it had observed before.
func (h *Handle[V]) trackFills(ctx context.Context, fills ...filling[V]) {
	t := autoTrackerOf(ctx)
	if t == nil {
		return
	}
	if err := h.proveFills(ctx, fills); err != nil {
		t.fail(ReasonGenError)
		return
	}
	for i := range fills {
		h.trackProven(t, &fills[i])
	}
}

// trackProven notes what a load read under a generation that is proven, or that it
// is not.
func (h *Handle[V]) trackProven(t *tracker, f *filling[V]) {
	if why := f.refusal(); why != "" {
		t.fail(why)
		return
	}
	t.add(h.storeID, h.keys.gen+f.key, f.gen)
	t.addAll(h.storeID, orNone(f.deps))
}

// trackNow takes the generations of keys for a load.
func (p *proofs) trackNow(ctx context.Context, t *tracker, keys []string) {
	if p.storeID != t.storeID {
		t.fail(ReasonForeignDep)
		return
	}
	keys = distinct(keys)
	if len(keys) > MaxDeps {
		t.fail(ReasonTooManyDeps)
		return
	}
	for _, key := range keys {
		if p.suspects.has(key) {
			t.fail(ReasonSuspect)
			return
		}
	}
	gens, err := p.gens.snapshotBulk(ctx, keys)
	if err != nil {
		p.emit.genStoreError(ctx, GenSnapshot, p.keys.nameOf(keys[0]), len(keys), err)
		t.fail(ReasonGenError)
		return
	}
	for i, key := range keys {
		t.add(p.storeID, key, gens[i])
	}
}

// trackDisabled notes that a load read through a cache that knows of no
// invalidation.
func trackDisabled(ctx context.Context) {
	if t := autoTrackerOf(ctx); t != nil {
		t.fail(ReasonDisabled)
	}
}
