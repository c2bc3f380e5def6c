package conformance

import (
	"fmt"
	"slices"
)

var genProofRules = []rule[*genSubject]{
	{
		name: "MissingIsZero",
		says: "G2: The generation of a key that has none is 0, without an error.",
		harm: "what no generation vouches for is served: a number for \"missing\" is one that comes back with every loss.",
		try:  tryMissingIsZero,
	},
	{
		name: "LostIsNotOlder",
		says: "G2: After a loss, a key has no generation or its newest one, never an older one.",
		harm: "after a failover or a restart, entries that were invalidated since the old copy was made are served again.",
		lack: Losing,
		try:  losing(tryLostIsNotOlder),
	},
	{
		name: "BumpCreates",
		says: "A bump of a key without a generation creates one; 0 is none.",
		harm: "an invalidation of a key that was never read counts for nothing, and a fill that is under way is served.",
		try:  tryBumpCreates,
	},
	{
		name: "OthersKeepTheirs",
		says: "A key keeps its generation until it is bumped, as a rule.",
		harm: "each invalidation empties the cache, and every read goes to the database.",
		lack: OwnGenerations,
		try:  tryOthersKeepTheirs,
	},
}

func tryMissingIsZero(a *attempt, s *genSubject) {
	for _, h := range s.handles(a) {
		for _, key := range names("missing", 8) {
			gen, err := h.s.Current(a.Context(), key)
			if gen != 0 && s.snapshot(a, key) == gen {
				a.inconclusive("Current creates generations; see CurrentOnlyReads")
			}
			if gen != 0 || err != nil {
				a.violated("(0, nil)", "Current of %s, which nobody has given a generation, returned (%d, %v)", quote(key), gen, err)
			}
		}
	}
}

func tryLostIsNotOlder(a *attempt, s *genSubject, loss Loss) {
	keys := names("lost", 4)
	for key, gens := range s.lose(a, loss, keys) {
		newest := slices.Max(gens)
		if gen := s.current(a, key); gen != 0 && gen < newest {
			a.violated(fmt.Sprintf("0, or %d or more", newest), "after %s, Current of %s returned %d; it has had %d", loss.Name, quote(key), gen, gens)
		}
	}
}

func tryBumpCreates(a *attempt, s *genSubject) {
	bumped, zeros, kept := 0, 0, 0
	for _, key := range names("created", genTries) {
		gen, ok := s.bump(a, key)
		if !ok {
			continue
		}
		bumped++
		if gen == 0 {
			zeros++
		}
		if s.current(a, key) != 0 {
			kept++
		}
	}
	switch {
	case bumped == 0:
		a.inconclusive("no Bump succeeded")
	case zeros > 0:
		a.violated("a generation", "Bump returned (0, nil) for %d of %d keys that nobody holds", zeros, bumped)
	case kept == 0:
		a.violated("a generation", "%d keys without a generation were bumped, and each of them has none after it", bumped)
	}
}

func tryOthersKeepTheirs(a *attempt, s *genSubject) {
	keys := names("kept", genTries)
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		s.bump(a, key)
		gens[i] = s.current(a, key)
	}
	for _, key := range names("bumped", 3) {
		s.bump(a, key)
	}
	tried, kept := 0, 0
	for i, key := range keys {
		if gens[i] == 0 {
			continue
		}
		tried++
		if s.current(a, key) == gens[i] {
			kept++
		}
	}
	if tried > 0 && kept == 0 {
		a.violated("some of them", "of %d keys that had a generation none has it after three others were bumped", len(keys))
	}
}
