package cascache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// DefaultGenTimeout bounds one generation look-up unless Options.GenTimeout
// says otherwise.
const DefaultGenTimeout = 200 * time.Millisecond

// DefaultBumpTimeout bounds the bump of an invalidation, or of one batch of
// them, whose context has no deadline.
const DefaultBumpTimeout = 5 * time.Second

// generations is a GenStore as the cache uses it: every call bounded in time,
// batches for stores without them, and never more than G2 allows: a number is
// what the store said in time, and everything else is an error.
type generations struct {
	// What a hit reads comes first, so that it lies in one cache line.

	combined        Combined        // nil: the values are elsewhere
	localCurrenter  LocalCurrenter  // only of a store that may block
	prefixCurrenter PrefixCurrenter // only of a store that never blocks

	// floor is a generation below which none is taken for proof; see
	// recovery.refuseOld. 0 while there is none.
	floor atomic.Uint64

	reads   *callPool // nil: the store never blocks
	bumps   *callPool // apart, so that stuck reads leave invalidations room
	store   GenStore
	timeout time.Duration

	commitCurrenter CommitCurrenter
	currentBatcher  BatchCurrenter
	snapshotBatcher BatchSnapshotter
	bumpBatcher     BatchBumper
}

func newGenerations(store GenStore, timeout time.Duration) *generations {
	g := &generations{store: store, timeout: timeout}
	if n, ok := AbilityOf[NonBlocker](store); !ok || !n.NonBlocking() {
		g.reads, g.bumps = newCallPool(g), newCallPool(g)
		g.localCurrenter, _ = AbilityOf[LocalCurrenter](store)
	} else {
		g.prefixCurrenter, _ = AbilityOf[PrefixCurrenter](store)
	}
	g.commitCurrenter, _ = AbilityOf[CommitCurrenter](store)
	g.currentBatcher, _ = AbilityOf[BatchCurrenter](store)
	g.snapshotBatcher, _ = AbilityOf[BatchSnapshotter](store)
	g.bumpBatcher, _ = AbilityOf[BatchBumper](store)
	return g
}

// current returns the generation of one entry. 0 with a nil error: none, or
// held.
func (g *generations) current(ctx context.Context, entry string) (gen uint64, err error) {
	if g.reads == nil {
		gen, err = g.store.Current(ctx, entry)
	} else {
		gen, err = g.lookUp(ctx, (*generations).runCurrent, entry)
	}
	if err != nil || gen < g.floor.Load() {
		return 0, err
	}
	return gen, nil
}

// currentOf is current of the entry prefix+key, where prefixCurrenter is set.
func (g *generations) currentOf(ctx context.Context, prefix, key string) (uint64, error) {
	gen, err := g.prefixCurrenter.CurrentPrefixed(ctx, prefix, key)
	if err != nil || gen < g.floor.Load() {
		return 0, err
	}
	return gen, nil
}

// currentLocally returns the generation of the entry prefix+key if the store
// knows it without a call that may block.
func (g *generations) currentLocally(prefix, key string) (uint64, bool) {
	if g.localCurrenter == nil {
		return 0, false
	}
	gen, ok := g.localCurrenter.CurrentLocal(prefix, key)
	return gen, ok && gen != 0 && gen >= g.floor.Load()
}

// currentToCommit is current for a fill, where commitCurrenter is set.
func (g *generations) currentToCommit(ctx context.Context, entry string) (gen uint64, err error) {
	if g.reads == nil {
		gen, err = g.commitCurrenter.CurrentToCommit(ctx, entry)
	} else {
		gen, err = g.lookUp(ctx, (*generations).runCurrentToCommit, entry)
	}
	if err != nil || gen < g.floor.Load() {
		return 0, err
	}
	return gen, nil
}

