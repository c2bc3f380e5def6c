package cascache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// loaderCache is what a [Loader] does with its cache.
type loaderCache[V any] interface {
	// lookUp returns what the cache knows of a key, and what it read of the
	// key's generation on its way.
	lookUp(ctx context.Context, key string) (V, found, observation, error)

	// observe returns the generation that a load of the key which begins now
	// may be stored under: the one that a look-up has read, or else a snapshot.
	// It takes the generations of these tags, too.
	observe(ctx context.Context, key string, o observation, tags []string) wanted

	// lookUpBulk is lookUp for many keys. Keys that the source is known not to
	// have are missing, unless that is to be believed.
	lookUpBulk(ctx context.Context, keys []string, believeAbsent bool) bulkLook[V]

	// store stores what was loaded where the generation has not moved, and as
	// a bulk too if these are all the keys of a call. It tells of those that
	// have no generation (G2).
	store(ctx context.Context, fills []loadedFill[V], whole bool) error

	// prove finds out whether fills are proven that are not stored.
	prove(ctx context.Context, fills []loadedFill[V])

	// depend notes that the load that t belongs to depends on a key that was
	// loaded.
	depend(ctx context.Context, t *tracker, w wanted, r *loaded[V])

	// tracker returns a new one. Where no dependencies can be stored, it takes none.
	tracker(auto bool) *tracker

	// tagKeys returns the names that the generations of tags have in the store,
	// and what moves before any of them does.
	tagKeys(tags []string) ([]string, error)
	anyTag() string

	// takeTags returns generations of tags as they are now, created if need be;
	// 0 stands for none. currentTags creates none.
	takeTags(ctx context.Context, keys []string) map[string]uint64
	currentTag(ctx context.Context, key string) uint64

	// namespace is that of the cache, or empty where it is not known.
	namespace() string

	// loaded tells of a load.
	loaded(ctx context.Context, e LoadEvent)
}

// bulkLook is what a cache knows of many keys.
type bulkLook[V any] struct {
	asked   int // how many, each once
	values  map[string]V
	missing []string
	err     error
	observe func(context.Context, func(key string) []string) []wanted // of the missing keys, as for one key
}

// loadedFill is a fill, and the reason why it has no generation.
type loadedFill[V any] struct {
	filling[V]
	why Reason
}

// loaderCacheOf asks for the concrete type, not for its methods: a wrapper that
// embeds a Handle has these too, but not what it has put in place of others.
func loaderCacheOf[V any](cache CAS[V]) loaderCache[V] {
	if h, ok := cache.(*Handle[V]); ok {
		return handleCache[V]{h}
	}
	return plainCache[V]{cache}
}

// handleCache is a Handle as a loader uses it.
type handleCache[V any] struct{ h *Handle[V] }

func (c handleCache[V]) lookUp(ctx context.Context, key string) (V, found, observation, error) {
	var o observation
	value, found, err := c.h.lookUp(ctx, key, &o)
	return value, found, o, err
}

func (c handleCache[V]) observe(ctx context.Context, key string, o observation, tags []string) wanted {
	w := wanted{key: key, gen: o.gen}
	failed := o.failed
	if len(tags) > 0 {
		w.tags = c.takeTags(ctx, tags)
	}
	if !o.asked {
		// The error is told to the generation store's hook. Without a generation
		// the value is loaded, and neither stored nor shared.
		var err error
		w.gen, err = c.h.SnapshotGenContext(ctx, key)
		if errors.Is(err, ErrSuspect) { // the key, or what it depends on
			w.why = ReasonSuspect
		}
		failed = err != nil
	}
	if w.gen == 0 && w.why == "" {
		w.why = c.why(key, failed)
	}
	return w
}

// why returns the reason for a key that has no generation. failed says that the
// store could not be asked.
func (c handleCache[V]) why(key string, failed bool) Reason {
	switch {
	case c.h.isSuspect(c.h.keys.entry(key)):
		return ReasonSuspect
	case failed:
		return ReasonGenError
	}
	return ReasonNoGen
}

