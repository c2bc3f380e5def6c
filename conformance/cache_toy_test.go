package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/wire"
)

// toy is a small cache that keeps the promise, but for its faults.
type toy struct {
	opts   cascache.Options[string]
	prefix string
	faults toyFaults

	mu      sync.Mutex // guards what follows
	suspect map[string]bool
	near    map[string]string // what was read, for toyFaults.nearUnchecked
	known   map[string]uint64 // generations read last, for those that trust it
	absent  map[string]uint64 // under which generation the source has no such key
	flights map[string]*toyFlight
}

type toyFlight struct {
	done  chan struct{}
	value string
	err   error
}

// toyFaults are what an author in a hurry gets wrong.
type toyFaults struct {
	servesAll       bool // a read does not compare
	servesBlind     bool // a read whose generation cannot be read is served
	healsBlind      bool // and deleted
	trustsMemory    bool // it is judged by the generation that was read before
	noHealing       bool // what is stale stays
	stampsCurrent   bool // a fill carries the generation that is current, not the one observed
	stampsLate      bool // as stampsCurrent, after a compare
	comparesMemory  bool // a fill compares with what this replica has seen last, and carries what is current
	takesZero       bool // a fill without a snapshot is stored
	storesNothing   bool // fills are refused, all of them
	onlyDeletes     bool // an invalidation is a delete
	hidesBumpErrors bool // an invalidation whose bump fails is done if its delete is
	forgetsFailures bool // a failed invalidation makes nothing suspect
	nearUnchecked   bool // what was served is kept in memory, and served
	errorsOnGarbage bool // what cannot be decoded is an error

	bulkFirstOnly     bool // a bulk read checks its first member
	bulkStampsCurrent bool // a bulk fill carries the generations that are current
	bulkTakesZero     bool // members of a bulk need no snapshot
	bulkNeverHits     bool // bulk entries are not found
	bulkSortsMissing  bool // the missing keys come sorted
	bulkOneBump       bool // InvalidateBulk bumps its first key

	mutateWithoutHold  bool // Mutate writes, and then invalidates
	mutateNeverFrees   bool // Mutate does not release its hold
	mutateWithoutBump  bool // Mutate writes under a hold, and puts the generation back
	failedMutateIsOver bool // a write of unknown outcome is taken for none

	joinsByKey      bool // a load is shared by its key alone
	believesAbsence bool // what the source has not, it never has
}

func openToy(opts cascache.Options[string], f toyFaults) *toy {
	return &toy{
		opts: opts, faults: f, prefix: "single:" + opts.Namespace + ":",
		suspect: make(map[string]bool), near: make(map[string]string), known: make(map[string]uint64), flights: make(map[string]*toyFlight), absent: make(map[string]uint64),
	}
}

func (t *toy) Enabled() bool { return true }

func (t *toy) Close(ctx context.Context) error {
	return errors.Join(t.opts.Provider.Close(ctx), t.opts.GenStore.Close(ctx))
}

func (t *toy) isSuspect(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.suspect[key]
}

// proved reports whether an entry may be served, and whether it is stale.
func (t *toy) proved(ctx context.Context, key string, gen uint64) (ok, stale bool) {
	current, err := t.opts.GenStore.Current(ctx, t.prefix+key)
	t.mu.Lock()
	if err == nil {
		t.known[key] = current
	} else if t.faults.trustsMemory {
		current, err = t.known[key], nil
	}
	t.mu.Unlock()
	switch {
	case t.faults.servesAll:
		return true, false
	case err != nil:
		return t.faults.servesBlind, t.faults.healsBlind
	case current == 0:
		return false, false
	}
	return gen == current, gen != current
}

func (t *toy) Get(ctx context.Context, key string) (string, bool, error) {
	if t.faults.nearUnchecked {
		t.mu.Lock()
		value, ok := t.near[key]
		t.mu.Unlock()
		if ok {
			return value, true, nil
		}
	}
	value, ok, err := t.read(ctx, key)
	if ok && t.faults.nearUnchecked {
		t.mu.Lock()
		t.near[key] = value
		t.mu.Unlock()
	}
	return value, ok, err
}

