package conformance

import (
	"fmt"
	"slices"
)

func needGenBulk(s *genSubject) string {
	if s.bulks == nil {
		return "the store is no cascache.BulkGenStore"
	}
	return ""
}

var genBulkRules = func() []rule[*genSubject] {
	var rules []rule[*genSubject]
	for _, b := range genBulkKinds {
		rules = append(rules,
			rule[*genSubject]{
				name:  b.name + "AnswersInOrder",
				says:  b.name + " returns the generations in the order of the keys.",
				harm:  b.harm,
				needs: needGenBulk,
				try:   func(a *attempt, s *genSubject) { tryGenBulkInOrder(a, s, b) },
			},
			rule[*genSubject]{
				name:  b.name + "AnswersEachKey",
				says:  b.name + " returns one generation per key, whatever the keys have.",
				harm:  b.harm,
				needs: needGenBulk,
				try:   func(a *attempt, s *genSubject) { tryGenBulkAnswersEach(a, s, b) },
			},
			rule[*genSubject]{
				name:  b.name + "TakesAnyNumber",
				says:  b.name + " takes no keys, one, or a thousand.",
				harm:  "the longest lists, which profit the most, fail or are answered in part.",
				needs: needGenBulk,
				try:   func(a *attempt, s *genSubject) { tryGenBulkTakesAnyNumber(a, s, b) },
			},
			rule[*genSubject]{
				name:  b.name + "OnlyReadsTheKeys",
				says:  b.name + " does not change the keys that it is given.",
				harm:  b.harm,
				needs: needGenBulk,
				try:   func(a *attempt, s *genSubject) { tryGenBulkOnlyReads(a, s, b) },
			},
		)
	}
	return append(rules,
		rule[*genSubject]{
			name:  "CurrentBulkSeesBump",
			says:  "G4: When Bump has returned nil, no CurrentBulk that begins later returns an older generation, on any handle.",
			harm:  "a list shows what was invalidated.",
			needs: needGenBulk,
			try:   func(a *attempt, s *genSubject) { tryGenBulkSeesBump(a, s, genBulkKinds[currentBulk]) },
		},
		rule[*genSubject]{
			name:  "CurrentBulkCreatesNothing",
			says:  "G3: CurrentBulk never creates a generation.",
			harm:  "reads of keys that do not exist fill the memory of the store and drive out the others.",
			needs: needGenBulk,
			try:   tryCurrentBulkCreatesNothing,
		},
		rule[*genSubject]{
			name:  "SnapshotBulkCreates",
			says:  "G3: SnapshotBulk creates every generation that is missing, and leaves the others as they are.",
			harm:  "lists are never stored, or their entries are dead as soon as the next list is read.",
			needs: needGenBulk,
			try:   trySnapshotBulkCreates,
		},
		rule[*genSubject]{
			name:  "SnapshotBulkSeesBump",
			says:  "G4: When Bump has returned nil, no SnapshotBulk that begins later returns an older generation, on any handle.",
			harm:  "what is loaded after an invalidation is stored under a dead generation, and refused.",
			needs: needGenBulk,
			try:   func(a *attempt, s *genSubject) { tryGenBulkSeesBump(a, s, genBulkKinds[snapshotBulk]) },
		},
		rule[*genSubject]{
			name:  "BumpBulkIsVisible",
			says:  "G4: When BumpBulk has returned nil, every one of its keys has a new generation, for every later Current on every handle.",
			harm:  "of a list that was invalidated, some keys are served on.",
			needs: needGenBulk,
			try:   tryBumpBulkIsVisible,
		},
		rule[*genSubject]{
			name:  "BumpBulkIsGreater",
			says:  "G1: BumpBulk replaces each generation with a greater one.",
			harm:  "an entry from before the invalidation of a list is taken for one from after it.",
			needs: needGenBulk,
			try:   tryBumpBulkIsGreater,
		},
	)
}()

// distinctGens bumps the keys until all of them have different generations, as
// far as that can be had, and returns these.
func (s *genSubject) distinctGens(a *attempt, keys []string) map[string]uint64 {
	gens := make(map[string]uint64)
	taken := make(map[uint64]bool)
	for _, key := range keys {
		for range 10 {
			s.bump(a, key)
			if gen := s.current(a, key); gen != 0 && !taken[gen] {
				gens[key], taken[gen] = gen, true
				break
			}
		}
	}
	return gens
}

