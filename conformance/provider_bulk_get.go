package conformance

import (
	"bytes"
	"fmt"
	"slices"
)

var providerGetBulkRules = []rule[*providerSubject]{
	{
		name:  "GetBulkAnswersInOrder",
		says:  "GetBulk returns the values in the order of the keys.",
		harm:  "every user in a list is shown the data of another.",
		needs: needBulk,
		try:   tryGetBulkAnswersInOrder,
	},
	{
		name:  "GetBulkAnswersEachKey",
		says:  "GetBulk returns one slice per key, nil for a miss, whatever else is found.",
		harm:  "the values behind a miss slip one place forward, to the keys of others.",
		needs: needBulk,
		try:   tryGetBulkAnswersEachKey,
	},
	{
		name:  "GetBulkTellsEmptyFromMissing",
		says:  "GetBulk returns an empty value as an empty slice that is not nil.",
		harm:  "entries with nothing in them are taken for missing, and read from the database for ever.",
		needs: needBulk,
		try:   tryGetBulkTellsEmptyFromMissing,
	},
	{
		name:  "GetBulkFindsWhatGetFinds",
		says:  "GetBulk finds what Get finds.",
		harm:  "every list is read from the database, and the cache only costs.",
		needs: needBulk,
		try:   tryGetBulkFindsWhatGetFinds,
	},
	{
		name:  "GetBulkTakesAnyNumber",
		says:  "GetBulk takes no keys, one, or thousands.",
		harm:  "the longest lists, which profit the most, are answered in part or fail.",
		needs: needBulk,
		try:   tryGetBulkTakesAnyNumber,
	},
	{
		name:  "GetBulkOnlyReadsTheKeys",
		says:  "GetBulk does not change the keys that it is given.",
		harm:  "the caller matches the answers with keys in another order.",
		needs: needBulk,
		try:   tryGetBulkOnlyReadsTheKeys,
	},
	{
		name:  "GetBulkSeesDel",
		says:  "When Del has returned nil, no GetBulk returns a value set before it began.",
		harm:  "lists go on showing what was thrown out.",
		needs: needBulk,
		try:   tryGetBulkSeesDel,
	},
	{
		name:  "GetBulkSeesSet",
		says:  "Once a value was accepted, no GetBulk returns what was there before.",
		harm:  "lists show an older state than single reads.",
		needs: needBulk,
		try:   tryGetBulkSeesSet,
	},
	{
		name:  "GetBulkHeedsTTL",
		says:  "GetBulk does not return entries whose time to live is over.",
		harm:  "lists show entries that outlived their bound.",
		lack:  PerEntryTTL,
		needs: needBulk,
		try:   tryGetBulkHeedsTTL,
	},
	{
		name:  "GetBulkBytesStay",
		says:  "The bytes that GetBulk returned never change afterwards.",
		harm:  "a reader that is still decoding is given the bytes of another entry, under load and never in a test.",
		needs: needBulk,
		try:   tryGetBulkBytesStay,
	},
}

// getBulk returns one slice per key, or none at all after an error or an
// answer of another length, which have cases of their own.
func (s *providerSubject) getBulk(a *attempt, keys []string) [][]byte {
	values, err := s.bulk.GetBulk(a.Context(), slices.Clone(keys))
	if err != nil || len(values) != len(keys) {
		return nil
	}
	return values
}

func tryGetBulkAnswersInOrder(a *attempt, s *providerSubject) {
	keys := names("order", 12)
	for _, key := range keys {
		s.keep(a, key, sample(key, 20))
	}
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	for _, asked := range [][]string{keys, backwards, {keys[7], keys[2], keys[11], keys[0], keys[5]}} {
		for i, got := range s.getBulk(a, asked) {
			if got == nil || bytes.Equal(got, sample(asked[i], 20)) {
				continue
			}
			whose := "something else"
			for _, key := range keys {
				if bytes.Equal(got, sample(key, 20)) {
					whose = "the value of " + quote(key)
				}
			}
			a.violated("the value of "+quote(asked[i])+", or nil", "GetBulk(%q) returned %s in place %d, that of %s", asked, whose, i, quote(asked[i]))
		}
	}
}

func tryGetBulkAnswersEachKey(a *attempt, s *providerSubject) {
	s.keep(a, "here", sample("here", 20))
	s.keep(a, "there", sample("there", 20))
	for _, asked := range [][]string{
		{"missing-1"},
		{"missing-1", "missing-2", "missing-3"},
		{"missing-1", "here", "missing-2", "there", "missing-3"},
		{"here", "missing-1", "there"},
	} {
		values, err := s.bulk.GetBulk(a.Context(), slices.Clone(asked))
		if err != nil {
			a.violated("no error", "GetBulk(%q) returned the error %v", asked, err)
		}
		if len(values) != len(asked) {
			a.violated(fmt.Sprintf("%d slices", len(asked)), "GetBulk(%q) returned %d", asked, len(values))
		}
		for i, key := range asked {
			// A value of another key is for GetBulkAnswersInOrder to tell.
			misplaced := bytes.Equal(values[i], sample("here", 20)) || bytes.Equal(values[i], sample("there", 20))
			if key != "here" && key != "there" && values[i] != nil && !misplaced {
				a.violated("nil for a key never set", "GetBulk(%q) returned %s for %s", asked, quote(values[i]), quote(key))
			}
		}
	}
}

