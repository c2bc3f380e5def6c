package cascache

import (
	"context"

	"github.com/unkn0wn-root/cascache/wire"
)

// port is the way to values and the generations that prove them. New chooses
// one of two: [apart], where they are in two places, and [together]. In which
// order, and in how many calls, values and generations are read and written is
// theirs to know. Calls for many keys go in parts of at most partSize.
type port interface {
	// read reads the entry of key and the generation that proves it. known is
	// that generation, or 0 where this call has not read it yet. fill says that
	// a miss is to be filled: a generation to observe is welcome.
	read(ctx context.Context, key string, known uint64, fill bool) reading

	// readBulk reads the bulk entry of that name, unless it is empty, and what
	// costs nothing more of the generations and singles.
	readBulk(ctx context.Context, name string, proofs *bulkProofs) bulkReading

	// readSingles reads entries, nil for a miss. With an error, it holds what
	// could be read all the same.
	readSingles(ctx context.Context, entries []string) ([][]byte, error)

	// check tells why a fill of key need not be encoded: the generation is not
	// the observed one. An error is the caller's own ended context. The storage
	// key may be empty where nobody had to join it.
	check(ctx context.Context, key string, observed uint64) (entry string, why Reason, err error)

	// put stores an item that was checked. An error is the provider's, or the
	// caller's own ended context.
	put(ctx context.Context, item Item, observed uint64) (written, error)

	// checkBulk and putBulk are check and put of many. No reasons at all means
	// that put checks. A last item in excess of the generations is a bulk entry
	// of all others, for which all of them must be as observed.
	checkBulk(ctx context.Context, entries []string, observed []uint64) ([]Reason, error)
	putBulk(ctx context.Context, items []Item, observed []uint64) ([]written, error)

	// drop bumps an entry, then deletes it.
	drop(ctx context.Context, entry string) (bumpErr, delErr error)

	// dropBulk is drop of many, with one error for each bump; all nil is a nil
	// slice.
	dropBulk(ctx context.Context, entries []string) (bumpErrs []error, delErr error)

	// heal deletes an entry that was read as raw. Where the provider cannot
	// compare, it may take a newer entry with it that was stored meanwhile,
	// which costs a miss.
	heal(ctx context.Context, entry string, raw []byte) error
	healBulk(ctx context.Context, entries []string, raws [][]byte) error
}

// A reading is an entry and the generation that proves it.
type reading struct {
	raw []byte // nil: there is none
	gen uint64 // 0: there is no proof
	why Reason // there is no entry, none that can be opened, or no proof

	wire.Entry        // what the entry says, once it is opened
	depWhy     Reason // its dependencies do not prove it

	// early: gen may be older than the entry, which then was stored since.
	early bool

	asked    bool   // observed was read to fill under: 0 if there is none to be had
	observed uint64 // what a fill may be observed under
	failed   bool   // gen could not be read
	err      error  // of the provider, or the caller's own ended context
}

// A bulkReading is what was read of a bulk entry, and of the singles with it.
type bulkReading struct {
	bulk       []byte // nil: there is none
	bulkErr    error
	singles    [][]byte // one for each key, nil for a miss; nil: not read
	singlesErr error
}

// open opens an entry that was read, and reports whether that can be done. entry
// is its storage key, or empty where nobody has joined it yet.
func (p *proofs) open(key, entry string, r *reading) bool {
	if err := openEntry(p.version, r.raw, p.keys.single, key, entry, &r.Entry); err != nil {
		r.why = ReasonCorrupt
		return false
	}
	return true
}

// derives reports whether an entry that was opened needs more than its own
// generation.
func (p *proofs) derives(r *reading) bool { return r.Deps.Len() > 0 || p.derived.any() }
