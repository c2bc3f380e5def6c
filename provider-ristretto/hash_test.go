package ristrettoprovider

import (
	"fmt"
	"strings"
	"testing"
)

// However a key is divided, its hash is that of the whole: a Set is told the whole
// key, a look-up its parts.
func TestHashOfPartsIsThatOfTheWhole(t *testing.T) {
	var k keyHash
	long := strings.Repeat("k", 1000)
	for _, key := range []string{
		"single:ns:key", "single:ns:", "single::key", "single:", "single", "single:ns", "single:ns:a:b:", "bulk:ns:0123",
		"", ":", "::", ":::", "key", "a:b:c", "single:ns:" + long, "single:" + long + ":key", long, "\xff:\xff:\xff",
	} {
		for range 2 { // the second time some prefixes are known
			for cut := range len(key) + 1 {
				if got, want := k.ofParts(key[:cut], key[cut:]), k.of(key); got != want {
					t.Errorf("the hash of a key must not depend on where it is divided: %.40q at %d has %x, whole %x", key, cut, got, want)
				}
			}
		}
	}
	for i := range 3 * maxKnownPrefixes {
		prefix := fmt.Sprintf("single:%d:", i)
		if got, want := k.ofParts(prefix, "key"), k.of(prefix+"key"); got != want {
			t.Errorf("the hash of a key must not depend on what prefixes are known: %q has %x, whole %x", prefix, got, want)
		}
	}
	n := 0
	for p := k.known.Load(); p != nil; p = p.next {
		n++
	}
	if n == 0 || n > maxKnownPrefixes {
		t.Errorf("some prefixes must be remembered, and no more than the bound: got %d, want 1 to %d", n, maxKnownPrefixes)
	}
}

func TestHashesDiffer(t *testing.T) {
	var k keyHash
	seen := make(map[uint64]string)
	for _, key := range []string{"", "a:b:", "a:b:a:b:", "b:a:", "a:b:b:a:", "a:b:c", "c:a:b", "a:a:a:a:", "b:b:b:b:", "a", "b", "::", ":::", "::::"} {
		h := k.of(key)
		if other, ok := seen[h]; ok {
			t.Errorf("two keys must not push each other out but by chance: %q and %q both have hash %x", key, other, h)
		}
		seen[h] = key
	}
}

func TestLongKeyIsLookedUpWithoutACopy(t *testing.T) {
	p := newTestProvider(t, Config{})
	key := strings.Repeat("k", 1000)
	mustSet(t, p, "single:ns:"+key, "v")
	p.Wait()
	if got := testing.AllocsPerRun(100, func() {
		if _, ok, err := p.GetPrefixed(t.Context(), "single:ns:", key); !ok || err != nil {
			t.Fatal("a miss", err)
		}
	}); got != 0 {
		t.Errorf("a look-up must not allocate, however long the key: got %v allocations", got)
	}
}
