package faults

import (
	"context"
	"errors"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A GenStore is another generation store with faults: those of any call, and
// [Forget]. It has the optional abilities of the other one, as far as
// cascache.AbilityOf can tell, and forwards them, but for
// [cascache.NonBlocker]: it may delay any call.
//
// A Hold of many keys of which one fails holds none. Whatever else has a reply
// that is lost is carried out.
type GenStore struct {
	inner  cascache.GenStore
	script *Script
}

var (
	_ cascache.GenStore     = (*GenStore)(nil)
	_ cascache.BulkGenStore = (*GenStore)(nil)
	_ cascache.Holder       = (*GenStore)(nil)
	_ cascache.LocalReader  = (*GenStore)(nil)
	_ cascache.CommitReader = (*GenStore)(nil)
	_ cascache.NonBlocker   = (*GenStore)(nil)
	_ cascache.Wrapper      = (*GenStore)(nil)
	_ cascache.ClosedTeller = (*GenStore)(nil)
)

// NewGenStore returns inner with the faults of script. It panics if either is nil.
func NewGenStore(inner cascache.GenStore, script *Script) *GenStore {
	checkInner("NewGenStore", inner, script)
	return &GenStore{inner: inner, script: script}
}

// Unwrap implements [cascache.Wrapper].
func (g *GenStore) Unwrap() any { return g.inner }

// Closed implements [cascache.ClosedTeller].
func (g *GenStore) Closed() bool { return isClosed(g.inner) }

// NonBlocking implements [cascache.NonBlocker]: it reports false.
func (g *GenStore) NonBlocking() bool { return false }

// Current implements [cascache.GenStore].
func (g *GenStore) Current(ctx context.Context, key string) (uint64, error) {
	return g.one(ctx, Current, key, func() (uint64, error) { return g.inner.Current(ctx, key) })
}

// CurrentLocal implements [cascache.LocalReader]. A key that some rule may
// befall in a Current is not known, so that the call is made and the rule
// decides; it is no call itself, and no rule counts it.
func (g *GenStore) CurrentLocal(prefix, key string) (uint64, bool) {
	local, ok := cascache.AbilityOf[cascache.LocalReader](g.inner)
	if !ok || g.script.concerns(Current, func() string { return prefix + key }, Forget) {
		return 0, false
	}
	return local.CurrentLocal(prefix, key)
}

// CurrentLocalBulk implements [cascache.LocalReader]: see CurrentLocal.
func (g *GenStore) CurrentLocalBulk(keys []string, gens []uint64) {
	local, ok := cascache.AbilityOf[cascache.LocalReader](g.inner)
	if !ok {
		return
	}
	known := make([]uint64, len(keys))
	local.CurrentLocalBulk(keys, known)
	for i, gen := range known {
		if gen != 0 && !g.script.concerns(Current, func() string { return keys[i] }, Forget) {
			gens[i] = gen
		}
	}
}

// CurrentToCommit implements [cascache.CommitReader]. To a script it is a
// Current.
func (g *GenStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return g.one(ctx, Current, key, func() (uint64, error) {
		if c, ok := cascache.AbilityOf[cascache.CommitReader](g.inner); ok {
			return c.CurrentToCommit(ctx, key)
		}
		return g.inner.Current(ctx, key)
	})
}

// CurrentToCommitBulk implements [cascache.CommitReader]. To a script it is
// a Current of each key.
func (g *GenStore) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return g.many(ctx, Current, keys, func(keys []string) ([]uint64, error) {
		if c, ok := cascache.AbilityOf[cascache.CommitReader](g.inner); ok {
			return c.CurrentToCommitBulk(ctx, keys)
		}
		return each(ctx, keys, g.inner.Current)
	})
}

// Snapshot implements [cascache.GenStore].
func (g *GenStore) Snapshot(ctx context.Context, key string) (uint64, error) {
	return g.one(ctx, Snapshot, key, func() (uint64, error) { return g.inner.Snapshot(ctx, key) })
}

// Bump implements [cascache.GenStore].
func (g *GenStore) Bump(ctx context.Context, key string) (uint64, error) {
	return g.one(ctx, Bump, key, func() (uint64, error) { return g.inner.Bump(ctx, key) })
}

func (g *GenStore) one(ctx context.Context, call Call, key string, carryOut func() (uint64, error)) (uint64, error) {
	faults := g.decide(call, key)
	if err := g.prepare(ctx, faults, call, key); err != nil {
		return 0, err
	}
	gen, err := carryOut()
	if err != nil {
		return 0, err
	}
	return reply(faults, call, key, gen)
}

func (g *GenStore) decide(call Call, key string) []fault {
	if call == Current || call == Snapshot {
		return g.script.decide(call, key, Forget)
	}
	return g.script.decide(call, key)
}

