package conformance

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

var cacheLacks = []Lack{Sharing, Losing}

// A CacheHarness tells [RunCache] how to put a cache together. New is required,
// and so are Losses unless Lacks says why there are none; the zero value of every
// other field works. The functions are called from one goroutine at a time.
type CacheHarness struct {
	// New returns the options of n replicas of one cache, on a state that
	// nothing else uses and that is empty: each with clients and a memory of
	// its own, as in a process of its own, sharing what replicas share. n is
	// 1 where [Sharing] is in Lacks. The suite opens and closes the caches.
	New func(tb testing.TB, n int) []cascache.Options[string]

	// Open opens a cache. nil means cascache.New. The suite puts faults
	// between the cache and what New returned by wrapping the Provider and
	// the GenStore.
	Open func(tb testing.TB, opts cascache.Options[string]) cascache.CAS[string]

	// Loader returns the Get of a loader over a cache that Open returned. nil
	// means that of cascache.NewLoader, where Open is nil too.
	Loader func(tb testing.TB, cache cascache.CAS[string], load func(ctx context.Context, key string) (string, error)) func(ctx context.Context, key string) (string, error)

	// Settle returns once every value that the provider of opts has accepted
	// is visible or lost. nil: that is so when Set returns.
	Settle func(tb testing.TB, opts cascache.Options[string])

	// Losses are the ways in which the generation store can lose generations.
	// None needs [Losing] in Lacks.
	Losses []Loss

	// Seed drives the stress; 0 means one that is drawn, and told when a case
	// fails.
	Seed uint64

	// Lacks declares what the assembly by its nature does without, and why:
	// [Sharing] or [Losing].
	Lacks map[Lack]string

	// Deadline bounds each case. 0 means 30 seconds.
	Deadline time.Duration
}

// RunCache holds a whole assembly, of provider, generation store and codec, to
// the promise: what was invalidated is never served again, by any replica, and
// whatever fails. Run it with -race. Each case is a subtest of t.
func RunCache(t *testing.T, h CacheHarness) {
	t.Helper()
	if h.New == nil {
		t.Fatal("conformance: CacheHarness.New is nil; it is required")
	}
	cacheSuite(h).run(t)
}

func cacheSuite(h CacheHarness) *suite[*cacheSubject] {
	return &suite[*cacheSubject]{
		rules:    cacheRules,
		subject:  func(*attempt) *cacheSubject { return &cacheSubject{h: h} },
		lacks:    h.Lacks,
		allowed:  cacheLacks,
		deadline: h.Deadline,
	}
}

var cacheRules = slices.Concat(
	cacheFillRules,
	cacheInvalidateRules,
	cacheBulkRules,
	cacheFaultRules,
	cacheMutateRules,
	cacheLoaderRules,
	cacheDerivedRules,
	cacheStressRules,
)

// A cacheSubject is the assembly under test, before it is opened.
type cacheSubject struct {
	h      CacheHarness
	change func(*cascache.Options[string]) // of what the harness made; nil: none
}

// A replica is one open cache.
type replica struct {
	cascache.CAS[string]
	h    CacheHarness
	opts cascache.Options[string] // as the harness made them, with a GenStore

	// What stands between the cache and its backends; nil for nothing.
	values *faults.Script
	gens   *faults.Script
}

// open opens n replicas as the harness makes them.
func (s *cacheSubject) open(a *attempt, n int) []*replica { return s.openWith(a, n, false) }

// openFaulty opens n replicas, each with faults of its own between it and its
// backends, and none at first.
func (s *cacheSubject) openFaulty(a *attempt, n int) []*replica { return s.openWith(a, n, true) }

func (s *cacheSubject) openWith(a *attempt, n int, faulty bool) []*replica {
	all := s.h.New(a, n)
	if len(all) != n {
		a.Fatalf("CacheHarness.New returned the options of %d replicas, not %d", len(all), n)
	}
	replicas := make([]*replica, n)
	for i, opts := range all {
		if s.change != nil {
			s.change(&opts)
		}
		if opts.GenStore == nil {
			opts.GenStore = cascache.NewLocalGenStore(opts.CleanupInterval, opts.GenRetention)
		}
		r := &replica{h: s.h, opts: opts, values: faults.NewScript(1), gens: faults.NewScript(1)}
		if faulty {
			if both, ok := oneValue(opts); ok {
				backend := faults.NewBackend(both, r.values, r.gens)
				opts.Provider, opts.GenStore = backend, backend
			} else {
				opts.GenStore = faults.NewGenStore(opts.GenStore, r.gens)
				if opts.Provider != nil {
					opts.Provider = faults.NewProvider(opts.Provider, r.values)
				}
			}
		}
		r.CAS = s.h.openCache(a, opts)
		a.Cleanup(func() { _ = r.Close(context.Background()) })
		replicas[i] = r
	}
	return replicas
}

