package conformance

import (
	"bytes"
	"fmt"
	"math"
)

var providerSetRules = []rule[*providerSubject]{
	{
		name: "SetOnlyReadsTheValue",
		says: "Set does not change the value's bytes, nor those of the caller's that lie behind them in memory.",
		harm: "the cache encodes into one buffer and hands out parts of it: an entry is corrupted while it is being written.",
		try:  trySetOnlyReadsTheValue,
	},
	{
		name: "LastSetWins",
		says: "Once a value was accepted, what was set before it under the same key is never returned any more.",
		harm: "an old entry comes back, and readers see time go backwards.",
		try:  tryLastSetWins,
	},
	{
		name: "LastOfManySetsWins",
		says: "Of several values accepted in quick succession under one key, only the last is returned once they have settled.",
		harm: "two fills in a row leave the older one in the cache for its whole time to live.",
		try:  tryLastOfManySetsWins,
	},
	{
		name: "AnyCostIsTaken",
		says: "A cost of 0 or of any size is no error: what is too dear is declined with (false, nil).",
		harm: "a single value that is too large makes a request fail that would have done well without the cache.",
		try:  tryAnyCostIsTaken,
	},
	{
		name: "LargeValueIsNoError",
		says: "A value that is too large for the provider is declined with (false, nil).",
		harm: "a single value that is too large makes a request fail that would have done well without the cache.",
		try:  tryLargeValueIsNoError,
	},
	{
		name: "DeclinedIsNotServed",
		says: "A value that Set declined is never returned.",
		harm: "the cache reports that nothing was stored, and goes on to serve it.",
		try:  tryDeclinedIsNotServed,
	},
}

func trySetOnlyReadsTheValue(a *attempt, s *providerSubject) {
	for i, size := range []int{0, 1, 100, 5000} {
		key := fmt.Sprintf("mine-%d", i)
		// The value lies in the middle of memory that is the caller's.
		buf := sample(key, size+512)
		before := bytes.Clone(buf)
		value := buf[128 : 128+size]
		check := func(after string) {
			if !bytes.Equal(buf, before) {
				at := 0
				for buf[at] == before[at] {
					at++
				}
				where := "in the value"
				if at < 128 || at >= 128+size {
					where = fmt.Sprintf("%d bytes from the start of the value of %d bytes, which is memory outside of it", at-128, size)
				}
				a.violated("no change", "after %s the caller's memory had changed, %s", after, where)
			}
		}
		_, _ = s.p.Set(a.Context(), key, value, int64(size), lasting)
		check("Set")
		s.settle(a)
		s.get(a, key)
		check("Get")
		s.set(a, key, sample("next", size), lasting)
		s.settle(a)
		s.get(a, key)
		check("the next Set of the key")
		s.del(a, key)
		s.set(a, "another", sample("another", size), lasting)
		s.settle(a)
		check("Del")
	}
}

func tryLastSetWins(a *attempt, s *providerSubject) {
	// The second value is longer, shorter, and as long: one that is written
	// over the first must leave nothing of it.
	accepted := make(map[string][]byte)
	for i, sizes := range [][2]int{{10, 300}, {300, 10}, {100, 100}, {10, 0}, {0, 10}} {
		key := fmt.Sprintf("replaced-%d", i)
		s.mustKeep(a, key, sample("first", sizes[0]))
		second := sample("second", sizes[1])
		if s.set(a, key, second, lasting) { // declined, the first may stay
			accepted[key] = second
		}
	}
	s.settle(a)
	watch(a, func() {
		for key, second := range accepted {
			if got, found := s.get(a, key); found && !bytes.Equal(got, second) {
				a.violated(quote(second)+", or a miss", "%s was set twice, the second time to %s, which was accepted; Get returned %s",
					quote(key), quote(second), quote(got))
			}
		}
	})
}

func tryLastOfManySetsWins(a *attempt, s *providerSubject) {
	for _, key := range names("many", groupSize) {
		var accepted []byte
		for i := range 4 {
			value := sample(fmt.Sprint(key, i), 20+i)
			if s.set(a, key, value, lasting) {
				accepted = value
			}
		}
		if accepted == nil {
			continue
		}
		s.settle(a)
		if got, found := s.get(a, key); found && !bytes.Equal(got, accepted) {
			a.violated(quote(accepted)+", which was accepted last, or a miss", "after four Sets of %s in a row Get returned %s", quote(key), quote(got))
		}
	}
}

func tryAnyCostIsTaken(a *attempt, s *providerSubject) {
	for i, cost := range []int64{0, 1, 1 << 20, 1 << 40, math.MaxInt64} {
		if _, err := s.p.Set(a.Context(), fmt.Sprintf("cost-%d", i), sample("cost", 50), cost, lasting); err != nil {
			a.violated("(true, nil) or (false, nil)", "Set with a cost of %d returned the error %v", cost, err)
		}
	}
}

func tryLargeValueIsNoError(a *attempt, s *providerSubject) {
	value := sample("large", 8<<20)
	if _, err := s.p.Set(a.Context(), "large", value, int64(len(value)), lasting); err != nil {
		a.violated("(true, nil) or (false, nil)", "Set of a value of %d bytes returned the error %v", len(value), err)
	}
}

func tryDeclinedIsNotServed(a *attempt, s *providerSubject) {
	declined := 0
	try := func(key string, value []byte, cost int64) {
		accepted, err := s.p.Set(a.Context(), key, value, cost, lasting)
		if accepted || err != nil {
			return
		}
		declined++
		s.settle(a)
		if got, found := s.get(a, key); found && bytes.Equal(got, value) {
			a.violated("a miss", "Set(%s) with a cost of %d returned (false, nil), and Get then returned the value", quote(key), cost)
		}
	}
	for _, key := range names("declined", groupSize) {
		try(key, sample(key, 20), 20)
	}
	try("dear", sample("dear", 20), math.MaxInt64)
	large := sample("large", 4<<20)
	try("large", large, int64(len(large)))
	if declined == 0 {
		a.inconclusive("nothing was declined")
	}
}
