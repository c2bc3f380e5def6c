package cascache

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// values is a Provider as the cache uses it: bulks in parts, and for providers
// without them, and a panic is an error of the call.
type values struct {
	prefixGetter PrefixGetter // nil: the provider takes whole keys
	provider     Provider     // nil: near alone, and there is never an entry
	bulk         BulkProvider // nil: one key at a time
}

// newValues is where the abilities of a provider are looked for.
func newValues(provider Provider) *values {
	v := &values{provider: provider}
	v.prefixGetter, _ = AbilityOf[PrefixGetter](provider)
	v.bulk, _ = AbilityOf[BulkProvider](provider)
	return v
}

const providerName = "the provider" // for errors

// getOf reads the entry prefix+key, nil for a miss, and returns the storage key
// where it had to be joined for that.
func (v *values) getOf(ctx context.Context, prefix, key string) (raw []byte, entry string, err error) {
	if v.prefixGetter == nil {
		entry = prefix + key
		raw, err = v.get(ctx, entry)
		return raw, entry, err
	}
	returned := false
	defer func() {
		if !returned {
			err = caught(recover(), providerName)
		}
	}()
	raw, ok, err := v.prefixGetter.GetPrefixed(ctx, prefix, key)
	returned = true
	return hit(raw, ok), "", err
}

// get reads an entry, nil for a miss.
func (v *values) get(ctx context.Context, entry string) (raw []byte, err error) {
	defer contain(&err, providerName)
	raw, ok, err := v.provider.Get(ctx, entry)
	return hit(raw, ok), err
}

// hit returns what was found: not nil, even of no bytes, unless it is a miss.
func hit(raw []byte, ok bool) []byte {
	if ok && raw == nil {
		return []byte{}
	}
	return raw
}

var errBulkLength = errors.New("the provider answered another number of values than there were keys")

// getBulk reads the entries, nil for a miss. With an error, it holds what could
// be read all the same.
func (v *values) getBulk(ctx context.Context, entries []string) ([][]byte, error) {
	raws := make([][]byte, 0, len(entries))
	var failed failures
	var last error
	for part := range slices.Chunk(entries, partSize) {
		var got [][]byte
		if goesOn(ctx, last) {
			got, last = v.getPart(ctx, part)
			failed.add(last)
		}
		if len(part) == len(entries) {
			return got, last
		}
		raws = append(raws, got...)
		raws = append(raws, make([][]byte, len(part)-len(got))...)
	}
	return raws, failed.err()
}

// getPart is getBulk in one call where the provider can.
func (v *values) getPart(ctx context.Context, entries []string) (raws [][]byte, err error) {
	if v.bulk != nil {
		raws, err = v.callGetBulk(ctx, entries)
		if len(raws) != len(entries) {
			raws = make([][]byte, len(entries))
			if err == nil {
				err = errBulkLength
			}
		}
		return raws, err
	}
	raws = make([][]byte, len(entries))
	var failed failures
	for i, entry := range entries {
		if raws[i], err = v.get(ctx, entry); err != nil {
			raws[i] = nil
			failed.add(err)
			if !goesOn(ctx, err) {
				break
			}
		}
	}
	return raws, failed.err()
}

func (v *values) callGetBulk(ctx context.Context, entries []string) (raws [][]byte, err error) {
	defer contain(&err, providerName)
	return v.bulk.GetBulk(ctx, entries)
}

// A written is what became of an item.
type written struct {
	why    Reason // it was not stored, for the sake of the promise
	failed bool   // it is not known to be stored
	stored bool   // where neither: false if the provider declined it
}

// set stores an item.
func (v *values) set(ctx context.Context, item Item) (stored bool, err error) {
	defer contain(&err, providerName)
	return v.provider.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
}

// setBulk stores the items, and tells what became of each.
func (v *values) setBulk(ctx context.Context, items []Item) ([]written, error) {
	results := make([]written, 0, len(items))
	var failed failures
	var last error
	for part := range slices.Chunk(items, partSize) {
		from := len(results)
		results = results[:from+len(part)]
		if goesOn(ctx, last) {
			last = v.setPart(ctx, part, results[from:])
			failed.add(last)
			continue
		}
		for i := range part {
			results[from+i].failed = true
		}
	}
	return results, failed.err()
}

// setPart is setBulk in one call where the provider can.
func (v *values) setPart(ctx context.Context, items []Item, results []written) error {
	if v.bulk != nil {
		stored, err := v.callSetBulk(ctx, items)
		if len(stored) != len(items) {
			stored = make([]bool, len(items))
			if err == nil {
				err = errBulkLength
			}
		}
		for i, ok := range stored {
			results[i] = written{stored: ok, failed: !ok && err != nil}
		}
		return err
	}
	var failed failures
	var last error
	for i, item := range items {
		if !goesOn(ctx, last) {
			results[i].failed = true
			continue
		}
		stored, err := v.set(ctx, item)
		results[i] = written{stored: stored, failed: err != nil}
		if failed.add(err); err != nil {
			last = err
		}
	}
	return failed.err()
}

func (v *values) callSetBulk(ctx context.Context, items []Item) (stored []bool, err error) {
	defer contain(&err, providerName)
	return v.bulk.SetBulk(ctx, items)
}

// del deletes an entry.
func (v *values) del(ctx context.Context, entry string) (err error) {
	if v.provider == nil {
		return nil
	}
	defer contain(&err, providerName)
	return v.provider.Del(ctx, entry)
}

// delBulk deletes every entry, in one call for each part where the provider can.
func (v *values) delBulk(ctx context.Context, entries []string) error {
	size, del := partSize, v.callDelBulk
	if v.bulk == nil {
		size, del = 1, func(ctx context.Context, one []string) error { return v.del(ctx, one[0]) }
	}
	var failed failures
	var last error
	for part := range slices.Chunk(entries, size) {
		if !goesOn(ctx, last) {
			failed.add(fmt.Errorf("cascache: not all of %d entries were deleted", len(entries)))
			break
		}
		last = del(ctx, part)
		failed.add(last)
	}
	return failed.err()
}

func (v *values) callDelBulk(ctx context.Context, entries []string) (err error) {
	defer contain(&err, providerName)
	return v.bulk.DelBulk(ctx, entries)
}

func (v *values) close(ctx context.Context) (err error) {
	if v.provider == nil {
		return nil
	}
	defer contain(&err, providerName)
	return leave(ctx, v.provider)
}