// oneValue returns what Provider and GenStore are if they are one
// cascache.Combined: the faults then come between the cache and that one.
func oneValue(opts cascache.Options[string]) (cascache.Combined, bool) {
	both, ok := cascache.AbilityOf[cascache.Combined](opts.Provider)
	return both, ok && reflect.ValueOf(opts.Provider).Comparable() && any(opts.Provider) == any(opts.GenStore)
}

func (h CacheHarness) openCache(a *attempt, opts cascache.Options[string]) cascache.CAS[string] {
	if h.Open != nil {
		return h.Open(a, opts)
	}
	cache, err := cascache.New(opts)
	if err != nil {
		a.Fatalf("cascache.New refuses the options that CacheHarness.New returned: %v", err)
	}
	return cache
}

// shared ends the case unless there can be several replicas.
func (s *cacheSubject) shared(a *attempt) {
	if _, declared := s.h.Lacks[Sharing]; declared {
		a.inconclusive("there is one replica")
	}
}

// replicas returns how many replicas a case gets that can do with one.
func (s *cacheSubject) replicas() int {
	if _, declared := s.h.Lacks[Sharing]; declared {
		return 1
	}
	return 2
}

// loseDeletes makes every delete of the provider fail from now on, so that
// nothing but its generation can keep an entry from being served.
func (r *replica) loseDeletes() {
	r.values.Set(faults.Rule{Call: faults.Del, Kind: faults.Fail})
}

// cacheTries is how often something is tried that a cache need not do each
// time, such as to keep an entry.
const cacheTries = 40

// fill stores value under key in the three steps, and reports whether nothing
// failed.
func (r *replica) fill(a *attempt, key, value string) bool {
	observed := r.SnapshotGen(key)
	return r.store(a, key, value, observed)
}

// store is the last step of a fill.
func (r *replica) store(a *attempt, key, value string, observed uint64) bool {
	err := r.SetWithGen(a.Context(), key, value, observed, lasting)
	r.settle(a)
	return err == nil
}

func (r *replica) settle(a *attempt) {
	if r.h.Settle != nil {
		r.h.Settle(a, r.opts)
	}
}

// get returns what is served under key.
func (r *replica) get(a *attempt, key string) (string, bool) {
	value, ok, err := r.Get(a.Context(), key)
	return value, ok && err == nil
}

// getBulk returns what is served under keys.
func (r *replica) getBulk(a *attempt, keys []string) map[string]string {
	values, _, _ := r.GetBulk(a.Context(), keys)
	return values
}

// keep fills key until it is served, twice in a row, so that also what
// remembers reads knows it. It reports whether that came about.
func (r *replica) keep(a *attempt, key, value string) bool {
	for range cacheTries {
		if !r.fill(a, key, value) {
			continue
		}
		got, ok := r.get(a, key)
		again, still := r.get(a, key)
		if ok && still && got == value && again == value {
			return true
		}
	}
	return false
}

// mustKeep is keep for cases that can see nothing without the entry.
func (r *replica) mustKeep(a *attempt, key, value string) {
	if !r.keep(a, key, value) {
		a.inconclusive("%d fills of %s left nothing to be served; see FillIsServed", cacheTries, quote(key))
	}
}

// invalidate invalidates key, or ends the case.
func (r *replica) invalidate(a *attempt, key string) {
	if err := r.Invalidate(a.Context(), key); err != nil {
		a.inconclusive("Invalidate returned %v", err)
	}
}

// raw returns what the provider of the harness holds for key.
func (r *replica) raw(a *attempt, key string) ([]byte, bool) {
	if r.opts.Provider == nil {
		return nil, false
	}
	value, found, err := r.opts.Provider.Get(a.Context(), r.entry(key))
	return value, found && err == nil
}

var escapeNamespace = strings.NewReplacer("%", "%25", ":", "%3A")

// entry is the storage key of key.
func (r *replica) entry(key string) string {
	return "single:" + escapeNamespace.Replace(r.opts.Namespace) + ":" + key
}

// before and after are what the source has before and after a write.
func before(key string) string { return key + ", before the write" }
func after(key string) string  { return key + ", after the write" }

// refuse ends the case in a violation if a replica serves what was there before
// the write.
func refuse(a *attempt, replicas []*replica, key, what string) {
	for i, r := range replicas {
		for range 2 {
			if got, ok := r.get(a, key); ok && got != after(key) {
				a.violated("a miss", "%s, and Get(%s) on replica %d then served %s", what, quote(key), i, quote(got))
			}
		}
	}
}

// lose is one way of losing generations.
func (s *cacheSubject) losing(a *attempt, n int, try func(replicas []*replica, lose func(), loss Loss)) {
	if len(s.h.Losses) == 0 {
		if _, declared := s.h.Lacks[Losing]; declared {
			a.inconclusive("the harness gives no Losses")
		}
		a.Fatalf("the harness gives no Losses, nor declares in Lacks why there are none (%s)", Losing)
	}
	for _, loss := range s.h.Losses {
		replicas := s.openFaulty(a, n)
		if loss.Prepare != nil {
			loss.Prepare(a, replicas[0].opts.GenStore)
		}
		try(replicas, func() { loss.Lose(a, replicas[0].opts.GenStore) }, loss)
	}
}