// snapshot returns the generation of one entry, created if need be.
func (g *generations) snapshot(ctx context.Context, entry string) (gen uint64, err error) {
	if g.reads == nil {
		gen, err = g.snapshotAbove(ctx, entry)
	} else {
		gen, err = g.lookUp(ctx, (*generations).runSnapshot, entry)
	}
	if err != nil || gen < g.floor.Load() {
		return 0, err
	}
	return gen, nil
}

// snapshotAbove is the store's Snapshot, and a bump where that is below the
// floor.
func (g *generations) snapshotAbove(ctx context.Context, entry string) (uint64, error) {
	gen, err := g.store.Snapshot(ctx, entry)
	if err != nil || gen == 0 || gen >= g.floor.Load() {
		return gen, err
	}
	return g.store.Bump(ctx, entry)
}

// bump returns nil only when the entry's generation has been replaced.
func (g *generations) bump(ctx context.Context, entry string) error {
	_, err := g.bumpGen(ctx, entry)
	return err
}

// bumpGen is bump, and returns the new generation: 0 while the entry is held.
func (g *generations) bumpGen(ctx context.Context, entry string) (gen uint64, err error) {
	if g.bumps == nil {
		return g.store.Bump(ctx, entry)
	}
	c := g.bumps.get()
	c.run, c.key = (*generations).runBump, entry
	returned, err := g.bumps.do(ctx, c, time.Now().Add(bumpTimeout(ctx)))
	if !returned {
		return 0, givenUp("bump", entry, err)
	}
	gen, err = c.gen, c.err
	g.bumps.put(c)
	return gen, err
}

// raiseFloor makes every generation below gen count as none, for good.
func (g *generations) raiseFloor(gen uint64) {
	for {
		floor := g.floor.Load()
		if floor >= gen || g.floor.CompareAndSwap(floor, gen) {
			return
		}
	}
}

// currentBatch returns one generation per entry. With an error, 0 means not
// readable; without, none or held. The result always is as long as entries.
func (g *generations) currentBatch(ctx context.Context, entries []string) ([]uint64, error) {
	if g.localCurrenter != nil {
		return g.currentPartlyLocal(ctx, entries)
	}
	return g.lookUpBatch(ctx, (*generations).runCurrentBatch, entries)
}

// currentPartlyLocal is currentBatch where localCurrenter is set: one call for
// those generations that are not known without.
func (g *generations) currentPartlyLocal(ctx context.Context, entries []string) ([]uint64, error) {
	gens := make([]uint64, len(entries))
	g.localCurrenter.CurrentLocalBatch(entries, gens)
	floor := g.floor.Load()
	var unknown []string
	var at []int // where in gens
	for i, gen := range gens {
		if gen == 0 || gen < floor {
			unknown = append(unknown, entries[i])
			at = append(at, i)
		}
	}
	read, err := g.lookUpBatch(ctx, (*generations).runCurrentBatch, unknown)
	for j, i := range at {
		gens[i] = read[j]
	}
	return gens, err
}

// currentToCommitBatch is currentBatch for fills.
func (g *generations) currentToCommitBatch(ctx context.Context, entries []string) ([]uint64, error) {
	if g.commitCurrenter == nil {
		return g.currentBatch(ctx, entries)
	}
	return g.lookUpBatch(ctx, (*generations).runCurrentToCommitBatch, entries)
}

// snapshotBatch is currentBatch, with missing generations created.
func (g *generations) snapshotBatch(ctx context.Context, entries []string) ([]uint64, error) {
	return g.lookUpBatch(ctx, (*generations).runSnapshotBatch, entries)
}

// bumpBatch attempts every entry and returns one error per entry, nil where
// the generation has been replaced; all nil is a nil slice.
func (g *generations) bumpBatch(ctx context.Context, entries []string) []error {
	if len(entries) == 0 {
		return nil
	}
	if g.bumps == nil {
		c := call{keys: entries}
		g.runBumpBatch(ctx, &c)
		return c.errs
	}
	c := g.bumps.get()
	c.run, c.keys = (*generations).runBumpBatch, entries
	returned, err := g.bumps.do(ctx, c, time.Now().Add(bumpTimeout(ctx)))
	if !returned {
		return repeated(givenUp("bump", entries[0], err), len(entries))
	}
	errs := c.errs
	if c.err != nil { // the store panicked: what it had done is not known
		errs = repeated(c.err, len(entries))
	}
	g.bumps.put(c)
	return errs
}