func (t *toy) read(ctx context.Context, key string) (string, bool, error) {
	raw, found, err := t.opts.Provider.Get(ctx, t.prefix+key)
	if !found || err != nil {
		return "", false, err
	}
	gen, payload, err := wire.DecodeSingle(raw)
	if err != nil {
		if t.faults.errorsOnGarbage {
			return "", false, err
		}
		_ = t.opts.Provider.Del(ctx, t.prefix+key)
		return "", false, nil
	}
	if t.isSuspect(key) {
		return "", false, nil
	}
	ok, isStale := t.proved(ctx, key, gen)
	if ok {
		return string(payload), true, nil
	}
	if isStale && !t.faults.noHealing {
		_ = t.opts.Provider.Del(ctx, t.prefix+key)
	}
	return "", false, nil
}

// see remembers the generation that this replica has seen last.
func (t *toy) see(key string, gen uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[key] = gen
}

func (t *toy) seen(key string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[key]
}

// stamp returns the generation that a fill may carry, or 0.
func (t *toy) stamp(ctx context.Context, key string, observed uint64, stampsCurrent, takesZero bool) uint64 {
	current, err := t.opts.GenStore.Current(ctx, t.prefix+key)
	switch {
	case err != nil || current == 0 || t.faults.storesNothing || t.isSuspect(key):
		return 0
	case observed == 0 && takesZero:
		return current
	case stampsCurrent && observed != 0, t.faults.comparesMemory && observed != 0 && t.seen(key) == observed:
		return current
	case current != observed:
		return 0
	}
	if t.faults.stampsLate {
		pause()
		current, _ = t.opts.GenStore.Current(ctx, t.prefix+key)
	}
	return current
}

func (t *toy) SetWithGen(ctx context.Context, key, value string, observed uint64, ttl time.Duration) error {
	gen := t.stamp(ctx, key, observed, t.faults.stampsCurrent, t.faults.takesZero)
	if gen == 0 {
		return nil
	}
	frame, err := wire.EncodeSingle(gen, []byte(value))
	if err != nil {
		return err
	}
	_, err = t.opts.Provider.Set(ctx, t.prefix+key, frame, int64(len(frame)), ttl)
	return err
}

func (t *toy) Invalidate(ctx context.Context, key string) error {
	var bumpErr error
	if !t.faults.onlyDeletes {
		var gen uint64
		gen, bumpErr = t.opts.GenStore.Bump(ctx, t.prefix+key)
		t.see(key, gen)
	}
	return t.invalidated(ctx, key, bumpErr)
}

// invalidated finishes an invalidation.
func (t *toy) invalidated(ctx context.Context, key string, bumpErr error) error {
	t.mu.Lock()
	delete(t.near, key)
	t.suspect[key] = bumpErr != nil && !t.faults.forgetsFailures
	t.mu.Unlock()
	delErr := t.opts.Provider.Del(ctx, t.prefix+key)
	if t.faults.hidesBumpErrors {
		return nil
	}
	if bumpErr != nil {
		return &cascache.InvalidateError{Key: key, BumpErr: bumpErr, DelErr: delErr}
	}
	return nil
}

func (t *toy) InvalidateBulk(ctx context.Context, keys []string) error {
	var errs []error
	for i, key := range keys {
		if i > 0 && t.faults.bulkOneBump {
			_ = t.opts.Provider.Del(ctx, t.prefix+key)
			continue
		}
		errs = append(errs, t.Invalidate(ctx, key))
	}
	return errors.Join(errs...)
}

func (t *toy) bulkKey(keys []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", keys))
	return "bulk:" + t.opts.Namespace + ":" + hex.EncodeToString(sum[:16])
}

