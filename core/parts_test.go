package cascache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// perKey is how long the stores of these tests take for each key: a bulk of
// 100,000 keys takes far longer than DefaultGenTimeout.
const perKey = 5 * time.Microsecond

// manyKeys returns n keys.
func manyKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key%06d", i)
	}
	return keys
}

// largest notes the most keys that a call was for.
type largest struct {
	mu   sync.Mutex
	keys map[string]int // by call
}

func (l *largest) call(name string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = make(map[string]int)
	}
	l.keys[name] = max(l.keys[name], n)
}

// A timedStore takes its time for each key of a call.
type timedStore struct {
	bulkStore
	*largest
}

func (s timedStore) take(name string, n int) {
	s.call(name, n)
	time.Sleep(time.Duration(n) * perKey)
}

func (s timedStore) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.take("current", len(keys))
	return s.bulkStore.CurrentBulk(ctx, keys)
}

func (s timedStore) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return s.local.Current(ctx, key)
}

func (s timedStore) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.take("commit", len(keys))
	return s.bulkStore.CurrentBulk(ctx, keys)
}

func (s timedStore) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.take("snapshot", len(keys))
	return s.bulkStore.SnapshotBulk(ctx, keys)
}

func (s timedStore) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	s.take("bump", len(keys))
	return s.bulkStore.BumpBulk(ctx, keys)
}

func (s timedStore) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	s.take("hold", len(keys))
	return s.local.Hold(ctx, keys, token, lease)
}

func (s timedStore) Release(ctx context.Context, keys []string, token string) error {
	s.take("release", len(keys))
	return s.local.Release(ctx, keys, token)
}

// A timedProvider notes how many keys a call is for.
type timedProvider struct {
	bulkProvider
	*largest
}

func (p timedProvider) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	p.call("get", len(keys))
	return p.bulkProvider.GetBulk(ctx, keys)
}

func (p timedProvider) SetBulk(ctx context.Context, items []Item) ([]bool, error) {
	p.call("set", len(items))
	return p.bulkProvider.SetBulk(ctx, items)
}

func (p timedProvider) DelBulk(ctx context.Context, keys []string) error {
	p.call("del", len(keys))
	return p.bulkProvider.DelBulk(ctx, keys)
}

// A timedBackend is both in one.
type timedBackend struct {
	timedStore
	timedProvider
	joined joined
}

func newTimedBackend(store timedStore, provider timedProvider) timedBackend {
	return timedBackend{store, provider, joined{provider.mapProvider, store.stubStore}}
}

func (b timedBackend) Close(ctx context.Context) error {
	return errors.Join(b.timedProvider.Close(ctx), b.timedStore.Close(ctx))
}

func (b timedBackend) GetWithGen(ctx context.Context, key string, create bool) ([]byte, uint64, error, error) {
	return b.joined.GetWithGen(ctx, key, create)
}

func (b timedBackend) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (BulkReading, error) {
	b.take("pairs", len(keys))
	return b.joined.GetBulkWithGens(ctx, bulk, keys, wanted)
}

func (b timedBackend) SetIfGen(ctx context.Context, item Item, gen uint64) (uint64, bool, error) {
	return b.joined.SetIfGen(ctx, item, gen)
}

func (b timedBackend) SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) ([]uint64, []bool, error) {
	b.take("set if", len(gens))
	return b.joined.SetBulkIfGens(ctx, items, gens)
}

func (b timedBackend) BumpAndDel(ctx context.Context, keys []string) ([]uint64, error, error) {
	b.take("bump and del", len(keys))
	return b.joined.BumpAndDel(ctx, keys)
}

func (b timedBackend) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	b.take("del equal", len(keys))
	return b.joined.DelEqual(ctx, keys, values)
}

var _ Combined = timedBackend{}

