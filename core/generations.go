package cascache

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// DefaultGenTimeout bounds one generation look-up unless Options.GenTimeout
// says otherwise.
const DefaultGenTimeout = 200 * time.Millisecond

// DefaultBumpTimeout bounds the bump of an invalidation, or of each part of a
// bulk of them, whose context has no deadline.
const DefaultBumpTimeout = 5 * time.Second

// generations is a GenStore as the cache uses it: every call bounded in time,
// bulks in parts and for stores without them, and never more than G2 allows: a
// number is what the store said in time, and everything else is an error. It is
// given the storage keys of entries, and gives the store the keys of their
// generations.
type generations struct {
	// What a hit reads comes first, so that it lies in one cache line.

	localReader LocalReader // nil: every look-up is a call
	keys        keySpace

	floor *atomic.Uint64 // of the suspects: below it, none is taken for proof

	one          func(context.Context, string) (uint64, error)
	commitReader CommitReader
	store        GenStore
	timeout      time.Duration
	reads        *pool // nil: the store never blocks
	bumps        *pool // apart, so that stuck reads leave invalidations room

	oneToCommit   func(context.Context, string) (uint64, error)
	oneSnapshot   func(context.Context, string) (uint64, error)
	oneBump       func(context.Context, string) (uint64, error)
	many          func(context.Context, []string) ([]uint64, error)
	manyToCommit  func(context.Context, []string) ([]uint64, error)
	manySnapshots func(context.Context, []string) ([]uint64, error)
	manyBumps     func(context.Context, []string) ([]error, error)
	holds         func(context.Context, holding) (struct{}, error) // nil: the store cannot hold
	releases      func(context.Context, holding) (struct{}, error)

	bulk BulkGenStore // nil: one key at a time
}

// holding is a hold of keys, or its release.
type holding struct {
	entries []string
	token   string
	lease   time.Duration
}

// newGenerations is where the abilities of a store are looked for.
func newGenerations(store GenStore, keys keySpace, floor *atomic.Uint64, timeout time.Duration) *generations {
	g := &generations{store: store, keys: keys, floor: floor, timeout: timeout}
	if n, ok := AbilityOf[NonBlocker](store); !ok || !n.NonBlocking() {
		g.reads, g.bumps = newPool(), newPool()
	}
	g.localReader, _ = AbilityOf[LocalReader](store)
	g.commitReader, _ = AbilityOf[CommitReader](store)
	g.bulk, _ = AbilityOf[BulkGenStore](store)

	const lookUp, bump, hold = "a look-up in the generation store", "a bump in the generation store", "a hold in the generation store"
	g.one = newBounded(lookUp, g.reads, timeout, store.Current)
	g.oneSnapshot = newBounded(lookUp, g.reads, timeout, g.snapshotAbove)
	g.oneBump = newBounded(bump, g.bumps, 0, store.Bump)
	// Without bulk calls each look-up and bump has a time limit of its own.
	g.many, g.manySnapshots, g.manyBumps = eachOf(g.one), eachOf(g.oneSnapshot), g.bumpEach
	if g.bulk != nil {
		g.many = newBounded(lookUp, g.reads, timeout, g.bulk.CurrentBulk)
		g.manySnapshots = newBounded(lookUp, g.reads, timeout, g.snapshotsAbove)
		g.manyBumps = newBounded(bump, g.bumps, 0, g.bumpBulkOnce)
	}
	g.oneToCommit, g.manyToCommit = g.one, g.many
	if s := g.commitReader; s != nil {
		g.oneToCommit = newBounded(lookUp, g.reads, timeout, s.CurrentToCommit)
		g.manyToCommit = newBounded(lookUp, g.reads, timeout, s.CurrentToCommitBulk)
	}
	if s, ok := AbilityOf[Holder](store); ok {
		g.holds = newBounded(hold, g.bumps, 0, func(ctx context.Context, h holding) (struct{}, error) {
			return struct{}{}, s.Hold(ctx, h.entries, h.token, h.lease)
		})
		g.releases = newBounded(hold, g.bumps, 0, func(ctx context.Context, h holding) (struct{}, error) {
			return struct{}{}, s.Release(ctx, h.entries, h.token)
		})
	}
	return g
}

// current returns the generation of one entry. 0 with a nil error: none, or
// held.
func (g *generations) current(ctx context.Context, entry string) (uint64, error) {
	return g.above(g.one(ctx, g.keys.genKey(entry)))
}

