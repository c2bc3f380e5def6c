package cascache

import (
	"context"

	"github.com/unkn0wn-root/cascache/wire"
)

// proofs tell whether an entry may be served or stored: by the generations, and
// by the keys whose last invalidation is not known to be applied.
type proofs struct {
	gens     *generations
	keys     keySpace
	suspects suspects
	emit     emitter
	version  wire.Version // of the entries
}

// proof returns the generation that proves what is stored under key, or 0 and
// why there is none. The error is the caller's own ended context. entry is the
// key's storage key, or empty where nobody has joined it yet.
func (p *proofs) proof(ctx context.Context, key, entry string) (gen uint64, why Reason, err error) {
	// Before the generation is read: once the key is cleared, the generation
	// that clears it is to be seen.
	if p.suspects.any.Load() && p.suspects.has(p.keys.entry(key)) {
		return 0, ReasonSuspect, nil
	}
	if gen, err = p.gens.currentLocally(key); gen != 0 {
		return gen, "", nil
	}
	if err == nil {
		if entry == "" {
			entry = p.keys.entry(key)
		}
		gen, err = p.gens.current(ctx, entry)
	}
	if gen == 0 {
		why, err = p.unproven(ctx, key, err)
	}
	return gen, why, err
}

// proofToCommit is proof for a fill, which the store is told where it wants to
// know.
func (p *proofs) proofToCommit(ctx context.Context, key, entry string) (gen uint64, why Reason, err error) {
	if p.gens.commitReader == nil {
		return p.proof(ctx, key, entry)
	}
	if entry == "" {
		entry = p.keys.entry(key)
	}
	if p.suspects.has(entry) { // first, as in proof
		return 0, ReasonSuspect, nil
	}
	gen, err = p.gens.currentToCommit(ctx, entry)
	if gen == 0 {
		why, err = p.unproven(ctx, key, err)
	}
	return gen, why, err
}

// unproven tells why a look-up of key's generation that ended with err, or
// found none, proves nothing. The error is the caller's own ended context.
func (p *proofs) unproven(ctx context.Context, key string, err error) (Reason, error) {
	if err != nil {
		return p.unread(ctx, GenCurrent, key, err)
	}
	return ReasonNoGen, nil
}

// unread is unproven of a call that has failed.
func (p *proofs) unread(ctx context.Context, op GenOp, key string, err error) (Reason, error) {
	p.emit.genStoreError(ctx, op, key, 1, err)
	return ReasonGenError, ended(ctx)
}

// compare decides whether a fill may commit: only while the generation is the
// one observed before the source was read. 0 is no generation on either side
// (G2). It returns why not, or nothing.
func compare(current, observed uint64) Reason {
	switch {
	case observed == 0:
		return ReasonNoSnapshot
	case current == 0:
		return ReasonNoGen
	case current != observed:
		return ReasonStale
	}
	return ""
}

// bulkProofs are the generations of one bulk read. They are read once, for all
// keys, at the first need: values read later under an older number are from
// before an invalidation that had not returned when the call began.
type bulkProofs struct {
	entries []string     // storage keys
	gens    []uint64     // one for each; nil: not read yet
	err     error        // says that a generation of 0 could not be read
	suspect map[int]bool // indices of entries whose generation proves nothing

	// forFills: they were read with the values, so that a snapshot is another
	// round trip, and are as good as one.
	forFills bool
}

// of returns the generation of the i-th key, or 0 and why there is none.
func (b *bulkProofs) of(i int) (uint64, Reason) {
	switch {
	case b.suspect[i]:
		return 0, ReasonSuspect
	case b.gens[i] != 0:
		return b.gens[i], ""
	case b.err != nil:
		return 0, ReasonGenError
	}
	return 0, ReasonNoGen
}

// proveBulk reads the generations unless that is done, and returns the caller's
// own ended context.
func (p *proofs) proveBulk(ctx context.Context, b *bulkProofs) error {
	if b.gens != nil {
		return nil
	}
	p.noteSuspects(b)
	b.gens, b.err = p.gens.currentBulk(ctx, b.entries)
	return p.noteUnread(ctx, b)
}

// provePart is proveBulk of the entries from and up to those indices alone, for a
// call that reads the others likewise. Once the store has let the time run out,
// it is not asked for the next part.
func (p *proofs) provePart(ctx context.Context, b *bulkProofs, from, to int) {
	if b.gens == nil {
		p.noteSuspects(b)
		b.gens = make([]uint64, len(b.entries))
	}
	if !goesOn(ctx, b.err) {
		return
	}
	var gens []uint64
	gens, b.err = p.gens.currentBulk(ctx, b.entries[from:to])
	copy(b.gens[from:], gens)
	if b.err != nil {
		p.emit.genStoreError(ctx, GenCurrent, p.keys.userKey(b.entries[from]), to-from, b.err)
	}
}

// noteSuspects comes before the generations are read, as in proof.
func (p *proofs) noteSuspects(b *bulkProofs) {
	if !p.suspects.any.Load() {
		return
	}
	for i, entry := range b.entries {
		if p.suspects.has(entry) {
			if b.suspect == nil {
				b.suspect = make(map[int]bool)
			}
			b.suspect[i] = true
		}
	}
}

// noteUnread tells of generations that could not be read.
func (p *proofs) noteUnread(ctx context.Context, b *bulkProofs) error {
	if b.err != nil {
		p.emit.genStoreError(ctx, GenCurrent, p.keys.userKey(b.entries[0]), len(b.entries), b.err)
	}
	return ended(ctx)
}
