package cascache

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"time"
)

// Combined is an optional ability of a value that is both a [Provider] and a
// [GenStore], and does in one round trip what takes two apart. The cache uses
// it where Options.Provider and Options.GenStore are that one value. A wrapper
// that stands on one side only is never gone around: wrap the value once, and
// give the wrapper to both.
//
// Keys are storage keys, as for both, and the value under a key is the entry
// that its generation is of. The calls below are bounded by
// [Options.GenTimeout], BumpAndDel as a bump is. Slices are owned as for
// [Provider].
type Combined interface {
	Provider
	GenStore

	// GetWithGen is Get and Current of key, read in either order or at once:
	// a nil value is a miss, an empty one is not nil. With create, it creates
	// the generation as Snapshot does where there is none, and may begin its
	// time to live anew. Each error says that its part could not be read, and
	// its part is the zero value then.
	GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error)

	// GetBatchWithGens is GetBatch and CurrentBatch of keys, in either order
	// or at once, and Get of the entry named bulk, unless that is empty.
	// Unless wanted, the values of the keys are left out.
	GetBatchWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (BatchReading, error)

	// SetIfGen stores the item if the generation of its key is gen, which is
	// not 0; nothing can come in between. It returns the generation that it
	// found (0 for none or held), and whether the item was stored: false
	// where the generation is another one, or where it was declined. As
	// CurrentToCommit it may keep the generation alive longer. An error with
	// a generation of 0 says that the generation could not be read, and
	// with another one, that the item could not be stored.
	SetIfGen(ctx context.Context, item Item, gen uint64) (current uint64, stored bool, err error)

	// SetBatchIfGens is SetIfGen of each of the items, whose keys are
	// distinct, under the generation in the same place. A last item in excess
	// of the generations is a bulk entry of all others: it is stored if every
	// generation is as given, and is not left behind otherwise. current is as
	// long as gens, stored as long as items; an error is as for SetIfGen, of
	// at least one key. What was not attempted has generation 0.
	SetBatchIfGens(ctx context.Context, items []Item, gens []uint64) (current []uint64, stored []bool, err error)

	// BumpAndDel is BumpBatch and DelBatch of keys; nobody finds the new
	// generation of a key and its old value. delErr says that some value is
	// not known to be deleted.
	BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error)

	// DelEqual removes each of the keys if the value in the same place is
	// what it has. All are attempted.
	DelEqual(ctx context.Context, keys []string, values [][]byte) error
}

// BatchReading is what [Combined.GetBatchWithGens] has read. What could not be
// read is nil or 0.
type BatchReading struct {
	Bulk   []byte   // nil: there is none
	Values [][]byte // one per key, nil for a miss; nil: not wanted
	Gens   []uint64 // one per key, 0 for none or held

	// GenErr says that a generation could not be read; the error that is
	// returned beside this says so of the bulk entry or a value.
	GenErr error
}

// combinedOf returns what provider and store are if they are one value that
// has the ability, and nil otherwise.
func combinedOf(provider Provider, store GenStore) Combined {
	if provider == nil || store == nil {
		return nil
	}
	both, ok := AbilityOf[Combined](store)
	if !ok || !reflect.ValueOf(provider).Comparable() || any(provider) != any(store) {
		return nil
	}
	return both
}

// pair is a single entry and the generation of its key, as far as they could
// be read.
type pair struct {
	value            []byte
	gen              uint64
	valueErr, genErr error
}

