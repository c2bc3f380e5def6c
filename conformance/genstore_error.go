package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var genErrorRules = []rule[*genSubject]{
	{
		name: "HealthyCallsSucceed",
		says: "As long as nothing is wrong, no call returns an error.",
		harm: "reads miss, fills are skipped and invalidations fail, for no reason.",
		try:  tryHealthyGenCallsSucceed,
	},
	{
		name: "DoneContextIsItsError",
		says: "When the context is done, a store that does I/O returns its error, such that errors.Is finds it.",
		harm: "a request that was given up goes on to load the store, and callers cannot tell why it failed.",
		lack: ContextErrors,
		try:  tryDoneContextIsAGenError,
	},
	{
		name: "BumpUnderADoneContextIsHonest",
		says: "G4: A Bump that returned nil is done, also when its context is.",
		harm: "an invalidation at the end of a request that was given up is taken for done, and never happened.",
		try:  tryBumpUnderADoneContextIsHonest,
	},
	{
		name: "FailedReadIsAnError",
		says: "When the state cannot be reached, Current and Snapshot return an error.",
		harm: "an outage cannot be told from an empty store, and nobody is alerted.",
		lack: Failures,
		try:  unreachable(tryFailedReadIsAnError),
	},
	{
		name: "FailedBumpIsAnError",
		says: "G4: A Bump that is not known to be done returns an error.",
		harm: "an invalidation that never happened is taken for done, and the old value is served.",
		lack: Failures,
		try:  unreachable(tryFailedBumpIsAnError),
	},
	{
		name:  "FailedBulkIsAnError",
		says:  "When the state cannot be reached, the bulk calls return an error too.",
		harm:  "invalidations of a list that never happened are taken for done, or an outage goes unnoticed.",
		lack:  Failures,
		needs: needGenBulk,
		try:   unreachable(tryFailedGenBulkIsAnError),
	},
	{
		name:  "FailedHoldIsAnError",
		says:  "When the state cannot be reached, Hold and Release return an error.",
		harm:  "the database is written while other replicas serve and store the old value.",
		lack:  Failures,
		needs: needHolder,
		try:   unreachable(tryFailedHoldIsAnError),
	},
	{
		name:  "NonBlockingIsQuick",
		says:  "A store that reports NonBlocking never waits in a call.",
		harm:  "the cache spends nothing on timeouts for it, and every request hangs with the store.",
		needs: needNonBlocking,
		try:   tryNonBlockingIsQuick,
	},
}

func needNonBlocking(s *genSubject) string {
	if _, ends := unwrapAll(s.s); !ends {
		return "there is no end to the wrappers"
	}
	if n, ok := cascache.AbilityOf[cascache.NonBlocker](s.s); !ok || !n.NonBlocking() {
		return "the store does not report cascache.NonBlocker"
	}
	return ""
}

func tryHealthyGenCallsSucceed(a *attempt, s *genSubject) {
	for _, key := range names("healthy", 3) {
		s.snapshot(a, key) // a missing generation has cases of its own
		for range 3 {
			for _, c := range s.calls(key) {
				if err := c.do(a.Context()); err != nil {
					a.violated("nil", "%s of %s returned %v", c.name, quote(key), err)
				}
			}
		}
	}
	if err := s.s.Close(context.Background()); err != nil {
		a.violated("nil", "the first Close returned %v", err)
	}
}

func tryDoneContextIsAGenError(a *attempt, s *genSubject) {
	s.snapshot(a, "kept")
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

func tryBumpUnderADoneContextIsHonest(a *attempt, s *genSubject) {
	honest := 0
	check := func(name, key string, before uint64, err error) {
		if err != nil {
			return
		}
		honest++
		if got := s.current(a, key); got != 0 && got <= before {
			a.violated(fmt.Sprintf("more than %d, or an error of %s", before, name), "%s with a context that was done returned nil, and Current then %d", name, got)
		}
	}
	for _, key := range names("done", 4) {
		before := s.snapshot(a, key)
		_, err := s.s.Bump(canceled(), key)
		check("Bump", key, before, err)
		if s.bulks != nil {
			before := s.snapshot(a, key)
			_, err := s.bulks[bumpBulk](canceled(), []string{key})
			check("BumpBulk", key, before, err)
		}
	}
	if honest == 0 {
		a.inconclusive("every Bump with a context that was done returned an error")
	}
}

// unreachable returns a case that begins when the state has been made to fail,
// with a generation in it: of key "kept".
func unreachable(try func(a *attempt, s *genSubject)) func(*attempt, *genSubject) {
	return func(a *attempt, s *genSubject) {
		s.give(a, s.h.Break != nil, "Break", Failures)
		s.snapshot(a, "kept")
		s.h.Break(a, s.s)
		try(a, s)
	}
}

func tryFailedReadIsAnError(a *attempt, s *genSubject) {
	for _, key := range []string{"kept", "never-seen"} {
		if gen, err := s.s.Current(a.Context(), key); err == nil {
			a.violated("an error", "with its state out of reach, Current(%s) returned (%d, nil)", quote(key), gen)
		}
		if gen, err := s.s.Snapshot(a.Context(), key); err == nil {
			a.violated("an error", "with its state out of reach, Snapshot(%s) returned (%d, nil)", quote(key), gen)
		}
	}
}

func tryFailedBumpIsAnError(a *attempt, s *genSubject) {
	for _, key := range []string{"kept", "never-seen"} {
		if gen, err := s.s.Bump(a.Context(), key); err == nil {
			a.violated("an error", "with its state out of reach, Bump(%s) returned (%d, nil)", quote(key), gen)
		}
	}
}

func tryFailedGenBulkIsAnError(a *attempt, s *genSubject) {
	for _, c := range s.bulkCalls("kept") {
		if err := c.do(a.Context()); err == nil {
			a.violated("an error", "with its state out of reach, %s returned none", c.name)
		}
	}
}

func tryFailedHoldIsAnError(a *attempt, s *genSubject) {
	for _, c := range s.holdCalls("kept") {
		if err := c.do(a.Context()); err == nil {
			a.violated("an error", "with its state out of reach, %s returned nil", c.name)
		}
	}
}

func tryNonBlockingIsQuick(a *attempt, s *genSubject) {
	for _, c := range s.calls("kept") {
		if best := quickest(func() { _ = c.do(a.Context()) }); best > quick {
			a.violated("no waiting, or NonBlocking to report false", "of 20 calls of %s the quickest took %v", c.name, best)
		}
	}
}

// quickest returns how long the quickest of 20 calls took, or the first one that
// was quick.
func quickest(do func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for i := 0; i < 20 && best > quick; i++ {
		start := time.Now()
		do()
		best = min(best, time.Since(start))
	}
	return best
}
