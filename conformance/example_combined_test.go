package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// both is a store of values and of generations, under one lock for what takes
// them together.
type both struct {
	*store
	cascache.GenStore
	mu sync.Mutex
}

func newBoth() *both { return &both{store: newStore(), GenStore: cascache.NewLocalGenStore(0, 0)} }

func (b *both) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	value, _, valueErr = b.Get(ctx, key)
	if create {
		gen, genErr = b.Snapshot(ctx, cascache.GenKey(key))
	} else {
		gen, genErr = b.Current(ctx, cascache.GenKey(key))
	}
	return value, gen, valueErr, genErr
}

func (b *both) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (r cascache.BulkReading, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bulk != "" {
		r.Bulk, _, err = b.Get(ctx, bulk)
	}
	for _, key := range keys {
		gen, genErr := b.Current(ctx, cascache.GenKey(key))
		r.Gens, r.GenErr = append(r.Gens, gen), errors.Join(r.GenErr, genErr)
		if wanted {
			value, _, valueErr := b.Get(ctx, key)
			r.Values, err = append(r.Values, value), errors.Join(err, valueErr)
		}
	}
	return r, err
}

func (b *both) SetIfGen(ctx context.Context, item cascache.Item, gen uint64) (uint64, bool, error) {
	current, stored, err := b.SetBulkIfGens(ctx, []cascache.Item{item}, []uint64{gen})
	return current[0], stored[0], err
}

func (b *both) SetBulkIfGens(ctx context.Context, items []cascache.Item, gens []uint64) (current []uint64, stored []bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	current, stored = make([]uint64, len(gens)), make([]bool, len(items))
	unmoved := true // as far as the bulk entry is concerned
	for i, item := range items {
		if i < len(gens) {
			if current[i], err = b.Current(ctx, cascache.GenKey(item.Key)); err != nil {
				return current, stored, err
			}
			if current[i] != gens[i] {
				unmoved = false
				continue
			}
		} else if !unmoved {
			return current, stored, b.Del(ctx, item.Key)
		}
		if stored[i], err = b.Set(ctx, item.Key, item.Value, item.Cost, item.TTL); err != nil {
			return current, stored, err
		}
	}
	return current, stored, nil
}

func (b *both) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		gen, err := b.Bump(ctx, cascache.GenKey(key))
		gens, bumpErr = append(gens, gen), errors.Join(bumpErr, err)
		delErr = errors.Join(delErr, b.Del(ctx, key))
	}
	return gens, bumpErr, delErr
}

func (b *both) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for i, key := range keys {
		if value, ok, _ := b.Get(ctx, key); ok && bytes.Equal(value, values[i]) {
			errs = append(errs, b.Del(ctx, key))
		}
	}
	return errors.Join(errs...)
}

func (b *both) Close(ctx context.Context) error {
	return errors.Join(b.store.Close(ctx), b.GenStore.Close(ctx))
}

func ExampleRunCombined() {
	fmt.Println(passes(func(t *testing.T) {
		conformance.RunCombined(t, conformance.CombinedHarness{
			New: func(testing.TB) cascache.Combined { return newBoth() },
		})
	}))
	// Output:
	// true
}
