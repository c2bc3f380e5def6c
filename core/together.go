package cascache

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// together is the port to values and generations in one store.
type together struct {
	*proofs
	values *values

	pair      func(context.Context, pairArgs) (pair, error)
	pairs     func(context.Context, pairsArgs) (pairs, error)
	singles   func(context.Context, []string) (valuesRead, error)
	setIf     func(context.Context, setArgs) (setResult, error)
	setAllIf  func(context.Context, setBulkArgs) (setBulkResult, error)
	bumpDel   func(context.Context, []string) (bumpDelResult, error)
	delEquals func(context.Context, delArgs) (struct{}, error)

	guesses bulkGuesses
}

// What the calls of a Combined are given and return.
type (
	pairArgs struct {
		entry  string
		create bool
	}
	pair struct {
		value            []byte
		gen              uint64
		valueErr, genErr error
	}
	pairsArgs struct {
		bulk    string
		entries []string
		wanted  bool
	}
	pairs struct {
		BulkReading
		valueErr error
	}
	valuesRead struct {
		raws [][]byte
		err  error
	}
	setArgs struct {
		item Item
		gen  uint64
	}
	setResult struct {
		current uint64
		stored  bool
		err     error
	}
	setBulkArgs struct {
		items []Item
		gens  []uint64
	}
	setBulkResult struct {
		current []uint64
		stored  []bool
		err     error
	}
	bumpDelResult struct {
		gens            []uint64
		bumpErr, delErr error
	}
	delArgs struct {
		entries []string
		values  [][]byte
	}
)

func newTogether(p *proofs, v *values, c Combined) *together {
	t := &together{proofs: p, values: v}
	reads, bumps, timeout := p.gens.reads, p.gens.bumps, p.gens.timeout
	t.pair = newBounded("a read of a value and its generation", reads, timeout, func(ctx context.Context, a pairArgs) (r pair, _ error) {
		r.value, r.gen, r.valueErr, r.genErr = c.GetWithGen(ctx, a.entry, a.create)
		return r, nil
	})
	t.pairs = newBounded("a read of values and generations", reads, timeout, func(ctx context.Context, a pairsArgs) (r pairs, _ error) {
		r.BulkReading, r.valueErr = c.GetBulkWithGens(ctx, a.bulk, a.entries, a.wanted)
		return r, nil
	})
	t.singles = newBounded("a read of values", reads, timeout, func(ctx context.Context, entries []string) (r valuesRead, _ error) {
		r.raws, r.err = v.getBulk(ctx, entries)
		return r, nil
	})
	t.setIf = newBounded("a set under a generation", reads, timeout, func(ctx context.Context, a setArgs) (r setResult, _ error) {
		r.current, r.stored, r.err = c.SetIfGen(ctx, a.item, a.gen)
		return r, nil
	})
	t.setAllIf = newBounded("a set under generations", reads, timeout, func(ctx context.Context, a setBulkArgs) (r setBulkResult, _ error) {
		r.current, r.stored, r.err = c.SetBulkIfGens(ctx, a.items, a.gens)
		return r, nil
	})
	t.bumpDel = newBounded("a bump and delete", bumps, 0, func(ctx context.Context, entries []string) (r bumpDelResult, _ error) {
		r.gens, r.bumpErr, r.delErr = c.BumpAndDel(ctx, entries)
		return r, nil
	})
	t.delEquals = newBounded("a delete of what was read", reads, timeout, func(ctx context.Context, a delArgs) (struct{}, error) {
		return struct{}{}, c.DelEqual(ctx, a.entries, a.values)
	})
	return t
}

// late makes of an error of the values that the time ran out, if it did: a store
// that listens to its context answers with an error just when a call that does
// not is given up, and means the same.
func (t *together) late(begun time.Time, valueErr error) error {
	if valueErr != nil && t.gens.reads != nil && time.Since(begun) >= t.gens.timeout {
		return valueErr
	}
	return nil
}

// panicked reports whether a call ended in a panic, which is a failure of the
// values, too, and no answer that was late.
func panicked(err error) bool {
	if err == nil {
		return false // and nothing is allocated
	}
	var p *panicError
	return errors.As(err, &p) || errors.Is(err, errStoreExited)
}

