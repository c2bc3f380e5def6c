package conformance

import (
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Bounds is a bound on what a near tier keeps, so that there is no
// NearHarness.MaxEntries: entries stay until their time to live is over. A tier
// may lack it beside [SubSecondTTL], [LongKeys] and [EntryKeeping].
const Bounds Lack = "Bounds"

var nearLacks = []Lack{SubSecondTTL, LongKeys, Bounds, EntryKeeping}

// A NearHarness tells [RunNear] how to handle one kind of near tier. New and
// Values are required, and MaxEntries unless Lacks says why there is none. The
// functions are called from one goroutine at a time.
type NearHarness[V any] struct {
	// New makes an instance that nothing else uses, and that is empty. It has
	// room for some hundred entries. The suite closes it; what else there is
	// to tidy up goes to tb.Cleanup.
	New func(tb testing.TB) cascache.Near[V]

	// Values returns two or more values, no two equal; the same ones at each
	// call, in memory of their own. The more there are, the surer a value is
	// noticed that belongs to another generation.
	Values func() []V

	// Equal reports whether a value that was returned is what was set. nil
	// means reflect.DeepEqual. It is called concurrently.
	Equal func(a, b V) bool

	// MaxEntries is how many entries an instance holds at most once it has
	// settled, whatever the values. The suite sets twice as many. 0 needs
	// [Bounds] in Lacks.
	MaxEntries int

	// Settle returns once every value that n has taken is visible or lost, and
	// what is too much is dropped. nil: that is so when Set returns.
	Settle func(tb testing.TB, n cascache.Near[V])

	// Advance moves n's clock ahead by d. nil: the suite waits, with times to
	// live of a tenth of a second (of seconds without [SubSecondTTL]).
	Advance func(tb testing.TB, n cascache.Near[V], d time.Duration)

	// Lacks declares what the tier by its nature does without, and why:
	// [SubSecondTTL], [LongKeys] and [Bounds]; a wrapper also [EntryKeeping].
	Lacks map[Lack]string

	// Deadline bounds each case. 0 means 30 seconds.
	Deadline time.Duration
}

// RunNear holds a near tier to the contract of cascache.Near, and to that of
// cascache.EntryNear where it has that ability. Run it with -race. Each case is a
// subtest of t.
func RunNear[V any](t *testing.T, h NearHarness[V]) {
	t.Helper()
	switch {
	case h.New == nil:
		t.Fatal("conformance: NearHarness.New is nil; it is required")
	case h.Values == nil || len(h.Values()) < 2:
		t.Fatal("conformance: NearHarness.Values is required, and returns two values or more")
	}
	nearSuite(h).run(t)
}

func nearSuite[V any](h NearHarness[V]) *suite[*nearSubject[V]] {
	return &suite[*nearSubject[V]]{
		rules:    nearRules[V](),
		subject:  func(a *attempt) *nearSubject[V] { return newNearSubject(a, h) },
		lacks:    h.Lacks,
		allowed:  nearLacks,
		deadline: h.Deadline,
	}
}

func nearRules[V any]() []rule[*nearSubject[V]] {
	return slices.Concat(
		nearGetRules[V](),
		nearSetRules[V](),
		nearDelRules[V](),
		nearKeyRules[V](),
		nearTTLRules[V](),
		nearBoundRules[V](),
		nearCloseRules[V](),
		nearConcurrencyRules[V](),
		nearEntryRules[V](),
	)
}

// firstGen is the first of the generations that the cases use: of the size of
// real ones, so that whoever keeps fewer than 64 bits is noticed.
const firstGen uint64 = 1_700_000_000_000_000_001

// A nearSubject is one near tier under test.
type nearSubject[V any] struct {
	h      NearHarness[V]
	n      cascache.Near[V]
	values []V // those that are handed to the tier
	drawn  atomic.Uint64

	entries cascache.EntryNear[V] // nil: the tier keeps values only
}

func newNearSubject[V any](a *attempt, h NearHarness[V]) *nearSubject[V] {
	s := &nearSubject[V]{h: h, n: openNear(a, h), values: h.Values()}
	if _, ends := unwrapAll(s.n); ends {
		s.entries, _ = cascache.AbilityOf[cascache.EntryNear[V]](s.n)
	}
	return s
}

// openNear makes a tier that is closed when the case has ended.
func openNear[V any](a *attempt, h NearHarness[V]) cascache.Near[V] {
	n := h.New(a)
	if n == nil {
		a.Fatal("NearHarness.New returned nil")
	}
	a.Cleanup(func() {
		// How Close behaves, and when it comes twice, has cases of its own.
		defer func() { _ = recover() }()
		_ = n.Close()
	})
	return n
}

func (s *nearSubject[V]) lacks(lack Lack) bool {
	_, declared := s.h.Lacks[lack]
	return declared
}

func (s *nearSubject[V]) equal(a, b V) bool {
	if s.h.Equal != nil {
		return s.h.Equal(a, b)
	}
	return reflect.DeepEqual(a, b)
}

// draw returns a generation that this subject has not used before.
func (s *nearSubject[V]) draw() uint64 { return firstGen + s.drawn.Add(1) }

// value is the one that belongs to gen: that of any other generation is as
// likely as not another value.
func (s *nearSubject[V]) value(gen uint64) V {
	mixed := (gen ^ gen>>29) * 0x9e3779b97f4a7c15
	return s.values[(mixed>>33)%uint64(len(s.values))]
}

// set stores the value of a generation of its own under key, and returns the
// generation.
func (s *nearSubject[V]) set(key string, ttl time.Duration) uint64 {
	gen := s.draw()
	s.n.Set(key, s.value(gen), gen, ttl)
	return gen
}

// get returns what is under key. Something under generation 0 is as good as a
// miss, since no cache serves it; NeverSetIsAMiss is about that.
func (s *nearSubject[V]) get(key string) (V, uint64, bool) {
	v, gen, ok := s.n.Get(key)
	return v, gen, ok && gen != 0
}

func (s *nearSubject[V]) found(key string) bool {
	_, _, ok := s.get(key)
	return ok
}

// count tells how many of keys are found.
func (s *nearSubject[V]) count(keys []string) int {
	n := 0
	for _, key := range keys {
		if s.found(key) {
			n++
		}
	}
	return n
}

func (s *nearSubject[V]) settle(a *attempt) {
	if s.h.Settle != nil {
		s.h.Settle(a, s.n)
	}
}

// keep sets key until it is found, and reports whether that came about. What is
// found is for other cases to judge.
func (s *nearSubject[V]) keep(a *attempt, key string) bool {
	for range keepTries {
		s.set(key, lasting)
		s.settle(a)
		if s.found(key) {
			return true
		}
	}
	return false
}

// mustKeep is keep for cases that can see nothing without the entry.
func (s *nearSubject[V]) mustKeep(a *attempt, key string) {
	if !s.keep(a, key) {
		a.inconclusive("%d sets of %s left nothing to read", keepTries, quote(key))
	}
}

// mustPair ends the case unless value and generation come back as they were
// set, in the simplest of cases. Where they don't, PairsComeBackWhole says so.
func (s *nearSubject[V]) mustPair(a *attempt) {
	for _, key := range names("pair", 8) {
		gen := s.set(key, lasting)
		s.settle(a)
		v, got, ok := s.get(key)
		if ok && (got != gen || !s.equal(v, s.value(gen))) {
			a.inconclusive("what is set does not come back as it was; see PairsComeBackWhole")
		}
	}
}

// mustReplace is mustPair for cases in which keys are set more than once. Where
// a second Set does not replace the first, LastSetWins says so.
func (s *nearSubject[V]) mustReplace(a *attempt) {
	s.mustPair(a)
	for _, key := range names("replaced", 8) {
		s.n.Set(key, s.values[0], s.draw(), lasting)
		s.settle(a)
		gen := s.draw()
		s.n.Set(key, s.values[1], gen, lasting)
		s.settle(a)
		if v, got, ok := s.get(key); ok && (got != gen || !s.equal(v, s.values[1])) {
			a.inconclusive("a Set does not replace what was set before it; see LastSetWins")
		}
	}
}

// mustDelete ends the case unless Del works in the simplest of cases. Where it
// does not, DelIsImmediate says so.
func (s *nearSubject[V]) mustDelete(a *attempt) {
	for _, key := range names("deletable", 4) {
		s.keep(a, key)
		s.n.Del(key)
		if s.found(key) {
			a.inconclusive("Del does not remove what was set and read before it; see DelIsImmediate")
		}
	}
}

// group sets groupSize keys for ttl.
func (s *nearSubject[V]) group(a *attempt, prefix string, ttl time.Duration) []string {
	keys := names(prefix, groupSize)
	for _, key := range keys {
		s.set(key, ttl)
	}
	s.settle(a)
	return keys
}