// onBothPorts runs f over stores that take their time, apart and together.
func onBothPorts(t *testing.T, f func(t *testing.T, h *Handle[string], store timedStore, provider timedProvider, log *eventLog)) {
	t.Helper()
	for _, name := range []string{"apart", "together"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sizes := &largest{}
				store, provider := timedStore{bulkStore{newStubStore()}, sizes}, timedProvider{newBulkProvider(), sizes}
				log := &eventLog{}
				opts := Options[string]{Namespace: "n", Provider: provider, GenStore: store, Codec: String{}, Hooks: log.hooks()}
				if name == "together" {
					both := newTimedBackend(store, provider)
					opts.Provider, opts.GenStore = both, both
				}
				h, err := New(opts)
				if err != nil {
					t.Fatal(err)
				}
				f(t, h, store, provider, log)
				_ = h.Close(context.Background())
				synctest.Wait()
			})
		})
	}
}

// A bulk that is too large for one time limit goes in parts, and all of it is
// cached, held and invalidated.
func TestABulkOfAnySize(t *testing.T) {
	onBothPorts(t, func(t *testing.T, h *Handle[string], store timedStore, provider timedProvider, log *eventLog) {
		ctx := t.Context()
		const n = 100_000
		keys := manyKeys(n)
		loads := 0
		l, err := NewLoader(h, LoaderOptions[string]{LoadMany: func(_ context.Context, keys []string) (map[string]string, error) {
			loads++
			values := make(map[string]string, len(keys))
			for _, key := range keys {
				values[key] = key
			}
			return values, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if values, err := l.GetMany(ctx, keys); len(values) != n || err != nil {
				t.Fatalf("a bulk of any size is loaded: got %d values, %v", len(values), err)
			}
		}
		if loads != 1 {
			t.Errorf("a bulk of any size is cached: got %d loads, want 1", loads)
		}
		if _, missing, err := h.GetBulk(ctx, keys[1:]); len(missing) != 0 || err != nil {
			t.Errorf("singles of a bulk of any size are cached: got %d missing, %v", len(missing), err)
		}
		if err := h.InvalidateBulk(ctx, keys[1:]); err != nil {
			t.Errorf("a bulk of any size is invalidated: got %v", err)
		}
		err = h.Mutate(ctx, keys, func(ctx context.Context) error {
			if gens, err := h.SnapshotGensContext(ctx, keys); gens[keys[0]] != 0 || gens[keys[n-1]] != 0 || err != nil {
				t.Errorf("all keys are held: got %d, %d, %v", gens[keys[0]], gens[keys[n-1]], err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("a bulk of any size is held and released: got %v", err)
		}
		if values, _, err := h.GetBulk(ctx, keys); len(values) != 0 || err != nil {
			t.Errorf("nothing is served after an invalidation: got %d values, %v", len(values), err)
		}
		for call, most := range store.keys {
			if most > partSize {
				t.Errorf("one call is for at most %d keys: %s was for %d", partSize, call, most)
			}
		}
		if failed := eventsOf[GenStoreErrorEvent](log); len(failed) > 0 {
			t.Errorf("each part has a time limit of its own: got %+v", failed[0])
		}
	})
}

// A part that fails in time keeps no other from being read; one that lets the time
// run out is not followed by another one.
func TestPartsThatFail(t *testing.T) {
	keys := manyKeys(3 * partSize)
	t.Run("in time", func(t *testing.T) {
		onBothPorts(t, func(t *testing.T, h *Handle[string], store timedStore, _ timedProvider, log *eventLog) {
			items := make(map[string]string)
			for _, key := range keys {
				items[key] = "v"
			}
			fillBulk(t, h, items)
			bad := h.keys.entry(keys[partSize])
			store.replace(GenCurrent, func(ctx context.Context, entry string) (uint64, error) {
				if entry == bad {
					return 0, errBroken
				}
				return store.local.Current(ctx, entry)
			})
			log.reset()
			values, missing, err := h.GetBulk(t.Context(), keys)
			if len(values) != len(keys)-1 || len(missing) != 1 || err != nil {
				t.Errorf("what arrived is kept: got %d values, %d missing, %v", len(values), len(missing), err)
			}
			if got := eventsOf[GenStoreErrorEvent](log); len(got) != 1 {
				t.Errorf("a bulk whose look-up failed is told once: got %d events", len(got))
			}
		})
	})
	t.Run("late", func(t *testing.T) {
		onBothPorts(t, func(t *testing.T, h *Handle[string], store timedStore, _ timedProvider, _ *eventLog) {
			defer store.hang(GenCurrent, GenSnapshot, GenBump)()
			at := time.Now()
			if values, missing, err := h.GetBulk(t.Context(), keys); len(values) != 0 || len(missing) != len(keys) || err != nil {
				t.Errorf("G2: generations that are late are none: got %d values, %d missing, %v", len(values), len(missing), err)
			}
			if took := time.Since(at); took > DefaultGenTimeout {
				t.Errorf("a store that hangs is not waited for part by part: a read took %v", took)
			}
			at = time.Now()
			var failed *InvalidateBulkError
			if err := h.InvalidateBulk(t.Context(), keys); !errors.As(err, &failed) || len(failed.Keys) != len(keys) {
				t.Errorf("G4: bumps that are not known done are an error: got %v", err)
			}
			if took := time.Since(at); took > DefaultBumpTimeout {
				t.Errorf("a store that hangs is not waited for part by part: an invalidation took %v", took)
			}
		})
	})
}

// A bulk entry is written only if no member has moved, in whichever part.
func TestABulkEntryOfManyParts(t *testing.T) {
	for _, moved := range []int{-1, 0, partSize, 2*partSize + 1} {
		onBothPorts(t, func(t *testing.T, h *Handle[string], store timedStore, provider timedProvider, log *eventLog) {
			keys := manyKeys(2*partSize + 2)
			items := make(map[string]string)
			for _, key := range keys {
				items[key] = "v"
			}
			gens := h.SnapshotGens(keys)
			if moved >= 0 {
				bump(t, store.local, h.keys.entry(keys[moved]))
			}
			log.reset()
			if err := h.SetBulkWithGens(t.Context(), items, gens, 0); err != nil {
				t.Fatal(err)
			}
			_, written := provider.entry(h.keys.bulkEntry(keys))
			if written != (moved < 0) {
				t.Errorf("a bulk is written only if every member is unchanged: key %d has moved, the bulk is there: %v", moved, written)
			}
			want := len(keys)
			if moved < 0 {
				want++
			} else {
				want--
			}
			if got := provider.len(); got != want {
				t.Errorf("singles are stored for the unchanged members: key %d has moved: got %d entries, want %d", moved, got, want)
			}
			if got := len(eventsOf[SetSkippedEvent](log)); got != max(0, min(1, moved+1)) {
				t.Errorf("a member that is skipped is told: got %d events", got)
			}
		})
	}
}

// lateBackend stores what it is given, and answers too late.
type lateBackend struct {
	timedBackend
	late *bool
}

func (b lateBackend) SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) ([]uint64, []bool, error) {
	current, stored, err := b.timedBackend.SetBulkIfGens(ctx, items, gens)
	if *b.late {
		time.Sleep(time.Second)
	}
	return current, stored, err
}

func (b lateBackend) SetIfGen(ctx context.Context, item Item, gen uint64) (uint64, bool, error) {
	current, stored, err := b.timedBackend.SetIfGen(ctx, item, gen)
	if *b.late {
		time.Sleep(time.Second)
	}
	return current, stored, err
}

// What was not answered in time is not known to be stored, nor to be skipped.
func TestWhatMayBeStoredIsNotSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sizes := &largest{}
		both := lateBackend{newTimedBackend(timedStore{bulkStore{newStubStore()}, sizes}, timedProvider{newBulkProvider(), sizes}), new(bool)}
		log := &eventLog{}
		h := open(t, Options[string]{Namespace: "n", Provider: both, GenStore: both, Codec: String{}, Hooks: log.hooks()})
		keys := manyKeys(2 * partSize)
		items := make(map[string]string)
		for _, key := range keys {
			items[key] = "v"
		}
		gens := h.SnapshotGens(keys)
		*both.late = true
		log.reset()
		if err := h.SetBulkWithGens(t.Context(), items, gens, 0); err != nil {
			t.Errorf("G2: a fill that was not answered in time is no error: got %v", err)
		}
		if err := h.SetWithGen(t.Context(), keys[0], "v", gens[keys[0]], 0); err != nil {
			t.Errorf("G2: a fill that was not answered in time is no error: got %v", err)
		}
		for _, e := range eventsOf[SetSkippedEvent](log) {
			if _, stored := both.timedProvider.entry(h.keys.entry(e.Key)); stored {
				t.Fatalf("only what is not stored is told as skipped: got %+v", e)
			}
		}
		if got := eventsOf[GenStoreErrorEvent](log); len(got) != 2 || !errors.Is(got[0].Err, context.DeadlineExceeded) {
			t.Errorf("that the store did not answer in time is told once a call: got %d events", len(got))
		}
		if got := eventsOf[BulkRejectedEvent](log); len(got) != 1 || got[0].Reason != ReasonGenError {
			t.Errorf("a bulk that is not written is told with the reason: got %d events", len(got))
		}
		time.Sleep(time.Minute)
	})
}

// failingHolder fails the hold of one key.
type failingHolder struct {
	timedStore
	bad string
}

func (s failingHolder) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	for _, key := range keys {
		if key == s.bad {
			return errBroken
		}
	}
	return s.timedStore.Hold(ctx, keys, token, lease)
}