// readPair reads the entry and its generation, where combined is set, and
// creates the generation if asked to.
func (g *generations) readPair(ctx context.Context, entry string, create bool) (p pair) {
	if g.reads == nil {
		p.value, p.gen, p.valueErr, p.genErr = g.combined.GetWithGen(ctx, entry, create)
	} else {
		c := g.reads.get()
		c.run, c.key, c.create = (*generations).runReadPair, entry, create
		deadline := time.Now().Add(g.timeout)
		returned, err := g.reads.do(ctx, c, deadline)
		if !returned {
			return pair{genErr: givenUp("read", entry, err)}
		}
		p = pair{value: c.value, gen: c.gen, valueErr: c.valueErr, genErr: c.err}
		g.reads.put(c)
		if p.valueErr != nil && !time.Now().Before(deadline) {
			// It listened to its context: late, like one that was given up.
			return pair{genErr: givenUp("read", entry, p.valueErr)}
		}
	}
	if p.genErr != nil {
		p.gen = 0
	}
	if p.gen != 0 && p.gen < g.floor.Load() {
		p.gen = 0
		if create {
			p.gen, p.genErr = g.snapshot(ctx, entry)
		}
	}
	return p
}

func (g *generations) runReadPair(ctx context.Context, c *call) {
	c.value, c.gen, c.valueErr, c.err = g.combined.GetWithGen(ctx, c.key, c.create)
}

// combinedBatch is what a call of many keys reads and writes beside them.
type combinedBatch struct {
	bulk    string
	wanted  bool
	reading BatchReading
	items   []Item
	gens    []uint64
	stored  []bool
	values  [][]byte
	err     error // of values
}

// readPairs reads the bulk entry, the generations of entries and, if wanted,
// the entries themselves, where combined is set. The generations are as from
// currentBatch; the values are as many as there are entries, or nil.
func (g *generations) readPairs(ctx context.Context, bulk string, entries []string, wanted bool) (r BatchReading, err error) {
	b := &combinedBatch{bulk: bulk, wanted: wanted}
	deadline := time.Now().Add(g.timeout)
	giveUp := g.runCombined(ctx, g.reads, "read", entries, b, (*generations).runReadPairs)
	if giveUp == nil && g.reads != nil && b.err != nil && !time.Now().Before(deadline) {
		giveUp = b.err // as in readPair
	}
	if giveUp != nil {
		return BatchReading{Gens: make([]uint64, len(entries)), GenErr: giveUp}, nil
	}
	r, err = b.reading, b.err
	if len(r.Gens) != len(entries) {
		if r.GenErr == nil {
			r.GenErr = wrongLength(len(r.Gens), len(entries))
		}
		r.Gens = make([]uint64, len(entries))
	}
	if wanted && len(r.Values) != len(entries) {
		if err == nil {
			err = errBatchLength
		}
		r.Values = make([][]byte, len(entries))
	}
	if !wanted {
		r.Values = nil
	}
	r.Gens = aboveFloor(r.Gens, g.floor.Load())
	return r, err
}

func (g *generations) runReadPairs(ctx context.Context, c *call) {
	b := c.batch
	b.reading, b.err = g.combined.GetBatchWithGens(ctx, b.bulk, c.keys, b.wanted)
}

// runCombined runs a call of many entries, bounded in time. The error says why
// it did not end.
func (g *generations) runCombined(ctx context.Context, pool *callPool, op string, entries []string, b *combinedBatch, run storeCall) error {
	if pool == nil {
		c := call{keys: entries, batch: b}
		run(g, ctx, &c)
		return c.err
	}
	deadline := time.Now().Add(g.timeout)
	if pool == g.bumps {
		deadline = time.Now().Add(bumpTimeout(ctx))
	}
	c := pool.get()
	c.run, c.keys, c.batch = run, entries, b
	returned, err := pool.do(ctx, c, deadline)
	if !returned {
		// b is the call's from now on.
		return givenUp(op, entries[0], err)
	}
	err = c.err // the store panicked
	pool.put(c)
	return err
}

// setIfGen stores the item under gen, where combined is set. The results are
// those of [Combined.SetIfGen].
func (g *generations) setIfGen(ctx context.Context, item Item, gen uint64) (current uint64, stored bool, err error) {
	if g.reads == nil {
		current, stored, err = g.combined.SetIfGen(ctx, item, gen)
	} else {
		c := g.reads.get()
		c.run, c.item, c.observed = (*generations).runSetIfGen, item, gen
		returned, giveUp := g.reads.do(ctx, c, time.Now().Add(g.timeout))
		if !returned {
			return 0, false, givenUp("set", item.Key, giveUp)
		}
		current, stored, err = c.gen, c.stored, c.err
		g.reads.put(c)
	}
	if current < g.floor.Load() {
		current = 0
	}
	return current, stored, err
}