func (t *toy) fromBulk(ctx context.Context, sorted []string) map[string]string {
	raw, found, err := t.opts.Provider.Get(ctx, t.bulkKey(sorted))
	if !found || err != nil || t.faults.bulkNeverHits {
		return nil
	}
	items, err := wire.DecodeBulk(raw)
	if err != nil {
		return nil
	}
	values := make(map[string]string, len(items))
	for i, item := range items {
		if i > 0 && t.faults.bulkFirstOnly {
			values[item.Key] = string(item.Payload)
			continue
		}
		if ok, _ := t.proved(ctx, item.Key, item.Gen); !ok || t.isSuspect(item.Key) {
			return nil
		}
		values[item.Key] = string(item.Payload)
	}
	return values
}

func (t *toy) GetBulk(ctx context.Context, keys []string) (map[string]string, []string, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(keys)))
	if len(sorted) == 0 {
		return nil, nil, nil
	}
	if values := t.fromBulk(ctx, sorted); len(values) == len(sorted) {
		return values, nil, nil
	}
	values := make(map[string]string)
	var missing []string
	for _, key := range keys {
		value, ok, err := t.Get(ctx, key)
		if err != nil {
			return values, missing, err
		}
		if ok && !t.faults.bulkNeverHits {
			values[key] = value
		} else if !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	if t.faults.bulkSortsMissing {
		slices.Sort(missing)
	}
	return values, missing, nil
}

func (t *toy) SetBulkWithGens(ctx context.Context, items map[string]string, observed map[string]uint64, ttl time.Duration) error {
	keys := slices.Sorted(maps.Keys(items))
	var members []wire.BulkItem
	for _, key := range keys {
		gen := t.stamp(ctx, key, observed[key], t.faults.bulkStampsCurrent, t.faults.bulkTakesZero)
		if gen == 0 {
			continue
		}
		members = append(members, wire.BulkItem{Key: key, Gen: gen, Payload: []byte(items[key])})
		frame, err := wire.EncodeSingle(gen, []byte(items[key]))
		if err != nil {
			return err
		}
		if _, err := t.opts.Provider.Set(ctx, t.prefix+key, frame, 1, ttl); err != nil {
			return err
		}
	}
	if len(members) < len(keys) {
		return nil
	}
	frame, err := wire.EncodeBulk(members)
	if err != nil {
		return err
	}
	_, err = t.opts.Provider.Set(ctx, t.bulkKey(keys), frame, 1, ttl)
	return err
}

func (t *toy) SnapshotGen(key string) uint64 {
	gen, err := t.opts.GenStore.Snapshot(context.Background(), t.prefix+key)
	if err != nil {
		return 0
	}
	t.see(key, gen)
	return gen
}

func (t *toy) SnapshotGens(keys []string) map[string]uint64 {
	observed := make(map[string]uint64)
	for _, key := range keys {
		observed[key] = t.SnapshotGen(key)
	}
	return observed
}

func (t *toy) Mutate(ctx context.Context, keys []string, write func(context.Context) error) error {
	if t.faults.mutateWithoutHold {
		if err := write(ctx); err != nil {
			return err
		}
		return t.InvalidateBulk(ctx, keys)
	}
	holder, ok := cascache.AbilityOf[cascache.Holder](t.opts.GenStore)
	if !ok {
		return cascache.ErrHoldUnsupported
	}
	entries := make([]string, len(keys))
	for i, key := range keys {
		entries[i] = t.prefix + key
	}
	var state *genState
	before := make(map[string]uint64)
	if t.faults.mutateWithoutBump {
		state = innermost(t.opts.GenStore).genState
		state.mu.Lock()
		for _, entry := range entries {
			before[entry] = state.gens[entry]
		}
		state.mu.Unlock()
	}
	if err := holder.Hold(ctx, entries, "toy", time.Hour); err != nil {
		return err
	}
	if err := write(ctx); err != nil {
		if t.faults.failedMutateIsOver {
			_ = holder.Release(ctx, entries, "toy")
		}
		return err
	}
	if state != nil {
		state.mu.Lock()
		defer state.mu.Unlock()
		for _, entry := range entries {
			delete(state.holds, entry)
			state.gens[entry] = before[entry]
		}
		return nil
	}
	if t.faults.mutateNeverFrees {
		return nil
	}
	err := holder.Release(ctx, entries, "toy")
	var errs []error
	for _, key := range keys {
		errs = append(errs, t.invalidated(ctx, key, err))
	}
	return errors.Join(errs...)
}

