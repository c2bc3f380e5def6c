package cascache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"time"
)

const (
	// DefaultMaxLoads is how many loads of a [Loader] run at once.
	DefaultMaxLoads = 64

	// DefaultLoadTimeout is when the context of a load ends.
	DefaultLoadTimeout = 30 * time.Second
)

// LoaderOptions configures [NewLoader]. One of Load and LoadBulk is required;
// the zero value of every other field is a working default.
type LoaderOptions[V any] struct {
	// Load reads one key from the source. An error that wraps [ErrNotFound]
	// says that the source has none. nil: LoadBulk is called with one key.
	Load func(ctx context.Context, key string) (V, error)

	// LoadBulk reads many keys from the source, each once. A key that is not
	// in the result is not in the source. Keys that were not asked for are
	// ignored. nil: Load is called for each key.
	//
	// It may return values and an error: the values are served and stored, and
	// the keys without one fail with that error, which says nothing about
	// whether the source has them. With an error that wraps [ErrNotFound] they
	// are not in the source; where it joins several errors, each has to wrap
	// it.
	LoadBulk func(ctx context.Context, keys []string) (map[string]V, error)

	// LoadMany is another name for LoadBulk; set one of them.
	//
	// Deprecated: use LoadBulk.
	LoadMany func(ctx context.Context, keys []string) (map[string]V, error)

	// TTL returns the time to live of a loaded value; 0 means the cache's
	// DefaultTTL. nil means 0 for all. A negative one stores nothing.
	TTL func(key string, value V) time.Duration

	// TagsOf returns the tags of a value that are known only after it is loaded,
	// such as the categories of a product: the value depends on them beside those
	// of Options.Tags. The result is only read. An [Handle.InvalidateTags] that
	// returns while the load runs is not missed: the loader remembers the tags of
	// some 65,000 keys, and takes their generations before the load. If a value
	// has a tag that it did not have before, and some tag of the namespace was
	// invalidated meanwhile, the value is loaded once more, and is not stored if
	// that happens again. It takes a [Handle].
	TagsOf func(key string, value V) []string

	// NoTracking leaves it to [DependOn] to say what a value depends on. Without
	// it, what a load reads through other caches, with the context that it was
	// given, counts by itself: Get, GetBulk and loaders, hits, loads and what the
	// source does not have. It is for loads that read through caches with another
	// generation store, whose values could not be stored, or that need more than
	// [MaxDeps] keys.
	NoTracking bool

	// AbsentTTL is how long it is remembered that the source has no such
	// key, unless the key is invalidated. 0: it is not remembered, nor are
	// such entries believed. Not negative. It takes a [Handle]: another
	// [CAS] has no way to store it. A near tier remembers it if it is an
	// [EntryNear].
	AbsentTTL time.Duration

	// MaxLoads bounds the calls of Load and LoadBulk under way at once, those
	// included that outlive their context. Loads that another load waits for
	// do not count: each load may have as many of them again. 0 means
	// [DefaultMaxLoads]; not negative.
	MaxLoads int

	// LoadTimeout ends the context of a load, waiting for its turn included.
	// 0 means [DefaultLoadTimeout]; not negative.
	LoadTimeout time.Duration
}

func (o *LoaderOptions[V]) validate() error {
	switch {
	case o.Load == nil && o.LoadBulk == nil && o.LoadMany == nil:
		return errors.New("cascache: LoaderOptions.Load and LoaderOptions.LoadBulk are nil; one is required")
	case o.LoadBulk != nil && o.LoadMany != nil:
		return errors.New("cascache: LoaderOptions.LoadBulk and LoaderOptions.LoadMany, its former name, are both set; set LoadBulk alone")
	case o.AbsentTTL < 0:
		return fmt.Errorf("cascache: LoaderOptions.AbsentTTL is %v; it must be 0, for none, or more", o.AbsentTTL)
	case o.MaxLoads < 0:
		return fmt.Errorf("cascache: LoaderOptions.MaxLoads is %d; it must be 0, for the default, or more", o.MaxLoads)
	case o.LoadTimeout < 0:
		return fmt.Errorf("cascache: LoaderOptions.LoadTimeout is %v; it must be 0, for the default, or more", o.LoadTimeout)
	}
	return nil
}

