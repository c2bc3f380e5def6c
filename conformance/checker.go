package conformance

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Checker watches a cache in use and tells whether it keeps the promise:
// after Invalidate(key) has returned nil, no read that begins later returns a
// value that was read from the source before that invalidation began. It knows
// nothing of how the cache works and can be used around any, in a test or in a
// process that runs for days.
//
//	checker := conformance.NewChecker(conformance.CheckerOptions{})
//
//	read := checker.BeginRead(key)
//	value, ok, err := cache.Get(ctx, key)
//	if ok {
//		read.Hit(value.Version)
//	}
//
//	load := checker.BeginLoad(key)
//	value, err := db.Row(ctx, key)
//	if err == nil {
//		load.End(value.Version)
//	}
//
//	invalidation := checker.BeginInvalidation(key)
//	err := cache.Invalidate(ctx, key)
//	invalidation.End(err)
//
// A version says which load a value is from: a number that each load puts into
// the value, or one that each write raises. With the latter the checker is
// silent about a value that was loaded again unchanged, which is no harm.
//
// Begin is to be called before the call begins, and End, or Hit, after it has
// returned; a load is to end before its value can be found in the cache. Then
// every violation is one. Each event takes about the same time, however long
// the history. All methods may be called concurrently.
type Checker struct {
	opts  CheckerOptions
	clock atomic.Uint64 // orders the events
	start time.Time

	mu         sync.Mutex // guards what follows
	keys       map[string]*keyHistory
	horizon    uint64 // what was loaded before may have been forgotten
	violations []Violation
	dropped    int // violations beyond MaxViolations

	reads, hits, loads, invalidations atomic.Int64
}

// CheckerOptions bounds the memory of a [Checker]. The zero value of every
// field is a working default.
type CheckerOptions struct {
	// MaxKeys is how many keys are watched; of more, some are forgotten for
	// a while. 0 means 65,536.
	MaxKeys int

	// MaxVersions is how many loads of one key are remembered: those of the
	// greatest age a value in the cache can have. Older ones are judged by
	// the time at which they were forgotten. 0 means 1,024.
	MaxVersions int

	// MaxViolations is how many violations are kept; the others are counted.
	// 0 means 100.
	MaxViolations int
}

// keyHistory is what a Checker knows of one key.
type keyHistory struct {
	mu      sync.Mutex // guards what follows
	newest  event      // the invalidation that began last, of those that returned nil
	loads   map[uint64]event
	order   []uint64 // versions in loads, oldest first
	horizon uint64   // what is not in loads ended before
}

// An event is a call that has begun at one moment and ended at another. The
// zero value is none.
type event struct {
	began, ended     uint64        // by Checker.clock
	beganAt, endedAt time.Duration // since Checker.start
}

// NewChecker returns a checker that has seen nothing.
func NewChecker(opts CheckerOptions) *Checker {
	for _, field := range [...]struct {
		value    *int
		fallback int
	}{{&opts.MaxKeys, 65536}, {&opts.MaxVersions, 1024}, {&opts.MaxViolations, 100}} {
		if *field.value <= 0 {
			*field.value = field.fallback
		}
	}
	return &Checker{opts: opts, start: time.Now(), keys: make(map[string]*keyHistory)}
}

// history returns what is known of a key, locked.
func (c *Checker) history(key string) *keyHistory {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.keys[key]
	if h == nil {
		if len(c.keys) >= c.opts.MaxKeys {
			c.forget()
		}
		h = &keyHistory{loads: make(map[uint64]event), horizon: c.horizon}
		c.keys[key] = h
	}
	h.mu.Lock()
	return h
}

// forget drops the history of some key. c.mu is held.
func (c *Checker) forget() {
	for key, h := range c.keys {
		// Whoever records in it has done so before the horizon.
		h.mu.Lock()
		delete(c.keys, key)
		c.horizon = c.clock.Add(1)
		h.mu.Unlock()
		return
	}
}

func (c *Checker) begin() event {
	return event{began: c.clock.Add(1), beganAt: time.Since(c.start)}
}

func (c *Checker) end(e *event) {
	e.ended, e.endedAt = c.clock.Add(1), time.Since(c.start)
}

// A Read is a read of one key that has begun.
type Read struct {
	checker *Checker
	key     string
	event   event
	newest  event // the invalidation that the value must not be from before
}

// BeginRead records that a read begins, which may be one of many in a bulk
// read. A miss needs no more.
func (c *Checker) BeginRead(key string) *Read {
	h := c.history(key)
	defer h.mu.Unlock()
	c.reads.Add(1)
	return &Read{checker: c, key: key, event: c.begin(), newest: h.newest}
}

