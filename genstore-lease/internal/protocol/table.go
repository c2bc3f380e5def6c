package protocol

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync/atomic"
)

// ways is how many generations a bucket holds. With the word of their tags they
// fill a cache line.
const ways = 7

// A table holds a bounded number of generations. One goroutine at a time may
// change it; look-ups need no lock and never wait.
type table struct {
	seed    maphash.Seed
	mask    uint64
	buckets []bucket
	next    uint8 // the way of a full bucket that is given up next
}

type bucket struct {
	// tags has a byte of each way's hash, 0 for an empty one. It is a hint:
	// a way is what its pointer says.
	tags atomic.Uint64
	ways [ways]atomic.Pointer[entry]
}

// inline is how long a key may be to lie in its entry, which fills a cache line
// with it: a look-up that has come so far misses no other.
const inline = 31

// An entry never changes: it is replaced.
type entry struct {
	gen   uint64
	at    uint64 // the head of the log that gen was current at
	long  string // the key if it does not fit into short
	short [inline]byte
	size  uint8 // of the key in short
}

func newEntry(key string, gen, at uint64) *entry {
	e := &entry{gen: gen, at: at}
	if len(key) <= inline {
		e.size = uint8(copy(e.short[:], key))
	} else {
		e.long = strings.Clone(key) // it may be a part of much more
	}
	return e
}

// is reports whether the entry is that of prefix+key.
func (e *entry) is(prefix, key string) bool {
	n := len(prefix) + len(key)
	if n <= inline {
		// An entry with a long key has a size of 0, as that of no key has.
		return n == int(e.size) && e.long == "" && string(e.short[:len(prefix)]) == prefix && string(e.short[len(prefix):n]) == key
	}
	return n == len(e.long) && e.long[:len(prefix)] == prefix && e.long[len(prefix):] == key
}

// newTable returns a table for about this many generations, rounded up to a
// number of buckets that is a power of two.
func newTable(generations int) table {
	n := 1
	for n*ways < generations {
		n *= 2
	}
	return table{seed: maphash.MakeSeed(), mask: uint64(n - 1), buckets: make([]bucket, n)}
}

// hash returns the hash of prefix+key, which is the same wherever it is
// divided.
func (t *table) hash(prefix, key string) uint64 {
	var joined [128]byte
	if n := len(prefix) + len(key); n <= len(joined) {
		copy(joined[copy(joined[:], prefix):], key)
		return maphash.Bytes(t.seed, joined[:n])
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	_, _ = h.WriteString(prefix)
	_, _ = h.WriteString(key)
	return h.Sum64()
}

const eachByte = 0x0101010101010101

func tagOf(hash uint64) uint64 { return hash>>56 | 1 }

// find returns the entry of prefix+key, or nil.
func (t *table) find(hash uint64, prefix, key string) *entry {
	b := &t.buckets[hash&t.mask]
	// The highest bit of each byte that is the tag, and perhaps of others.
	differ := b.tags.Load() ^ tagOf(hash)*eachByte
	for same := (differ - eachByte) &^ differ & (eachByte << 7); same != 0; same &= same - 1 {
		way := bits.TrailingZeros64(same) / 8
		if way >= ways {
			break
		}
		if e := b.ways[way].Load(); e != nil && e.is(prefix, key) {
			return e
		}
	}
	return nil
}

// put puts e in the place of its key's entry, or of any other where the bucket
// is full.
func (t *table) put(hash uint64, key string, e *entry) {
	b := &t.buckets[hash&t.mask]
	place := -1
	for way := range b.ways {
		switch old := b.ways[way].Load(); {
		case old == nil:
			if place < 0 {
				place = way
			}
		case old.is("", key):
			b.ways[way].Store(e)
			return
		}
	}
	if place < 0 {
		place = int(t.next) % ways
		t.next++
	}
	b.set(place, tagOf(hash), e)
}

// remove takes the entry of a key out.
func (t *table) remove(hash uint64, key string) {
	b := &t.buckets[hash&t.mask]
	for way := range b.ways {
		if e := b.ways[way].Load(); e != nil && e.is("", key) {
			b.set(way, 0, nil)
		}
	}
}

// clear takes all entries out.
func (t *table) clear() {
	for i := range t.buckets {
		b := &t.buckets[i]
		if b.tags.Load() == 0 {
			continue
		}
		for way := range b.ways {
			b.set(way, 0, nil)
		}
	}
}

func (b *bucket) set(way int, tag uint64, e *entry) {
	b.ways[way].Store(e)
	shift := 8 * way
	b.tags.Store(b.tags.Load()&^(0xff<<shift) | tag<<shift)
}