// prepare does what happens before a call. With an error the call must not be
// carried out.
func (g *GenStore) prepare(ctx context.Context, faults []fault, call Call, key string) error {
	if err := g.script.before(ctx, faults, call, key); err != nil {
		return err
	}
	if find(faults, Forget) == nil {
		return nil
	}
	// What was lost must never be current again, on any handle: the next one is
	// drawn here and now, and the caller of Current is not told.
	gen, err := g.inner.Current(ctx, key)
	if gen != 0 && err == nil {
		_, err = g.inner.Bump(ctx, key)
	}
	return err
}

// reply is what the caller hears of a call that was carried out.
func reply(faults []fault, call Call, key string, gen uint64) (uint64, error) {
	if err := lost(faults, call, key); err != nil {
		return 0, err
	}
	if call == Current && find(faults, Forget) != nil {
		return 0, nil
	}
	return gen, nil
}

// CurrentBulk implements [cascache.BulkGenStore].
func (g *GenStore) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return g.many(ctx, Current, keys, func(keys []string) ([]uint64, error) { return g.bulk().CurrentBulk(ctx, keys) })
}

// SnapshotBulk implements [cascache.BulkGenStore].
func (g *GenStore) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return g.many(ctx, Snapshot, keys, func(keys []string) ([]uint64, error) { return g.bulk().SnapshotBulk(ctx, keys) })
}

// BumpBulk implements [cascache.BulkGenStore].
func (g *GenStore) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return g.many(ctx, Bump, keys, func(keys []string) ([]uint64, error) { return g.bulk().BumpBulk(ctx, keys) })
}

// bulk returns the bulk calls of the store inside, made of single calls where it
// has none.
func (g *GenStore) bulk() cascache.BulkGenStore {
	if b, ok := cascache.AbilityOf[cascache.BulkGenStore](g.inner); ok {
		return b
	}
	return singleGens{g.inner}
}

// singleGens makes bulk calls of single ones.
type singleGens struct{ cascache.GenStore }

func (s singleGens) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return each(ctx, keys, s.Current)
}

func (s singleGens) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return each(ctx, keys, s.Snapshot)
}

func (s singleGens) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return each(ctx, keys, s.Bump)
}

// many decides for each key of a bulk call, and carries out what is left of it.
func (g *GenStore) many(ctx context.Context, call Call, keys []string, carryOut func(keys []string) ([]uint64, error)) ([]uint64, error) {
	faults, wanted, errs := g.plan(ctx, call, keys)
	gens := make([]uint64, len(keys))
	answers, err := carryOut(pick(keys, wanted))
	if err != nil {
		errs = append(errs, err)
	}
	if len(answers) == len(wanted) {
		for j, i := range wanted {
			gen, err := reply(faults[i], call, keys[i], answers[j])
			if err != nil {
				errs = append(errs, err)
			}
			gens[i] = gen
		}
	}
	return gens, errors.Join(errs...)
}

// plan decides for each key of a bulk call, and returns which of them are to be
// carried out and why the others are not.
func (g *GenStore) plan(ctx context.Context, call Call, keys []string) (faults [][]fault, wanted []int, errs []error) {
	faults = make([][]fault, len(keys))
	for i, key := range keys {
		faults[i] = g.decide(call, key)
		if err := g.prepare(ctx, faults[i], call, key); err != nil {
			errs = append(errs, err)
			continue
		}
		wanted = append(wanted, i)
	}
	return faults, wanted, errs
}

func each(ctx context.Context, keys []string, call func(context.Context, string) (uint64, error)) ([]uint64, error) {
	gens := make([]uint64, len(keys))
	var errs []error
	for i, key := range keys {
		gen, err := call(ctx, key)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		gens[i] = gen
	}
	return gens, errors.Join(errs...)
}

// Hold implements [cascache.Holder].
func (g *GenStore) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	holder, ok := cascache.AbilityOf[cascache.Holder](g.inner)
	if !ok {
		return cascache.ErrHoldUnsupported
	}
	faults, _, errs := g.plan(ctx, Hold, keys)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := holder.Hold(ctx, keys, token, lease); err != nil {
		return err
	}
	return lostAny(faults, Hold, keys)
}

// Release implements [cascache.Holder].
func (g *GenStore) Release(ctx context.Context, keys []string, token string) error {
	holder, ok := cascache.AbilityOf[cascache.Holder](g.inner)
	if !ok {
		return cascache.ErrHoldUnsupported
	}
	faults, wanted, errs := g.plan(ctx, Release, keys)
	if err := holder.Release(ctx, pick(keys, wanted), token); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, lostAny(faults, Release, keys))...)
}

// lostAny returns an error for each key of a bulk call whose reply is lost.
func lostAny(faults [][]fault, call Call, keys []string) error {
	var errs []error
	for i, key := range keys {
		if err := lost(faults[i], call, key); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Close implements [cascache.GenStore].
func (g *GenStore) Close(ctx context.Context) error {
	faults := g.script.decide(Close, "")
	if err := g.script.before(ctx, faults, Close, ""); err != nil {
		return err
	}
	if err := g.inner.Close(ctx); err != nil {
		return err
	}
	return lost(faults, Close, "")
}