// currentLocally returns the generation of a key if the store knows it without a
// call that may block, and otherwise 0.
func (g *generations) currentLocally(key string) (gen uint64, err error) {
	if g.localReader == nil {
		return 0, nil
	}
	returned := false
	defer func() {
		if !returned {
			gen, err = 0, caught(recover(), "the generation store")
		}
	}()
	gen, ok := g.localReader.CurrentLocal(g.keys.gen, key)
	returned = true
	if !ok {
		return 0, nil
	}
	return g.above(gen, nil)
}

// currentToCommit is current for a fill.
func (g *generations) currentToCommit(ctx context.Context, entry string) (uint64, error) {
	return g.above(g.oneToCommit(ctx, g.keys.genKey(entry)))
}

// snapshot returns the generation of one entry, created if need be.
func (g *generations) snapshot(ctx context.Context, entry string) (uint64, error) {
	return g.above(g.oneSnapshot(ctx, g.keys.genKey(entry)))
}

// above returns what a look-up has found: nothing beside an error, or below the
// floor.
func (g *generations) above(gen uint64, err error) (uint64, error) {
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
func (g *generations) bumpGen(ctx context.Context, entry string) (uint64, error) {
	return g.oneBump(ctx, g.keys.genKey(entry))
}

// currentBulk returns one generation per entry. With an error, 0 means not
// readable; without, none or held. The result always is as long as entries.
func (g *generations) currentBulk(ctx context.Context, entries []string) ([]uint64, error) {
	if g.localReader != nil {
		return g.currentPartlyLocal(ctx, entries)
	}
	return g.lookUpBulk(ctx, g.many, entries)
}

// currentPartlyLocal is currentBulk where localReader is set: one call for
// those generations that are not known without.
func (g *generations) currentPartlyLocal(ctx context.Context, entries []string) ([]uint64, error) {
	entries = g.keys.genKeys(entries)
	gens, err := g.knownLocally(entries)
	if err != nil {
		return make([]uint64, len(entries)), err
	}
	floor := g.floor.Load()
	var unknown []string
	var at []int // where in gens
	for i, gen := range gens {
		if gen == 0 || gen < floor {
			unknown = append(unknown, entries[i])
			at = append(at, i)
		}
	}
	if len(unknown) == 0 {
		return gens, nil
	}
	read, err := g.lookUpBulk(ctx, g.many, unknown)
	for j, i := range at {
		gens[i] = read[j]
	}
	return gens, err
}

func (g *generations) knownLocally(entries []string) (gens []uint64, err error) {
	defer contain(&err, "the generation store")
	gens = make([]uint64, len(entries))
	g.localReader.CurrentLocalBulk(entries, gens)
	return gens, nil
}

// currentToCommitBulk is currentBulk for fills.
func (g *generations) currentToCommitBulk(ctx context.Context, entries []string) ([]uint64, error) {
	if g.commitReader == nil {
		return g.currentBulk(ctx, entries)
	}
	return g.lookUpBulk(ctx, g.manyToCommit, entries)
}

// snapshotBulk is currentBulk, with missing generations created.
func (g *generations) snapshotBulk(ctx context.Context, entries []string) ([]uint64, error) {
	return g.lookUpBulk(ctx, g.manySnapshots, entries)
}

func (g *generations) lookUpBulk(ctx context.Context, op func(context.Context, []string) ([]uint64, error), entries []string) ([]uint64, error) {
	entries = g.keys.genKeys(entries)
	var gens []uint64
	var failed failures
	var last error
	for part := range slices.Chunk(entries, partSize) {
		var got []uint64
		if goesOn(ctx, last) {
			got, last = op(ctx, part)
			if len(got) != len(part) && last == nil {
				last = wrongLength(len(got), len(part))
			}
			failed.add(last)
		}
		if len(got) != len(part) {
			// Which key an answer of another length belongs to cannot be known.
			got = make([]uint64, len(part))
		}
		if len(part) == len(entries) {
			return aboveFloor(got, g.floor.Load()), last
		}
		gens = append(gens, got...)
	}
	return aboveFloor(gens, g.floor.Load()), failed.err()
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

// snapshotsAbove is snapshotAbove of many, for a store that takes them.
func (g *generations) snapshotsAbove(ctx context.Context, entries []string) ([]uint64, error) {
	gens, err := g.bulk.SnapshotBulk(ctx, entries)
	if floor := g.floor.Load(); floor > 0 && len(gens) == len(entries) {
		return g.bumpBelow(ctx, floor, entries, gens, err)
	}
	return gens, err
}

// bumpBelow bumps those of many snapshots that are below the floor.
func (g *generations) bumpBelow(ctx context.Context, floor uint64, entries []string, gens []uint64, err error) ([]uint64, error) {
	gens = slices.Clone(gens) // the store may have kept its slice
	var low []string
	var at []int // where in gens
	for i, gen := range gens {
		if gen != 0 && gen < floor {
			gens[i] = 0
			low = append(low, entries[i])
			at = append(at, i)
		}
	}
	if len(low) == 0 {
		return gens, err
	}
	bump := eachOf(g.store.Bump)
	if g.bulk != nil {
		bump = g.bulk.BumpBulk
	}
	bumped, bumpErr := bump(ctx, low)
	if len(bumped) == len(low) {
		for j, i := range at {
			gens[i] = bumped[j]
		}
	}
	failed := failures{}
	failed.add(err)
	failed.add(bumpErr)
	return gens, failed.err()
}

// bumpBulk attempts every entry and returns one error per entry, nil where
// the generation has been replaced; all nil is a nil slice.
func (g *generations) bumpBulk(ctx context.Context, entries []string) []error {
	if len(entries) == 0 {
		return nil
	}
	return errorsOfParts(ctx, g.keys.genKeys(entries), func(part []string) ([]error, error) { return g.manyBumps(ctx, part) })
}

// errorsOfParts calls do for each part of entries, and returns one error per
// entry; all nil is a nil slice. What do returns is such a slice, or an error of
// all.
func errorsOfParts(ctx context.Context, entries []string, do func(part []string) ([]error, error)) []error {
	var errs []error
	var last error
	at := 0
	for part := range slices.Chunk(entries, partSize) {
		var partErrs []error
		if goesOn(ctx, last) {
			partErrs, last = do(part)
		}
		if last != nil {
			partErrs = repeated(last, len(part))
		} else if i := slices.IndexFunc(partErrs, func(err error) bool { return !goesOn(ctx, err) }); i >= 0 {
			last = partErrs[i]
		}
		if partErrs != nil && errs == nil {
			errs = make([]error, len(entries))
		}
		copy(errs[min(at, len(errs)):], partErrs)
		at += len(part)
	}
	return errs
}

// bumpBulkOnce bumps entries in one call.
func (g *generations) bumpBulkOnce(ctx context.Context, entries []string) ([]error, error) {
	gens, err := g.bulk.BumpBulk(ctx, entries)
	return bumpErrors(gens, err, len(entries)), nil
}

// bumpEach bumps entries one by one.
func (g *generations) bumpEach(ctx context.Context, entries []string) ([]error, error) {
	var errs []error
	var last error
	for i, entry := range entries {
		if goesOn(ctx, last) {
			_, last = g.oneBump(ctx, entry)
		}
		if last != nil {
			if errs == nil {
				errs = make([]error, len(entries))
			}
			errs[i] = last
		}
	}
	return errs, nil
}

// bumpErrors returns one error for each of n keys, nil where the bump is done,
// from what a BumpBulk has returned; all nil is a nil slice.
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

// hold holds the entries under token, or returns an error. Where some parts are
// held and the next one fails, they are released again.
func (g *generations) hold(ctx context.Context, entries []string, token string, lease time.Duration) error {
	if g.holds == nil {
		return ErrHoldUnsupported
	}
	entries = g.keys.genKeys(entries)
	held := 0
	for part := range slices.Chunk(entries, partSize) {
		if _, err := g.holds(ctx, holding{part, token, lease}); err != nil {
			if held > 0 {
				// Whether the part that failed is held is not known.
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), DefaultBumpTimeout)
				defer cancel()
				g.release(ctx, entries[:held+len(part)], token)
			}
			return err
		}
		held += len(part)
	}
	return nil
}

// release releases token's holds of the entries and bumps them. All are
// attempted. It returns what bumpBulk does.
func (g *generations) release(ctx context.Context, entries []string, token string) []error {
	return errorsOfParts(ctx, g.keys.genKeys(entries), func(part []string) ([]error, error) {
		_, err := g.releases(ctx, holding{entries: part, token: token})
		return nil, err
	})
}

// eachOf returns a call of many keys that makes one of each, for a store that
// does not take many. It ends with its context.
func eachOf(one func(context.Context, string) (uint64, error)) func(context.Context, []string) ([]uint64, error) {
	return func(ctx context.Context, entries []string) ([]uint64, error) {
		gens := make([]uint64, len(entries))
		var failed failures
		for i, entry := range entries {
			gen, err := one(ctx, entry)
			if err != nil {
				failed.add(err)
				if !goesOn(ctx, err) {
					break
				}
				continue
			}
			gens[i] = gen
		}
		return gens, failed.err()
	}
}

// close lets go of the goroutines, and closes the store unless another cache
// has it.
func (g *generations) close(ctx context.Context) (err error) {
	g.reads.close()
	g.bumps.close()
	defer contain(&err, "the generation store")
	return leave(ctx, g.store)
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
