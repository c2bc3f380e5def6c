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
	// bulkDigest is how many bytes of the SHA-256 name a bulk entry.
	bulkDigest = 16
)

// keySpace names the entries of one namespace. Since ':' cannot occur in the
// escaped namespace, the first ':' after it ends it, so that no two different
// pairs of namespace and key share a storage key.
type keySpace struct {
	single string // "single:<ns>:"
	bulk   string // "bulk:<ns>:"
	floor  string // no entry: a name to draw a generation under
}

var escapeNamespace = strings.NewReplacer("%", "%25", ":", "%3A")

func newKeySpace(namespace string) keySpace {
	ns := escapeNamespace.Replace(namespace)
	return keySpace{single: singlePrefix + ns + ":", bulk: bulkPrefix + ns + ":", floor: floorPrefix + ns}
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

// entry returns the storage key of the single entry of key, which is also the
// name of its generation.
func (s keySpace) entry(key string) string { return s.single + key }

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
