package conformance

import (
	"context"
	"slices"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// What a provider may do without.
const (
	// PerEntryTTL is a time to live per entry: the provider has one life time
	// for all.
	PerEntryTTL Lack = "PerEntryTTL"

	// SubSecondTTL is a time to live in fractions of a second: the provider
	// counts in whole seconds.
	SubSecondTTL Lack = "SubSecondTTL"

	// LongKeys is room for keys of up to 65,535 bytes: the provider declines
	// the longer ones. It must still not mix them up.
	LongKeys Lack = "LongKeys"

	// ContextErrors is the error of a context that is done: the provider does
	// no I/O and takes no notice of contexts.
	ContextErrors Lack = "ContextErrors"

	// Failures is a storage that can fail, such as a server: it is the memory
	// of this process, so there is no ProviderHarness.Break.
	Failures Lack = "Failures"

	// BulkValues and PrefixGetting are abilities that a wrapper cannot forward
	// from what it wraps.
	BulkValues    Lack = "BulkValues"
	PrefixGetting Lack = "PrefixGetting"
)

var providerLacks = []Lack{
	PerEntryTTL, SubSecondTTL, LongKeys, ContextErrors, Failures,
	BulkValues, PrefixGetting,
}

// A ProviderHarness tells [RunProvider] how to handle one kind of provider.
// New is required; the zero value of every other field works. The functions
// are called from one goroutine at a time.
type ProviderHarness struct {
	// New makes an instance that nothing else uses, and that is empty: no
	// case sees what another has stored. It has room for a few thousand small
	// entries and some megabytes. The suite closes it; what else there is to
	// tidy up goes to tb.Cleanup.
	New func(tb testing.TB) cascache.Provider

	// Settle returns once every value that p has accepted is visible or
	// lost. nil: what Set has accepted is visible when it returns.
	Settle func(tb testing.TB, p cascache.Provider)

	// Advance moves p's clock ahead by d. nil: the suite waits, with times to
	// live of some hundred milliseconds (of some seconds without
	// [SubSecondTTL]).
	Advance func(tb testing.TB, p cascache.Provider, d time.Duration)

	// Break makes p's storage fail from now on, as a server does that is shut
	// down. It is not undone. nil needs [Failures] in Lacks.
	Break func(tb testing.TB, p cascache.Provider)

	// Peer opens another handle on p's storage, as another process would, or
	// this one after a restart. The suite closes it. nil when there can be
	// none; a provider whose Shared reports true should have one.
	Peer func(tb testing.TB, p cascache.Provider) cascache.Provider

	// Lacks declares what the provider by its nature does without, and why:
	// [PerEntryTTL] and those listed with it.
	Lacks map[Lack]string

	// Deadline bounds each case. 0 means 30 seconds.
	Deadline time.Duration
}

// RunProvider holds a provider, and the optional abilities that it has, to the
// contract of cascache.Provider. Run it with -race. Each case is a subtest of
// t.
func RunProvider(t *testing.T, h ProviderHarness) {
	t.Helper()
	if h.New == nil {
		t.Fatal("conformance: ProviderHarness.New is nil; it is required")
	}
	providerSuite(h).run(t)
}

func providerSuite(h ProviderHarness) *suite[*providerSubject] {
	return &suite[*providerSubject]{
		rules:    providerRules,
		subject:  func(a *attempt) *providerSubject { return newProviderSubject(a, h) },
		lacks:    h.Lacks,
		allowed:  providerLacks,
		deadline: h.Deadline,
	}
}

var providerRules = slices.Concat(
	providerGetRules,
	providerSetRules,
	providerDelRules,
	providerKeyRules,
	providerTTLRules,
	providerErrorRules,
	providerCloseRules,
	providerConcurrencyRules,
	providerGetBulkRules,
	providerSetBulkRules,
	providerDelBulkRules,
	providerPrefixRules,
	providerShareRules,
	providerWrapperRules,
)

// A providerSubject is one provider under test.
type providerSubject struct {
	h ProviderHarness
	p cascache.Provider

	bulk     cascache.BulkProvider
	prefixed cascache.PrefixGetter
}

func newProviderSubject(a *attempt, h ProviderHarness) *providerSubject {
	s := &providerSubject{h: h, p: openProvider(a, h)}
	// A chain of wrappers that never ends would keep AbilityOf for ever.
	if _, ends := unwrapAll(s.p); ends {
		s.bulk, _ = cascache.AbilityOf[cascache.BulkProvider](s.p)
		s.prefixed, _ = cascache.AbilityOf[cascache.PrefixGetter](s.p)
	}
	return s
}

// openProvider makes a provider that is closed when the case has ended.
func openProvider(a *attempt, h ProviderHarness) cascache.Provider {
	p := h.New(a)
	if p == nil {
		a.Fatal("ProviderHarness.New returned nil")
	}
	closeAfter(a, p)
	return p
}

func closeAfter(a *attempt, p cascache.Provider) {
	a.Cleanup(func() {
		// How Close behaves, and when it comes twice, has cases of its own.
		// Here it may panic, and take as long as it likes.
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			defer func() { _ = recover() }()
			// The case's own context is done by now.
			_ = p.Close(context.Background())
		}()
		timer := time.NewTimer(closeWait)
		defer timer.Stop()
		select {
		case <-closed:
		case <-timer.C:
		}
	})
}

