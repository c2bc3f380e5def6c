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
	keys = slices.Compact(keys)
	items := make([]BulkItem, len(keys))
	for i, key := range keys {
		items[i] = BulkItem{Key: key, Gen: rng.Uint64(), Payload: randomBytes(rng, 40)}
	}
	return items
}