// Loader reads through a cache: what the cache cannot serve it loads from the
// source and stores, in the three steps that keep the promise.
//
// Callers of one key share a load if they saw the same generation of it, so
// that nobody who comes after an invalidation gets what was read before it. A
// caller that gets no generation shares with nobody, and what it loads is not
// stored. Callers that share a load share its value, which they must not
// modify.
//
// A load runs on a goroutine of its own, under the values of the first caller's
// context but not its end. Each caller waits under its own context; when the
// last one has left, the load's context ends, and a load that has not begun by
// then never does. A panic in the load is a [*LoadPanicError] for each of them.
// What panics after the source has answered does not cost them the value; see
// [LoadEvent].
//
// A load may ask a loader for other keys, with the context that it was given: by
// that context the loader knows. One that asks for its own key, directly or
// through the loads of others, gets an error that wraps [ErrLoadCycle] at once. A
// load of many keys counts as one: it can't ask for any of them. With another
// context none of this is known: such a load may wait for itself until
// LoadTimeout ends it.
//
// All methods may be called concurrently. There is nothing to close.
type Loader[V any] struct {
	cache   loaderCache[V]
	opts    LoaderOptions[V]
	flights flights[V]
	tags    tagMemory
}

// NewLoader returns a loader over cache, which may be disabled: then it loads
// each time, for each caller. Of a [Handle] it uses more than [CAS] has: what it
// does is told to the cache's hooks, calls of the generation store end with the
// caller's context, and absence is remembered. Any other CAS, such as a wrapper
// that holds a Handle, is used through the methods of CAS alone.
func NewLoader[V any](cache CAS[V], opts LoaderOptions[V]) (*Loader[V], error) {
	if v := reflect.ValueOf(cache); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("cascache: NewLoader: the cache is nil (%T); it is required", cache)
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if opts.LoadBulk == nil {
		opts.LoadBulk = opts.LoadMany
	}
	if opts.MaxLoads == 0 {
		opts.MaxLoads = DefaultMaxLoads
	}
	opts.LoadTimeout = orDefault(opts.LoadTimeout, DefaultLoadTimeout)
	l := &Loader[V]{cache: loaderCacheOf(cache), opts: opts}
	if _, plain := l.cache.(plainCache[V]); plain && opts.TagsOf != nil {
		return nil, fmt.Errorf("cascache: LoaderOptions.TagsOf is set over a %T; it takes a *Handle", cache)
	}
	l.flights.tracker = func() *tracker { return l.cache.tracker(!opts.NoTracking) }
	l.flights.fly = l.fly
	l.flights.atOnce = opts.MaxLoads
	l.flights.timeout = opts.LoadTimeout
	l.flights.together = opts.LoadBulk != nil
	l.flights.turns.free = opts.MaxLoads
	l.flights.seed = maphash.MakeSeed()
	return l, nil
}

// Get returns the value under key from the cache or else from the source. An
// error that wraps [ErrNotFound] says that the source has none. A provider that
// fails costs a load; other errors are those of the load, in an [*OpError] with
// [OpLoad] unless they have an OpError in them already, the caller's own ended
// context, [ErrLoadCycle], [ErrInvalidKey] and [ErrClosed].
func (l *Loader[V]) Get(ctx context.Context, key string) (V, error) {
	value, again, err := l.get(ctx, key, nil)
	for again != nil {
		value, again, err = l.get(ctx, key, again)
	}
	return value, err
}

// get is Get, or returns the flights after which a load must have begun to be shared,
// since the one that was shared is not known to be new enough: then it is to be
// called again.
func (l *Loader[V]) get(ctx context.Context, key string, since *uint64) (value V, again *uint64, err error) {
	landed := l.flights.landed(key)
	value, found, observed, err := l.cache.lookUp(ctx, key)
	if found == foundValue {
		return value, nil, nil
	}
	if err != nil && l.final(ctx, err) {
		return value, nil, err
	}
	if found == foundAbsent && l.opts.AbsentTTL > 0 {
		return value, nil, notFound(key)
	}
	wants := []wanted{l.cache.observe(ctx, key, observed, l.tagsToTake(key))}
	if err := ctx.Err(); err != nil {
		return value, nil, err
	}
	p, joined := l.flights.join(ctx, wants, true, &landed)
	if !joined {
		// A flight of this key has landed since the look-up, and may have
		// stored what that missed.
		switch value, found, _, _ := l.cache.lookUp(ctx, key); {
		case found == foundValue:
			return value, nil, nil
		case found == foundAbsent && l.opts.AbsentTTL > 0:
			return value, nil, notFound(key)
		}
		p, _ = l.flights.join(ctx, wants, true, nil)
	}
	defer p.disband()
	if since == nil {
		since = &p.since
	}
	s := p.seats[0]
	r := l.wait(ctx, s)
	if s.flight != nil && !s.mayServe(*since, &r) && ended(ctx) == nil {
		return value, since, nil
	}
	l.depend(ctx, wants[0], &r)
	switch {
	case r.err == nil:
		r.err = p.seats[0].flight.hookErr
	case !r.absent && ended(ctx) == nil:
		r.err = l.failed(key, r.err)
	}
	return r.value, nil, r.err
}

