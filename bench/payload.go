package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
)

// product is what every contender stores: 240 bytes as JSON.
type product struct {
	ID      uint64    `json:"id"`
	Name    string    `json:"name"`
	Text    string    `json:"text"`
	Price   int64     `json:"price"`
	Tags    []string  `json:"tags"`
	Updated time.Time `json:"updated"`
}

const text = "Twelve settings, steel burrs, a jar of brown glass. Cleans in a minute, and it runs for twenty years."

func newProduct(i int) product {
	return product{
		ID:      uint64(100_000_000 + i),
		Name:    "Coffee grinder with a handle",
		Text:    text,
		Price:   12_900,
		Tags:    []string{"kitchen", "coffee"},
		Updated: time.Date(2026, time.March, 14, 9, 26, 53, 0, time.UTC),
	}
}

// A workload is the keys of a row and what lies under them.
type workload struct {
	keys     []string // what is stored
	lookups  []string // the same bytes, other strings: no contender may compare pointers
	products []product
	encoded  [][]byte // the products as JSON
}

// newWorkload returns n keys of size bytes.
func newWorkload(n, size int) *workload {
	w := &workload{
		keys: make([]string, n), lookups: make([]string, n),
		products: make([]product, n), encoded: make([][]byte, n),
	}
	for i := range n {
		w.keys[i] = fmt.Sprintf("product:%0*d", size-len("product:"), i)
		w.lookups[i] = fmt.Sprintf("product:%0*d", size-len("product:"), i)
		w.products[i] = newProduct(i)
		encoded, err := jsoncodec.JSON[product]{}.Encode(w.products[i])
		if err != nil {
			panic(err) // a product always encodes
		}
		w.encoded[i] = encoded
	}
	return w
}

// newSizedWorkload returns n keys of 16 bytes that share one value of size bytes.
func newSizedWorkload(n, size int) *workload {
	w := &workload{keys: make([]string, n), lookups: make([]string, n), encoded: make([][]byte, n)}
	value := make([]byte, size)
	for i := range n {
		w.keys[i] = fmt.Sprintf("product:%08d", i)
		w.lookups[i] = fmt.Sprintf("product:%08d", i)
		w.encoded[i] = value
	}
	return w
}

// A pattern says which keys are hit how often.
type pattern string

const (
	zipf    pattern = "zipf"    // few keys take most of the hits
	uniform pattern = "uniform" // every key as often as any other
)

// sequenceLen is a power of two.
const sequenceLen = 1 << 16

// sequence returns the indexes of keys in the order in which they are hit; it is
// walked round and round.
func (p pattern) sequence(keys int) []uint32 {
	rng := rand.New(rand.NewPCG(1, 2))
	next := func() uint32 { return uint32(rng.IntN(keys)) }
	if p == zipf {
		// Which keys are hot has nothing to do with where they lie.
		rank := rng.Perm(keys)
		z := rand.NewZipf(rng, 1.1, 8, uint64(keys-1))
		next = func() uint32 { return uint32(rank[z.Uint64()]) }
	}
	seq := make([]uint32, sequenceLen)
	for i := range seq {
		seq[i] = next()
	}
	return seq
}
