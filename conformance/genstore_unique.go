package conformance

import (
	"fmt"
	"slices"
)

var genUniqueRules = []rule[*genSubject]{
	{
		name: "BumpIsGreater",
		says: "G1: A bump replaces the key's generation with a greater one.",
		harm: "an entry from before the bump is taken for one from after it, and served.",
		try:  tryBumpIsGreater,
	},
	{
		name: "PeersBumpIsGreater",
		says: "G1: A bump is greater than every generation before it, whichever handle made them.",
		harm: "a replica whose clock or counter is behind brings back a generation that entries of others still carry.",
		lack: Sharing,
		try:  tryPeersBumpIsGreater,
	},
	{
		name: "ConcurrentBumpsAreGreater",
		says: "G1: A bump is greater than every generation that was seen before it began, however many are under way.",
		harm: "of two invalidations at once one is lost, and what was loaded between them is served.",
		try:  tryConcurrentBumpsAreGreater,
	},
	{
		name: "LostIsNotReused",
		says: "G1: A generation is never used twice for a key, whatever was lost.",
		harm: "after a flush, an eviction or a failover, entries that were invalidated long ago come back to life.",
		lack: Losing,
		try:  losing(tryLostIsNotReused),
	},
	{
		name: "LostIsSurpassed",
		says: "G1: What is drawn after a loss is greater than all that was lost.",
		harm: "bulk reads take dead entries for newer ones, and leave them where they are.",
		lack: Losing,
		try:  losing(tryLostIsSurpassed),
	},
	{
		name: "RetriedBumpDrawsAgain",
		says: "G1: A bump that a retry carries out twice draws twice: the store chooses the number, not the caller.",
		harm: "a reply is lost, the bump is repeated with the number it chose before, and what was invalidated in between is served again.",
		lack: LostReplies,
		try:  tryRetriedBumpDrawsAgain,
	},
	{
		name: "NumbersAreExact",
		says: "A generation is the same number wherever it is returned, to its last digit.",
		harm: "numbers of 19 digits, rounded on their way through a floating-point number, match nothing, and nothing is ever cached; or match a neighbour.",
		try:  tryNumbersAreExact,
	},
}

func tryBumpIsGreater(a *attempt, s *genSubject) {
	for _, key := range names("greater", 4) {
		newest := s.snapshot(a, key)
		for i := range 50 {
			gen, ok := s.bump(a, key)
			if !ok || gen == 0 {
				continue
			}
			if gen <= newest {
				a.violated(fmt.Sprintf("more than %d", newest), "bump number %d of %s returned %d", i+1, quote(key), gen)
			}
			newest = gen
		}
	}
}

func tryPeersBumpIsGreater(a *attempt, s *genSubject) {
	handles := []*genSubject{s, s.peer(a), s.peer(a)}
	for _, key := range names("greater", 4) {
		newest := uint64(0)
		for i := range 30 {
			at := (i*i + i/3) % len(handles) // in no order that an implementation may be made for
			gen, ok := handles[at].bump(a, key)
			if !ok || gen == 0 {
				continue
			}
			if gen <= newest {
				a.violated(fmt.Sprintf("more than %d, which another handle had drawn", newest), "Bump of %s on handle %d returned %d", quote(key), at, gen)
			}
			newest = gen
		}
	}
}

func tryConcurrentBumpsAreGreater(a *attempt, s *genSubject) {
	const workers, rounds = 6, 60
	handles := s.handles(a)
	keys := names("busy", 2)
	seen := make([]highest, len(keys))
	a.each(workers, func(w int) {
		for i := range rounds {
			k := (w + i) % len(keys)
			h := handles[(w+i)%len(handles)]
			seen[k].raise(h.current(a, keys[k]))
			before := seen[k].gen.Load()
			gen, ok := h.bump(a, keys[k])
			if !ok || gen == 0 {
				continue
			}
			if gen <= before {
				a.violated(fmt.Sprintf("more than %d, which was returned before this bump began", before),
					"one of %d goroutines that bump %s at once got %d", workers, quote(keys[k]), gen)
			}
			seen[k].raise(gen)
		}
	})
}

// losses is how often a case loses the same keys.
const losses = 3

func tryLostIsNotReused(a *attempt, s *genSubject, loss Loss) {
	keys := names("lost", 4)
	dead := make(map[string][]uint64)
	for range losses {
		for key, gens := range s.lose(a, loss, keys) {
			dead[key] = append(dead[key], gens...)
		}
		for i, key := range keys {
			// What was not lost stays what it was.
			if s.current(a, key) != 0 {
				continue
			}
			gen, how := s.snapshot(a, key), "Snapshot"
			if i%2 == 1 {
				gen, _ = s.bump(a, key)
				how = "Bump"
			}
			if gen != 0 && slices.Contains(dead[key], gen) {
				a.violated("a number that the key has never had", "after %s, %s of %s returned %d, which it had before; it has had %d",
					loss.Name, how, quote(key), gen, dead[key])
			}
		}
	}
}

func tryLostIsSurpassed(a *attempt, s *genSubject, loss Loss) {
	keys := names("lost", 4)
	for range losses {
		for key, gens := range s.lose(a, loss, keys) {
			if s.current(a, key) != 0 {
				continue
			}
			gen, newest := s.snapshot(a, key), slices.Max(gens)
			// That it must not be one of them is for LostIsNotReused to tell.
			if gen != 0 && gen < newest && !slices.Contains(gens, gen) {
				a.violated(fmt.Sprintf("more than %d", newest), "after %s, Snapshot of %s returned %d", loss.Name, quote(key), gen)
			}
		}
	}
}

func tryRetriedBumpDrawsAgain(a *attempt, s *genSubject) {
	s.give(a, s.h.LoseReply != nil, "LoseReply", LostReplies)
	other := s
	if s.h.Peer != nil {
		other = s.peer(a)
	}
	mustSee(a, []*genSubject{s, other})
	for _, key := range names("retried", 6) {
		s.snapshot(a, key)
		var superseded, newest uint64
		s.h.LoseReply(a, s.s, func() {
			superseded = other.current(a, key) // what a fill would be stored under
			newest, _ = other.bump(a, key)
		})
		_, _ = s.bump(a, key)
		for _, look := range []*genSubject{s, other} {
			if gen := look.current(a, key); gen != 0 && gen < newest {
				a.violated(fmt.Sprintf("more than %d, or 0", newest),
					"the reply to a Bump of %s was lost, and the bump repeated; between the two the generation was %d, then %d by another bump; now it is %d",
					quote(key), superseded, newest, gen)
			}
		}
	}
}

func tryNumbersAreExact(a *attempt, s *genSubject) {
	handles := s.handles(a)
	same, other, last := 0, 0, ""
	for i, key := range names("exact", genTries) {
		h := handles[i%len(handles)]
		gen, ok := h.bump(a, key)
		got := h.current(a, key)
		if !ok || gen == 0 || got == 0 {
			continue
		}
		if got == gen {
			same++
		} else {
			other++
			last = fmt.Sprintf("Bump of %s returned %d, and Current after it %d", quote(key), gen, got)
		}
	}
	// A store may bump a key between the two, but hardly every time; and of
	// numbers that are rounded a few are round.
	if other > 4*same {
		a.violated("the same number", "for %d keys of %d they were not the same: %s", other, same+other, last)
	}
}