// depend notes what a load got from this loader.
func (l *Loader[V]) depend(ctx context.Context, w wanted, r *loaded[V]) {
	if t := autoTrackerOf(ctx); t != nil {
		l.cache.depend(ctx, t, w, r)
	}
}

// failed returns the error of a load with the key that it was for, unless that
// tells of a key, or of how the load ended, by itself.
func (l *Loader[V]) failed(key string, err error) error {
	var op *OpError
	var panicked *LoadPanicError
	if errors.Is(err, ErrLoadCycle) || errors.Is(err, errLoadExited) || errors.As(err, &panicked) || errors.As(err, &op) {
		return err
	}
	return &OpError{Op: OpLoad, Namespace: l.cache.namespace(), Key: key, Keys: 1, Err: err}
}

// GetBulk returns the values under keys, from the cache or else from the
// source, in one load call for all that are missing. A key that the source does
// not have is not in the result. With an error, the map holds what could be had
// all the same. Keys that could not be loaded make it a [*BulkLoadError], which
// lists them; otherwise the errors are those of Get.
func (l *Loader[V]) GetBulk(ctx context.Context, keys []string) (map[string]V, error) {
	var failure bulkFailure[V]
	values, again, err := l.getBulk(ctx, keys, nil, &failure)
	for since := again.since; len(again.keys) > 0; {
		var more map[string]V
		more, again, err = l.getBulk(ctx, again.keys, &since, &failure)
		maps.Copy(values, more)
	}
	if err != nil {
		return values, err
	}
	return values, failure.err()
}

// bulkAgain are keys to be asked for again, as for get.
type bulkAgain struct {
	keys  []string
	since uint64
}

func (l *Loader[V]) getBulk(ctx context.Context, keys []string, since *uint64, failure *bulkFailure[V]) (values map[string]V, again bulkAgain, err error) {
	read := l.cache.lookUpBulk(ctx, keys, l.opts.AbsentTTL > 0)
	if read.err != nil && l.final(ctx, read.err) {
		return read.values, again, read.err
	}
	if len(read.missing) == 0 {
		return read.values, again, nil
	}
	var tagsOf func(string) []string
	if l.opts.TagsOf != nil {
		tagsOf = l.tagsToTake
	}
	wants := read.observe(ctx, tagsOf)
	if err := ctx.Err(); err != nil {
		return read.values, again, err
	}
	p, _ := l.flights.join(ctx, wants, len(wants) == read.asked, nil)
	defer p.disband()
	if again.since = p.since; since != nil {
		again.since = *since
	}
	gone := false
	for i, s := range p.seats {
		key := wants[i].key
		if !gone && ctx.Err() != nil {
			gone = true
			l.flights.leaveAll(p.seats[i:])
		}
		var r loaded[V]
		if gone {
			r = landedOr(ctx, s)
		} else {
			r = l.wait(ctx, s)
		}
		if s.flight != nil && !s.mayServe(again.since, &r) && ended(ctx) == nil {
			again.keys = append(again.keys, key)
			continue
		}
		l.depend(ctx, wants[i], &r)
		switch {
		case r.err == nil:
			read.values[key] = r.value
			failure.hook(s.flight)
		case !r.absent:
			failure.add(key, s.flight, r.err)
		}
	}
	return read.values, again, nil
}

// GetMany is another name for GetBulk.
//
// Deprecated: use GetBulk.
func (l *Loader[V]) GetMany(ctx context.Context, keys []string) (map[string]V, error) {
	return l.GetBulk(ctx, keys)
}

// final reports whether an error of the cache is for the caller, rather than a
// reason to load.
func (l *Loader[V]) final(ctx context.Context, err error) bool {
	return ended(ctx) != nil || errors.Is(err, ErrClosed) || errors.Is(err, ErrInvalidKey)
}

// wait returns what the flight brings for one seat, or why it was left.
func (l *Loader[V]) wait(ctx context.Context, s seat[V]) loaded[V] {
	if s.flight == nil {
		return loaded[V]{err: s.err}
	}
	f := s.flight
	select {
	case <-f.done:
	case <-ctx.Done():
	case <-f.ctx.Done():
		// It has landed, or it is out of time: then there is no use in
		// waiting for a load that ignores its context.
	}
	select {
	case <-f.done:
		return f.results[s.index]
	default:
	}
	begun := l.flights.leave(f)
	switch err := ctx.Err(); {
	case err != nil:
		return loaded[V]{err: err}
	case begun:
		return loaded[V]{err: fmt.Errorf("cascache: the load has not returned: %w", f.ctx.Err())}
	}
	return loaded[V]{err: fmt.Errorf("cascache: no turn among %d loads: %w", l.opts.MaxLoads, f.ctx.Err())}
}