func TestAHoldThatFailsMidwayLeavesNothingHeld(t *testing.T) {
	store := failingHolder{timedStore{bulkStore{newStubStore()}, &largest{}}, "single:n:key001500"}
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), GenStore: store, Codec: String{}})
	keys := manyKeys(3 * partSize)
	err := h.Mutate(t.Context(), keys, func(context.Context) error {
		t.Error("without a hold, nothing is written")
		return nil
	})
	if !errors.Is(err, errBroken) {
		t.Errorf("a hold that fails is an error: got %v", err)
	}
	for key, gen := range h.SnapshotGens(keys) {
		if gen == 0 {
			t.Fatalf("a hold that fails midway leaves nothing held: %s is", key)
		}
	}
}

// A release that fails in part leaves the keys of that part suspect, and no others.
type failingRelease struct{ failingHolder }

func (s failingRelease) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	return s.timedStore.Hold(ctx, keys, token, lease)
}

func (s failingRelease) Release(ctx context.Context, keys []string, token string) error {
	for _, key := range keys {
		if key == s.bad {
			return errBroken
		}
	}
	return s.timedStore.Release(ctx, keys, token)
}

func TestAReleaseThatFailsInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := failingRelease{failingHolder{timedStore{bulkStore{newStubStore()}, &largest{}}, "single:n:key001500"}}
		h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), GenStore: store, Codec: String{}})
		keys := manyKeys(3 * partSize)
		err := h.Mutate(t.Context(), keys, func(context.Context) error { return nil })
		var failed *InvalidateBulkError
		if !errors.As(err, &failed) || len(failed.Keys) != partSize || failed.Keys[0] != keys[partSize] {
			t.Fatalf("the keys that were not released are told: got %v", err)
		}
		if _, err := h.SnapshotGenContext(t.Context(), keys[partSize]); !errors.Is(err, ErrSuspect) {
			t.Errorf("a key that was not released is suspect: got %v", err)
		}
		if gen, err := h.SnapshotGenContext(t.Context(), keys[0]); gen == 0 || err != nil {
			t.Errorf("a key that was released is not suspect: got %d, %v", gen, err)
		}
	})
}