func (g *generations) lookUp(ctx context.Context, run storeCall, entry string) (uint64, error) {
	c := g.reads.get()
	c.run, c.key = run, entry
	returned, err := g.reads.do(ctx, c, time.Now().Add(g.timeout))
	if !returned {
		return 0, givenUp("generation look-up", entry, err)
	}
	gen, err := c.gen, c.err
	g.reads.put(c)
	if err != nil {
		return 0, err
	}
	return gen, nil
}

func (g *generations) lookUpBatch(ctx context.Context, run storeCall, entries []string) ([]uint64, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var gens []uint64
	var err error
	if g.reads == nil {
		c := call{keys: entries}
		run(g, ctx, &c)
		gens, err = c.gens, c.err
	} else {
		c := g.reads.get()
		c.run, c.keys = run, entries
		var returned bool
		returned, err = g.reads.do(ctx, c, time.Now().Add(g.timeout))
		if !returned {
			return make([]uint64, len(entries)), givenUp("generation look-up", entries[0], err)
		}
		gens, err = c.gens, c.err
		g.reads.put(c)
	}
	if len(gens) != len(entries) {
		// Which key an answer of another length belongs to cannot be known.
		if err == nil {
			err = wrongLength(len(gens), len(entries))
		}
		gens = make([]uint64, len(entries))
	}
	return aboveFloor(gens, g.floor.Load()), err
}

// aboveFloor returns gens with 0 for what is below the floor.
func aboveFloor(gens []uint64, floor uint64) []uint64 {
	if floor == 0 {
		return gens
	}
	gens = slices.Clone(gens) // the store may have kept its slice
	for i, gen := range gens {
		if gen < floor {
			gens[i] = 0
		}
	}
	return gens
}

func (g *generations) runCurrent(ctx context.Context, c *call) {
	c.gen, c.err = g.store.Current(ctx, c.key)
}

func (g *generations) runCurrentToCommit(ctx context.Context, c *call) {
	c.gen, c.err = g.commitCurrenter.CurrentToCommit(ctx, c.key)
}

func (g *generations) runSnapshot(ctx context.Context, c *call) {
	c.gen, c.err = g.snapshotAbove(ctx, c.key)
}

func (g *generations) runBump(ctx context.Context, c *call) {
	c.gen, c.err = g.store.Bump(ctx, c.key)
}

func (g *generations) runCurrentBatch(ctx context.Context, c *call) {
	if g.currentBatcher != nil {
		c.gens, c.err = g.currentBatcher.CurrentBatch(ctx, c.keys)
		return
	}
	eachGen(ctx, c, g.store.Current)
}

func (g *generations) runCurrentToCommitBatch(ctx context.Context, c *call) {
	c.gens, c.err = g.commitCurrenter.CurrentToCommitBatch(ctx, c.keys)
}

func (g *generations) runSnapshotBatch(ctx context.Context, c *call) {
	if g.snapshotBatcher == nil {
		eachGen(ctx, c, g.snapshotAbove)
		return
	}
	c.gens, c.err = g.snapshotBatcher.SnapshotBatch(ctx, c.keys)
	if floor := g.floor.Load(); floor > 0 && len(c.gens) == len(c.keys) {
		g.bumpBelow(ctx, floor, c)
	}
}

