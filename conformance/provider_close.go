package conformance

import (
	"bytes"
	"context"
	"sync/atomic"
)

var providerCloseRules = []rule[*providerSubject]{
	{
		name: "CloseTwice",
		says: "Further calls of Close return nil and do nothing, also when they come at once.",
		harm: "two caches that share a provider, or a deferred Close, bring the process down as it stops.",
		try:  tryCloseTwice,
	},
	{
		name: "ClosedGetIsAnError",
		says: "After Close, Get returns an error and no value.",
		harm: "a program that closed its cache too early goes on, with data that nobody invalidates any more.",
		try:  tryClosedGetIsAnError,
	},
	{
		name: "ClosedSetIsAnError",
		says: "After Close, Set returns an error.",
		harm: "a program that closed its cache too early does not notice, and nothing is cached.",
		try:  tryClosedSetIsAnError,
	},
	{
		name: "ClosedDelIsAnError",
		says: "After Close, Del returns an error.",
		harm: "an invalidation that was not carried out is taken for done.",
		try:  tryClosedDelIsAnError,
	},
	{
		name:  "ClosedAbilityIsAnError",
		says:  "After Close, the optional calls, such as the bulk calls, return an error.",
		harm:  "a program that closed its cache too early does not notice.",
		needs: (*providerSubject).needAbility,
		try:   tryClosedAbilityIsAnError,
	},
	{
		name: "CloseUnderLoad",
		says: "Close may come while other calls are under way: they return the right answer or an error.",
		harm: "every other deployment ends in a crash.",
		try:  tryCloseUnderLoad,
	},
}

func tryCloseTwice(a *attempt, s *providerSubject) {
	s.keep(a, "kept", sample("kept", 20))
	_ = s.p.Close(a.Context()) // what it returns has a case of its own
	for range 2 {
		if err := s.p.Close(a.Context()); err != nil {
			a.violated("nil", "the second Close returned %v", err)
		}
	}
	another := openProvider(a, s.h)
	var failures atomic.Int64
	a.each(8, func(int) {
		if another.Close(a.Context()) != nil {
			failures.Add(1)
		}
	})
	// One of them is the first.
	if n := failures.Load(); n > 1 {
		a.violated("nil, but for the first", "of eight Closes at once, %d returned an error", n)
	}
}

// closed stores an entry, "kept", and closes the provider.
func (s *providerSubject) closed(a *attempt) {
	s.keep(a, "kept", sample("kept", 20))
	_ = s.p.Close(a.Context())
}

func tryClosedGetIsAnError(a *attempt, s *providerSubject) {
	s.closed(a)
	for _, key := range []string{"kept", "never-set"} {
		value, found, err := s.p.Get(a.Context(), key)
		if err == nil || found || value != nil {
			a.violated("(nil, false, an error)", "after Close, Get(%s) returned (%s, %t, %v)", quote(key), bytesOrNil(value), found, err)
		}
	}
}

func tryClosedSetIsAnError(a *attempt, s *providerSubject) {
	s.closed(a)
	accepted, err := s.p.Set(a.Context(), "late", sample("late", 20), 20, lasting)
	if accepted || err == nil {
		a.violated("(false, an error)", "after Close, Set returned (%t, %v)", accepted, err)
	}
}

func tryClosedDelIsAnError(a *attempt, s *providerSubject) {
	s.closed(a)
	for _, key := range []string{"kept", "never-set"} {
		if err := s.p.Del(a.Context(), key); err == nil {
			a.violated("an error", "after Close, Del(%s) returned nil", quote(key))
		}
	}
}

func tryClosedAbilityIsAnError(a *attempt, s *providerSubject) {
	s.closed(a)
	for _, c := range s.abilityCalls("kept") {
		if err := c.do(a.Context()); err == nil {
			a.violated("an error", "after Close, %s returned none", c.name)
		}
	}
}

func tryCloseUnderLoad(a *attempt, s *providerSubject) {
	key, value := "busy", sample("busy", 64)
	closeUnderLoad(a, 4,
		func() *providerSubject { return &providerSubject{h: s.h, p: openProvider(a, s.h)} },
		func(live *providerSubject, _ int) {
			live.set(a, key, value, lasting)
			if got, found := live.get(a, key); found && !bytes.Equal(got, value) {
				a.violated("the value, a miss or an error", "while it was being closed, Get returned %s", quote(got))
			}
			live.del(a, key)
		},
		func(live *providerSubject) { _ = live.p.Close(context.Background()) })
}