func (c handleCache[V]) lookUpBulk(ctx context.Context, keys []string, believeAbsent bool) bulkLook[V] {
	read := c.h.lookUpBulk(ctx, keys)
	missing := read.missing(believeAbsent)
	return bulkLook[V]{
		asked:   len(read.keys),
		values:  read.values,
		missing: missing,
		err:     read.err,
		observe: func(ctx context.Context, tagsOf func(key string) []string) []wanted {
			var tags map[string]uint64 // more than a key has does no harm
			if tagsOf != nil {
				var all []string
				for _, key := range missing {
					all = append(all, tagsOf(key)...)
				}
				tags = c.takeTags(ctx, distinct(all))
			}
			gens, err := read.observe(ctx, missing)
			suspect := errors.Is(err, ErrSuspect)
			failed := err != nil && !suspect
			wants := make([]wanted, len(missing))
			for i, key := range missing {
				wants[i] = wanted{key: key, gen: gens[key], tags: tags}
				if wants[i].gen != 0 {
					continue
				}
				if wants[i].why = c.why(key, failed); suspect && c.h.derived.any() {
					wants[i].why = ReasonSuspect
				}
			}
			return wants
		},
	}
}

func (c handleCache[V]) store(ctx context.Context, fills []loadedFill[V], whole bool) error {
	proved := make([]filling[V], 0, len(fills))
	var why Reason
	for _, f := range fills {
		if f.gen == 0 {
			why = f.why
			c.h.emit.setSkipped(ctx, f.key, why)
			continue
		}
		proved = append(proved, f.filling)
	}
	if whole && why != "" {
		whole = false
		if !c.h.noBulk && len(fills) > 1 {
			keys := make([]string, len(fills))
			for i, f := range fills {
				keys[i] = f.key
			}
			slices.Sort(keys)
			c.h.emit.bulkRejected(ctx, keys, true, why)
		}
	}
	return c.h.store(ctx, proved, whole)
}

func (c handleCache[V]) prove(ctx context.Context, fills []loadedFill[V]) {
	if c.h.disabled || c.h.begin(ctx) != nil {
		return
	}
	proved := make([]filling[V], len(fills))
	for i, f := range fills {
		proved[i] = f.filling
	}
	if c.h.proveFills(ctx, proved) != nil {
		return
	}
	for _, f := range proved {
		if f.refusal() == "" {
			*f.notes.proof = proven{true, f.gen, f.deps}
		}
	}
}

func (c handleCache[V]) depend(ctx context.Context, t *tracker, w wanted, r *loaded[V]) {
	switch {
	case c.h.disabled:
		t.fail(ReasonDisabled)
	case c.h.storeID != t.storeID:
		t.fail(ReasonForeignDep)
	case w.gen == 0:
		t.fail(w.why)
	case r.proof.ok:
		c.h.trackProven(t, &filling[V]{key: w.key, gen: r.proof.gen, deps: r.proof.deps})
	default:
		fills := []filling[V]{{key: w.key, gen: w.gen, notes: &fillNotes{taken: r.taken, refused: r.refused}}}
		if c.h.proveFills(ctx, fills) != nil {
			t.fail(ReasonGenError)
			return
		}
		c.h.trackProven(t, &fills[0])
	}
}

func (c handleCache[V]) tracker(auto bool) *tracker {
	return &tracker{storeID: c.h.storeID, auto: auto}
}

func (c handleCache[V]) tagKeys(tags []string) ([]string, error) {
	keys := make([]string, len(tags))
	for i, tag := range tags {
		if err := c.h.keys.checkTag(tag); err != nil {
			return nil, fmt.Errorf("cascache: LoaderOptions.TagsOf: %w", err)
		}
		keys[i] = c.h.keys.tag + tag
	}
	return distinct(keys), nil
}

func (c handleCache[V]) anyTag() string { return c.h.keys.tags }

func (c handleCache[V]) takeTags(ctx context.Context, keys []string) map[string]uint64 {
	if c.h.disabled || len(keys) == 0 {
		return nil
	}
	gens, err := c.h.gens.snapshotBulk(ctx, keys)
	if err != nil {
		c.h.emit.genStoreError(ctx, GenSnapshot, keys[0], len(keys), err)
	}
	taken := make(map[string]uint64, len(keys))
	for i, key := range keys {
		taken[key] = gens[i]
	}
	return taken
}

