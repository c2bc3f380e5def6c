package wire

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// seeded returns a generator that a failing run can be repeated with.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

func randomBytes(rng *rand.Rand, limit int) []byte {
	b := make([]byte, rng.IntN(limit))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// randomItems returns up to limit-1 items with distinct keys, in ascending order.
// Keys are short and of few letters, so that prefixes and neighbours are common.
func randomItems(rng *rand.Rand, limit int) []BulkItem {
	keys := randomKeys(rng, limit)
	items := make([]BulkItem, len(keys))
	for i, key := range keys {
		items[i] = BulkItem{Key: key, Gen: rng.Uint64(), Payload: randomBytes(rng, 40)}
	}
	return items
}

func randomKeys(rng *rand.Rand, limit int) []string {
	letters := []byte{0x00, 'a', 'b', 0x7f, 0x80, 0xff}
	var keys []string
	for range rng.IntN(limit) {
		key := make([]byte, rng.IntN(5))
		for i := range key {
			key[i] = letters[rng.IntN(len(letters))]
		}
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// randomDeps returns up to limit-1 dependencies. Their generations are few, so that
// the members of a bulk share some and differ in others.
func randomDeps(t *testing.T, rng *rand.Rand, limit int) Deps {
	t.Helper()
	var deps []Dep
	for _, key := range randomKeys(rng, limit) {
		deps = append(deps, Dep{key, []uint64{0, 1, 1 << 63}[rng.IntN(3)]})
	}
	return depsOf(t, deps...)
}

func randomEntry(t *testing.T, rng *rand.Rand) Entry {
	t.Helper()
	e := Entry{Absent: rng.IntN(4) == 0, Gen: rng.Uint64(), Loaded: rng.Uint64(), Deps: randomDeps(t, rng, 8)}
	if !e.Absent {
		e.Payload = randomBytes(rng, 100)
	}
	return e
}

func randomMembers(t *testing.T, rng *rand.Rand, limit int) []Member {
	t.Helper()
	members := make([]Member, 0, limit)
	for _, item := range randomItems(rng, limit) {
		members = append(members, Member{
			Key: item.Key, Gen: item.Gen, Loaded: rng.Uint64(), Deps: randomDeps(t, rng, 6), Payload: item.Payload,
		})
	}
	return members
}
