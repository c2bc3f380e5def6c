package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// live takes caches through everything that hooks are told of, each event at least
// once. round sets its keys apart from those of other rounds.
func live(ctx context.Context, hooks *cascache.Hooks, round int) error {
	recovered := make(chan struct{}, 1)
	hooks = cascache.JoinHooks(hooks, &cascache.Hooks{
		InvalidateRecovered: func(context.Context, cascache.InvalidateRecoveredEvent) { recovered <- struct{}{} },
	})
	entries, gens := newProvider(), newGenStore()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "user", Provider: entries, Codec: strict{}, GenStore: gens, Hooks: hooks, MutateLease: 20 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	defer cache.Close(ctx)
	key := func(n int) string { return fmt.Sprintf("secret-%d-%d", round, n) }
	set := func(keys ...string) {
		for _, k := range keys {
			_ = cache.SetWithGen(ctx, k, "value of "+k, cache.SnapshotGen(k), time.Minute)
		}
	}
	setBulk := func(gens map[string]uint64, keys ...string) {
		items := make(map[string]string)
		for _, k := range keys {
			items[k] = "value of " + k
		}
		_ = cache.SetBulkWithGens(ctx, items, gens, time.Minute)
	}
	get := func(k string) { _, _, _ = cache.Get(ctx, k) }
	one, two, three, four := key(1), key(2), key(3), key(4)
	pair := []string{one, two}

	// Hits, and misses by what is missing.
	get(one)
	set(one)
	get(one)
	setBulk(cache.SnapshotGens(pair), pair...)
	_, _, _ = cache.GetBulk(ctx, pair)
	gens.failCurrent.Store(true)
	get(one)
	gens.failCurrent.Store(false)
	entries.failGet.Store(true)
	get(one)
	entries.failGet.Store(false)

	// Snapshots from before an invalidation, and bulk entries with a stale member.
	old := cache.SnapshotGens(pair)
	_ = cache.Invalidate(ctx, one)
	_, _, _ = cache.GetBulk(ctx, pair)
	_ = cache.SetWithGen(ctx, one, "old", old[one], time.Minute)
	setBulk(old, pair...)
	gens.failSnapshot.Store(true)
	set(one)
	gens.failSnapshot.Store(false)

	// Entries that cannot be served: left over, damaged, undecodable.
	set(three)
	entries.failDel.Store(true)
	_ = cache.Invalidate(ctx, three)
	_ = cache.SnapshotGen(three)
	get(three)
	entries.failDel.Store(false)
	get(three)
	entries.entries["single:user:"+three] = []byte("garbage")
	get(three)
	_ = cache.SetWithGen(ctx, three, "", cache.SnapshotGen(three), time.Minute)
	get(three)

	// A provider that has no room.
	entries.full.Store(true)
	set(one)
	setBulk(cache.SnapshotGens(pair), pair...)
	entries.full.Store(false)

	// An invalidation that fails, and recovers by itself.
	set(four)
	gens.failBump.Store(true)
	entries.failDel.Store(true)
	_ = cache.Invalidate(ctx, four)
	get(four)
	entries.failDel.Store(false)
	gens.failBump.Store(false)
	select {
	case <-recovered:
	case <-time.After(10 * time.Second):
		return errors.New("a failed invalidation is retried until it succeeds: it was not in 10 s")
	}

	// A write that takes longer than its lease.
	_ = cache.Mutate(ctx, pair, func(context.Context) error { time.Sleep(30 * time.Millisecond); return nil })

	// Loads that succeed, find nothing, fail, and cannot be stored.
	loader, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		AbsentTTL: time.Minute,
		LoadBulk: func(_ context.Context, keys []string) (map[string]string, error) {
			switch keys[0] {
			case key(6):
				return nil, nil
			case key(7):
				return nil, errBroken
			case key(8):
				entries.failSet.Store(true)
			}
			return map[string]string{keys[0]: "loaded"}, nil
		},
	})
	if err != nil {
		return err
	}
	for n := 5; n <= 8; n++ {
		_, _ = loader.Get(ctx, key(n))
	}
	entries.failSet.Store(false)
	get(key(6))

	// A near tier that panics.
	near, err := cascache.New(cascache.Options[string]{Namespace: "near", Near: brokenNear{}, Hooks: hooks})
	if err != nil {
		return err
	}
	defer near.Close(ctx)
	_, _, _ = near.Get(ctx, one)
	_ = near.SetWithGen(ctx, one, "value", near.SnapshotGen(one), time.Minute)
	_ = near.Invalidate(ctx, one)

	// Local generations in front of a provider that others use.
	others := newProvider()
	others.shared = true
	shared, err := cascache.New(cascache.Options[string]{Namespace: "shared", Provider: others, Codec: cascache.String{}, Hooks: hooks})
	if err != nil {
		return err
	}
	return shared.Close(ctx)
}
