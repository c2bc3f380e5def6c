package faults

import (
	"context"
	"errors"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A Backend is another [cascache.Combined] with the faults of two scripts: one
// for what it does as a provider, and one for what it does as a generation
// store. A call that is both meets the faults of both: GetWithGen is a Get and a
// Current, or a Snapshot if it is to create; SetIfGen a Current and a Set;
// BumpAndDel a Bump and a Del; DelEqual a Del. One part can fail where the other
// does not.
type Backend struct {
	*Provider
	*GenStore
	inner cascache.Combined
}

var (
	_ cascache.Combined     = (*Backend)(nil)
	_ cascache.Wrapper      = (*Backend)(nil)
	_ cascache.ClosedTeller = (*Backend)(nil)
)

// NewBackend returns inner with the faults of both scripts. It panics if one of
// the three is nil.
func NewBackend(inner cascache.Combined, values, gens *Script) *Backend {
	checkInner("NewBackend", inner, values, gens)
	return &Backend{Provider: NewProvider(inner, values), GenStore: NewGenStore(inner, gens), inner: inner}
}

// Unwrap implements [cascache.Wrapper].
func (b *Backend) Unwrap() any { return b.inner }

// Closed implements [cascache.ClosedTeller].
func (b *Backend) Closed() bool { return isClosed(b.inner) }

// Close implements [cascache.Provider].
func (b *Backend) Close(ctx context.Context) error { return b.Provider.Close(ctx) }

// GetWithGen implements [cascache.Combined].
func (b *Backend) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	call := Current
	if create {
		call = Snapshot
	}
	values, gens := b.Provider.script.decide(Get, key, Miss, Tear, Flip), b.GenStore.decide(call, key)
	valueErr = b.Provider.script.before(ctx, values, Get, key)
	genErr = b.GenStore.prepare(ctx, gens, call, key)
	if valueErr != nil && genErr != nil {
		return nil, 0, valueErr, genErr
	}
	value, gen, innerValueErr, innerGenErr := b.inner.GetWithGen(ctx, key, create && genErr == nil)
	if valueErr = first(valueErr, innerValueErr, lost(values, Get, key)); valueErr != nil || find(values, Miss) != nil {
		value = nil
	}
	if value != nil {
		value = damage(values, value)
	}
	if genErr = first(genErr, innerGenErr); genErr == nil {
		gen, genErr = reply(gens, call, key, gen)
	}
	if genErr != nil {
		gen = 0
	}
	return value, gen, valueErr, genErr
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// GetBulkWithGens implements [cascache.Combined].
func (b *Backend) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (r cascache.BulkReading, err error) {
	gens, _, genErrs := b.GenStore.plan(ctx, Current, keys)
	var names []string
	if wanted {
		names = append(names, keys...)
	}
	if bulk != "" {
		names = append(names, bulk)
	}
	values, readable, valueErrs := b.Provider.plan(ctx, Get, names, Miss, Tear, Flip)
	r, err = b.inner.GetBulkWithGens(ctx, bulk, keys, wanted)
	if err != nil {
		valueErrs = append(valueErrs, err)
	}
	if r.GenErr != nil {
		genErrs = append(genErrs, r.GenErr)
	}
	if len(r.Gens) == len(keys) {
		for i, key := range keys {
			if fails(gens[i]) {
				r.Gens[i] = 0 // the error is that of the plan
				continue
			}
			gen, err := reply(gens[i], Current, key, r.Gens[i])
			if r.Gens[i] = gen; err != nil {
				genErrs = append(genErrs, err)
			}
		}
	}
	could := make(map[int]bool)
	for _, i := range readable {
		could[i] = true
	}
	for i, name := range names {
		value := &r.Bulk
		if wanted && i < len(keys) {
			if len(r.Values) != len(keys) {
				continue
			}
			value = &r.Values[i]
		}
		lostErr := lost(values[i], Get, name)
		if lostErr != nil {
			valueErrs = append(valueErrs, lostErr)
		}
		if !could[i] || lostErr != nil || find(values[i], Miss) != nil {
			*value = nil
		}
		if *value != nil {
			*value = damage(values[i], *value)
		}
	}
	r.GenErr = errors.Join(genErrs...)
	return r, errors.Join(valueErrs...)
}

// fails reports whether a call with these faults was not to be carried out.
func fails(faults []fault) bool { return find(faults, Fail) != nil || find(faults, Hang) != nil }

// SetIfGen implements [cascache.Combined].
func (b *Backend) SetIfGen(ctx context.Context, item cascache.Item, gen uint64) (current uint64, stored bool, err error) {
	gens := b.GenStore.decide(Current, item.Key)
	if err := b.GenStore.prepare(ctx, gens, Current, item.Key); err != nil {
		return 0, false, err
	}
	values := b.Provider.script.decide(Set, item.Key, Drop, Decline, Late, Tear, Flip)
	failed := b.Provider.script.before(ctx, values, Set, item.Key)
	plain := find(values, Drop) == nil && find(values, Decline) == nil && find(values, Late) == nil
	if failed == nil && plain {
		item.Value = damage(values, item.Value)
		current, stored, err = b.inner.SetIfGen(ctx, item, gen)
	} else if current, err = b.inner.Current(ctx, item.Key); err == nil && current == gen && failed == nil {
		stored, err = b.Provider.set(ctx, values, item)
	}
	if err != nil {
		return current, false, err
	}
	if current, err = reply(gens, Current, item.Key, current); err != nil {
		return 0, false, err
	}
	if current == gen {
		if err := first(failed, lost(values, Set, item.Key)); err != nil {
			return current, false, err
		}
	}
	return current, stored && current == gen, nil
}

// SetBulkIfGens implements [cascache.Combined], item by item.
func (b *Backend) SetBulkIfGens(ctx context.Context, items []cascache.Item, gens []uint64) (current []uint64, stored []bool, err error) {
	current, stored = make([]uint64, len(gens)), make([]bool, len(items))
	var errs []error
	unmoved := true
	for i, gen := range gens {
		var err error
		if current[i], stored[i], err = b.SetIfGen(ctx, items[i], gen); err != nil {
			errs = append(errs, err)
		}
		unmoved = unmoved && current[i] == gen
	}
	if at := len(gens); at < len(items) && unmoved {
		item := items[at]
		var err error
		if stored[at], err = b.Provider.Set(ctx, item.Key, item.Value, item.Cost, item.TTL); err != nil {
			errs = append(errs, err)
		}
	}
	return current, stored, errors.Join(errs...)
}

// BumpAndDel implements [cascache.Combined].
func (b *Backend) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	bumps, wanted, bumpErrs := b.GenStore.plan(ctx, Bump, keys)
	gens = make([]uint64, len(keys))
	var delErrs []error
	for _, i := range wanted {
		key := keys[i]
		dels := b.Provider.script.decide(Del, key)
		var gen uint64
		var err error
		if failed := b.Provider.script.before(ctx, dels, Del, key); failed != nil {
			delErrs = append(delErrs, failed)
			gen, err = b.inner.Bump(ctx, key)
		} else {
			var one []uint64
			if one, err, failed = b.inner.BumpAndDel(ctx, []string{key}); len(one) == 1 {
				gen = one[0]
			}
			if failed = first(failed, lost(dels, Del, key)); failed != nil {
				delErrs = append(delErrs, failed)
			}
		}
		if err == nil {
			gen, err = reply(bumps[i], Bump, key, gen)
		}
		if gens[i] = gen; err != nil {
			gens[i] = 0
			bumpErrs = append(bumpErrs, err)
		}
	}
	if len(wanted) < len(keys) {
		delErrs = append(delErrs, bumpErrs...) // nothing was done about these
	}
	return gens, errors.Join(bumpErrs...), errors.Join(delErrs...)
}

// DelEqual implements [cascache.Combined].
func (b *Backend) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	faults, wanted, errs := b.Provider.plan(ctx, Del, keys)
	picked := make([][]byte, len(wanted))
	for j, i := range wanted {
		picked[j] = values[i]
	}
	if err := b.inner.DelEqual(ctx, pick(keys, wanted), picked); err != nil {
		errs = append(errs, err)
	}
	for _, i := range wanted {
		if err := lost(faults[i], Del, keys[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
