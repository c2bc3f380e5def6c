package cascache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hashSeed makes the hashes of one process useless to whoever tries likely keys.
var hashSeed = rand.Text()

// HashKey returns a short hash of key, for [SlogOptions.Redact]. Equal keys have
// equal hashes in one run of the program, so that its lines about one key can be
// found, and other ones in the next run.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(hashSeed + key))
	return "#" + hex.EncodeToString(sum[:6])
}

// shortKey is the length below which a key counts as named in a text only where
// it stands by itself: "1" is a part of many numbers.
const shortKey = 4

// redactor replaces keys in what is to be logged.
type redactor struct {
	replace func(key string) string // nil: nothing is replaced
}

func (r redactor) key(key string) string {
	if r.replace == nil {
		return key
	}
	return r.replace(key)
}

func (r redactor) keys(keys []string) []string {
	if r.replace == nil {
		return keys
	}
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = r.replace(key)
	}
	return out
}

// storageKey replaces the key in a storage key of the namespace. The name of a
// bulk entry is a plain hash of its keys, so it is replaced too.
func (r redactor) storageKey(namespace, entry string) string {
	if r.replace == nil {
		return entry
	}
	key := keyIn(namespace, entry)
	return strings.TrimSuffix(entry, key) + r.replace(key)
}

// keyIn returns what follows the namespace, and any schema, in a storage key of
// that namespace, or all of what is none.
func keyIn(namespace, entry string) string {
	for _, prefix := range []string{singlePrefix, bulkPrefix} {
		if rest, ok := strings.CutPrefix(entry, prefix); ok {
			versioned, key, _ := strings.Cut(rest, ":")
			if ns, _, _ := strings.Cut(versioned, schemaMark); ns == escapeNamespace.Replace(namespace) {
				return key
			}
		}
	}
	return entry
}

// err returns an error as an attribute, its text without keys: those given, and
// whatever stands in quotes.
func (r redactor) err(name string, err error, namespace string, keys ...string) slog.Attr {
	if r.replace == nil || err == nil {
		return slog.Any(name, err)
	}
	return slog.String(name, r.text(err.Error(), namespace, keys))
}

func (r redactor) text(text, namespace string, keys []string) string {
	var named []string // the keys that the text may name, the longest first
	for _, key := range keys {
		if key != "" && strings.Contains(text, key) {
			named = append(named, key)
		}
	}
	slices.SortFunc(named, func(a, b string) int { return len(b) - len(a) })
	var out strings.Builder
	for i := 0; i < len(text); {
		if quoted, err := strconv.QuotedPrefix(text[i:]); err == nil && quoted[0] == '"' {
			content, _ := strconv.Unquote(quoted)
			out.WriteString(strconv.Quote(r.storageKey(namespace, content)))
			i += len(quoted)
			continue
		}
		if key := keyAt(text, i, named); key != "" {
			out.WriteString(r.replace(key))
			i += len(key)
			continue
		}
		out.WriteByte(text[i])
		i++
	}
	return out.String()
}

// keyAt returns the first of the keys that the text names at i, or nothing.
func keyAt(text string, i int, keys []string) string {
	for _, key := range keys {
		if !strings.HasPrefix(text[i:], key) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(key):])
		if len(key) >= shortKey || !wordRune(before) && !wordRune(after) {
			return key
		}
	}
	return ""
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