// bumpBelow bumps those of a batch of snapshots that are below the floor.
func (g *generations) bumpBelow(ctx context.Context, floor uint64, c *call) {
	c.gens = slices.Clone(c.gens) // the store may have kept its slice
	low := call{}
	var at []int // where in c.gens
	for i, gen := range c.gens {
		if gen != 0 && gen < floor {
			c.gens[i] = 0
			low.keys = append(low.keys, c.keys[i])
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return
	}
	if g.bumpBatcher != nil {
		low.gens, low.err = g.bumpBatcher.BumpBatch(ctx, low.keys)
	} else {
		eachGen(ctx, &low, g.store.Bump)
	}
	c.err = errors.Join(c.err, low.err)
	if len(low.gens) != len(at) {
		return
	}
	for j, i := range at {
		c.gens[i] = low.gens[j]
	}
}

func (g *generations) runBumpBatch(ctx context.Context, c *call) {
	if g.bumpBatcher != nil {
		gens, err := g.bumpBatcher.BumpBatch(ctx, c.keys)
		c.errs = bumpErrors(gens, err, len(c.keys))
		return
	}
	for i, key := range c.keys {
		if _, err := g.store.Bump(ctx, key); err != nil {
			if c.errs == nil {
				c.errs = make([]error, len(c.keys))
			}
			c.errs[i] = err
		}
	}
}

// bumpErrors returns one error for each of n keys, nil where the bump is done,
// from what a batch of bumps has returned; all nil is a nil slice.
func bumpErrors(gens []uint64, err error, n int) []error {
	if err == nil && len(gens) != n {
		err, gens = wrongLength(len(gens), n), nil
	}
	if err == nil {
		return nil
	}
	errs := repeated(err, n)
	if len(gens) == n {
		for i, gen := range gens {
			if gen != 0 {
				errs[i] = nil
			}
		}
	}
	return errs
}

// eachGen fills c.gens key by key for a store without the batch ability.
func eachGen(ctx context.Context, c *call, one func(context.Context, string) (uint64, error)) {
	c.gens = make([]uint64, len(c.keys))
	var failed error
	for i, key := range c.keys {
		gen, err := one(ctx, key)
		if err != nil {
			failed = errors.Join(failed, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		c.gens[i] = gen
	}
	c.err = failed
}

// close lets go of the goroutines, and closes the store unless another cache
// has it.
func (g *generations) close(ctx context.Context) error {
	if g.reads != nil {
		g.reads.close()
		g.bumps.close()
	}
	return leave(ctx, g.store)
}

func bumpTimeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return DefaultBumpTimeout
}

func givenUp(op, entry string, err error) error {
	return fmt.Errorf("cascache: %s of %q: %w", op, entry, err)
}

func wrongLength(got, want int) error {
	return fmt.Errorf("cascache: the generation store answered %d generations for %d keys", got, want)
}

func repeated(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// hold holds the entries under token, or returns an error.
func (g *generations) hold(ctx context.Context, entries []string, token string, lease time.Duration) error {
	holder, ok := AbilityOf[Holder](g.store)
	if !ok {
		return ErrHoldUnsupported
	}
	return g.runBounded(ctx, entries, func(ctx context.Context) error {
		return holder.Hold(ctx, entries, token, lease)
	})
}

// release releases token's holds of the entries and bumps them.
func (g *generations) release(ctx context.Context, entries []string, token string) error {
	holder, ok := AbilityOf[Holder](g.store)
	if !ok {
		return ErrHoldUnsupported
	}
	return g.runBounded(ctx, entries, func(ctx context.Context) error {
		return holder.Release(ctx, entries, token)
	})
}

// runBounded runs do as a bump is run.
func (g *generations) runBounded(ctx context.Context, entries []string, do func(context.Context) error) error {
	if g.bumps == nil {
		return do(ctx)
	}
	c := g.bumps.get()
	c.run = func(_ *generations, ctx context.Context, c *call) { c.err = do(ctx) }
	returned, err := g.bumps.do(ctx, c, time.Now().Add(bumpTimeout(ctx)))
	if !returned {
		return givenUp("hold or release", entries[0], err)
	}
	err = c.err
	g.bumps.put(c)
	return err
}