// closeWait is how long the end of a case waits for its Close.
const closeWait = time.Second

func (s *providerSubject) lacks(lack Lack) bool {
	_, declared := s.h.Lacks[lack]
	return declared
}

func needBulk(s *providerSubject) string {
	if s.bulk == nil {
		return "the provider is no cascache.BulkProvider"
	}
	return ""
}

// lasting is the time to live of entries that are to outlive the case.
const lasting = time.Hour

// The methods below are what most cases are made of. An error is taken as a
// miss or as a value that was not accepted: the rules on errors have cases of
// their own, so that a provider with one fault fails one case.

// set stores a copy of value and reports whether it was accepted.
func (s *providerSubject) set(a *attempt, key string, value []byte, ttl time.Duration) bool {
	accepted, err := s.p.Set(a.Context(), key, append([]byte{}, value...), int64(len(value)), ttl)
	return accepted && err == nil
}

// get returns what is stored under key.
func (s *providerSubject) get(a *attempt, key string) ([]byte, bool) {
	value, found, err := s.p.Get(a.Context(), key)
	return value, found && err == nil
}

// del removes key and reports whether it is known to be gone.
func (s *providerSubject) del(a *attempt, key string) bool {
	return s.p.Del(a.Context(), key) == nil
}

func (s *providerSubject) settle(a *attempt) {
	if s.h.Settle != nil {
		s.h.Settle(a, s.p)
	}
}

// keepTries is how often a value is set before the provider is taken to keep
// nothing: enough for one that drops nine sets of ten.
const keepTries = 64

// keep stores value under key until it can be read, and reports whether that
// came about. What else is read meanwhile is for other cases to judge.
func (s *providerSubject) keep(a *attempt, key string, value []byte) bool {
	for range keepTries {
		if !s.set(a, key, value, lasting) {
			continue
		}
		s.settle(a)
		if got, found := s.get(a, key); found && string(got) == string(value) {
			return true
		}
	}
	return false
}

// mustKeep is keep for cases that can see nothing without the entry.
func (s *providerSubject) mustKeep(a *attempt, key string, value []byte) {
	if !s.keep(a, key, value) {
		a.inconclusive("%d sets of %s left nothing to read", keepTries, quote(key))
	}
}

// mustDelete ends the case unless Del works in the simplest of cases. Where it
// does not, DelIsImmediate says so.
func (s *providerSubject) mustDelete(a *attempt) {
	for _, key := range names("deletable", 4) {
		s.keep(a, key, sample(key, 20))
		if !s.del(a, key) {
			continue
		}
		if _, found := s.get(a, key); found {
			a.inconclusive("Del does not remove what was set and read before it; see DelIsImmediate")
		}
	}
}