// One failed bulk is one error, which counts and names a few.
func TestAFailedBulkIsOneError(t *testing.T) {
	const n = 10_000
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOne(t)
				r.store.fail(GenBump, errBroken)
				keys := manyKeys(n)
				err := r.InvalidateBulk(t.Context(), append([]string{strings.Repeat("k", maxStorageKey)}, keys...))
				var all *InvalidateBulkError
				var one *InvalidateError
				if !errors.As(err, &all) || !errors.As(err, &one) || !errors.Is(err, errBroken) || !errors.Is(err, ErrInvalidKey) {
					t.Fatalf("the error tells which kinds of failure there were: got %.200v", err)
				}
				if len(all.Keys) != n || all.Keys[n-1] != keys[n-1] {
					t.Errorf("the error lists the keys that failed: got %d, want %d", len(all.Keys), n)
				}
				wantShort(t, "InvalidateBulk", err)
				if got := len(r.log.all()); got > few+1 {
					t.Errorf("a bulk that failed is a few events: got %d", got)
				}
				told := 0
				for _, e := range eventsOf[InvalidateFailedEvent](r.log) {
					told += 1 + e.More
				}
				if told != n {
					t.Errorf("the events tell how many keys are suspect: got %d, want %d", told, n)
				}
				wantShort(t, "what recovery returns", r.recovery.attempt(t.Context()))
				r.store.fail(GenBump, nil)

				r.store.fail(GenCurrent, errBroken)
				r.store.fail(GenSnapshot, errBroken)
				_, err = r.SnapshotGensContext(t.Context(), manyKeys(n + 1)[n:])
				wantShort(t, "SnapshotGens", err)
				_, err = r.gens.currentBulk(t.Context(), keys)
				wantShort(t, "generations", err)
				r.provider.getErr, r.provider.delErr = errBroken, errBroken
				_, _, err = r.GetBulk(t.Context(), keys)
				wantShort(t, "GetBulk", err)
				wantShort(t, "deletes", r.values.delBulk(t.Context(), keys))
			})
		})
	}
	r := newRig(t, func(o *Options[string]) {
		o.Codec = &scriptedCodec{encode: func(string) ([]byte, error) { return nil, errRefused }}
	})
	items := make(map[string]string)
	for _, key := range manyKeys(n) {
		items[key] = "v"
	}
	err := r.SetBulkWithGens(t.Context(), items, r.SnapshotGens(manyKeys(n)), 0)
	if !errors.Is(err, errRefused) {
		t.Errorf("encoding errors are returned: got %v", err)
	}
	wantShort(t, "SetBulkWithGens", err)
}

