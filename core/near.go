package cascache

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// Near keeps decoded values in this process. It may lose any entry at any time;
// it must never answer with another value or generation than those last set
// under that very key.
//
// Values are shared: between Near, the cache and all callers, who must not
// modify what they get. Keys are the caller's own keys. All methods may be called
// concurrently and never block. After Close, Get misses and the rest does
// nothing.
type Near[V any] interface {
	// Get returns the value under key and the generation that it was set with.
	Get(key string) (value V, gen uint64, ok bool)

	// Set keeps value under key with its generation for ttl, which is
	// positive. It may decline; the key then misses.
	Set(key string, value V, gen uint64, ttl time.Duration)

	// Del removes key. When it has returned, no value set before it began is
	// returned any more.
	Del(key string)

	// Close releases what the tier owns. Further calls do nothing.
	Close() error
}

// NearEntry is what an [EntryNear] keeps under a key. Fields may be added in later
// versions, unexported ones included: a tier copies the struct as a whole, and
// never looks into fields that it doesn't know.
type NearEntry[V any] struct {
	Value  V      // the zero value where Absent
	Gen    uint64 // the generation that the entry was set with, or a number for several
	Absent bool   // the source has no such key

	deps *wire.Deps // nil: none
}

// EntryNear is an optional ability of a [Near]: to keep whole entries. The cache
// then uses GetEntry and SetEntry alone, and the tier also keeps that the source
// has no such key, for the AbsentTTL of a [Loader], and entries that depend on other
// keys or on tags.
//
// Both pairs of methods read and write the same entries: GetEntry finds what Set
// has kept, and Get finds what SetEntry has kept unless that is Absent, which it
// misses. Whichever was set last replaces the other, and Del removes it.
type EntryNear[V any] interface {
	// GetEntry returns the entry under key as it was set.
	GetEntry(key string) (NearEntry[V], bool)

	// SetEntry is Set of a whole entry.
	SetEntry(key string, entry NearEntry[V], ttl time.Duration)
}

// nearTier is a [Near] as the cache uses it: a panic is an error of the call.
type nearTier[V any] struct {
	near    Near[V] // nil: none
	entries EntryNear[V]
}

const nearName = "the near tier" // for errors

// newNearTier is where the ability of a near tier is looked for.
func newNearTier[V any](near Near[V]) nearTier[V] {
	entries, ok := AbilityOf[EntryNear[V]](near)
	if !ok {
		entries = valueNear[V]{near}
	}
	return nearTier[V]{near: near, entries: entries}
}

// nearGen returns the number that an entry with a generation and dependencies is set
// with: it stands for all of them, so that an entry from a tier that does not keep
// the dependencies is not taken for one without any.
func nearGen(own uint64, deps *wire.Deps) uint64 {
	if deps == nil || own == 0 {
		return own
	}
	for _, gen := range deps.All() {
		own = mix(own, gen)
	}
	return max(own, 1)
}

// dependencies returns those of the entry.
func (e *NearEntry[V]) dependencies() wire.Deps { return orNone(e.deps) }

// orNone returns the dependencies, none for nil.
func orNone(deps *wire.Deps) wire.Deps {
	if deps == nil {
		return wire.Deps{}
	}
	return *deps
}

// keptDeps returns dependencies as fills and entries near have them. They must be no
// view of an entry.
func keptDeps(deps wire.Deps) *wire.Deps {
	if deps.Len() == 0 {
		return nil
	}
	kept := deps // not the argument, which would be allocated for those without, too
	return &kept
}

// valueNear is a [Near] that keeps values alone.
type valueNear[V any] struct{ near Near[V] }

func (n valueNear[V]) GetEntry(key string) (entry NearEntry[V], ok bool) {
	entry.Value, entry.Gen, ok = n.near.Get(key)
	return entry, ok
}

func (n valueNear[V]) SetEntry(key string, entry NearEntry[V], ttl time.Duration) {
	if !entry.Absent && entry.deps == nil {
		n.near.Set(key, entry.Value, entry.Gen, ttl)
	}
}

// get reads the entry of key.
func (n *nearTier[V]) get(key string) (entry NearEntry[V], ok bool, err error) {
	defer contain(&err, nearName)
	entry, ok = n.entries.GetEntry(key)
	return entry, ok, nil
}

// set keeps an entry, unless the tier has no way to.
func (n *nearTier[V]) set(key string, entry NearEntry[V], ttl time.Duration) (err error) {
	if n.near == nil {
		return nil
	}
	defer contain(&err, nearName)
	n.entries.SetEntry(key, entry, ttl)
	return nil
}

