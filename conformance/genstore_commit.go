package conformance

import "fmt"

var genCommitRules = []rule[*genSubject]{
	{
		name:  "CommitIsCurrent",
		says:  "CurrentToCommit and CurrentToCommitBulk return what Current returns, in the order of the keys.",
		harm:  "fills are compared with the generation of another key: they are refused, or accepted when they are stale.",
		needs: needCommitter,
		try:   tryCommitIsCurrent,
	},
	{
		name:  "CommitSeesBump",
		says:  "G4: When Bump has returned nil, no CurrentToCommit that begins later returns an older generation, on any handle.",
		harm:  "a fill from before an invalidation is accepted after it.",
		needs: needCommitter,
		try:   tryCommitSeesBump,
	},
	{
		name:  "CommitCreatesNothing",
		says:  "CurrentToCommit never creates a generation.",
		harm:  "a fill that outlived its generation is compared with one that was made for it.",
		needs: needCommitter,
		try:   tryCommitCreatesNothing,
	},
	{
		name:  "CommitLeavesHolds",
		says:  "CurrentToCommit of a held key is 0, and leaves the key held.",
		harm:  "a fill in the middle of a write to the source ends what protects it.",
		needs: needCommitHolder,
		try:   tryCommitLeavesHolds,
	},
	{
		name:  "ClosedCommitIsAnError",
		says:  "After Close, CurrentToCommit and CurrentToCommitBulk return an error.",
		harm:  "a program that closed its cache too early goes on filling it.",
		needs: needCommitter,
		try:   tryClosedCommitIsAnError,
	},
}

func needCommitter(s *genSubject) string {
	if s.committer == nil {
		return "the store is no cascache.CommitReader"
	}
	return ""
}

func needCommitHolder(s *genSubject) string {
	if why := needCommitter(s); why != "" {
		return why
	}
	return needHolder(s)
}

// committing returns what both forms answer for the key, 0 for none or an error.
func (s *genSubject) committing(a *attempt, key string) [2]uint64 {
	var answers [2]uint64
	if gen, err := s.committer.CurrentToCommit(a.Context(), key); err == nil {
		answers[0] = gen
	}
	if gens, err := s.committer.CurrentToCommitBulk(a.Context(), []string{key}); err == nil && len(gens) == 1 {
		answers[1] = gens[0]
	}
	return answers
}

func tryCommitIsCurrent(a *attempt, s *genSubject) {
	keys := names("commit", 12)
	for i, key := range keys {
		if i%3 != 2 {
			s.snapshot(a, key)
		}
	}
	const rounds = 4
	wrong, last := 0, ""
	for range rounds {
		want := make([]uint64, len(keys))
		one := make([]uint64, len(keys))
		for i, key := range keys {
			want[i] = s.current(a, key)
			one[i] = s.committing(a, key)[0]
		}
		many, err := s.committer.CurrentToCommitBulk(a.Context(), append([]string(nil), keys...))
		if err != nil || len(many) != len(keys) {
			a.violated("one generation for each of them, and no error", "CurrentToCommitBulk of %d keys returned %d generations and %v", len(keys), len(many), err)
		}
		for i, key := range keys {
			if one[i] != want[i] || many[i] != want[i] {
				wrong++
				last = fmt.Sprintf("%s: CurrentToCommit %d, CurrentToCommitBulk %d, Current %d", quote(key), one[i], many[i], want[i])
				break
			}
		}
	}
	if wrong == rounds && s.steady(a) {
		a.violated("the same", "of %s", last)
	}
}

func tryCommitSeesBump(a *attempt, s *genSubject) {
	handles := s.handles(a)
	for i, key := range names("visible", 8) {
		for _, h := range handles {
			h.snapshot(a, key)
			h.committing(a, key) // for one that remembers what it read
		}
		gen, ok := handles[i%len(handles)].bump(a, key)
		if !ok {
			continue
		}
		for j, h := range handles {
			for _, got := range h.committing(a, key) {
				if got != 0 && got < gen {
					a.violated(fmt.Sprintf("%d or more, or 0", gen), "Bump of %s returned %d, and CurrentToCommit on handle %d %s",
						quote(key), gen, j, stale(got, gen))
				}
			}
		}
	}
}

func tryCommitCreatesNothing(a *attempt, s *genSubject) {
	for _, key := range names("missing", 8) {
		first := s.committing(a, key)
		if again := s.committing(a, key); again != [2]uint64{} || s.current(a, key) != 0 {
			a.violated("0", "CurrentToCommit and CurrentToCommitBulk of %s, which nobody has given a generation, returned %d and then %d", quote(key), first, again)
		}
	}
}

func tryCommitLeavesHolds(a *attempt, s *genSubject) {
	for _, key := range names("held", 4) {
		s.snapshot(a, key)
		if err := s.holder.Hold(a.Context(), []string{key}, "token", longLease); err != nil {
			continue
		}
		if s.current(a, key) != 0 || s.snapshot(a, key) != 0 {
			a.inconclusive("a hold does not hold; the cases on holds say so")
		}
		got := s.committing(a, key)
		if after := s.snapshot(a, key); got != [2]uint64{} || after != 0 {
			a.violated("0, and the key still held", "of %s, which is held, CurrentToCommit and CurrentToCommitBulk returned %d, and Snapshot after it %d", quote(key), got, after)
		}
	}
}

func tryClosedCommitIsAnError(a *attempt, s *genSubject) {
	s.closed(a)
	if gen, err := s.committer.CurrentToCommit(a.Context(), "kept"); err == nil {
		a.violated("an error", "after Close, CurrentToCommit returned (%d, nil)", gen)
	}
	if gens, err := s.committer.CurrentToCommitBulk(a.Context(), []string{"kept"}); err == nil {
		a.violated("an error", "after Close, CurrentToCommitBulk returned (%d, nil)", gens)
	}
}
