package conformance

import "fmt"

func nearDelRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "DelOfAMissingKeyDoesNothing",
			says: "A Del of a key that is not there does nothing.",
			harm: "an invalidation of what was never read here, the commonest of all, harms what others have cached.",
			try:  tryDelOfAMissingKeyDoesNothing[V],
		},
		{
			name: "DelIsImmediate",
			says: "When Del has returned, no value set before it began is returned any more.",
			harm: "readers go on being given an entry that was thrown out.",
			try:  tryNearDelIsImmediate[V],
		},
		{
			name: "DelIsFinal",
			says: "A value that was set before a Del began does not turn up after it, however late it becomes visible.",
			harm: "an entry that was thrown out comes back, and stays for its whole time to live.",
			try:  tryNearDelIsFinal[V],
		},
		{
			name: "DelEndsWithItsReturn",
			says: "What is set after a Del has returned is not taken away by it.",
			harm: "the fill that follows every invalidation is lost, and the next read goes to the database again.",
			try:  tryNearDelEndsWithItsReturn[V],
		},
		{
			name: "DelTakesOneKey",
			says: "Del removes the key that it is given, and not those that look like it.",
			harm: "one invalidation empties a good part of the tier.",
			try:  tryNearDelTakesOneKey[V],
		},
	}
}

func tryDelOfAMissingKeyDoesNothing[V any](a *attempt, s *nearSubject[V]) {
	kept := s.count(s.group(a, "control", lasting))
	keys := s.group(a, "others", lasting)
	for _, key := range []string{"missing", "never-set", "missing"} {
		s.n.Del(key)
	}
	s.settle(a)
	if kept < groupSize/2 {
		a.inconclusive("of %d keys, %d were kept from the beginning", groupSize, kept)
	}
	if left := s.count(keys); left == 0 {
		a.violated("about as many", "of %d keys that were set, none was found after Dels of keys that were not; of as many before, %d", groupSize, kept)
	}
}

func tryNearDelIsImmediate[V any](a *attempt, s *nearSubject[V]) {
	look := func(key string) {
		if v, gen, ok := s.get(key); ok {
			a.violated("a miss", "Del(%s) returned, and Get then returned %s under generation %d", quote(key), show(v), gen)
		}
	}
	keys := names("gone", 8)
	for _, key := range keys {
		s.mustKeep(a, key)
		// Some more reads, for one that remembers what is asked for often.
		s.found(key)
		s.found(key)
		s.n.Del(key)
		look(key)
	}
	watch(a, func() {
		for _, key := range keys {
			look(key)
		}
	})
}

func tryNearDelIsFinal[V any](a *attempt, s *nearSubject[V]) {
	s.mustDelete(a)
	look := func(key, when string) {
		if v, gen, ok := s.get(key); ok {
			a.violated("a miss", "Set(%s) was followed by Del; %s, Get returned %s under generation %d", quote(key), when, show(v), gen)
		}
	}
	keys := names("final", groupSize)
	for _, key := range keys {
		s.set(key, lasting)
		s.n.Del(key)
		look(key, "right then")
		s.settle(a)
		look(key, "when all had settled")
	}
	// Once more for the values that take their time.
	watch(a, func() {
		for _, key := range keys {
			look(key, "some time later")
		}
	})
}

func tryNearDelEndsWithItsReturn[V any](a *attempt, s *nearSubject[V]) {
	s.mustDelete(a)
	fill := func(prefix string, between func(key string)) []string {
		keys := names(prefix, groupSize)
		for _, key := range keys {
			s.set(key, lasting)
			s.settle(a)
			between(key)
			s.set(key, lasting)
			s.settle(a)
		}
		return keys
	}
	control := fill("plain", func(string) {})
	filled := fill("deleted", s.n.Del)
	sleep(a, watchTime)
	kept, left := s.count(control), s.count(filled)
	if kept < groupSize/2 {
		a.inconclusive("of %d keys that were not deleted, %d were kept", groupSize, kept)
	}
	if left == 0 {
		a.violated("about as many", "of %d keys that were deleted and then set, none was found a little later; of as many that were only set, %d",
			groupSize, kept)
	}
}

func tryNearDelTakesOneKey[V any](a *attempt, s *nearSubject[V]) {
	var control, alike []string
	for i := range groupSize {
		control = append(control, fmt.Sprintf("far:%d", i))
		alike = append(alike, fmt.Sprintf("user:%d:name", i))
		for _, key := range []string{control[i], alike[i], fmt.Sprintf("user:%d", i)} {
			s.set(key, lasting)
			s.settle(a)
		}
	}
	for i := range groupSize {
		s.n.Del(fmt.Sprintf("user:%d", i))
	}
	kept, left := s.count(control), s.count(alike)
	if kept < groupSize/2 {
		a.inconclusive("of %d keys without such a neighbour, %d were kept", groupSize, kept)
	}
	if left == 0 {
		a.violated("about as many", `of %d keys like "user:1:name" none was left after Del("user:1") and so on; of as many without such a neighbour, %d`,
			groupSize, kept)
	}
}
