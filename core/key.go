package cascache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// maxStorageKey is the longest storage key in bytes: what the u16 length in
// the wire format can say.
const maxStorageKey = 65535

const (
	singlePrefix = "single:"
	bulkPrefix   = "bulk:"
	floorPrefix  = "floor:"
	tagPrefix    = "tag:"
	allPrefix    = "all:"
	tagsPrefix   = "tags:"
	// bulkDigest is how many bytes of the SHA-256 name a bulk entry.
	bulkDigest = 16
)

// schemaMark stands between namespace and schema in the storage key of an entry.
// An escaped namespace does not contain it: after a '%' there is a digit.
const schemaMark = "%@"

// keySpace names the entries and generations of one namespace. Since ':' cannot
// occur in the escaped namespace or schema, the first ':' after them ends them, so
// that no two different triples of namespace, schema and key share a storage key.
type keySpace struct {
	single string // "single:<ns>:", or "single:<ns>%@<schema>:"
	gen    string // "single:<ns>:"
	bulk   string // "bulk:" and then as single
	tag    string // "tag:<ns>:", and a tag: the key of its generation
	all    string // "all:<ns>": the key of the generation of the whole namespace
	tags   string // "tags:<ns>": the same, bumped before any tag is
	floor  string // no entry: a name to draw a generation under
}

var escapeNamespace = strings.NewReplacer("%", "%25", ":", "%3A")

func newKeySpace(namespace, schema string) keySpace {
	ns := escapeNamespace.Replace(namespace)
	versioned := ns
	if schema != "" {
		versioned += schemaMark + escapeNamespace.Replace(schema)
	}
	return keySpace{
		single: singlePrefix + versioned + ":",
		gen:    singlePrefix + ns + ":",
		bulk:   bulkPrefix + versioned + ":",
		tag:    tagPrefix + ns + ":",
		all:    allPrefix + ns,
		tags:   tagsPrefix + ns,
		floor:  floorPrefix + ns,
	}
}

// GenKey returns the key under which the generation of a single entry is kept:
// the entry's storage key without the schema, which is the storage key itself
// where there is none (see Options.Schema). Whoever implements [Combined] asks
// it; other stores are given the right key by the cache.
func GenKey(storageKey string) string {
	rest, ok := strings.CutPrefix(storageKey, singlePrefix)
	if !ok {
		return storageKey
	}
	end := strings.IndexByte(rest, ':')
	if end < 0 {
		return storageKey
	}
	mark := strings.Index(rest[:end], schemaMark)
	if mark < 0 {
		return storageKey
	}
	return storageKey[:len(singlePrefix)+mark] + rest[end:]
}

// genKey is GenKey of an entry of this namespace. Other names are left as they
// are.
func (s keySpace) genKey(entry string) string {
	if len(s.single) == len(s.gen) {
		return entry
	}
	if key, ok := strings.CutPrefix(entry, s.single); ok {
		return s.gen + key
	}
	return entry
}

// genKeys is genKey of many.
func (s keySpace) genKeys(entries []string) []string {
	if len(s.single) == len(s.gen) {
		return entries
	}
	keys := make([]string, len(entries))
	for i, entry := range entries {
		keys[i] = s.genKey(entry)
	}
	return keys
}

// check reports why key cannot be used, or nil.
func (s keySpace) check(key string) error {
	if key == "" {
		return fmt.Errorf("%w: the key is empty", ErrInvalidKey)
	}
	if n := len(s.single) + len(key); n > maxStorageKey {
		return fmt.Errorf("%w: the storage key of a %d-byte key would be %d bytes long, at most %d are allowed",
			ErrInvalidKey, len(key), n, maxStorageKey)
	}
	return nil
}

// checkTag reports why tag cannot be used, or nil.
func (s keySpace) checkTag(tag string) error {
	if tag == "" {
		return fmt.Errorf("%w: the tag is empty", ErrInvalidKey)
	}
	if n := len(s.tag) + len(tag); n > maxStorageKey {
		return fmt.Errorf("%w: the storage key of a %d-byte tag would be %d bytes long, at most %d are allowed",
			ErrInvalidKey, len(tag), n, maxStorageKey)
	}
	return nil
}

// entry returns the storage key of the single entry of key. genKey makes the key
// of its generation of it.
func (s keySpace) entry(key string) string { return s.single + key }

// nameOf returns what a generation's key, or an entry's, is called in events and
// errors: the caller's own key where it is one.
func (s keySpace) nameOf(key string) string {
	if own, ok := strings.CutPrefix(key, s.gen); ok {
		return own
	}
	return strings.TrimPrefix(key, s.single)
}

// userKey returns the key whose single entry is entry.
func (s keySpace) userKey(entry string) string { return entry[len(s.single):] }

// entries returns the storage keys of the single entries of keys.
func (s keySpace) entries(keys []string) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = s.single + key
	}
	return out
}

// entriesAtOnce is entries in one piece of memory, for those that nobody keeps.
func (s keySpace) entriesAtOnce(keys []string) []string {
	size := 0
	for _, key := range keys {
		size += len(s.single) + len(key)
	}
	var b strings.Builder
	b.Grow(size)
	for _, key := range keys {
		b.WriteString(s.single)
		b.WriteString(key)
	}
	all, out := b.String(), make([]string, len(keys))
	for i, key := range keys {
		n := len(s.single) + len(key)
		out[i], all = all[:n], all[n:]
	}
	return out
}

// bulkEntry returns the storage key of the bulk entry of a set of keys, which
// must be sorted and distinct. Each key is hashed after its length, so that no
// two sets feed the hash the same bytes.
func (s keySpace) bulkEntry(sorted []string) string {
	h := sha256.New()
	buf := make([]byte, 0, 256)
	for _, key := range sorted {
		buf = binary.BigEndian.AppendUint16(buf[:0], uint16(len(key)))
		buf = append(buf, key...)
		h.Write(buf)
	}
	sum := h.Sum(buf[:0])
	name := make([]byte, len(s.bulk), len(s.bulk)+2*bulkDigest)
	copy(name, s.bulk)
	return string(hex.AppendEncode(name, sum[:bulkDigest]))
}

// distinct returns keys without repetitions, in the order of their first
// occurrence, in a slice of its own.
func distinct(keys []string) []string {
	out := make([]string, 0, len(keys))
	seen := make(map[string]struct{}, len(keys))
	for _, key := range keys {
		if _, dup := seen[key]; dup {
			continue
		}
		seen[key] = struct{}{}
		out = append(out, key)
	}
	return out
}

// sortedCopy returns keys in ascending byte order, in a slice of its own.
func sortedCopy(keys []string) []string {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	return sorted
}
