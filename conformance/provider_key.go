package conformance

import (
	"bytes"
	"fmt"
	"strings"
)

var providerKeyRules = func() []rule[*providerSubject] {
	var rules []rule[*providerSubject]
	for _, family := range keyFamilies {
		rules = append(rules, rule[*providerSubject]{
			name: family.name,
			says: "Keys are compared byte for byte; here: " + family.what + ".",
			harm: "one user is given the data of another.",
			try:  func(a *attempt, s *providerSubject) { tryKeys(a, s, family) },
		})
	}
	return append(rules,
		rule[*providerSubject]{
			name: "KeysAreAllUsable",
			says: "A key of any bytes can be set, found and deleted, without an error.",
			harm: "what some users are called keeps them from being cached, or makes their requests fail.",
			try:  tryKeysAreAllUsable,
		},
		rule[*providerSubject]{
			name: "LongKeysAreUsable",
			says: "A key of up to 65,535 bytes can be set and found.",
			harm: "what has a long key is never cached.",
			lack: LongKeys,
			try:  tryLongKeysAreUsable,
		},
	)
}()

// tryKeys looks for a value that is found under a key it was not set under.
func tryKeys(a *attempt, s *providerSubject, family keyFamily) {
	value := func(key string) []byte { return append([]byte("value of "), fmt.Sprintf("%x", key)...) }
	// The longest keys make long values otherwise.
	if family.name == "KeyLong" {
		value = func(key string) []byte { return sample(key, 40) }
	}
	owner := func(b []byte) string {
		for _, key := range family.keys {
			if bytes.Equal(b, value(key)) {
				return "what was set under " + describeKey(key)
			}
		}
		return quote(b)
	}
	// Half of them first, so that the others must not be found at all.
	for half := range 2 {
		for i := half; i < len(family.keys); i += 2 {
			s.set(a, family.keys[i], value(family.keys[i]), lasting)
		}
		s.settle(a)
		for i, key := range family.keys {
			got, found := s.get(a, key)
			switch {
			case !found:
			case half == 0 && i%2 == 1:
				a.violated("a miss", "Get of %s, which was not set, returned %s", describeKey(key), owner(got))
			case !bytes.Equal(got, value(key)):
				a.violated("what was set under that key, or a miss", "Get of %s returned %s", describeKey(key), owner(got))
			}
		}
	}
	// A Del must not be taken for one of another key, which would leave the
	// entry that it was meant for.
	s.mustDelete(a)
	for _, key := range family.keys {
		if !s.del(a, key) {
			continue
		}
		if got, found := s.get(a, key); found {
			a.violated("a miss", "Del of %s returned nil, and Get then returned %s", describeKey(key), owner(got))
		}
	}
}

func tryKeysAreAllUsable(a *attempt, s *providerSubject) {
	ctx := a.Context()
	for _, family := range keyFamilies {
		kept := 0
		for _, key := range family.keys {
			if _, err := s.p.Set(ctx, key, sample(key, 20), 20, lasting); err != nil {
				a.violated("no error", "Set of %s returned %v", describeKey(key), err)
			}
			s.settle(a)
			_, found, err := s.p.Get(ctx, key)
			if found && err != nil {
				a.violated("no error", "Get of %s returned %v", describeKey(key), err)
			}
			if found {
				kept++
			}
			if err := s.p.Del(ctx, key); err != nil {
				a.violated("no error", "Del of %s returned %v", describeKey(key), err)
			}
		}
		if family.name == "KeyLong" {
			continue // see LongKeysAreUsable
		}
		if kept == 0 && s.keep(a, "plain", sample("plain", 20)) {
			a.violated("some of them", "of %d keys about %s none could be found after it was set", len(family.keys), family.what)
		}
	}
}

func tryLongKeysAreUsable(a *attempt, s *providerSubject) {
	s.mustKeep(a, "short", sample("short", 20))
	for _, n := range []int{250, 251, 256, 1025, 32768, maxKey} {
		key := strings.Repeat("L", n)
		if !s.keep(a, key, sample(key, 20)) {
			a.violated("a hit sooner or later", "a key of %d bytes could not be found after %d Sets", n, keepTries)
		}
	}
}
