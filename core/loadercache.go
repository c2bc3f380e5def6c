package cascache

import (
	"context"
	"errors"
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
	observe(ctx context.Context, key string, o observation) wanted

	// lookUpBulk is lookUp for many keys. Keys that the source is known not to
	// have are missing, unless that is to be believed.
	lookUpBulk(ctx context.Context, keys []string, believeAbsent bool) bulkLook[V]

	// store stores what was loaded where the generation has not moved, and as
	// a bulk too if these are all the keys of a call. It tells of those that
	// have no generation (G2).
	store(ctx context.Context, fills []loadedFill[V], whole bool) error

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
	observe func(context.Context) []wanted // of the missing keys, as for one key
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

func (c handleCache[V]) observe(ctx context.Context, key string, o observation) wanted {
	w := wanted{key: key, gen: o.gen}
	failed := o.failed
	if !o.asked {
		// The error is told to the generation store's hook. Without a generation
		// the value is loaded, and neither stored nor shared.
		var err error
		w.gen, err = c.h.SnapshotGenContext(ctx, key)
		failed = err != nil
	}
	if w.gen == 0 {
		w.why = c.why(key, failed)
	}
	return w
}

// why returns the reason for a key that has no generation. failed says that the
// store could not be asked.
func (c handleCache[V]) why(key string, failed bool) Reason {
	switch {
	case c.h.suspects.has(c.h.keys.entry(key)):
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
		observe: func(ctx context.Context) []wanted {
			gens, err := read.observe(ctx, missing)
			failed := err != nil && !errors.Is(err, ErrSuspect)
			wants := make([]wanted, len(missing))
			for i, key := range missing {
				wants[i] = wanted{key: key, gen: gens[key]}
				if wants[i].gen == 0 {
					wants[i].why = c.why(key, failed)
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

func (c plainCache[V]) observe(_ context.Context, key string, _ observation) wanted {
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
	look.observe = func(context.Context) []wanted {
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
		if !f.absent {
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

func (plainCache[V]) namespace() string { return "" }

func (plainCache[V]) loaded(context.Context, LoadEvent) {}