// innermost returns the plain store under all wrappers.
func innermost(s any) *plainGens {
	chain, _ := unwrapAll(s)
	return plainGensOf(chain[len(chain)-1])
}

// get reads through the cache. Loads are shared by key and generation.
func (t *toy) get(ctx context.Context, key string, load func(context.Context, string) (string, error)) (string, error) {
	if value, ok, _ := t.Get(ctx, key); ok {
		return value, nil
	}
	observed := t.SnapshotGen(key)
	t.mu.Lock()
	gen, known := t.absent[key]
	t.mu.Unlock()
	if known && (gen == observed && gen != 0 || t.faults.believesAbsence) {
		return "", cascache.ErrNotFound
	}
	name := fmt.Sprint(observed, " ", key)
	if t.faults.joinsByKey {
		name = key
	}
	t.mu.Lock()
	f, joined := t.flights[name]
	if !joined {
		f = &toyFlight{done: make(chan struct{})}
		t.flights[name] = f
	}
	t.mu.Unlock()
	if joined {
		<-f.done
		return f.value, f.err
	}
	f.value, f.err = load(ctx, key)
	if f.err == nil {
		_ = t.SetWithGen(ctx, key, f.value, observed, time.Hour)
	}
	t.mu.Lock()
	if errors.Is(f.err, cascache.ErrNotFound) {
		t.absent[key] = observed
	}
	delete(t.flights, name)
	t.mu.Unlock()
	close(f.done)
	return f.value, f.err
}

// plainCacheHarness puts caches together from what is right.
func plainCacheHarness() CacheHarness {
	return CacheHarness{
		New: func(_ testing.TB, n int) []cascache.Options[string] {
			values, generations := newPlain(), newPlainGens()
			all := make([]cascache.Options[string], n)
			for i := range all {
				all[i] = cascache.Options[string]{
					Namespace: "suite",
					Provider:  bulked{&plain{storage: values.storage}},
					Codec:     cascache.String{},
					GenStore:  ableGens{&plainGens{genState: generations.genState, ordinal: i}},
				}
			}
			return all
		},
		Losses:   plainGenHarness(openAbleGens).Losses,
		Seed:     1,
		Deadline: 20 * time.Second,
	}
}

// toyHarness puts toys together from what is right.
func toyHarness(f toyFaults) CacheHarness {
	h := plainCacheHarness()
	h.Open = func(_ testing.TB, opts cascache.Options[string]) cascache.CAS[string] { return openToy(opts, f) }
	h.Loader = func(_ testing.TB, cache cascache.CAS[string], load func(context.Context, string) (string, error)) func(context.Context, string) (string, error) {
		return func(ctx context.Context, key string) (string, error) { return cache.(*toy).get(ctx, key, load) }
	}
	return h
}

// over replaces the generation store of every replica by one with a fault.
func over(open func(*plainGens) cascache.GenStore) func(*CacheHarness) {
	return func(h *CacheHarness) {
		right := h.New
		h.New = func(tb testing.TB, n int) []cascache.Options[string] {
			all := right(tb, n)
			for i := range all {
				all[i].GenStore = open(plainGensOf(all[i].GenStore))
			}
			return all
		}
		if strings.Contains(h.Lacks[Losing], "all") {
			h.Losses = nil
		}
	}
}
