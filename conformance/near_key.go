package conformance

import "strings"

func nearKeyRules[V any]() []rule[*nearSubject[V]] {
	var rules []rule[*nearSubject[V]]
	for _, family := range keyFamilies {
		rules = append(rules, rule[*nearSubject[V]]{
			name: family.name,
			says: "Keys are compared byte for byte; here: " + family.what + ".",
			harm: "one user is given the data of another: generations are no defence where two keys have the same one.",
			try:  func(a *attempt, s *nearSubject[V]) { tryNearKeys(a, s, family.keys) },
		})
	}
	return append(rules,
		rule[*nearSubject[V]]{
			name: "KeysAreAllUsable",
			says: "A key of any bytes can be set and found.",
			harm: "what some users are called keeps them from being cached here.",
			try:  tryNearKeysAreAllUsable[V],
		},
		rule[*nearSubject[V]]{
			name: "LongKeysAreUsable",
			says: "A key of up to 65,535 bytes can be set and found.",
			harm: "what has a long key is never cached here.",
			lack: LongKeys,
			try:  tryNearLongKeysAreUsable[V],
		},
	)
}

// tryNearKeys has one key in the tier at a time, so that whatever is found
// under another one is not its own.
func tryNearKeys[V any](a *attempt, s *nearSubject[V], keys []string) {
	s.mustDelete(a)
	for _, set := range keys {
		s.set(set, lasting)
		s.settle(a)
		for _, key := range keys {
			if key != set && s.found(key) {
				a.violated("a miss", "after a Set of %s alone, Get of %s was a hit", describeKey(set), describeKey(key))
			}
		}
		s.n.Del(set)
		if s.found(set) {
			a.violated("a miss", "Del of %s returned, and Get then was a hit", describeKey(set))
		}
	}
	// A Del must not be taken for one of another key, which would leave the
	// entry that it was meant for.
	for _, key := range keys {
		s.set(key, lasting)
	}
	s.settle(a)
	for _, key := range keys {
		s.n.Del(key)
		if s.found(key) {
			a.violated("a miss", "with keys like it set, Del of %s returned, and Get then was a hit", describeKey(key))
		}
	}
}

func tryNearKeysAreAllUsable[V any](a *attempt, s *nearSubject[V]) {
	s.mustKeep(a, "plain")
	for _, family := range keyFamilies {
		if family.name == "KeyLong" {
			continue // see LongKeysAreUsable
		}
		for _, key := range family.keys {
			if !s.keep(a, key) {
				a.violated("a hit sooner or later", "%s could not be found after %d Sets", describeKey(key), keepTries)
			}
		}
	}
}

func tryNearLongKeysAreUsable[V any](a *attempt, s *nearSubject[V]) {
	s.mustKeep(a, "short")
	for _, n := range []int{250, 251, 256, 1025, 32768, maxKey} {
		if !s.keep(a, strings.Repeat("L", n)) {
			a.violated("a hit sooner or later", "a key of %d bytes could not be found after %d Sets", n, keepTries)
		}
	}
}
