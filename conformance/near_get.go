package conformance

import (
	"fmt"
	"math"
)

func nearGetRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "NeverSetIsAMiss",
			says: "A Get of a key that is not there is a miss.",
			harm: "a value that nobody has loaded is taken for one.",
			try:  tryNeverSetIsAMiss[V],
		},
		{
			name: "PairsComeBackWhole",
			says: "A Get returns exactly the value and the generation that were set together, or it misses.",
			harm: "a value under another generation than its own is served after it was invalidated, or is never served at all.",
			try:  tryPairsComeBackWhole[V],
		},
		{
			name: "KeepsSomething",
			says: "A near tier may lose entries, but not all of them.",
			harm: "every read goes on to the provider or the database, and the tier only costs.",
			try:  tryNearKeepsSomething[V],
		},
		{
			name: "MissIsForgotten",
			says: "That a key was missed does not keep later sets of it from being found.",
			harm: "every fill follows a miss: whoever remembers misses never has a hit.",
			try:  tryNearMissIsForgotten[V],
		},
		{
			name: "GetLeavesTheEntry",
			says: "Reading an entry does not remove it.",
			harm: "every second read goes on to the provider or the database.",
			try:  tryNearGetLeavesTheEntry[V],
		},
		{
			name: "ValuesAreLeftAlone",
			says: "A value is shared with its readers: the tier never changes it, not even when the entry is gone.",
			harm: "a reader that is still at work with a value sees it change under its hands.",
			try:  tryValuesAreLeftAlone[V],
		},
	}
}

func tryNeverSetIsAMiss[V any](a *attempt, s *nearSubject[V]) {
	look := func(when string) {
		for _, key := range []string{"never-set", "never set either", "other:0"} {
			if v, gen, ok := s.n.Get(key); ok {
				a.violated("a miss", "%s, Get(%s) of a key never set returned (%s, %d, true)", when, quote(key), show(v), gen)
			}
		}
	}
	look("in an empty tier")
	s.group(a, "other key", lasting)
	look("with other keys set")
}

// awkwardGens are generations that something narrower than 64 bits takes for
// others.
var awkwardGens = []uint64{
	1, math.MaxInt32, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint32 + 2, 1<<53 - 1, 1<<53 + 1,
	firstGen, firstGen + 1, math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64 - 1, math.MaxUint64,
}

func tryPairsComeBackWhole[V any](a *attempt, s *nearSubject[V]) {
	for _, gen := range awkwardGens {
		for i, value := range s.values {
			key := fmt.Sprintf("whole-%d", i)
			// Once more where the first was lost.
			for range 3 {
				s.n.Set(key, value, gen, lasting)
				s.settle(a)
				v, got, ok := s.get(key)
				if !ok {
					continue
				}
				if got != gen {
					a.violated("that generation, or a miss", "%s was set under generation %d, and Get returned generation %d", quote(key), gen, got)
				}
				if !s.equal(v, value) {
					a.violated("that value, or a miss", "value %d, %s, was set under %s, and Get returned %s", i, show(value), quote(key), show(v))
				}
				break
			}
			s.n.Del(key)
		}
	}
}

func tryNearKeepsSomething[V any](a *attempt, s *nearSubject[V]) {
	const keys = 256
	for _, key := range names("keep", keys) {
		s.set(key, lasting)
		s.settle(a)
		if s.found(key) {
			return
		}
	}
	a.violated("at least one hit", "%d keys were set for %v, each was read right after it, and none was found", keys, lasting)
}

func tryNearMissIsForgotten[V any](a *attempt, s *nearSubject[V]) {
	control := s.count(s.group(a, "control", lasting))
	keys := names("missed", groupSize)
	s.count(keys)
	left := s.count(s.group(a, "missed", lasting))
	if control < groupSize/2 {
		a.inconclusive("of %d keys that nobody had asked for before, %d were kept", groupSize, control)
	}
	if left == 0 {
		a.violated("about as many", "of %d keys that were read before they were set, none was found afterwards; of as many that were not, %d",
			groupSize, control)
	}
}

func tryNearGetLeavesTheEntry[V any](a *attempt, s *nearSubject[V]) {
	kept := 0
	for _, key := range names("read", groupSize) {
		if !s.keep(a, key) {
			continue
		}
		kept++
		if s.found(key) {
			return
		}
	}
	if kept < groupSize/2 {
		a.inconclusive("of %d keys, %d were kept", groupSize, kept)
	}
	a.violated("hits", "%d keys were each found once, and none of them at the read that followed", kept)
}

func tryValuesAreLeftAlone[V any](a *attempt, s *nearSubject[V]) {
	fresh := s.h.Values()
	check := func(after string) {
		for i, v := range s.values {
			if !s.equal(v, fresh[i]) {
				a.violated("the value as it was set", "after %s, value %d was %s, and had been %s", after, i, show(v), show(fresh[i]))
			}
		}
	}
	if len(s.values) != len(fresh) {
		a.Fatal("NearHarness.Values returns other values at each call")
	}
	check("nothing at all (NearHarness.Values must return the same ones at each call)")
	keys := names("shared", len(s.values))
	all := func(after string, do func(key string, value V)) {
		for i, key := range keys {
			do(key, s.values[i])
		}
		s.settle(a)
		check(after)
	}
	all("Set", func(key string, v V) { s.n.Set(key, v, s.draw(), lasting) })
	all("Get", func(key string, _ V) { s.n.Get(key) })
	all("a second Set of the same keys", func(key string, _ V) { s.set(key, lasting) })
	all("Del", func(key string, _ V) { s.n.Del(key) })
	all("Set and Del", func(key string, v V) { s.n.Set(key, v, s.draw(), lasting); s.n.Del(key) })
	all("Set", func(key string, v V) { s.n.Set(key, v, s.draw(), lasting) })
	_ = s.n.Close()
	check("Close")
}