func (c handleCache[V]) currentTag(ctx context.Context, key string) uint64 {
	gen, err := c.h.gens.current(ctx, key)
	if err != nil {
		c.h.emit.genStoreError(ctx, GenCurrent, key, 1, err)
	}
	return gen
}

func (c handleCache[V]) namespace() string { return c.h.emit.namespace }

func (c handleCache[V]) loaded(ctx context.Context, e LoadEvent) { c.h.emit.load(ctx, e) }

// plainCache is any [CAS] as a loader uses it.
type plainCache[V any] struct{ cas CAS[V] }

func (c plainCache[V]) lookUp(ctx context.Context, key string) (V, found, observation, error) {
	value, ok, err := c.cas.Get(ctx, key)
	if ok && err == nil {
		return value, foundValue, observation{}, nil
	}
	var none V
	return none, foundNothing, observation{}, err
}

func (c plainCache[V]) observe(_ context.Context, key string, _ observation, _ []string) wanted {
	return wanted{key: key, gen: c.cas.SnapshotGen(key)}
}

func (c plainCache[V]) lookUpBulk(ctx context.Context, keys []string, _ bool) bulkLook[V] {
	keys = distinct(keys)
	look := bulkLook[V]{asked: len(keys)}
	if len(keys) > 0 {
		look.values, _, look.err = c.cas.GetBulk(ctx, keys)
	}
	if look.values == nil {
		look.values = make(map[string]V, len(keys))
	}
	for _, key := range keys {
		if _, ok := look.values[key]; !ok {
			look.missing = append(look.missing, key)
		}
	}
	look.observe = func(context.Context, func(string) []string) []wanted {
		gens := c.cas.SnapshotGens(look.missing)
		wants := make([]wanted, len(look.missing))
		for i, key := range look.missing {
			wants[i] = wanted{key: key, gen: gens[key]}
		}
		return wants
	}
	return look
}

// store makes one call for all fills with the same TTL. Whatever has no generation
// is handed on too: the cache stores nothing then, and says so.
func (c plainCache[V]) store(ctx context.Context, fills []loadedFill[V], _ bool) error {
	byTTL := make(map[time.Duration][]filling[V])
	for _, f := range fills {
		if !f.absent && f.refusal() == "" {
			byTTL[f.ttl] = append(byTTL[f.ttl], f.filling)
		}
	}
	var errs loadErrors
	for ttl, fills := range byTTL {
		if err := c.storeAlike(ctx, fills, ttl); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs
}

func (c plainCache[V]) storeAlike(ctx context.Context, fills []filling[V], ttl time.Duration) error {
	if len(fills) == 1 {
		return c.cas.SetWithGen(ctx, fills[0].key, fills[0].value, fills[0].gen, ttl)
	}
	items := make(map[string]V, len(fills))
	gens := make(map[string]uint64, len(fills))
	for _, f := range fills {
		items[f.key], gens[f.key] = f.value, f.gen
	}
	return c.cas.SetBulkWithGens(ctx, items, gens, ttl)
}

func (plainCache[V]) prove(context.Context, []loadedFill[V]) {}

// depend does nothing: what a plain cache is asked for by a load, it hands on with
// the context, if it can.
func (plainCache[V]) depend(context.Context, *tracker, wanted, *loaded[V]) {}

func (plainCache[V]) tracker(bool) *tracker                                { return new(tracker) }
func (plainCache[V]) tagKeys([]string) ([]string, error)                   { return nil, nil }
func (plainCache[V]) anyTag() string                                       { return "" }
func (plainCache[V]) takeTags(context.Context, []string) map[string]uint64 { return nil }
func (plainCache[V]) currentTag(context.Context, string) uint64            { return 0 }

func (plainCache[V]) namespace() string { return "" }

func (plainCache[V]) loaded(context.Context, LoadEvent) {}