// Hit records that the read has returned a value, and reports whether it was
// allowed to.
func (r *Read) Hit(version uint64) bool {
	c := r.checker
	c.hits.Add(1)
	c.end(&r.event)
	if r.newest.ended == 0 {
		return true
	}
	h := c.history(r.key)
	load, known := h.loads[version]
	horizon := h.horizon
	h.mu.Unlock()
	switch {
	case known && load.ended < r.newest.began:
	case !known && horizon > 0 && horizon < r.newest.began:
		// It was loaded, and so long ago that it is forgotten.
	case !known && horizon == 0:
		// Nothing was ever forgotten: the value is from no load at all.
	default:
		return true
	}
	c.report(Violation{Key: r.key, Version: version, load: load, forgotten: !known && horizon > 0, invalidation: r.newest, read: r.event})
	return false
}

// A Load is a read of the source that has begun.
type Load struct {
	checker *Checker
	key     string
	event   event
}

// BeginLoad records that the source is about to be read. A load that fails
// needs no more.
func (c *Checker) BeginLoad(key string) *Load {
	return &Load{checker: c, key: key, event: c.begin()}
}

// End records what the source had. It is to be called before the value is given
// to the cache.
func (l *Load) End(version uint64) {
	c := l.checker
	h := c.history(l.key)
	defer h.mu.Unlock()
	c.loads.Add(1)
	c.end(&l.event)
	if _, again := h.loads[version]; !again {
		if len(h.order) >= c.opts.MaxVersions {
			delete(h.loads, h.order[0])
			h.order = h.order[1:]
			h.horizon = l.event.ended
		}
		h.order = append(h.order, version)
	}
	// Of several loads of one version, the value may be from the last one.
	h.loads[version] = l.event
}

// An Invalidation is an invalidation of one key that has begun.
type Invalidation struct {
	checker *Checker
	key     string
	event   event
}

// BeginInvalidation records that an invalidation of key is about to begin.
func (c *Checker) BeginInvalidation(key string) *Invalidation {
	return &Invalidation{checker: c, key: key, event: c.begin()}
}

// End records how it has ended. One that returned an error promises nothing.
func (i *Invalidation) End(err error) {
	if err != nil {
		return
	}
	c := i.checker
	h := c.history(i.key)
	defer h.mu.Unlock()
	c.invalidations.Add(1)
	c.end(&i.event)
	if i.event.began > h.newest.began {
		h.newest = i.event
	}
}

// A Violation is a read that returned what had been invalidated before it
// began.
type Violation struct {
	Key     string
	Version uint64

	load, invalidation, read event
	forgotten                bool // of the load, only that it is long past is known
}

// String tells what happened, in order.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the promise: a read of %q returned version %d, which was loaded before an invalidation that had returned before the read began\n", v.Key, v.Version)
	line := func(e event, what string) {
		fmt.Fprintf(&b, "  %12v to %12v  %s (events %d to %d)\n", e.beganAt.Round(time.Microsecond), e.endedAt.Round(time.Microsecond), what, e.began, e.ended)
	}
	switch {
	case v.load.ended != 0:
		line(v.load, fmt.Sprintf("load: the source had version %d", v.Version))
	case v.forgotten:
		fmt.Fprintf(&b, "  %31s  load: so long ago that it is forgotten\n", "")
	default:
		fmt.Fprintf(&b, "  %31s  load: none ever ended with version %d\n", "", v.Version)
	}
	line(v.invalidation, "invalidation: returned nil")
	line(v.read, fmt.Sprintf("read: returned version %d", v.Version))
	return strings.TrimSuffix(b.String(), "\n")
}

func (c *Checker) report(v Violation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.violations) >= c.opts.MaxViolations {
		c.dropped++
		return
	}
	c.violations = append(c.violations, v)
}

// Violations returns those that were found so far, the first ones first.
func (c *Checker) Violations() []Violation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Violation(nil), c.violations...)
}

// Err returns nil if there was no violation, and otherwise an error that tells
// of those that were kept.
func (c *Checker) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.violations) == 0 {
		return nil
	}
	texts := make([]string, 0, len(c.violations)+1)
	for _, v := range c.violations {
		texts = append(texts, v.String())
	}
	if c.dropped > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", c.dropped))
	}
	return errors.New(strings.Join(texts, "\n"))
}

// Counts is how much a [Checker] has seen. A run without hits, or without
// invalidations, proves nothing.
type Counts struct {
	Reads         int64 // begun
	Hits          int64
	Loads         int64 // that have ended
	Invalidations int64 // that have returned nil
	Violations    int64
}

// Counts returns how much the checker has seen so far.
func (c *Checker) Counts() Counts {
	c.mu.Lock()
	violations := int64(len(c.violations) + c.dropped)
	c.mu.Unlock()
	return Counts{
		Reads: c.reads.Load(), Hits: c.hits.Load(), Loads: c.loads.Load(), Invalidations: c.invalidations.Load(), Violations: violations,
	}
}