func tryGenBulkInOrder(a *attempt, s *genSubject, b genBulkKind) {
	keys := names("order", 12)
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	wrong, right, last := 0, 0, ""
	for _, asked := range [][]string{keys, backwards, {keys[7], keys[2], keys[11], keys[0], keys[5]}} {
		gens := s.distinctGens(a, keys)
		got := s.bulk(a, b.kind, asked)
		if b.kind == bumpBulk {
			for i := range got {
				gens[asked[i]] = s.current(a, asked[i])
			}
		}
		for i, gen := range got {
			if gen == 0 || gens[asked[i]] == 0 {
				continue
			}
			if gen == gens[asked[i]] {
				right++
				continue
			}
			for _, key := range keys {
				if key != asked[i] && gens[key] == gen {
					wrong++
					last = fmt.Sprintf("%s(%q) returned in place %d, that of %s, the generation of %s", b.name, asked, i, quote(asked[i]), quote(key))
				}
			}
		}
	}
	if wrong > right {
		a.violated("the generation of the key in that place", "%d answers of %d were those of other keys: %s", wrong, wrong+right, last)
	}
}

func tryGenBulkAnswersEach(a *attempt, s *genSubject, b genBulkKind) {
	here, there := "here", "there"
	s.bump(a, here)
	s.bump(a, there)
	for i, pattern := range [][]bool{{false}, {false, false, false}, {false, true, false, true, false}, {true, false, true}} {
		var asked []string
		for j, known := range pattern {
			switch {
			case !known:
				asked = append(asked, fmt.Sprintf("missing-%d-%d", i, j))
			case slices.Contains(asked, here):
				asked = append(asked, there)
			default:
				asked = append(asked, here)
			}
		}
		gens, err := s.bulks[b.kind](a.Context(), slices.Clone(asked))
		if err != nil {
			a.violated("no error", "%s(%q) returned the error %v", b.name, asked, err)
		}
		if len(gens) != len(asked) {
			a.violated(fmt.Sprintf("%d", len(asked)), "%s(%q) returned %d generations", b.name, asked, len(gens))
		}
	}
}

func tryGenBulkTakesAnyNumber(a *attempt, s *genSubject, b genBulkKind) {
	call := s.bulks[b.kind]
	for _, none := range [][]string{nil, {}} {
		if gens, err := call(a.Context(), none); err != nil || len(gens) != 0 {
			a.violated("none, and no error", "%s of no keys returned %d generations and the error %v", b.name, len(gens), err)
		}
	}
	for _, n := range []int{1, 1000, 3000} {
		keys := names(fmt.Sprintf("many%d", n), n)
		gens, err := call(a.Context(), slices.Clone(keys))
		if err != nil {
			a.violated("no error", "%s of %d keys returned the error %v", b.name, n, err)
		}
		if len(gens) != n {
			a.violated(fmt.Sprintf("%d", n), "%s of %d keys returned %d generations", b.name, n, len(gens))
		}
		if b.kind == currentBulk {
			continue
		}
		// Of those at the end, not all can have been left out.
		tail, done := keys[n-min(n, genTries):], 0
		for i, key := range tail {
			if gens[n-len(tail)+i] != 0 || s.current(a, key) != 0 {
				done++
			}
		}
		if done == 0 {
			a.violated("a generation", "%s of %d keys gave none of the last %d a generation", b.name, n, len(tail))
		}
	}
}

func tryGenBulkOnlyReads(a *attempt, s *genSubject, b genBulkKind) {
	keys := []string{"q-3", "q-1", "missing", "q-2"}
	for _, key := range keys {
		if key != "missing" {
			s.bump(a, key)
		}
	}
	given := slices.Clone(keys)
	if _, err := s.bulks[b.kind](a.Context(), given); err != nil {
		a.inconclusive("%s returned %v", b.name, err)
	}
	if !slices.Equal(given, keys) {
		a.violated("no change", "%s(%q) left its keys as %q", b.name, keys, given)
	}
}

