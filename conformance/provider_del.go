package conformance

import (
	"fmt"
)

var providerDelRules = []rule[*providerSubject]{
	{
		name: "DelOfUnknownKeyIsNoError",
		says: "A Del of a key that is not there returns nil.",
		harm: "an invalidation of what was never cached, the commonest of all, is reported as failed.",
		try:  tryDelOfUnknownKeyIsNoError,
	},
	{
		name: "DelIsImmediate",
		says: "When Del has returned nil, no value set before it began is returned any more.",
		harm: "readers go on being given an entry that was thrown out.",
		try:  tryDelIsImmediate,
	},
	{
		name: "DelIsFinal",
		says: "A value that was accepted before a Del began does not turn up after it, however late it becomes visible.",
		harm: "an entry that was thrown out comes back, and stays for its whole time to live.",
		try:  tryDelIsFinal,
	},
	{
		name: "DelEndsWithItsReturn",
		says: "What is set after a Del has returned is not taken away by it.",
		harm: "the fill that follows every invalidation is lost, and the next read goes to the database again.",
		try:  tryDelEndsWithItsReturn,
	},
	{
		name: "DelTakesOneKey",
		says: "Del removes the key that it is given, and not those that look like it.",
		harm: "one invalidation empties a good part of the cache.",
		try:  tryDelTakesOneKey,
	},
}

func tryDelOfUnknownKeyIsNoError(a *attempt, s *providerSubject) {
	for _, key := range []string{"never-set", "ns:0"} {
		if err := s.p.Del(a.Context(), key); err != nil {
			a.violated("nil", "Del(%s) of a key never set returned %v", quote(key), err)
		}
	}
}

func tryDelIsImmediate(a *attempt, s *providerSubject) {
	var gone []string
	look := func(key string) {
		if got, found := s.get(a, key); found {
			a.violated("a miss", "Del(%s) returned nil, and Get then returned %s", quote(key), quote(got))
		}
	}
	for _, key := range names("gone", 8) {
		s.mustKeep(a, key, sample(key, 40))
		// Some more reads, for one that remembers what is asked for often.
		s.get(a, key)
		s.get(a, key)
		if s.del(a, key) {
			gone = append(gone, key)
			look(key)
		}
	}
	watch(a, func() {
		for _, key := range gone {
			look(key)
		}
	})
}

func tryDelIsFinal(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	for _, key := range names("final", groupSize) {
		s.set(a, key, sample(key, 40), lasting)
		if !s.del(a, key) {
			continue
		}
		look := func(when string) {
			if got, found := s.get(a, key); found {
				a.violated("a miss", "Set(%s) was followed by Del, which returned nil; %s Get returned %s", quote(key), when, quote(got))
			}
		}
		look("right then")
		s.settle(a)
		look("when all had settled")
	}
	// Once more for the values that take their time.
	watch(a, func() {
		for _, key := range names("final", groupSize) {
			if got, found := s.get(a, key); found {
				a.violated("a miss", "Set(%s) was followed by Del, which returned nil; some time later Get returned %s", quote(key), quote(got))
			}
		}
	})
}

func tryDelEndsWithItsReturn(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	fill := func(prefix string, between func(key string)) []string {
		keys := names(prefix, groupSize)
		for _, key := range keys {
			s.set(a, key, sample("old", 40), lasting)
			s.settle(a)
			between(key)
			s.set(a, key, sample("new", 41), lasting)
			s.settle(a)
		}
		return keys
	}
	control := fill("plain", func(string) {})
	filled := fill("deleted", func(key string) { s.del(a, key) })
	sleep(a, watchTime)
	kept, left := s.count(a, control), s.count(a, filled)
	if kept < groupSize/2 {
		a.inconclusive("of %d keys that were not deleted, %d were kept", groupSize, kept)
	}
	if left == 0 {
		a.violated("about as many", "of %d keys that were deleted and then set, none was found a little later; of as many that were only set, %d",
			groupSize, kept)
	}
}

func tryDelTakesOneKey(a *attempt, s *providerSubject) {
	var control, near []string
	for i := range groupSize {
		victim := fmt.Sprintf("user:%d", i)
		control = append(control, fmt.Sprintf("far:%d", i))
		near = append(near, victim+":name")
	}
	for _, key := range append(append([]string(nil), control...), near...) {
		s.set(a, key, sample(key, 20), lasting)
		s.settle(a)
	}
	for i := range groupSize {
		s.del(a, fmt.Sprintf("user:%d", i))
	}
	kept, left := s.count(a, control), s.count(a, near)
	if kept < groupSize/2 {
		a.inconclusive("of %d keys without such a neighbour, %d were kept", groupSize, kept)
	}
	if left == 0 {
		a.violated("about as many", `of %d keys like "user:1:name" none was left after Del("user:1") and so on; of as many without such a neighbour, %d`,
			groupSize, kept)
	}
}