func (g *generations) runSetIfGen(ctx context.Context, c *call) {
	c.gen, c.stored, c.err = g.combined.SetIfGen(ctx, c.item, c.observed)
}

// setIfGens is setIfGen of many, and of a bulk entry after them.
func (g *generations) setIfGens(ctx context.Context, items []Item, gens []uint64) (current []uint64, stored []bool, err error) {
	b := &combinedBatch{items: items, gens: gens}
	entries := []string{items[0].Key}
	if giveUp := g.runCombined(ctx, g.reads, "set", entries, b, (*generations).runSetBatchIfGens); giveUp != nil {
		return make([]uint64, len(gens)), make([]bool, len(items)), giveUp
	}
	current, stored, err = b.reading.Gens, b.stored, b.err
	if len(current) != len(gens) || len(stored) != len(items) {
		if err == nil {
			err = wrongLength(len(current), len(gens))
		}
		current, stored = make([]uint64, len(gens)), make([]bool, len(items))
	}
	return aboveFloor(current, g.floor.Load()), stored, err
}

func (g *generations) runSetBatchIfGens(ctx context.Context, c *call) {
	b := c.batch
	b.reading.Gens, b.stored, b.err = g.combined.SetBatchIfGens(ctx, b.items, b.gens)
}

// bumpAndDel is bumpBatch, and deletes the entries with it, where combined is
// set.
func (g *generations) bumpAndDel(ctx context.Context, entries []string) (bumpErrs []error, delErr error) {
	b := new(combinedBatch)
	if giveUp := g.runCombined(ctx, g.bumps, "bump", entries, b, (*generations).runBumpAndDel); giveUp != nil {
		return repeated(giveUp, len(entries)), giveUp
	}
	return bumpErrors(b.reading.Gens, b.reading.GenErr, len(entries)), b.err
}

func (g *generations) runBumpAndDel(ctx context.Context, c *call) {
	b := c.batch
	b.reading.Gens, b.reading.GenErr, b.err = g.combined.BumpAndDel(ctx, c.keys)
}

// delEqual deletes those entries that still hold what was read, where combined
// is set.
func (g *generations) delEqual(ctx context.Context, entries []string, values [][]byte) error {
	b := &combinedBatch{values: values}
	if giveUp := g.runCombined(ctx, g.reads, "delete", entries, b, (*generations).runDelEqual); giveUp != nil {
		return giveUp
	}
	return b.err
}

func (g *generations) runDelEqual(ctx context.Context, c *call) {
	c.batch.err = g.combined.DelEqual(ctx, c.keys, c.batch.values)
}

// observation is the generation that a look-up read on its way, which a fill
// may be observed under. asked says that it tried to.
type observation struct {
	gen   uint64
	asked bool
}

// getPair reads the entry of a key with its generation, or 0 and why that is
// no proof, where combined is set. A nil raw with a reason says that it was not
// read. ended is the caller's own ended context; err a failure of the provider.
func (h *Handle[V]) getPair(ctx context.Context, key, entry string, observe *observation) (raw []byte, gen uint64, why Reason, ended, err error) {
	if h.suspects.has(entry) { // first, as in proof
		return nil, 0, ReasonSuspect, nil, nil
	}
	p := h.gens.readPair(ctx, entry, observe != nil)
	if observe != nil {
		*observe = observation{gen: p.gen, asked: true}
	}
	switch {
	case p.valueErr != nil:
		return nil, 0, "", nil, p.valueErr
	case p.genErr != nil:
		op := GenCurrent
		if observe != nil {
			op = GenSnapshot
		}
		why, ended = h.unread(ctx, op, key, p.genErr)
	case p.gen == 0 && p.value != nil:
		why = ReasonNoGen
	}
	return p.value, p.gen, why, ended, nil
}