// landedOr returns what the flight of a seat that was given up has brought all
// the same, or that the caller's context has ended.
func landedOr[V any](ctx context.Context, s seat[V]) loaded[V] {
	if s.flight == nil {
		return loaded[V]{err: s.err}
	}
	select {
	case <-s.flight.done:
		return s.flight.results[s.index]
	default:
		return loaded[V]{err: ctx.Err()}
	}
}

var (
	errLoadExited    = errors.New("cascache: the load ended its goroutine")
	errStoringExited = errors.New("cascache: storing what was loaded ended its goroutine")
)

// fly runs a flight to its end. Whatever the load, the cache or a hook does, a
// panic and runtime.Goexit included, those who wait get an answer and the next
// flight its turn.
func (l *Loader[V]) fly(f *flight[V], t *turns[V]) {
	defer l.flights.handOn(t)
	defer l.flights.land(f)
	f.results = failed[V](len(f.keys), errLoadExited)
	event := LoadEvent{Keys: f.keys, Err: errLoadExited}
	defer func() {
		f.hookErr = guard("Hooks.Load", func() error { l.cache.loaded(f.ctx, event); return nil })
	}()
	f.results, event.Err = l.timed(f, &event.Duration)
	tagsErr := l.derive(f, &event.Duration)
	for _, r := range f.results {
		if r.absent {
			event.Absent++
		}
	}
	event.StoreErr = errStoringExited
	if event.StoreErr = guard("storing what was loaded", func() error { return l.store(f) }); tagsErr != nil {
		event.StoreErr = errors.Join(tagsErr, event.StoreErr)
	}
}

// guard runs do, and returns what it panics with as an error.
func guard(where string, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &afterLoadError{where: where, value: r, stack: debug.Stack()}
		}
	}()
	return do()
}

// timed is ask of all keys of a flight, and says how long that took.
func (l *Loader[V]) timed(f *flight[V], took *time.Duration) ([]loaded[V], error) {
	start := time.Now()
	defer func() { *took += time.Since(start) }()
	return l.ask(f.ctx, f.keys)
}

// ask returns one result per key: a value, absent, or the error.
func (l *Loader[V]) ask(ctx context.Context, keys []string) (results []loaded[V], err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &LoadPanicError{Value: r, Stack: debug.Stack()}
			results = failed[V](len(keys), err)
		}
	}()
	if l.opts.LoadBulk == nil || len(keys) == 1 && l.opts.Load != nil {
		value, err := l.opts.Load(ctx, keys[0])
		switch {
		case err == nil:
			return []loaded[V]{{value: value}}, nil
		case errors.Is(err, ErrNotFound):
			return []loaded[V]{{err: err, absent: true}}, nil
		}
		return failed[V](1, err), err
	}
	// A copy: the function may keep or sort what it is given.
	values, err := l.opts.LoadBulk(ctx, slices.Clone(keys))
	if err != nil && onlyNotFound(err) {
		err = nil
	}
	results = make([]loaded[V], len(keys))
	for i, key := range keys {
		value, ok := values[key]
		switch {
		case ok:
			results[i].value = value
		case err != nil:
			results[i].err = err
		default:
			results[i] = loaded[V]{err: notFound(key), absent: true}
		}
	}
	return results, err
}

// store stores what the source had.
func (l *Loader[V]) store(f *flight[V]) error {
	fills := make([]loadedFill[V], 0, len(f.keys))
	var unstored []loadedFill[V]
	whole := f.whole
	for i := range f.results {
		r, w := &f.results[i], f.wants[i]
		fill := loadedFill[V]{filling: filling[V]{key: w.key, value: r.value, gen: w.gen, absent: r.absent}, why: w.why}
		if r.derived || f.parent != nil {
			fill.notes = &fillNotes{r.taken, r.refused, &r.proof}
		}
		if r.err != nil && !r.absent {
			whole = false
			continue
		}
		switch {
		case r.absent:
			fill.ttl = l.opts.AbsentTTL
			whole = false
		case l.opts.TTL != nil:
			fill.ttl = l.opts.TTL(w.key, r.value)
		}
		if fill.ttl < 0 || r.absent && fill.ttl == 0 {
			whole = false
			if r.derived && w.gen != 0 {
				unstored = append(unstored, fill)
			}
			continue
		}
		fills = append(fills, fill)
	}
	if len(unstored) > 0 {
		l.cache.prove(f.ctx, unstored)
	}
	if len(fills) == 0 {
		return nil
	}
	return l.cache.store(f.ctx, fills, whole)
}

func notFound(key string) error { return fmt.Errorf("%w: %q", ErrNotFound, key) }
