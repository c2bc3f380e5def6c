package cascache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
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

// ErrNotFound says that the source has no such key. A load returns it, or an
// error that wraps it; Loader.Get does in turn.
var ErrNotFound = errors.New("cascache: not found in the source")

// LoadPanicError is what the callers of a load that panicked get.
type LoadPanicError struct {
	Value any    // what the load panicked with
	Stack []byte // of the goroutine that panicked
}

func (e *LoadPanicError) Error() string {
	return fmt.Sprintf("cascache: the load panicked: %v\n%s", e.Value, e.Stack)
}

// Unwrap returns the value of the panic if it is an error.
func (e *LoadPanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// LoaderOptions configures [NewLoader]. One of Load and LoadMany is required;
// the zero value of every other field is a working default.
type LoaderOptions[V any] struct {
	// Load reads one key from the source. An error that wraps [ErrNotFound]
	// says that the source has none. nil: LoadMany is called with one key.
	Load func(ctx context.Context, key string) (V, error)

	// LoadMany reads many keys from the source, each once. A key that is not
	// in the result is not in the source. nil: Load is called for each key.
	LoadMany func(ctx context.Context, keys []string) (map[string]V, error)

	// TTL returns the time to live of a loaded value; 0 means the cache's
	// DefaultTTL. nil means 0 for all. A negative one stores nothing.
	TTL func(key string, value V) time.Duration

	// AbsentTTL is how long it is remembered that the source has no such
	// key, unless the key is invalidated. 0: it is not remembered, nor are
	// such entries believed. Not negative.
	AbsentTTL time.Duration

	// MaxLoads bounds the calls of Load and LoadMany under way at once, those
	// included that outlive their context. 0 means [DefaultMaxLoads]; not
	// negative.
	MaxLoads int

	// LoadTimeout ends the context of a load, waiting for its turn included.
	// 0 means [DefaultLoadTimeout]; not negative.
	LoadTimeout time.Duration
}

func (o *LoaderOptions[V]) validate() error {
	switch {
	case o.Load == nil && o.LoadMany == nil:
		return errors.New("cascache: LoaderOptions.Load and LoaderOptions.LoadMany are nil; one is required")
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
// last one has left, the load's context ends. A panic in the load is a
// [*LoadPanicError] for each of them.
//
// All methods may be called concurrently. There is nothing to close.
type Loader[V any] struct {
	cache   *Handle[V]
	opts    LoaderOptions[V]
	flights flights[V]
	slots   chan struct{} // one element per load under way
}

// NewLoader returns a loader over cache, which may be disabled: then it loads
// each time, for each caller.
func NewLoader[V any](cache *Handle[V], opts LoaderOptions[V]) (*Loader[V], error) {
	if cache == nil {
		return nil, errors.New("cascache: NewLoader: the cache is nil; it is required")
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if opts.MaxLoads == 0 {
		opts.MaxLoads = DefaultMaxLoads
	}
	opts.LoadTimeout = orDefault(opts.LoadTimeout, DefaultLoadTimeout)
	l := &Loader[V]{cache: cache, opts: opts, slots: make(chan struct{}, opts.MaxLoads)}
	l.flights.seed = maphash.MakeSeed()
	return l, nil
}

// Get returns the value under key from the cache or else from the source. An
// error that wraps [ErrNotFound] says that the source has none. A provider that
// fails costs a load; other errors are those of the load, the caller's own
// ended context, [ErrInvalidKey] and [ErrClosed].
func (l *Loader[V]) Get(ctx context.Context, key string) (V, error) {
	landed := l.flights.landed(key)
	var observed observation
	value, found, err := l.cache.lookUp(ctx, key, &observed)
	if found == foundValue {
		return value, nil
	}
	if err != nil && l.final(ctx, err) {
		return value, err
	}
	if found == foundAbsent && l.opts.AbsentTTL > 0 {
		return value, notFound(key)
	}
	// The error is told to the generation store's hook. Without a generation
	// the value is loaded, and neither stored nor shared (G2).
	gen := observed.gen
	if !observed.asked {
		gen, _ = l.cache.SnapshotGenContext(ctx, key)
	}
	if err := ctx.Err(); err != nil {
		return value, err
	}
	s, began := l.flights.join(ctx, key, gen, l.opts.LoadTimeout)
	if began {
		// A flight of this key may have landed between the look-up and the
		// snapshot, and have stored what the look-up missed.
		if gen != 0 && l.flights.landed(key) != landed {
			if value, found, _ := l.cache.lookUp(ctx, key, nil); found == foundValue {
				l.flights.land(s.flight, []loaded[V]{{value: value}})
				return value, nil
			}
		}
		go l.fly(s.flight)
	}
	r := l.wait(ctx, s)
	return r.value, r.err
}

// GetMany returns the values under keys, from the cache or else from the
// source, in one load call for all that are missing. A key that the source does
// not have is not in the result. With an error, which is as for Get, the map
// holds what could be had all the same.
func (l *Loader[V]) GetMany(ctx context.Context, keys []string) (map[string]V, error) {
	read := l.cache.lookUpBulk(ctx, keys)
	if read.err != nil && l.final(ctx, read.err) {
		return read.values, read.err
	}
	missing := read.missing(l.opts.AbsentTTL > 0)
	if len(missing) == 0 {
		return read.values, nil
	}
	gens := read.observe(ctx, missing)
	if err := ctx.Err(); err != nil {
		return read.values, err
	}
	seats, began := l.flights.joinMany(ctx, missing, gens, l.opts.LoadTimeout, l.opts.LoadMany != nil)
	for _, f := range began {
		f.whole = len(f.keys) == len(read.keys)
		go l.fly(f)
	}
	var errs []error
	for i, s := range seats {
		switch r := l.wait(ctx, s); {
		case r.err == nil:
			read.values[missing[i]] = r.value
		case !r.absent && !slices.Contains(errs, r.err):
			errs = append(errs, r.err)
		}
	}
	return read.values, errors.Join(errs...)
}

// final reports whether an error of the cache is for the caller, rather than a
// reason to load.
func (l *Loader[V]) final(ctx context.Context, err error) bool {
	return ended(ctx) != nil || errors.Is(err, ErrClosed) || errors.Is(err, ErrInvalidKey)
}

// wait returns what the flight brings for one seat, or why it was left.
func (l *Loader[V]) wait(ctx context.Context, s seat[V]) loaded[V] {
	var err error
	select {
	case <-s.flight.done:
		return s.flight.results[s.index]
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.flight.ctx.Done():
		// It has landed, or it is out of time: then there is no use in
		// waiting for a load that ignores its context.
		select {
		case <-s.flight.done:
			return s.flight.results[s.index]
		default:
		}
		err = fmt.Errorf("cascache: load %q: %w", s.flight.keys[s.index], s.flight.ctx.Err())
	}
	l.flights.leave(s.flight)
	return loaded[V]{err: err}
}

// fly runs a flight to its end, whatever the load does.
func (l *Loader[V]) fly(f *flight[V]) {
	var results []loaded[V]
	returned := false
	defer func() {
		if !returned {
			var err error = errLoadExited
			if r := recover(); r != nil {
				err = &LoadPanicError{Value: r, Stack: debug.Stack()}
			}
			results = failed[V](len(f.keys), err)
		}
		l.flights.land(f, results)
	}()
	results = l.load(f)
	returned = true
}

var errLoadExited = errors.New("cascache: the load ended its goroutine")

// load asks the source once a slot is free, and stores what it gets.
func (l *Loader[V]) load(f *flight[V]) []loaded[V] {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-f.ctx.Done():
		return failed[V](len(f.keys), fmt.Errorf("cascache: load %q: no turn among %d loads: %w", f.keys[0], cap(l.slots), f.ctx.Err()))
	}
	event := LoadEvent{Keys: f.keys}
	start := time.Now()
	results, err := l.ask(f)
	event.Duration = time.Since(start)
	if err != nil {
		event.Err = err
		l.cache.emit.load(f.ctx, event)
		return failed[V](len(f.keys), err)
	}
	fills := make([]filling[V], 0, len(f.keys))
	for i, r := range results {
		item := filling[V]{key: f.keys[i], value: r.value, gen: f.gens[i], absent: r.absent}
		switch {
		case r.absent:
			event.Absent++
			item.ttl = l.opts.AbsentTTL
			if item.ttl == 0 {
				continue
			}
		case l.opts.TTL != nil:
			item.ttl = l.opts.TTL(item.key, item.value)
		}
		if item.gen != 0 && item.ttl >= 0 {
			fills = append(fills, item)
		}
	}
	event.StoreErr = l.cache.store(f.ctx, fills, f.whole && len(fills) == len(f.keys))
	l.cache.emit.load(f.ctx, event)
	return results
}

// ask returns one result per key of the flight, each a value or absent.
func (l *Loader[V]) ask(f *flight[V]) ([]loaded[V], error) {
	if l.opts.LoadMany == nil || len(f.keys) == 1 && l.opts.Load != nil {
		value, err := l.opts.Load(f.ctx, f.keys[0])
		switch {
		case err == nil:
			return []loaded[V]{{value: value}}, nil
		case errors.Is(err, ErrNotFound):
			return []loaded[V]{{err: err, absent: true}}, nil
		}
		return nil, err
	}
	// A copy: the function may keep or sort what it is given.
	values, err := l.opts.LoadMany(f.ctx, slices.Clone(f.keys))
	if err != nil {
		return nil, err
	}
	results := make([]loaded[V], len(f.keys))
	for i, key := range f.keys {
		value, ok := values[key]
		if !ok {
			results[i] = loaded[V]{err: notFound(key), absent: true}
			continue
		}
		results[i].value = value
	}
	return results, nil
}

func notFound(key string) error { return fmt.Errorf("%w: %q", ErrNotFound, key) }
