package conformance

import (
	"bytes"
	"fmt"
	"strings"
)

// A keyFamily is a list of different keys that something on the way may take
// for one another.
type keyFamily struct {
	name string // of the case
	what string // it is about
	keys []string
}

const maxKey = 65535

var keyFamilies = []keyFamily{
	{"KeyLetterCase", "the case of its letters", []string{
		"user:a", "user:A", "USER:a", "User:a", "straße", "STRASSE", "ß", "ẞ", "ı", "i", "İ", "I", "k", "\u212a",
	}},
	{"KeySpaces", "spaces, at its ends too", []string{
		"key", " key", "key ", "key  ", "k ey", "ke y", "key\t", "key\n", "\r\nkey", "key\u00a0", "\u2003key", "key\u200b", "\ufeffkey",
	}},
	{"KeyUnicode", "how a character is put together, and bytes that are no characters at all", []string{
		"caf\u00e9", "cafe\u0301", "cafe", "\u212b", "\u00e5", "a\u030a", "\uff41", "a", "\u2460", "1", "\uac00", "\u1100\u1161",
		"\xff", "\xfe", "\xff\xfe", "\xc3", "\xc3\x28", "\ufffd", "\xed\xa0\x80", "\U0001f600", "\xf0\x9f\x98",
	}},
	{"KeyNUL", "NUL and other control bytes", []string{
		"nul", "nul\x00", "nul\x00\x00", "\x00nul", "nul\x00a", "nul\x00b", "n\x00ul", "\x01", "\x02", "\x7f", "\x1b[0m", "a\x08", "a\x0d",
	}},
	{"KeyPunctuation", "braces, percent signs, separators and patterns", []string{
		"{a}:1", "{a}:2", "{b}:1", "a:1", "{a:1", "a}:1", "{}:1", "{}{a}:1", "%3a", ":", "%253a", "%", "a%20b", "a b", "a+b", "a/b", "a//b", "a/./b", "a\\b",
		"a.b", "a-b", "a_b", "../a", "a/../a", "*", "?", "[a]", "a*", "^a", "a$", "a|b", "a,b", "a;b", "a#b", "a?b", "a&b", "a=b", `"a"`, "'a'", "`a`",
	}},
	{"KeyThatLooksEmpty", "keys that look like none", []string{
		" ", "\x00", "\t", "0", "-", "nil", "<nil>", "null", "undefined", "\"\"", "''", "{}", "[]", "false", "\u200b", "\u00a0",
	}},
	{"KeyThatLooksLikeANumber", "keys that read as the same number", []string{
		"1", "01", "001", "1.0", "+1", "1e0", "0x1", "-0", "0", "9007199254740992", "9007199254740993", "18446744073709551616", "1_000", "1000",
	}},
	{"KeyLong", "every byte of a long key", longKeys([]int{249, 251, 255, 256, 257, 1024, 4096, 32767, 32768, maxKey})},
}

// longKeys are, for each length, four keys: one of the same byte all over, and
// those that differ from it in the first, a middle or the last byte.
func longKeys(lengths []int) []string {
	var keys []string
	for _, n := range lengths {
		keys = append(keys, strings.Repeat("k", n))
		for _, at := range []int{0, n / 2, n - 1} {
			key := bytes.Repeat([]byte("k"), n)
			key[at] = 'x'
			keys = append(keys, string(key))
		}
	}
	return keys
}

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

// describeKey shows a key so that long ones can be told apart.
func describeKey(key string) string {
	if at := strings.IndexByte(key, 'x'); at >= 0 && len(key) > 48 {
		return fmt.Sprintf(`a key of %d times "k", with an "x" at byte %d`, len(key), at)
	}
	return quote(key)
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