// read reads the value and its generation in one call.
func (t *together) read(ctx context.Context, key string, _ uint64, fill bool) (r reading) {
	entry := t.keys.entry(key)
	if t.isSuspect(entry) { // first, as in proof
		r.why = ReasonSuspect
		return r
	}
	if t.derived.any() {
		return t.readDerived(ctx, key, entry, fill)
	}
	begun := time.Now()
	p, err := t.pair(ctx, pairArgs{entry, fill})
	switch {
	case panicked(err):
		p = pair{valueErr: err, genErr: err}
	case err != nil:
		p = pair{genErr: err}
	default:
		if late := t.late(begun, p.valueErr); late != nil {
			p = pair{genErr: late}
		}
	}
	if p.genErr != nil {
		p.gen = 0
	}
	if p.gen != 0 && p.gen < t.gens.floor.Load() {
		p.gen = 0
		if fill {
			p.gen, p.genErr = t.gens.snapshot(ctx, entry)
		}
	}
	r.raw, r.gen, r.early, r.asked, r.observed, r.failed = p.value, p.gen, true, fill, p.gen, p.genErr != nil
	switch {
	case p.valueErr != nil:
		r.raw, r.why, r.err = nil, ReasonProviderError, t.failed(OpGet, key, 1, p.valueErr)
	case p.genErr != nil:
		op := GenCurrent
		if fill {
			op = GenSnapshot
		}
		r.why, r.err = t.unread(ctx, op, key, p.genErr)
	case r.raw == nil:
		r.why = ReasonNotFound
	case r.gen == 0:
		r.why = ReasonNoGen
	}
	if r.raw != nil && t.open(key, entry, &r) && r.why == "" && r.Deps.Len() > 0 {
		_, r.why, r.depWhy, r.err = t.proofWith(ctx, key, r.gen, r.Deps)
	}
	return r
}

// readDerived reads the value, its generation and those of all dependencies that are
// known before, in one call, and those of the others in one more.
func (t *together) readDerived(ctx context.Context, key, entry string, fill bool) (r reading) {
	b := &bulkProofs{entries: []string{entry}}
	var err error
	if b.known, err = t.known(key); err != nil {
		r.why, r.err = ReasonDependency, t.failed(OpGet, key, 1, err)
		return r
	}
	t.noteSuspectDeps(b, b.known)
	p, err := t.readPart(ctx, pairsArgs{entry, append(b.entries[:1:1], b.known...), false})
	if len(p.Gens) == 0 {
		p.Gens = make([]uint64, 1+len(b.known))
	}
	gens := aboveFloor(p.Gens, t.gens.floor.Load())
	b.gens, b.err = gens[:1], p.GenErr
	b.noteDeps(b.known, gens[1:], p.GenErr)
	r.raw, r.early = p.Bulk, true
	r.gen, r.why = b.of(0)
	if fill && p.GenErr == nil {
		r.observed = observedUnder(r.gen, gens[1:])
		r.asked = r.observed != 0 // otherwise there may be some to create
	}
	if p.GenErr != nil {
		r.why, r.err = t.unread(ctx, GenCurrent, key, p.GenErr)
		r.failed = true
	}
	switch {
	case p.valueErr != nil:
		r.raw, r.why, r.err = nil, ReasonProviderError, t.failed(OpGet, key, 1, p.valueErr)
	case r.raw == nil && r.why == "":
		r.why = ReasonNotFound
	}
	if r.raw == nil || !t.open(key, entry, &r) || r.why != "" {
		return r
	}
	var deps []string
	for dep := range r.Deps.All() {
		deps = append(deps, dep)
	}
	r.err = t.proveBulk(ctx, b, deps)
	r.depWhy = t.ofDeps(b, key, r.Deps)
	return r
}

