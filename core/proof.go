package cascache

import (
	"context"
	"strings"

	"github.com/unkn0wn-root/cascache/wire"
)

// proofs tell whether an entry may be served or stored: by the generations, and
// by the keys whose last invalidation is not known to be applied.
type proofs struct {
	gens     *generations
	keys     keySpace
	suspects *suspects
	emit     emitter
	version  wire.Version // of the entries without dependencies
	derived  derived
	storeID  any // tells the generation store from others
}

// proof returns the generation that proves what is stored under key, or 0 and
// why there is none. The error is the caller's own ended context. entry is the
// key's storage key, or empty where nobody has joined it yet.
func (p *proofs) proof(ctx context.Context, key, entry string) (gen uint64, why Reason, err error) {
	// Before the generation is read: once the key is cleared, the generation
	// that clears it is to be seen.
	if p.suspects.any.Load() && p.suspects.has(p.keys.gen+key) {
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
	if p.isSuspect(entry) { // first, as in proof
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

// isSuspect reports whether the generation of an entry is suspect.
func (p *proofs) isSuspect(entry string) bool {
	return p.suspects.any.Load() && p.suspects.has(p.keys.genKey(entry))
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
// before an invalidation that had not returned when the call began. So are those
// of dependencies.
type bulkProofs struct {
	entries []string     // storage keys
	gens    []uint64     // one for each; nil: not read yet
	err     error        // says that a generation of 0 could not be read
	suspect map[int]bool // indices of entries whose generation proves nothing

	known []string            // what all entries depend on for the sake of their keys
	deps  map[string]depProof // of those that have been read

	// forFills: they were read with the values, so that a snapshot is another
	// round trip, and are as good as one.
	forFills bool
}

// depProof is the generation of a dependency, or why there is none.
type depProof struct {
	gen uint64
	why Reason
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

// ofDeps returns why an entry of key that has these dependencies cannot be served,
// or nothing.
func (p *proofs) ofDeps(b *bulkProofs, key string, deps wire.Deps) (why Reason) {
	if deps.Len() == 0 && !p.derived.any() {
		return ""
	}
	keys := make([]string, 0, deps.Len())
	for dep, want := range deps.All() {
		keys = append(keys, dep)
		switch proof := b.deps[dep]; {
		case proof.gen == 0:
			why = proof.why
		case proof.gen != want:
			return ReasonDependency
		}
	}
	if why == "" && !p.carries(key, keys) {
		why = ReasonDependency
	}
	return why
}

// unread returns those of the dependencies that have not been read, each once.
func (b *bulkProofs) unread(deps []string) []string {
	if len(deps) == 0 {
		return nil
	}
	var keys []string
	for _, key := range deps {
		if _, ok := b.deps[key]; !ok {
			keys = append(keys, strings.Clone(key)) // it may be a view of an entry
		}
	}
	return distinct(keys)
}

// noteDeps notes the generations of dependencies as they were read. Those that are
// suspect are to be noted before they are read.
func (b *bulkProofs) noteDeps(keys []string, gens []uint64, err error) {
	if b.deps == nil && len(keys) > 0 {
		b.deps = make(map[string]depProof, len(keys))
	}
	for i, key := range keys {
		if b.deps[key].why == ReasonSuspect {
			continue
		}
		proof := depProof{gen: gens[i]}
		if proof.gen == 0 {
			if proof.why = ReasonNoGen; err != nil {
				proof.why = ReasonGenError
			}
		}
		b.deps[key] = proof
	}
}

// noteSuspectDeps is noteSuspects of dependencies.
func (p *proofs) noteSuspectDeps(b *bulkProofs, keys []string) {
	if !p.suspects.any.Load() {
		return
	}
	for _, key := range keys {
		if p.suspects.has(key) {
			if b.deps == nil {
				b.deps = make(map[string]depProof)
			}
			b.deps[key] = depProof{why: ReasonSuspect}
		}
	}
}

// proveBulk reads the generations unless that is done, and those of dependencies
// that are not, in one call. It returns the caller's own ended context.
func (p *proofs) proveBulk(ctx context.Context, b *bulkProofs, deps []string) error {
	unread := b.unread(deps)
	if b.gens != nil {
		if len(unread) == 0 {
			return nil
		}
		p.noteSuspectDeps(b, unread)
		gens, err := p.gens.currentBulk(ctx, unread)
		b.noteDeps(unread, gens, err)
		if err != nil {
			p.emit.genStoreError(ctx, GenCurrent, p.keys.nameOf(unread[0]), len(unread), err)
		}
		return ended(ctx)
	}
	p.noteSuspects(b)
	p.noteSuspectDeps(b, unread)
	n := len(b.entries)
	gens, err := p.gens.currentBulk(ctx, append(b.entries[:n:n], unread...))
	b.gens, b.err = gens[:n], err
	b.noteDeps(unread, gens[n:], err)
	return p.noteUnread(ctx, b)
}

// provePart is proveBulk of the entries from and up to those indices alone, for a
// call that reads the others likewise. Once the store has let the time run out,
// it is not asked for the next part.
func (p *proofs) provePart(ctx context.Context, b *bulkProofs, from, to int, deps []string) {
	if b.gens == nil {
		p.noteSuspects(b)
		b.gens = make([]uint64, len(b.entries))
	}
	unread := b.unread(deps)
	p.noteSuspectDeps(b, unread)
	if !goesOn(ctx, b.err) {
		b.noteDeps(unread, make([]uint64, len(unread)), b.err)
		return
	}
	var gens []uint64
	gens, b.err = p.gens.currentBulk(ctx, append(b.entries[from:to:to], unread...))
	copy(b.gens[from:to], gens)
	b.noteDeps(unread, gens[to-from:], b.err)
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
		if p.isSuspect(entry) {
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