// storeOneCombined is storeOne, where the compare is made with the set.
func (h *Handle[V]) storeOneCombined(ctx context.Context, f filling[V]) error {
	entry := h.keys.entry(f.key)
	if why := h.refused(f, entry); why != "" {
		h.emit.setSkipped(ctx, f.key, why)
		return nil
	}
	item, err := h.item(f, entry)
	if err != nil {
		return err
	}
	current, stored, err := h.gens.setIfGen(ctx, item, f.gen)
	if current == 0 && err != nil {
		why, err := h.unproven(ctx, f.key, err)
		h.emit.setSkipped(ctx, f.key, why)
		return err
	}
	if reason, ok := compare(current, f.gen); !ok {
		h.emit.setSkipped(ctx, f.key, reason)
		return nil
	}
	return h.settleSet(ctx, f, item, stored, err)
}

// storeManyCombined is storeMany, where the compare is made with the set.
func (h *Handle[V]) storeManyCombined(ctx context.Context, fills []filling[V], bulkTTL time.Duration, bulk bool) error {
	asked := make([]filling[V], 0, len(fills))
	var why Reason // a fill is left out
	for _, f := range fills {
		if refused := h.refused(f, h.keys.entry(f.key)); refused != "" {
			why = refused
			h.emit.setSkipped(ctx, f.key, why)
			continue
		}
		asked = append(asked, f)
	}
	writes, kept, errs := h.items(asked, bulkTTL, bulk && why == "")
	if len(writes) == 0 {
		if bulk && why != "" {
			h.emit.bulkRejected(ctx, keysOf(fills), true, why)
		}
		return errors.Join(errs...)
	}
	gens := make([]uint64, len(kept))
	for i, f := range kept {
		gens[i] = f.gen
	}
	current, stored, setErr := h.gens.setIfGens(ctx, writes, gens)
	unread := false // a generation could not be
	if setErr != nil {
		for _, gen := range current {
			unread = unread || gen == 0
		}
	}
	if unread {
		h.emit.genStoreError(ctx, GenCurrent, kept[0].key, len(kept), setErr)
	}
	for i, f := range kept {
		reason, ok := compare(current[i], f.gen)
		switch {
		case ok && setErr == nil:
			if !stored[i] {
				h.emit.setRejected(ctx, writes[i].Key, false, writes[i].Cost)
			}
			h.keepNear(f, writes[i].TTL)
		case ok && stored[i]:
			h.keepNear(f, writes[i].TTL)
		case !ok:
			if unread && reason == ReasonNoGen {
				reason = ReasonGenError
			}
			why = reason
			h.emit.setSkipped(ctx, f.key, reason)
		}
	}
	switch at := len(kept); {
	case bulk && why != "":
		h.emit.bulkRejected(ctx, keysOf(fills), true, why)
	case at < len(writes) && !stored[at] && setErr == nil:
		h.emit.setRejected(ctx, writes[at].Key, true, writes[at].Cost)
	}
	switch {
	case setErr == nil:
	case !unread:
		errs = append(errs, h.failed(OpSetBulk, fills[0].key, len(fills), setErr))
	default:
		errs = append(errs, ended(ctx))
	}
	return errors.Join(errs...)
}

// refused tells why a fill need not be tried, or nothing.
func (h *Handle[V]) refused(f filling[V], entry string) Reason {
	switch {
	case f.gen == 0:
		return ReasonNoSnapshot
	case h.suspects.has(entry): // first, as in proof
		return ReasonSuspect
	}
	return ""
}

// getBatch has get read the entries, bounded in time as a call of a Combined is.
func (g *generations) getBatch(ctx context.Context, entries []string, get func(context.Context, []string) ([][]byte, error)) ([][]byte, error) {
	b := new(combinedBatch)
	giveUp := g.runCombined(ctx, g.reads, "read", entries, b, func(_ *generations, ctx context.Context, c *call) {
		c.batch.values, c.batch.err = get(ctx, c.keys)
	})
	if giveUp != nil {
		return make([][]byte, len(entries)), giveUp
	}
	return b.values, b.err
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
