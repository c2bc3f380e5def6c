package cascache

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// However a key is divided, its hash is that of the whole: a bump is told the
// whole key, a look-up its parts.
func TestKeyHashOfPartsIsThatOfTheWhole(t *testing.T) {
	k := newKeyHash()
	long := strings.Repeat("k", 1000)
	for _, key := range []string{
		"single:ns:key", "single:ns:", "single::key", "single:", "single", "single:ns", "single:ns:a:b:", "bulk:ns:0123",
		"", ":", "::", "key", "a:b:c", "single:ns:" + long, "single:" + long + ":key", long, "single:ns:single:ns:key", "\xff:\xff:\xff",
	} {
		for range 2 { // the second time some prefixes are known
			for cut := range len(key) + 1 {
				if got, want := k.ofParts(key[:cut], key[cut:]), k.of(key); got != want {
					t.Errorf("the hash of a key must not depend on where it is divided: %.40q at %d has %x, whole %x", key, cut, got, want)
				}
			}
		}
	}
}

// Past what is remembered, and while others are, hashes are the same.
func TestKeyHashOfManyPrefixes(t *testing.T) {
	k := newKeyHash()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 10 * maxKnownPrefixes {
				prefix := fmt.Sprintf("single:%d:", (i+g)%(2*maxKnownPrefixes))
				if got, want := k.ofParts(prefix, "key"), k.of(prefix+"key"); got != want {
					t.Errorf("the hash of a key must not depend on what prefixes are known: %q has %x, whole %x", prefix, got, want)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	for p := k.known.Load(); p != nil; p = p.next {
		n++
	}
	if n == 0 || n > maxKnownPrefixes {
		t.Errorf("some prefixes must be remembered, and no more than the bound: got %d, want 1 to %d", n, maxKnownPrefixes)
	}
}

// Keys that consist of the same parts in another order, or of equal ones, have
// hashes of their own.
func TestKeyHashesDiffer(t *testing.T) {
	k := newKeyHash()
	seen := make(map[uint64]string)
	for _, key := range []string{
		"", "single:a:", "single:a:single:a:", "single:b:", "single:a:b", "single:b:a", "single:a:a", "single:b:b",
		"single:b:single:a:", "single:a:single:b:", "a", "b", "ab", "ba", "single::", "single:::",
	} {
		h := k.of(key)
		if other, ok := seen[h]; ok {
			t.Errorf("two keys must not share a generation but by chance: %q and %q both have hash %x", key, other, h)
		}
		seen[h] = key
	}
}

func TestKeyHashesAreSeeded(t *testing.T) {
	a, b := newKeyHash(), newKeyHash()
	if a.of("single:ns:key") == b.of("single:ns:key") {
		t.Error("nobody outside may know which keys collide: two stores hash a key alike")
	}
}

func TestAllocationsOfKeyHash(t *testing.T) {
	k := newKeyHash()
	long := strings.Repeat("k", 1000)
	k.ofParts("single:ns:", long)
	allocs(t, "the hash of a long key in parts", 0, func() { k.ofParts("single:ns:", long) })
	allocs(t, "the hash of a long key", 0, func() { k.of(long) })
}
