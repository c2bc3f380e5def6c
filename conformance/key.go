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

const maxKey = 65535

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

// describeKey shows a key so that long ones can be told apart.
func describeKey(key string) string {
	if at := strings.IndexByte(key, 'x'); at >= 0 && len(key) > 48 {
		return fmt.Sprintf(`a key of %d times "k", with an "x" at byte %d`, len(key), at)
	}
	return quote(key)
}
