package main

import "fmt"

// A row compares several ways to do one thing. Its first contender is the raw
// storage, which the others are divided by.
type row struct {
	name       string
	title      string
	keys       int // 0: 1,000
	keySize    int // 0: 16
	valueSize  int // 0: the encoded product
	only       int // goroutines; 0: one, and several
	patterns   []pattern
	redis      bool // goroutines wait for the network, so there are more of them
	misses     bool // what it does finds nothing, or does not look
	contenders []contender
}

// A contender is one way to do what a row is about.
type contender struct {
	name string
	// proof says what a hit is checked against before it is served.
	proof string
	open  func(e *env, w *workload) (*instance, error)
}

// What a contender does before it serves a hit.
const (
	unchecked = "–"
	checked   = "yes"
	pushed    = "by push"
)

// An instance is an open contender, filled with the workload.
type instance struct {
	// do does it once, with key i, and reports whether that was a hit. It may
	// be called concurrently.
	do    func(i uint32) bool
	close func()
}

func (r *row) keyCount() int {
	if r.keys == 0 {
		return 1000
	}
	return r.keys
}

func (r *row) keyLen() int {
	if r.keySize == 0 {
		return 16
	}
	return r.keySize
}

func (r *row) workload() *workload {
	if r.valueSize > 0 {
		return newSizedWorkload(r.keyCount(), r.valueSize)
	}
	return newWorkload(r.keyCount(), r.keyLen())
}

// goroutines returns how many goroutines the row is measured with.
func (r *row) goroutines(procs int) []int {
	if r.only > 0 {
		return []int{r.only}
	}
	if r.redis {
		return []int{1, 64}
	}
	return []int{1, max(procs, 2)}
}

// opened are the instances of a row, in the order of its contenders.
type opened []*instance

func (r *row) open(e *env, w *workload) (opened, error) {
	var all opened
	for _, c := range r.contenders {
		in, err := c.open(e, w)
		if err != nil {
			all.close()
			return nil, fmt.Errorf("%s, %s: %w", r.name, c.name, err)
		}
		all = append(all, in)
	}
	return all, nil
}

func (o opened) close() {
	for _, in := range o {
		if in.close != nil {
			in.close()
		}
	}
}