func tryGetBulkTellsEmptyFromMissing(a *attempt, s *providerSubject) {
	s.mustKeep(a, "empty", nil)
	s.mustKeep(a, "full", sample("full", 20))
	if found := s.getBulk(a, []string{"full"}); found == nil || found[0] == nil {
		a.inconclusive("GetBulk does not find what Get finds")
	}
	for _, asked := range [][]string{{"empty"}, {"missing", "empty"}} {
		for range 3 {
			values := s.getBulk(a, asked)
			if values == nil {
				a.inconclusive("GetBulk did not answer")
			}
			if values[len(asked)-1] != nil {
				return
			}
			if !s.keep(a, "empty", nil) {
				a.inconclusive("the empty value was not kept")
			}
		}
	}
	a.violated("an empty slice that is not nil", "GetBulk returned nil for a key that Get finds, with an empty value")
}

func tryGetBulkFindsWhatGetFinds(a *attempt, s *providerSubject) {
	keys := s.group(a, "both", lasting)
	single := s.count(a, keys)
	values, err := s.bulk.GetBulk(a.Context(), slices.Clone(keys))
	if single < groupSize/2 {
		a.inconclusive("of %d keys, Get found %d", groupSize, single)
	}
	if found(values) == 0 {
		a.violated("about as many, and no error", "of %d keys, Get found %d and GetBulk none; its error was %v", groupSize, single, err)
	}
}

func tryGetBulkTakesAnyNumber(a *attempt, s *providerSubject) {
	values, err := s.bulk.GetBulk(a.Context(), nil)
	if err != nil || len(values) != 0 {
		a.violated("no slices and no error", "GetBulk of no keys returned %d slices and the error %v", len(values), err)
	}
	const many = 2500
	keys := names("many", many)
	for _, key := range keys {
		s.set(a, key, sample(key, 20), lasting)
	}
	s.settle(a)
	values, err = s.bulk.GetBulk(a.Context(), slices.Clone(keys))
	if err != nil {
		a.violated("no error", "GetBulk of %d keys returned the error %v", many, err)
	}
	if len(values) != many {
		a.violated(fmt.Sprintf("%d slices", many), "GetBulk of %d keys returned %d", many, len(values))
	}
	tail := many - 3*groupSize
	single, alone, together := s.count(a, keys[tail:]), found(s.getBulk(a, keys[tail:])), found(values[tail:])
	if alone < groupSize {
		a.inconclusive("of the last %d keys, GetBulk found %d, on their own too, and Get %d", many-tail, alone, single)
	}
	if together == 0 {
		a.violated("about as many", "GetBulk of %d keys found none of the last %d; on their own, it found %d of them", many, many-tail, alone)
	}
}

// found counts the hits in the answer of a GetBulk.
func found(values [][]byte) int {
	n := 0
	for _, value := range values {
		if value != nil {
			n++
		}
	}
	return n
}

func tryGetBulkOnlyReadsTheKeys(a *attempt, s *providerSubject) {
	keys := []string{"q-3", "q-1", "missing", "q-2"}
	for _, key := range keys {
		if key != "missing" {
			s.keep(a, key, sample(key, 20))
		}
	}
	given := slices.Clone(keys)
	if _, err := s.bulk.GetBulk(a.Context(), given); err != nil {
		a.inconclusive("GetBulk returned %v", err)
	}
	if !slices.Equal(given, keys) {
		a.violated("no change", "GetBulk(%q) left its keys as %q", keys, given)
	}
}

func tryGetBulkSeesDel(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	keys := names("gone", 8)
	for _, key := range keys {
		s.keep(a, key, sample(key, 20))
	}
	s.getBulk(a, keys) // for one that remembers what it read
	var gone []string
	for _, key := range keys {
		if s.del(a, key) {
			gone = append(gone, key)
		}
	}
	watch(a, func() {
		for i, value := range s.getBulk(a, gone) {
			if bytes.Equal(value, sample(gone[i], 20)) {
				a.violated("nil", "Del(%s) returned nil, and GetBulk then returned %s", quote(gone[i]), quote(value))
			}
		}
	})
}

func tryGetBulkSeesSet(a *attempt, s *providerSubject) {
	keys := names("new", 8)
	for _, key := range keys {
		s.keep(a, key, sample("old", 20))
	}
	s.getBulk(a, keys)
	var renewed []string
	for _, key := range keys {
		if s.set(a, key, sample("new", 20), lasting) {
			renewed = append(renewed, key)
		}
	}
	s.settle(a)
	for i, value := range s.getBulk(a, renewed) {
		if bytes.Equal(value, sample("old", 20)) {
			a.violated("the new value, or nil", "a second Set of %s was accepted, and GetBulk then returned the first value", quote(renewed[i]))
		}
	}
}

func tryGetBulkHeedsTTL(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	ttl := s.ttl()
	keys := s.group(a, "ends", ttl)
	kept := found(s.getBulk(a, keys))
	s.pass(a, ttl+s.slack())
	for i, value := range s.getBulk(a, keys) {
		if bytes.Equal(value, sample(keys[i], 20)) {
			a.violated("nil", "%s was set for %v, and GetBulk still returns it %v later", quote(keys[i]), ttl, ttl+s.slack())
		}
	}
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}

func tryGetBulkBytesStay(a *attempt, s *providerSubject) {
	keys := names("stay", 8)
	for _, key := range keys {
		s.keep(a, key, sample(key, 300))
	}
	values := s.getBulk(a, keys)
	copies := make([][]byte, len(values))
	for i, value := range values {
		copies[i] = bytes.Clone(value)
	}
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	s.getBulk(a, backwards)
	for _, key := range keys {
		s.set(a, key, sample(key+"'", 300), lasting)
	}
	s.settle(a)
	s.getBulk(a, keys)
	for _, key := range keys {
		s.del(a, key)
	}
	for i, value := range values {
		if !bytes.Equal(value, copies[i]) {
			a.violated("the bytes as they were returned", "the slice that GetBulk returned for %s changed afterwards%s",
				quote(keys[i]), firstDifference(value, copies[i]))
		}
	}
}
