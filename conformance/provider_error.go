package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

var providerErrorRules = []rule[*providerSubject]{
	{
		name: "DoneContextIsItsError",
		says: "When the context is done, a provider that does I/O returns its error, such that errors.Is finds it.",
		harm: "a request that was given up goes on to load the storage, and callers cannot tell why it failed.",
		lack: ContextErrors,
		try:  tryDoneContextIsItsError,
	},
	{
		name: "DelUnderADoneContextIsHonest",
		says: "A Del that returned nil has removed the key, also when its context is done.",
		harm: "an invalidation that never happened is taken for done.",
		try:  tryDelUnderADoneContextIsHonest,
	},
	{
		name: "SetUnderADoneContextIsHonest",
		says: "A Set that returned true has replaced what was there, also when its context is done.",
		harm: "the value before the last one is served on.",
		try:  trySetUnderADoneContextIsHonest,
	},
	{
		name: "FailedGetIsAnError",
		says: "When the storage fails, Get returns its error: an error is never a miss.",
		harm: "an outage of the cache cannot be told from an empty one, and nobody is alerted.",
		lack: Failures,
		try:  broken(tryFailedGetIsAnError),
	},
	{
		name: "FailedSetIsAnError",
		says: "When the storage fails, Set returns its error.",
		harm: "an outage of the cache goes unnoticed.",
		lack: Failures,
		try:  broken(tryFailedSetIsAnError),
	},
	{
		name: "FailedDelIsAnError",
		says: "When the storage fails, Del returns its error.",
		harm: "an entry that is still there is taken for removed, and comes back with the storage.",
		lack: Failures,
		try:  broken(tryFailedDelIsAnError),
	},
	{
		name:  "FailedAbilityIsAnError",
		says:  "When the storage fails, the optional calls, such as the bulk calls, return its error too.",
		harm:  "an outage of the cache goes unnoticed, or entries that are still there are taken for removed.",
		lack:  Failures,
		needs: (*providerSubject).needAbility,
		try:   broken(tryFailedAbilityIsAnError),
	},
}

func tryDoneContextIsItsError(a *attempt, s *providerSubject) {
	s.keep(a, "kept", sample("kept", 20))
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	for _, ctx := range []context.Context{canceled(), late} {
		for _, c := range s.calls("kept") {
			err := c.do(ctx)
			if err == nil {
				a.violated(fmt.Sprintf("the error %q", ctx.Err()), "%s, called with a context that was done, returned no error", c.name)
			}
			if !errors.Is(err, ctx.Err()) {
				a.violated(fmt.Sprintf("an error that errors.Is takes for %q", ctx.Err()), "%s, called with a context that was done, returned %q",
					c.name, err)
			}
		}
	}
}

func tryDelUnderADoneContextIsHonest(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	honest := 0
	check := func(name, key string, err error) {
		if err != nil {
			return
		}
		honest++
		s.settle(a)
		if got, found := s.get(a, key); found {
			a.violated("a miss, or an error of "+name, "%s with a context that was done returned nil, and Get(%s) then returned %s",
				name, quote(key), quote(got))
		}
	}
	for _, key := range names("done", 4) {
		s.mustKeep(a, key, sample(key, 20))
		check("Del", key, s.p.Del(canceled(), key))
		if s.bulk != nil {
			s.mustKeep(a, key, sample(key, 20))
			check("DelBulk", key, s.bulk.DelBulk(canceled(), []string{key}))
		}
	}
	if honest == 0 {
		a.inconclusive("every Del with a context that was done returned an error")
	}
}

func trySetUnderADoneContextIsHonest(a *attempt, s *providerSubject) {
	accepted := 0
	for _, key := range names("done", 4) {
		first, second := sample("first", 20), sample("second", 20)
		s.mustKeep(a, key, first)
		if ok, err := s.p.Set(canceled(), key, second, 20, lasting); !ok || err != nil {
			continue
		}
		accepted++
		s.settle(a)
		if got, found := s.get(a, key); found && !bytes.Equal(got, second) {
			a.violated("the value accepted last, or a miss, or an error of Set",
				"Set with a context that was done returned (true, nil), and Get(%s) then returned the value before", quote(key))
		}
	}
	if accepted == 0 {
		a.inconclusive("no Set with a context that was done was accepted")
	}
}

// broken returns a case that begins when the storage has been made to fail,
// with one entry in it: key "kept".
func broken(try func(a *attempt, s *providerSubject)) func(*attempt, *providerSubject) {
	return func(a *attempt, s *providerSubject) {
		if s.h.Break == nil {
			if s.lacks(Failures) {
				a.inconclusive("the harness gives no way to make the storage fail")
			}
			a.Fatalf("the harness gives no Break, nor declares in Lacks that the storage cannot fail (%s)", Failures)
		}
		s.keep(a, "kept", sample("kept", 20))
		s.h.Break(a, s.p)
		try(a, s)
	}
}

func tryFailedGetIsAnError(a *attempt, s *providerSubject) {
	for _, key := range []string{"kept", "never-set"} {
		_, found, err := s.p.Get(a.Context(), key)
		if err == nil && !found {
			a.violated("an error", "with the storage broken, Get(%s) returned a miss", quote(key))
		}
	}
}

func tryFailedSetIsAnError(a *attempt, s *providerSubject) {
	if accepted, err := s.p.Set(a.Context(), "fresh", sample("fresh", 20), 20, lasting); err == nil {
		a.violated("an error", "with the storage broken, Set returned (%t, nil)", accepted)
	}
}

func tryFailedDelIsAnError(a *attempt, s *providerSubject) {
	if err := s.p.Del(a.Context(), "kept"); err == nil {
		a.violated("an error", "with the storage broken, Del returned nil")
	}
}

func tryFailedAbilityIsAnError(a *attempt, s *providerSubject) {
	for _, c := range s.abilityCalls("kept") {
		if err := c.do(a.Context()); err == nil {
			a.violated("an error", "with the storage broken, %s returned none", c.name)
		}
	}
}
