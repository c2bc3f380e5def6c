package shop

import (
	"math/rand/v2"
	"time"
)

// The streams of random numbers that a seed has. Readers and writers have one
// each, beginning at these.
const (
	streamProducts uint64 = iota
	streamPopularity
	StreamReaders uint64 = 1 << 32
	StreamWriters uint64 = 2 << 32
)

// zipfExponent makes the k-th most popular of the products 1/k^1.1 times as
// popular as the first: among 10,000, one gets about a seventh of all reads
// and writes.
const zipfExponent = 1.1

// Popularity returns the ids of so many of the products, the most popular
// first.
func Popularity(seed uint64, products, keys int) []int64 {
	r := rand.New(rand.NewPCG(seed, streamPopularity))
	ids := make([]int64, products)
	for i, n := range r.Perm(products) {
		ids[i] = int64(n) + 1
	}
	return ids[:keys]
}

// A Picker decides which product comes next, and what is written to it: the
// same sequence for the same seed and stream. It is for one goroutine.
type Picker struct {
	random *rand.Rand
	zipf   *rand.Zipf
	ids    []int64 // the most popular first
}

// NewPicker returns a picker among ids, the most popular first.
func NewPicker(seed, stream uint64, ids []int64) *Picker {
	r := rand.New(rand.NewPCG(seed, stream))
	return &Picker{random: r, zipf: rand.NewZipf(r, zipfExponent, 1, uint64(len(ids)-1)), ids: ids}
}

// ID returns the product that is read next.
func (p *Picker) ID() int64 { return p.ids[p.zipf.Uint64()] }

// Change returns what is written next.
func (p *Picker) Change() Change {
	return Change{ID: p.ID(), PriceCents: newPrice(p.random), Sold: int64(1 + p.random.IntN(5))}
}

// Jitter returns a duration between half and one and a half of mean.
func (p *Picker) Jitter(mean time.Duration) time.Duration {
	return mean/2 + time.Duration(p.random.Int64N(int64(mean)+1))
}