// readBulk reads the bulk entry, the generations and, if they were needed the
// last time, all singles, unless the generations have been read.
func (t *together) readBulk(ctx context.Context, name string, b *bulkProofs) (r bulkReading) {
	if b.gens != nil {
		if name != "" {
			var raws [][]byte
			if raws, r.bulkErr = t.readSingles(ctx, []string{name}); len(raws) == 1 {
				r.bulk = raws[0]
			}
		}
		return r
	}
	guess := t.guesses.of(name)
	wanted := guess.Load()
	t.noteSuspects(b)
	t.noteSuspectDeps(b, b.known)
	entries := append(b.entries[:len(b.entries):len(b.entries)], b.known...)
	n := len(entries)
	gens := make([]uint64, n)
	b.forFills = true
	if wanted {
		r.singles = make([][]byte, n)
	}
	var genErrs, valueErrs failures
	var last error
	for from := 0; from < n && goesOn(ctx, last); from += partSize {
		to := min(from+partSize, n)
		bulk := name
		if from > 0 {
			bulk = ""
		}
		var p pairs
		p, last = t.readPart(ctx, pairsArgs{bulk, entries[from:to], r.singles != nil})
		copy(gens[from:], p.Gens)
		if r.singles != nil {
			copy(r.singles[from:], p.Values)
		}
		genErrs.add(p.GenErr)
		valueErrs.add(p.valueErr)
		if from == 0 {
			if r.bulk = p.Bulk; r.bulk != nil && to < n {
				r.singles = nil // not needed, as far as one can tell
			}
		}
	}
	gens, b.err = aboveFloor(gens, t.gens.floor.Load()), genErrs.err()
	b.gens = gens[:len(b.entries):len(b.entries)]
	b.noteDeps(b.known, gens[len(b.entries):], b.err)
	if r.singles != nil {
		r.singles = r.singles[:len(b.entries)]
	}
	if wanted {
		r.singlesErr = valueErrs.err()
	} else {
		r.bulkErr = valueErrs.err()
	}
	guess.Store(r.bulk == nil)
	t.noteUnread(ctx, b)
	return r
}

// readPart reads as many as one call is for. The error is one after which the
// store need not be asked for the next part.
func (t *together) readPart(ctx context.Context, args pairsArgs) (pairs, error) {
	begun := time.Now()
	p, err := t.pairs(ctx, args)
	if err == nil {
		err = t.late(begun, p.valueErr)
	}
	if err != nil {
		p = pairs{BulkReading: BulkReading{GenErr: err}}
		if panicked(err) {
			p.valueErr = err
		}
		return p, err
	}
	n := len(args.entries)
	if len(p.Gens) != n {
		if p.GenErr == nil {
			p.GenErr = wrongLength(len(p.Gens), n)
		}
		p.Gens = nil
	}
	if args.wanted && len(p.Values) != n {
		if p.valueErr == nil {
			p.valueErr = errBulkLength
		}
		p.Values = nil
	}
	return p, errors.Join(p.GenErr, p.valueErr)
}

func (t *together) readSingles(ctx context.Context, entries []string) ([][]byte, error) {
	raws := make([][]byte, len(entries))
	var failed failures
	var last error
	for from := 0; from < len(entries) && goesOn(ctx, last); from += partSize {
		r, err := t.singles(ctx, entries[from:min(from+partSize, len(entries))])
		copy(raws[from:], r.raws)
		if last = err; err == nil {
			last = r.err
		}
		failed.add(last)
	}
	return raws, failed.err()
}

// check leaves the compare to put.
func (t *together) check(_ context.Context, key string, _ uint64) (entry string, why Reason, err error) {
	entry = t.keys.entry(key)
	if t.isSuspect(entry) {
		why = ReasonSuspect
	}
	return entry, why, nil
}

func (t *together) checkBulk(context.Context, []string, []uint64) ([]Reason, error) { return nil, nil }

// put compares and stores in one call.
func (t *together) put(ctx context.Context, item Item, observed uint64) (w written, err error) {
	r, err := t.setIf(ctx, setArgs{item, observed})
	if err == nil && r.current == 0 && outOfTime(r.err) {
		err = r.err
	}
	switch {
	case panicked(err):
		return written{failed: true}, t.failed(OpSet, t.keys.userKey(item.Key), 1, err)
	case err != nil: // it may be stored all the same
		_, err = t.unread(ctx, GenCurrent, t.keys.userKey(item.Key), err)
		return written{failed: true}, err
	case r.current < t.gens.floor.Load():
		r.current = 0
	}
	if r.current == 0 && r.err != nil {
		w.why, err = t.unread(ctx, GenCurrent, t.keys.userKey(item.Key), r.err)
		return w, err
	}
	if w.why = compare(r.current, observed); w.why != "" {
		return w, nil
	}
	if r.err != nil {
		return written{failed: true}, t.failed(OpSet, t.keys.userKey(item.Key), 1, r.err)
	}
	w.stored = r.stored
	return w, nil
}

