package ristrettoprovider

import (
	"math/bits"
	"strings"
	"sync/atomic"

	"github.com/dgraph-io/ristretto/v2/z"
)

// maxKnownPrefixes bounds the prefixes whose hashes are remembered: those of the
// caches that share a provider.
const maxKnownPrefixes = 8

// keyHash hashes keys, so that one in two parts need not be joined for it: what is
// before the second ':' of a key, which names its namespace, and the rest are
// hashed apart, and the namespace but once.
type keyHash struct {
	whole func(string) uint64 // nil, or what tests put in the place of ours
	known atomic.Pointer[knownPrefix]
}

// A knownPrefix is never changed.
type knownPrefix struct {
	prefix string
	hash   uint64
	next   *knownPrefix
	count  int // of the list from here on
}

// of returns the hash of a key.
func (k *keyHash) of(key string) uint64 {
	if k.whole != nil {
		return k.whole(key)
	}
	cut := divide(key)
	return hashPrefix(key[:cut]) ^ z.MemHashString(key[cut:])
}

// ofParts returns of(prefix + key).
func (k *keyHash) ofParts(prefix, key string) uint64 {
	for p := k.known.Load(); p != nil; p = p.next {
		if p.prefix == prefix {
			return p.hash ^ z.MemHashString(key)
		}
	}
	if k.whole != nil || prefix == "" || divide(prefix) != len(prefix) {
		return k.of(prefix + key) // divided elsewhere
	}
	return k.remember(prefix) ^ z.MemHashString(key)
}

// divide returns the length of a key's part up to its second ':', or 0 if it has
// no two. Where it is the length of a whole prefix, whatever follows that prefix
// does not change it.
func divide(key string) int {
	first := strings.IndexByte(key, ':') + 1
	if first == 0 {
		return 0
	}
	second := strings.IndexByte(key[first:], ':') + 1
	if second == 0 {
		return 0
	}
	return first + second
}

// hashPrefix is what the part that divide divides off gives to the hash. Turned, so
// that two equal parts do not cancel each other out.
func hashPrefix(prefix string) uint64 {
	return bits.RotateLeft64(z.MemHashString(prefix), 32)
}

// remember returns hashPrefix, and keeps it for ofParts.
func (k *keyHash) remember(prefix string) uint64 {
	hash := hashPrefix(prefix)
	next := k.known.Load()
	count := 1
	if next != nil {
		count += next.count
	}
	if count <= maxKnownPrefixes {
		// Of two at once one is remembered, and the other one next time.
		k.known.CompareAndSwap(next, &knownPrefix{prefix: prefix, hash: hash, next: next, count: count})
	}
	return hash
}
