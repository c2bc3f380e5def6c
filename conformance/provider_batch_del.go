package conformance

import (
	"fmt"
	"slices"
)

var providerDelBatchRules = []rule[*providerSubject]{
	{
		name:  "DelBatchRemovesEachKey",
		says:  "When DelBatch has returned nil, no value set before under any of its keys is returned, however many they are.",
		harm:  "readers go on being given entries that were thrown out.",
		needs: needDelBatch,
		try:   tryDelBatchRemovesEachKey,
	},
	{
		name:  "DelBatchPassesOverUnknownKeys",
		says:  "Keys that are not there are no error of DelBatch, and keep it from nothing.",
		harm:  "readers go on being given entries that were thrown out, because another was already gone.",
		needs: needDelBatch,
		try:   tryDelBatchPassesOverUnknownKeys,
	},
	{
		name:  "DelBatchIsFinal",
		says:  "A value that was accepted before a DelBatch began does not turn up after it, however late it becomes visible.",
		harm:  "an entry that was thrown out comes back, and stays for its whole time to live.",
		needs: needDelBatch,
		try:   tryDelBatchIsFinal,
	},
	{
		name:  "DelBatchTakesOnlyItsKeys",
		says:  "DelBatch removes the keys that it is given, and only reads the slice.",
		harm:  "one self-healing read empties the cache, or the caller goes on with keys that are not its own.",
		needs: needDelBatch,
		try:   tryDelBatchTakesOnlyItsKeys,
	},
}

func tryDelBatchRemovesEachKey(a *attempt, s *providerSubject) {
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
		if s.deleter.DelBatch(a.Context(), slices.Clone(keys)) != nil {
			continue
		}
		for i, key := range keys {
			if _, found := s.get(a, key); found {
				a.violated("a miss", "DelBatch of %d keys returned nil, and Get then found number %d of them", n, i+1)
			}
		}
	}
}

func tryDelBatchPassesOverUnknownKeys(a *attempt, s *providerSubject) {
	for _, keys := range [][]string{{"unknown-1"}, {"unknown-1", "known-1", "unknown-2", "known-2"}, {}} {
		for _, key := range keys {
			if key[0] == 'k' {
				s.keep(a, key, sample(key, 20))
			}
		}
		if err := s.deleter.DelBatch(a.Context(), slices.Clone(keys)); err != nil {
			a.violated("nil", "DelBatch(%q) returned %v", keys, err)
		}
		for _, key := range keys {
			if _, found := s.get(a, key); found {
				a.violated("a miss", "DelBatch(%q) returned nil, and Get then found %s", keys, quote(key))
			}
		}
	}
}

func tryDelBatchIsFinal(a *attempt, s *providerSubject) {
	for round := range 8 {
		keys := names(fmt.Sprint("final", round), 4)
		for _, key := range keys {
			s.set(a, key, sample(key, 20), lasting)
		}
		if s.deleter.DelBatch(a.Context(), slices.Clone(keys)) != nil {
			continue
		}
		look := func(when string) {
			for _, key := range keys {
				if _, found := s.get(a, key); found {
					a.violated("a miss", "Set(%s) was followed by a DelBatch that returned nil; %s Get found it", quote(key), when)
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

func tryDelBatchTakesOnlyItsKeys(a *attempt, s *providerSubject) {
	keys := []string{"victim-3", "victim-1", "victim-2"}
	others := s.group(a, "other", lasting)
	kept := s.count(a, others)
	given := slices.Clone(keys)
	_ = s.deleter.DelBatch(a.Context(), given)
	_ = s.deleter.DelBatch(a.Context(), nil)
	if !slices.Equal(given, keys) {
		a.violated("no change", "DelBatch(%q) left its keys as %q", keys, given)
	}
	if left := s.count(a, others); kept >= groupSize/2 && left == 0 {
		a.violated("about as many as before", "of %d other entries, DelBatch(%q) and a DelBatch of no keys left none", kept, keys)
	}
}
