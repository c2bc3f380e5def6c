package conformance

import (
	"fmt"
	"slices"
)

var providerDelBulkRules = []rule[*providerSubject]{
	{
		name:  "DelBulkRemovesEachKey",
		says:  "When DelBulk has returned nil, no value set before under any of its keys is returned, however many they are.",
		harm:  "readers go on being given entries that were thrown out.",
		needs: needBulk,
		try:   tryDelBulkRemovesEachKey,
	},
	{
		name:  "DelBulkPassesOverUnknownKeys",
		says:  "Keys that are not there are no error of DelBulk, and keep it from nothing.",
		harm:  "readers go on being given entries that were thrown out, because another was already gone.",
		needs: needBulk,
		try:   tryDelBulkPassesOverUnknownKeys,
	},
	{
		name:  "DelBulkIsFinal",
		says:  "A value that was accepted before a DelBulk began does not turn up after it, however late it becomes visible.",
		harm:  "an entry that was thrown out comes back, and stays for its whole time to live.",
		needs: needBulk,
		try:   tryDelBulkIsFinal,
	},
	{
		name:  "DelBulkTakesOnlyItsKeys",
		says:  "DelBulk removes the keys that it is given, and only reads the slice.",
		harm:  "one self-healing read empties the cache, or the caller goes on with keys that are not its own.",
		needs: needBulk,
		try:   tryDelBulkTakesOnlyItsKeys,
	},
}

func tryDelBulkRemovesEachKey(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	for _, n := range []int{1, 2, 12, 1500} {
		keys := names(fmt.Sprint("gone", n), n)
		for _, key := range keys {
			s.set(a, key, sample(key, 20), lasting)
		}
		s.settle(a)
		if n <= 12 {
			for _, key := range keys {
				s.keep(a, key, sample(key, 20))
			}
		}
		if s.bulk.DelBulk(a.Context(), slices.Clone(keys)) != nil {
			continue
		}
		for i, key := range keys {
			if _, found := s.get(a, key); found {
				a.violated("a miss", "DelBulk of %d keys returned nil, and Get then found number %d of them", n, i+1)
			}
		}
	}
}

func tryDelBulkPassesOverUnknownKeys(a *attempt, s *providerSubject) {
	for _, keys := range [][]string{{"unknown-1"}, {"unknown-1", "known-1", "unknown-2", "known-2"}, {}} {
		for _, key := range keys {
			if key[0] == 'k' {
				s.keep(a, key, sample(key, 20))
			}
		}
		if err := s.bulk.DelBulk(a.Context(), slices.Clone(keys)); err != nil {
			a.violated("nil", "DelBulk(%q) returned %v", keys, err)
		}
		for _, key := range keys {
			if _, found := s.get(a, key); found {
				a.violated("a miss", "DelBulk(%q) returned nil, and Get then found %s", keys, quote(key))
			}
		}
	}
}

func tryDelBulkIsFinal(a *attempt, s *providerSubject) {
	for round := range 8 {
		keys := names(fmt.Sprint("final", round), 4)
		for _, key := range keys {
			s.set(a, key, sample(key, 20), lasting)
		}
		if s.bulk.DelBulk(a.Context(), slices.Clone(keys)) != nil {
			continue
		}
		look := func(when string) {
			for _, key := range keys {
				if _, found := s.get(a, key); found {
					a.violated("a miss", "Set(%s) was followed by a DelBulk that returned nil; %s Get found it", quote(key), when)
				}
			}
		}
		look("right then")
		s.settle(a)
		look("when all had settled")
		if round == 0 {
			watch(a, func() { look("some time later") })
		}
	}
}

func tryDelBulkTakesOnlyItsKeys(a *attempt, s *providerSubject) {
	keys := []string{"victim-3", "victim-1", "victim-2"}
	others := s.group(a, "other", lasting)
	kept := s.count(a, others)
	given := slices.Clone(keys)
	_ = s.bulk.DelBulk(a.Context(), given)
	_ = s.bulk.DelBulk(a.Context(), nil)
	if !slices.Equal(given, keys) {
		a.violated("no change", "DelBulk(%q) left its keys as %q", keys, given)
	}
	if left := s.count(a, others); kept >= groupSize/2 && left == 0 {
		a.violated("about as many as before", "of %d other entries, DelBulk(%q) and a DelBulk of no keys left none", kept, keys)
	}
}