// keepsDeps reports whether the tier keeps entries that have dependencies.
func (n *nearTier[V]) keepsDeps() bool {
	_, values := n.entries.(valueNear[V])
	return !values
}

func (n *nearTier[V]) del(key string) (err error) {
	if n.near == nil {
		return nil
	}
	defer contain(&err, nearName)
	n.near.Del(key)
	return nil
}

func (n *nearTier[V]) close() (err error) {
	if n.near == nil {
		return nil
	}
	defer contain(&err, nearName)
	return n.near.Close()
}

// nearResult says what near knows of a key.
type nearResult uint8

const (
	nearOpen     nearResult = iota // nothing, or what is not current any more
	nearHit                        // a value that is current
	nearAbsent                     // currently, the source has no such key
	nearUnproven                   // an entry of which it is not known whether it is current
)

// readNear reads the key from near, and its generation if that has it: current is
// 0 where it was not read. An error is the caller's own ended context.
//
// It is read before the provider, and once: a value read later under that number
// is from before an invalidation that had not returned when this call began.
func (h *Handle[V]) readNear(ctx context.Context, key string) (value V, current uint64, result nearResult, err error) {
	if h.near.near == nil {
		return value, 0, nearOpen, nil
	}
	returned := false
	defer func() { // as in nearTier.get, without a call more on a hit's way
		if !returned {
			h.emit.nearFailed(ctx, NearGet, key, caught(recover(), nearName))
		}
	}()
	entry, ok := h.near.entries.GetEntry(key)
	returned = true
	var none V
	if !ok {
		return none, 0, nearOpen, nil
	}
	var why, depWhy Reason
	if entry.deps == nil && !h.derived.any() {
		current, why, err = h.proof(ctx, key, "")
	} else {
		current, why, depWhy, err = h.proofWith(ctx, key, 0, entry.dependencies())
	}
	switch {
	case current == 0:
		h.emit.miss(ctx, key, why)
		return none, 0, nearUnproven, err
	case nearGen(current, entry.deps) != entry.Gen:
		h.dropNear(ctx, key)
		return none, current, nearOpen, nil
	case depWhy == ReasonDependency:
		h.dropNear(ctx, key)
		return none, current, nearOpen, nil
	case depWhy != "":
		h.emit.miss(ctx, key, depWhy)
		return none, 0, nearUnproven, err
	case entry.Absent:
		h.tracked(ctx, key, current, entry.dependencies())
		h.emit.miss(ctx, key, ReasonAbsent)
		return none, current, nearAbsent, nil
	}
	h.tracked(ctx, key, current, entry.dependencies())
	h.emit.hit(ctx, key, false)
	return entry.Value, current, nearHit, nil
}

// maxNearRefill is how long a value read from the provider is kept near.
const maxNearRefill = time.Minute

// keepNear keeps what a fill has stored. It reports whether that can be kept, as
// far as one can tell.
func (h *Handle[V]) keepNear(ctx context.Context, f *filling[V], ttl time.Duration) bool {
	entry := NearEntry[V]{Value: f.value, Gen: nearGen(f.gen, f.deps), Absent: f.absent, deps: f.deps}
	err := h.near.set(f.key, entry, ttl)
	h.emit.nearFailed(ctx, NearSet, f.key, err)
	return err == nil && (entry.deps == nil || h.near.keepsDeps())
}

// refillNear keeps a value that the provider had. That the source has no such key
// is not kept: how much is left of its time is not known, and that time is short.
func (h *Handle[V]) refillNear(ctx context.Context, key string, value V, r *reading) {
	if h.near.near == nil {
		return
	}
	entry := NearEntry[V]{Value: value, Gen: r.gen}
	if r.Deps.Len() > 0 {
		if !h.near.keepsDeps() {
			return
		}
		copied, err := wire.DepsOf(slices.Collect(depsIn(r.Deps))) // r's are a view of the entry
		if err != nil {
			return
		}
		entry.deps = keptDeps(copied)
		entry.Gen = nearGen(r.gen, entry.deps)
	}
	err := h.near.set(key, entry, min(h.ttls.single, maxNearRefill))
	h.emit.nearFailed(ctx, NearSet, key, err)
}

// depsIn yields dependencies as an encoder takes them.
func depsIn(deps wire.Deps) iter.Seq[wire.Dep] {
	return func(yield func(wire.Dep) bool) {
		for key, gen := range deps.All() {
			if !yield(wire.Dep{Key: key, Gen: gen}) {
				return
			}
		}
	}
}

// dropNear deletes an entry. Where that fails, the entry is older than its
// generation, and no read serves it.
func (h *Handle[V]) dropNear(ctx context.Context, key string) {
	h.emit.nearFailed(ctx, NearDel, key, h.near.del(key))
}