// tryGenBulkSeesBump asks for one key at a time, and for several: the order
// of the answers has a case of its own.
func tryGenBulkSeesBump(a *attempt, s *genSubject, b genBulkKind) {
	handles := s.handles(a)
	keys := names("visible", 8)
	for _, key := range keys {
		s.snapshot(a, key)
	}
	for _, h := range handles {
		h.bulk(a, b.kind, keys) // for one that remembers what it read
		for _, key := range keys {
			h.bulk(a, b.kind, []string{key})
		}
	}
	newest := make([]uint64, len(keys))
	for i, key := range keys {
		newest[i], _ = handles[i%len(handles)].bump(a, key)
	}
	oldest := slices.Min(newest)
	for j, h := range handles {
		for i, key := range keys {
			if got := h.bulk(a, b.kind, []string{key}); got != nil && got[0] != 0 && got[0] < newest[i] {
				a.violated(fmt.Sprintf("%d or more", newest[i]), "Bump of %s returned %d, and %s after it, on handle %d, %s",
					quote(key), newest[i], b.name, j, stale(got[0], newest[i]))
			}
		}
		for _, got := range h.bulk(a, b.kind, keys) {
			if got != 0 && got < oldest {
				a.violated(fmt.Sprintf("%d or more", oldest), "all of %q were bumped, the first to %d, and %s after it, on handle %d, returned %s",
					keys, oldest, b.name, j, stale(got, oldest))
			}
		}
	}
}

func tryCurrentBulkCreatesNothing(a *attempt, s *genSubject) {
	keys := names("read", 8)
	for _, n := range []int{1, len(keys)} {
		for i, gen := range s.bulk(a, currentBulk, keys[:n]) {
			if gen != 0 {
				a.violated("0", "CurrentBulk returned %d for %s, which nobody has given a generation", gen, quote(keys[i]))
			}
		}
	}
	for _, key := range keys {
		if gen := s.current(a, key); gen != 0 {
			a.violated("0", "after a CurrentBulk of %s, which nobody has given a generation, Current returned %d", quote(key), gen)
		}
	}
}

func trySnapshotBulkCreates(a *attempt, s *genSubject) {
	here, missing := names("here", genTries/2), names("missing", genTries/2)
	before := make(map[string]uint64)
	var all []string
	for i := range here {
		s.snapshot(a, here[i])
		before[here[i]] = s.current(a, here[i])
		all = append(all, here[i], missing[i])
	}
	got := s.bulk(a, snapshotBulk, all)
	created, kept := 0, 0
	for i, gen := range got {
		switch now := s.current(a, all[i]); {
		case gen == 0:
			a.violated("a generation", "SnapshotBulk returned 0 for %s, which nobody holds", quote(all[i]))
		case before[all[i]] == 0 && now != 0:
			created++
		case before[all[i]] != 0 && now == before[all[i]]:
			kept++
		}
	}
	if got == nil {
		a.inconclusive("SnapshotBulk did not answer")
	}
	if created == 0 {
		a.violated("generations", "after a SnapshotBulk, none of %d keys that had no generation has one", len(missing))
	}
	if kept == 0 {
		a.violated("the same", "after a SnapshotBulk, none of %d keys has the generation that it had before", len(here))
	}
}

func tryBumpBulkIsVisible(a *attempt, s *genSubject) {
	handles := s.handles(a)
	keys := names("visible", 12)
	before := make([]uint64, len(keys))
	for i, key := range keys {
		before[i] = s.snapshot(a, key)
		for _, h := range handles {
			h.current(a, key)
		}
	}
	for range 3 {
		if s.bulk(a, bumpBulk, keys) == nil {
			a.inconclusive("BumpBulk did not answer")
		}
		for j, h := range handles {
			for i, key := range keys {
				if got := h.current(a, key); got != 0 && got <= before[i] {
					a.violated(fmt.Sprintf("more than %d, or 0", before[i]), "%s had generation %d, BumpBulk of %d keys returned nil, and Current on handle %d then returned %d",
						quote(key), before[i], len(keys), j, got)
				}
			}
		}
		for i, key := range keys {
			before[i] = max(before[i], s.current(a, key))
		}
	}
}

func tryBumpBulkIsGreater(a *attempt, s *genSubject) {
	keys := names("greater", 4)
	newest := make([]uint64, len(keys))
	for i, key := range keys {
		newest[i] = s.snapshot(a, key)
	}
	for range 30 {
		for i, gen := range s.bulk(a, bumpBulk, keys) {
			if gen == 0 {
				continue
			}
			// In the order of keys, or in any: that has a case of its own.
			if oldest := slices.Min(newest); gen <= oldest {
				a.violated(fmt.Sprintf("more than %d", newest[i]), "BumpBulk returned %d for %s, which had %d", gen, quote(keys[i]), newest[i])
			}
		}
		for i, key := range keys {
			newest[i] = max(newest[i], s.current(a, key))
		}
	}
}