func wantShort(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || len(err.Error()) > 2000+maxStorageKey/100 {
		t.Errorf("one failed bulk is one error that counts and names a few: %s: got %d bytes, %.300v", what, len(fmt.Sprint(err)), err)
	}
}

// A store without bulk calls is asked key by key, and each look-up has a time
// limit of its own: a thousand that take a millisecond each fit in none.
func TestABulkOverAStoreWithoutBulkCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		items := make(map[string]string, n)
		keys := make([]string, n)
		for i := range keys {
			keys[i] = strconv.Itoa(i)
			items[keys[i]] = "v"
		}
		r := newRig(t)
		slow := func(call genCall) genCall {
			return func(ctx context.Context, key string) (uint64, error) {
				time.Sleep(time.Millisecond)
				return call(ctx, key)
			}
		}
		r.store.replace(GenCurrent, slow(r.store.local.Current))
		r.store.replace(GenSnapshot, slow(r.store.local.Snapshot))
		r.store.replace(GenBump, slow(r.store.local.Bump))
		fillBulk(t, r.Handle, items)
		if values, missing, err := r.GetBulk(t.Context(), keys); len(values) != n || len(missing) != 0 || err != nil {
			t.Errorf("each look-up is bounded by itself: got %d of %d values, %d missing, %v", len(values), n, len(missing), err)
		}
		if err := r.InvalidateBulk(t.Context(), keys); err != nil {
			t.Errorf("each bump is bounded by itself: got %v", err)
		}
		// One that never answers ends the call, and does not cost its limit for
		// each key that is left.
		release := r.store.hang(GenCurrent)
		start := time.Now()
		_, _, err := r.GetBulk(t.Context(), keys)
		if took := time.Since(start); took > 2*DefaultGenTimeout || err != nil {
			t.Errorf("a store that does not answer is waited for once: it took %v, %v", took, err)
		}
		release()
	})
}