// putBulk compares and stores in one call for each part. The bulk entry goes with
// the last part, if all others have answered that nothing has moved: what moves
// later is seen by whoever reads the bulk entry, as ever.
func (t *together) putBulk(ctx context.Context, items []Item, observed []uint64) ([]written, error) {
	n := len(observed)
	results := make([]written, len(items))
	unmoved := true
	var genErrs, setErrs failures
	var last error
	for from := 0; from < n; from += partSize {
		to := min(from+partSize, n)
		if !goesOn(ctx, last) { // what was not attempted is not stored
			unmoved = false
			for i := from; i < n; i++ {
				results[i].why = ReasonGenError
			}
			break
		}
		end := to
		if to == n && unmoved {
			end = len(items)
		}
		r, err := t.setAllIf(ctx, setBulkArgs{items[from:end], observed[from:to]})
		if last = err; err == nil {
			last = r.err
		}
		if err == nil && (len(r.current) != to-from || len(r.stored) != end-from) {
			if last == nil {
				last = wrongLength(len(r.current), to-from)
			}
			err = last
		}
		if outOfTime(last) {
			err = last
		}
		if err != nil { // it may be stored all the same
			unmoved = false
			for i := from; i < end; i++ {
				results[i].failed = true
			}
			if genErrs.add(err); panicked(err) {
				setErrs.add(err)
			}
			continue
		}
		unread := false
		for i, gen := range aboveFloor(r.current, t.gens.floor.Load()) {
			w := written{why: compare(gen, observed[from+i]), stored: r.stored[i]}
			if w.why != "" {
				unmoved = false
			}
			if r.err != nil && r.current[i] == 0 {
				unread = true
				w.why = ReasonGenError
			}
			w.failed = w.why == "" && r.err != nil && !w.stored
			results[from+i] = w
		}
		if end > to {
			results[n] = written{stored: r.stored[n-from], failed: r.err != nil && !r.stored[n-from]}
		}
		if unread {
			genErrs.add(r.err)
		} else {
			setErrs.add(r.err)
		}
	}
	if n < len(items) && !unmoved {
		results[n] = written{why: ReasonGenError} // unless a member says why
	}
	if genErrs.n > 0 {
		t.emit.genStoreError(ctx, GenCurrent, t.keys.userKey(items[0].Key), n, genErrs.err())
	}
	err := setErrs.err()
	if err != nil {
		err = t.failed(OpSetBulk, t.keys.userKey(items[0].Key), n, err)
	}
	if genErrs.n > 0 {
		err = errors.Join(err, ended(ctx))
	}
	return results, err
}

func (t *together) drop(ctx context.Context, entry string) (bumpErr, delErr error) {
	bumpErrs, delErr := t.dropBulk(ctx, []string{entry})
	if bumpErrs != nil {
		bumpErr = bumpErrs[0]
	}
	return bumpErr, delErr
}

// dropBulk bumps and deletes in one call for each part.
func (t *together) dropBulk(ctx context.Context, entries []string) (bumpErrs []error, delErr error) {
	var delErrs failures
	bumpErrs = errorsOfParts(ctx, entries, func(part []string) ([]error, error) {
		r, err := t.bumpDel(ctx, part)
		if err != nil {
			delErrs.add(err)
			return nil, err
		}
		delErrs.add(r.delErr)
		return bumpErrors(r.gens, r.bumpErr, len(part)), nil
	})
	return bumpErrs, delErrs.err()
}

// heal deletes what still is what was read.
func (t *together) heal(ctx context.Context, entry string, raw []byte) error {
	return t.healBulk(ctx, []string{entry}, [][]byte{raw})
}

func (t *together) healBulk(ctx context.Context, entries []string, raws [][]byte) error {
	var failed failures
	var last error
	for from := 0; from < len(entries) && goesOn(ctx, last); from += partSize {
		to := min(from+partSize, len(entries))
		_, last = t.delEquals(ctx, delArgs{entries[from:to], raws[from:to]})
		failed.add(last)
	}
	return failed.err()
}

// bulkGuesses remember, for bulk entries with the same last digits, whether the
// last one that was asked for was missing. Then the singles are worth reading
// with the next one: a round trip is saved, and some bytes lost if not.
type bulkGuesses [256]atomic.Bool

func (g *bulkGuesses) of(entry string) *atomic.Bool {
	if entry == "" {
		missing := new(atomic.Bool)
		missing.Store(true)
		return missing
	}
	last := entry[len(entry)-2:] // of a hex digest
	return &g[last[0]<<4^last[1]]
}
