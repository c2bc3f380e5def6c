package cascache

import (
	"context"
)

// apart is the port to values in a provider and generations elsewhere.
type apart struct {
	*proofs
	values *values
}

// read reads the entry first: one whose generation still is current then was
// current when this call began, or became so since.
func (a *apart) read(ctx context.Context, key string, known uint64, _ bool) (r reading) {
	if a.values.provider == nil {
		r.why = ReasonNotFound
		return r
	}
	raw, entry, err := a.values.getOf(ctx, a.keys.single, key)
	if err != nil {
		r.why, r.err = ReasonProviderError, a.failed(OpGet, key, 1, err)
		return r
	}
	r.raw = raw
	switch {
	case raw == nil:
		r.why = ReasonNotFound
	case !a.open(key, entry, &r): // there is nothing to prove
	case a.derives(&r):
		r.gen, r.why, r.depWhy, r.err = a.proofWith(ctx, key, known, r.Deps)
		r.early = known != 0
	case known != 0:
		r.gen, r.early = known, true
	default:
		r.gen, r.why, r.err = a.proof(ctx, key, entry)
	}
	return r
}

func (a *apart) readBulk(ctx context.Context, name string, _ *bulkProofs) (r bulkReading) {
	if name != "" {
		r.bulk, r.bulkErr = a.values.get(ctx, name)
	}
	return r
}

func (a *apart) readSingles(ctx context.Context, entries []string) ([][]byte, error) {
	return a.values.getBulk(ctx, entries)
}

// check compares. An invalidation may come between that and the set. The entry
// then carries a generation that is not current any more, and no read serves it.
func (a *apart) check(ctx context.Context, key string, observed uint64) (entry string, why Reason, err error) {
	// Where the store knows generations by prefix and key, they are joined with
	// the frame, in one allocation.
	if a.values.provider != nil && (a.gens.localReader == nil || a.gens.commitReader != nil) {
		entry = a.keys.entry(key)
	}
	current, why, err := a.proofToCommit(ctx, key, entry)
	if current != 0 {
		why = compare(current, observed)
	}
	return entry, why, err
}

func (a *apart) put(ctx context.Context, item Item, _ uint64) (w written, err error) {
	if a.values.provider == nil {
		return written{stored: true}, nil
	}
	if w.stored, err = a.values.set(ctx, item); err != nil {
		return written{failed: true}, a.failed(OpSet, a.keys.userKey(item.Key), 1, err)
	}
	return w, nil
}

func (a *apart) checkBulk(ctx context.Context, entries []string, observed []uint64) ([]Reason, error) {
	current, genErr := a.gens.currentToCommitBulk(ctx, entries)
	if genErr != nil {
		a.emit.genStoreError(ctx, GenCurrent, a.keys.userKey(entries[0]), len(entries), genErr)
		if err := ended(ctx); err != nil {
			return nil, err
		}
	}
	reasons := make([]Reason, len(entries))
	for i, gen := range current {
		reasons[i] = compare(gen, observed[i])
		if genErr != nil && reasons[i] == ReasonNoGen {
			reasons[i] = ReasonGenError
		}
	}
	return reasons, nil
}

func (a *apart) putBulk(ctx context.Context, items []Item, observed []uint64) ([]written, error) {
	if a.values.provider == nil {
		results := make([]written, len(items))
		for i := range results {
			results[i].stored = true
		}
		return results, nil
	}
	results, err := a.values.setBulk(ctx, items)
	if err != nil {
		err = a.failed(OpSetBulk, a.keys.userKey(items[0].Key), len(observed), err)
	}
	return results, err
}

// drop bumps first: were the entry deleted before, a fill could store the old
// value again and be served until the bump.
func (a *apart) drop(ctx context.Context, entry string) (bumpErr, delErr error) {
	bumpErr = a.gens.bump(ctx, entry)
	return bumpErr, a.values.del(ctx, entry)
}

func (a *apart) dropBulk(ctx context.Context, entries []string) (bumpErrs []error, delErr error) {
	bumpErrs = a.gens.bumpBulk(ctx, entries)
	return bumpErrs, a.values.delBulk(ctx, entries)
}

func (a *apart) heal(ctx context.Context, entry string, _ []byte) error {
	return a.values.del(ctx, entry)
}

func (a *apart) healBulk(ctx context.Context, entries []string, _ [][]byte) error {
	return a.values.delBulk(ctx, entries)
}
