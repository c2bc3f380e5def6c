package conformance

import (
	"context"
	"sync/atomic"
)

var genCloseRules = []rule[*genSubject]{
	{
		name: "CloseTwice",
		says: "Further calls of Close return nil and do nothing, also when they come at once.",
		harm: "two caches that share a store, or a deferred Close, bring the process down as it stops.",
		try:  tryCloseGenStoreTwice,
	},
	{
		name: "ClosedReadIsAnError",
		says: "After Close, Current and Snapshot return an error.",
		harm: "a program that closed its cache too early goes on, with generations that nobody bumps any more.",
		try:  tryClosedReadIsAnError,
	},
	{
		name: "ClosedBumpIsAnError",
		says: "After Close, Bump returns an error.",
		harm: "an invalidation that was not carried out is taken for done.",
		try:  tryClosedBumpIsAnError,
	},
	{
		name:  "ClosedBulkIsAnError",
		says:  "After Close, the bulk calls return an error.",
		harm:  "invalidations of a list that were not carried out are taken for done.",
		needs: needGenBulk,
		try:   tryClosedGenBulkIsAnError,
	},
	{
		name:  "ClosedHoldIsAnError",
		says:  "After Close, Hold and Release return an error.",
		harm:  "the database is written without a hold.",
		needs: needHolder,
		try:   tryClosedHoldIsAnError,
	},
	{
		name: "CloseLeavesPeers",
		says: "Close releases what the handle owns, and nothing that others share.",
		harm: "when one replica stops, the others lose their generations, or their connection.",
		lack: Sharing,
		try:  tryCloseLeavesPeers,
	},
	{
		name: "CloseUnderLoad",
		says: "Close may come while other calls are under way: they return the right answer or an error.",
		harm: "every other deployment ends in a crash.",
		try:  tryCloseGenStoreUnderLoad,
	},
}

func tryCloseGenStoreTwice(a *attempt, s *genSubject) {
	s.snapshot(a, "kept")
	_ = s.s.Close(a.Context()) // what it returns has a case of its own
	for range 2 {
		if err := s.s.Close(a.Context()); err != nil {
			a.violated("nil", "the second Close returned %v", err)
		}
	}
	other := s.another(a)
	var failures atomic.Int64
	a.each(8, func(int) {
		if other.s.Close(a.Context()) != nil {
			failures.Add(1)
		}
	})
	// One of them is the first.
	if n := failures.Load(); n > 1 {
		a.violated("nil, but for the first", "of eight Closes at once, %d returned an error", n)
	}
}

// closed gives key "kept" a generation, and closes the store.
func (s *genSubject) closed(a *attempt) {
	s.snapshot(a, "kept")
	_ = s.s.Close(a.Context())
}

func tryClosedReadIsAnError(a *attempt, s *genSubject) {
	s.closed(a)
	for _, key := range []string{"kept", "never-seen"} {
		if gen, err := s.s.Current(a.Context(), key); err == nil {
			a.violated("an error", "after Close, Current(%s) returned (%d, nil)", quote(key), gen)
		}
		if gen, err := s.s.Snapshot(a.Context(), key); err == nil {
			a.violated("an error", "after Close, Snapshot(%s) returned (%d, nil)", quote(key), gen)
		}
	}
}

func tryClosedBumpIsAnError(a *attempt, s *genSubject) {
	s.closed(a)
	for _, key := range []string{"kept", "never-seen"} {
		if gen, err := s.s.Bump(a.Context(), key); err == nil {
			a.violated("an error", "after Close, Bump(%s) returned (%d, nil)", quote(key), gen)
		}
	}
}

func tryClosedGenBulkIsAnError(a *attempt, s *genSubject) {
	s.closed(a)
	for _, c := range s.bulkCalls("kept") {
		if err := c.do(a.Context()); err == nil {
			a.violated("an error", "after Close, %s returned none", c.name)
		}
	}
}

func tryClosedHoldIsAnError(a *attempt, s *genSubject) {
	s.closed(a)
	for _, c := range s.holdCalls("kept") {
		if err := c.do(a.Context()); err == nil {
			a.violated("an error", "after Close, %s returned nil", c.name)
		}
	}
}

func tryCloseLeavesPeers(a *attempt, s *genSubject) {
	peer := s.peer(a)
	keys := names("kept", genTries)
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		s.bump(a, key)
		gens[i] = peer.current(a, key)
	}
	_ = s.s.Close(a.Context())
	kept, tried := 0, 0
	for i, key := range keys {
		gen, err := peer.s.Current(a.Context(), key)
		if err != nil {
			a.violated("no error", "one handle was closed, and Current on another returned %v", err)
		}
		if gens[i] != 0 {
			tried++
		}
		if gen != 0 && gen == gens[i] {
			kept++
		}
	}
	if tried > 0 && kept == 0 {
		a.violated("the generations that they had", "one handle was closed, and none of %d keys has its generation on another", tried)
	}
}

func tryCloseGenStoreUnderLoad(a *attempt, s *genSubject) {
	const workers = 4
	mustSee(a, []*genSubject{s})
	closeUnderLoad(a, workers,
		func() *genSubject { return s.another(a) },
		func(live *genSubject, worker int) {
			key := names("busy", workers)[worker]
			gen, ok := live.bump(a, key)
			if got := live.current(a, key); ok && got != 0 && got < gen {
				a.violated("that or more, 0 or an error", "while it was being closed, Bump returned %d, and Current after it %d", gen, got)
			}
			live.snapshot(a, key)
		},
		func(live *genSubject) { _ = live.s.Close(context.Background()) })
}
