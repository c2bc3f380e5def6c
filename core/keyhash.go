package cascache

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync/atomic"
)

// maxKnownPrefixes bounds the prefixes whose hashes are remembered: those of the
// caches that share a store.
const maxKnownPrefixes = 8

// keyHash hashes storage keys, with a random seed, so that a key in two parts need
// not be joined for it: the name of the namespace and the rest are hashed apart,
// and the namespace but once.
type keyHash struct {
	seed  maphash.Seed
	none  uint64 // ofPrefix of no prefix
	known atomic.Pointer[knownPrefix]
}

// A knownPrefix is never changed.
type knownPrefix struct {
	prefix string
	hash   uint64
	next   *knownPrefix
	count  int // of the list from here on
}

func newKeyHash() keyHash {
	seed := maphash.MakeSeed()
	return keyHash{seed: seed, none: prefixHash(seed, "")}
}

// of returns the hash of a key.
func (k *keyHash) of(key string) uint64 {
	cut := divide(key)
	if cut == 0 {
		return k.none ^ maphash.String(k.seed, key)
	}
	return k.ofPrefix(key[:cut]) ^ maphash.String(k.seed, key[cut:])
}

// ofParts returns of(prefix + key).
func (k *keyHash) ofParts(prefix, key string) uint64 {
	if prefix == "" {
		return k.of(key)
	}
	for p := k.known.Load(); p != nil; p = p.next {
		if p.prefix == prefix {
			return p.hash ^ maphash.String(k.seed, key)
		}
	}
	if divide(prefix) != len(prefix) {
		return k.of(prefix + key) // divided elsewhere
	}
	return k.remember(prefix) ^ maphash.String(k.seed, key)
}

// divide returns the length of the part of a storage key that names its namespace:
// up to the ':' after it. In a key of another kind that is 0. Where it is the
// length of a whole prefix, whatever follows that prefix does not change it.
func divide(key string) int {
	if !strings.HasPrefix(key, singlePrefix) {
		return 0
	}
	end := strings.IndexByte(key[len(singlePrefix):], ':')
	if end < 0 {
		return 0
	}
	return len(singlePrefix) + end + 1
}

// ofPrefix returns what the part that divide divides off gives to the hash.
// Turned, so that two equal parts do not cancel each other out.
func (k *keyHash) ofPrefix(prefix string) uint64 { return prefixHash(k.seed, prefix) }

func prefixHash(seed maphash.Seed, prefix string) uint64 {
	return bits.RotateLeft64(maphash.String(seed, prefix), 32)
}

// remember returns ofPrefix, and keeps it for ofParts.
func (k *keyHash) remember(prefix string) uint64 {
	hash := k.ofPrefix(prefix)
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
