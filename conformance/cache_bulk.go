package conformance

import (
	"fmt"
	"slices"
)

var cacheBulkRules = []rule[*cacheSubject]{
	{
		name: "BulkFillIsServed",
		says: "What was filled by SetBulkWithGens is served by GetBulk, as a rule.",
		harm: "every list goes to the database.",
		try:  tryBulkFillIsServed,
	},
	{
		name: "BulkNamesTheMissing",
		says: "GetBulk returns a value or the name of each key that it was asked for: the missing ones in order, each once.",
		harm: "keys that are neither served nor named are never loaded: rows vanish from lists.",
		try:  tryBulkNamesTheMissing,
	},
	{
		name: "BulkChecksEveryMember",
		says: "A bulk entry is served only while the generation of every member is current.",
		harm: "a list shows the old value of all rows but the first.",
		try:  tryBulkChecksEveryMember,
	},
	{
		name: "BulkFillChecksEveryMember",
		says: "SetBulkWithGens stores no value whose generation has moved, neither in the bulk nor as a single.",
		harm: "a slow load of a list brings back the one row that was changed meanwhile.",
		try:  tryBulkFillChecksEveryMember,
	},
	{
		name: "BulkFillWithoutSnapshotsIsRefused",
		says: "G2: SetBulkWithGens stores no value without an observed generation.",
		harm: "what was loaded while the generation store was down is served, whatever was invalidated meanwhile.",
		try:  tryBulkFillWithoutSnapshotsIsRefused,
	},
}

// fillBulk stores what of returns for each key, in the three steps.
func (r *replica) fillBulk(a *attempt, keys []string, of func(key string) string) {
	r.storeBulk(a, keys, of, r.SnapshotGens(keys))
}

func (r *replica) storeBulk(a *attempt, keys []string, of func(key string) string, observed map[string]uint64) {
	items := make(map[string]string, len(keys))
	for _, key := range keys {
		items[key] = of(key)
	}
	_ = r.SetBulkWithGens(a.Context(), items, observed, lasting)
	r.settle(a)
}

// keepBulk fills keys until GetBulk serves all of them.
func (r *replica) keepBulk(a *attempt, keys []string, of func(key string) string) bool {
	for range cacheTries {
		r.fillBulk(a, keys, of)
		if len(r.getBulk(a, keys)) == len(keys) {
			return true
		}
	}
	return false
}

// refuseBulk is refuse for lists.
func refuseBulk(a *attempt, replicas []*replica, keys []string, stale, what string) {
	for i, r := range replicas {
		for range 2 {
			if got, ok := r.getBulk(a, keys)[stale]; ok && got != after(stale) {
				a.violated("its name among the missing", "%s, and GetBulk(%q) on replica %d then served %s", what, keys, i, quote(got))
			}
		}
	}
}

func tryBulkFillIsServed(a *attempt, s *cacheSubject) {
	r := s.open(a, 1)[0]
	kept := 0
	for round := range 3 {
		if r.keepBulk(a, names(fmt.Sprint("list-", round), 4), after) {
			kept++
		}
	}
	if kept == 0 {
		a.violated("a hit", "of 3 lists of 4 keys, each filled %d times, none was ever served", cacheTries)
	}
}

func tryBulkNamesTheMissing(a *attempt, s *cacheSubject) {
	r := s.open(a, 1)[0]
	r.keep(a, "here", after("here"))
	r.keep(a, "there", after("there"))
	for _, asked := range [][]string{
		{"missing-3", "here", "missing-1", "there", "missing-2"},
		{"missing-1", "missing-1", "here", "here", "missing-1"},
		{"missing-9", "missing-8"},
		{"here", "there"},
		{},
	} {
		values, missing, err := r.GetBulk(a.Context(), slices.Clone(asked))
		if err != nil {
			a.violated("no error", "GetBulk(%q) returned %v", asked, err)
		}
		var want []string
		for _, key := range asked {
			if _, ok := values[key]; !ok && !slices.Contains(want, key) {
				want = append(want, key)
			}
		}
		if !slices.Equal(missing, want) {
			a.violated(fmt.Sprintf("%q", want), "GetBulk(%q) returned values for %d keys, and %q as missing", asked, len(values), missing)
		}
	}
}

func tryBulkChecksEveryMember(a *attempt, s *cacheSubject) {
	replicas := s.openFaulty(a, 1)
	r := replicas[0]
	seen := 0
	const size = 4
	for at := range size {
		keys := names(fmt.Sprint("list-", at), size)
		r.values.Set()
		if r.keepBulk(a, keys, before) {
			seen++
		}
		r.loseDeletes()
		r.invalidate(a, keys[at])
		refuseBulk(a, replicas, keys, keys[at], "Invalidate of "+quote(keys[at])+" returned nil (the delete failed)")
	}
	if seen == 0 {
		a.inconclusive("no list was ever served; see BulkFillIsServed")
	}
}

func tryBulkFillChecksEveryMember(a *attempt, s *cacheSubject) {
	replicas := s.open(a, 1)
	r := replicas[0]
	const size = 4
	for at := range size {
		keys := names(fmt.Sprint("slow-", at), size)
		observed := r.SnapshotGens(keys)
		r.invalidate(a, keys[at])
		r.storeBulk(a, keys, before, observed)
		what := "the load of a list began, Invalidate of " + quote(keys[at]) + " returned nil, and the list was stored"
		refuseBulk(a, replicas, keys, keys[at], what)
		refuse(a, replicas, keys[at], what)
	}
}

func tryBulkFillWithoutSnapshotsIsRefused(a *attempt, s *cacheSubject) {
	replicas := s.open(a, 1)
	r := replicas[0]
	keys := names("unproved", 4)
	observed := r.SnapshotGens(keys)
	delete(observed, keys[1])
	observed[keys[2]] = 0
	r.storeBulk(a, keys, before, observed)
	for _, stale := range keys[1:3] {
		what := "SetBulkWithGens was called with no observed generation, or 0, for " + quote(stale)
		refuseBulk(a, replicas, keys, stale, what)
		refuse(a, replicas, stale, what)
	}
}
