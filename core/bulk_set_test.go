package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

func TestSetBulkStoresSinglesAndABulk(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		gens := fillBulk(t, r.Handle, ab)
		r.wantEntries(t, "a bulk fill stores a single for each key, and a bulk", "single:n:a", "single:n:b", bulkOfAB)
		e, _ := r.provider.entry(bulkOfAB)
		items, err := wire.DecodeBulk(e.value)
		if err != nil || len(items) != 2 || items[0].Gen != gens["a"] || items[1].Gen != gens["b"] ||
			string(items[0].Payload) != "1" || string(items[1].Payload) != "2" {
			t.Errorf("a bulk holds every value under the generation that was observed: got %+v, %v, want %v", items, err, gens)
		}
		for key, value := range ab {
			e, _ := r.provider.entry("single:n:" + key)
			gen, payload, err := wire.DecodeSingle(e.value)
			if err != nil || gen != gens[key] || string(payload) != value {
				t.Errorf("a single holds its value under the generation that was observed: got %d, %q, %v", gen, payload, err)
			}
		}
		wantHit(t, r.Handle, "singles of a bulk fill serve single reads", "a", "1")
		r.log.want(t, "a fill that is stored is no event", HitEvent{Namespace: "n", Key: "a"})
	})
}

func TestWhatASetBulkCosts(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			r := newOne(t)
			obs := r.SnapshotGens([]string{"a", "b"})
			r.store.traffic()
			if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); err != nil {
				t.Fatal(err)
			}
			want, wantStore := map[string]int{"set": 3}, map[string]int{"current": 2}
			if name == "batch" {
				want, wantStore = map[string]int{"setBulk": 1}, map[string]int{"currentBulk": 1}
			}
			if p, s := r.provider.traffic(), r.store.traffic(); !maps.Equal(p, want) || !maps.Equal(s, wantStore) {
				t.Errorf("one batch compares and one stores, singles and bulk together: got provider %v, store %v, want %v and %v", p, s, want, wantStore)
			}
			if err := r.SetBulkWithGens(t.Context(), nil, nil, 0); err != nil {
				t.Errorf("no items, nothing to do: got %v", err)
			}
			if err := r.SetBulkWithGens(t.Context(), ab, nil, 0); err != nil {
				t.Errorf("no observed generations, nothing to do: got %v", err)
			}
			if p, s := r.provider.traffic(), r.store.traffic(); len(p) != 0 || len(s) != 0 {
				t.Errorf("G2: where nothing may be stored, nobody is asked: got provider %v, store %v", p, s)
			}
		})
	}
}

// One member cannot be stored: no bulk, but singles for all others.
func TestSetBulkInPart(t *testing.T) {
	type gens = map[string]uint64
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, r *rig, obs gens)
		reason Reason
	}{
		"no observed generation": {func(_ *testing.T, _ *rig, obs gens) { delete(obs, "a") }, ReasonNoSnapshot},
		"observed 0":             {func(_ *testing.T, _ *rig, obs gens) { obs["a"] = 0 }, ReasonNoSnapshot},
		"older":                  {func(_ *testing.T, _ *rig, obs gens) { obs["a"]-- }, ReasonStale},
		"newer":                  {func(_ *testing.T, _ *rig, obs gens) { obs["a"]++ }, ReasonStale},
		"invalidated": {func(t *testing.T, r *rig, _ gens) {
			if err := r.Invalidate(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}, ReasonStale},
		"none": {func(_ *testing.T, r *rig, _ gens) { r.only("a", answer(0, nil)) }, ReasonNoGen},
		"none, and nothing observed": {func(_ *testing.T, r *rig, obs gens) {
			obs["a"] = 0
			r.only("a", answer(0, nil))
		}, ReasonNoSnapshot},
		"unreadable": {func(_ *testing.T, r *rig, _ gens) { r.only("a", answer(0, errBroken)) }, ReasonGenError},
	} {
		t.Run(name, func(t *testing.T) {
			onBothRigs(t, func(t *testing.T, r *rig) {
				obs := r.SnapshotGens([]string{"a", "b", "c"})
				c.spoil(t, r, obs)
				r.log.reset()
				if err := r.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "2", "c": "3"}, obs, 0); err != nil {
					t.Errorf("a member that is skipped is no error: got %v", err)
				}
				r.wantEntries(t, "singles are stored for the unchanged members, and a bulk only when there is no other", "single:n:b", "single:n:c")
				if got := eventsOf[SetSkippedEvent](r.log); len(got) != 1 || got[0] != (SetSkippedEvent{Namespace: "n", Key: "a", Reason: c.reason}) {
					t.Errorf("a member that is skipped is told with the reason: got %+v, want %v", got, c.reason)
				}
				got := eventsOf[BulkRejectedEvent](r.log)
				if len(got) != 1 || !got[0].Write || got[0].Reason != c.reason || !slices.Equal(got[0].Keys, []string{"a", "b", "c"}) {
					t.Errorf("a bulk that is not written is told with the reason: got %+v, want %v", got, c.reason)
				}
			})
		})
	}
}

// only replaces the reads of one key's generation.
func (r *rig) only(key string, call genCall) {
	r.store.replace(GenCurrent, func(ctx context.Context, entry string) (uint64, error) {
		if entry == "single:n:"+key {
			return call(ctx, entry)
		}
		return r.store.local.Current(ctx, entry)
	})
}

func TestSetBulkOverAStoreThatFails(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		obs := r.SnapshotGens([]string{"a", "b"})
		r.store.fail(GenCurrent, errBroken)
		if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); err != nil {
			t.Errorf("G2: without generations, fills are skipped without an error: got %v", err)
		}
		r.wantEntries(t, "G2: without generations, nothing is stored")
		if got := eventsOf[GenStoreErrorEvent](r.log); len(got) != 1 || got[0].Keys != 2 || got[0].Op != GenCurrent {
			t.Errorf("a failure of the store is told once: got %+v", got)
		}
	})
}

func TestSetBulkOverAHungStoreIsSkipped(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOne(t)
				obs := r.SnapshotGens([]string{"a", "b"})
				release := r.store.hang(GenCurrent)
				defer release()
				at := time.Now()
				if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); err != nil || time.Since(at) != DefaultGenTimeout {
					t.Errorf("G2: generations that are late are none, and fills skipped: got %v after %v", err, time.Since(at))
				}
				r.wantEntries(t, "G2: without generations, nothing is stored")
			})
		})
	}
}

func TestAMemberThatCannotBeEncoded(t *testing.T) {
	for name, spoil := range map[string]func() ([]byte, error){
		"refused":  func() ([]byte, error) { return nil, errRefused },
		"panicked": func() ([]byte, error) { panic("at the disco") },
	} {
		t.Run(name, func(t *testing.T) {
			onBothRigs(t, func(t *testing.T, r *rig) {
				obs := r.SnapshotGens([]string{"a", "bad", "c"})
				err := r.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "bad": "refuse", "c": "3"}, obs, 0)
				if err == nil || name == "refused" && !errors.Is(err, errRefused) {
					t.Errorf("encoding errors are returned: got %v", err)
				}
				r.wantEntries(t, "one member that cannot be encoded keeps no other from its single", "single:n:a", "single:n:c")
			}, func(o *Options[string]) {
				o.Codec = &scriptedCodec{encode: func(value string) ([]byte, error) {
					if value == "refuse" {
						return spoil()
					}
					return []byte(value), nil
				}}
			})
		})
	}
}

func TestABulkThatTheProviderDeclines(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		obs := r.SnapshotGens([]string{"a", "b"})
		r.provider.decline = true
		if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); err != nil {
			t.Errorf("a provider may decline, which is no error: got %v", err)
		}
		r.log.want(t, "each entry that the provider declined is told",
			SetRejectedEvent{Namespace: "n", StorageKey: "single:n:a", Cost: 19},
			SetRejectedEvent{Namespace: "n", StorageKey: "single:n:b", Cost: 19},
			SetRejectedEvent{Namespace: "n", StorageKey: bulkOfAB, Bulk: true, Cost: 42})
	})
}

func TestSetBulkReturnsTheProvidersError(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		obs := r.SnapshotGens([]string{"a", "b"})
		r.provider.setErr = errBroken
		if err := r.SetBulkWithGens(t.Context(), ab, obs, 0); !errors.Is(err, errBroken) {
			t.Errorf("a failure of the provider comes back: got %v, want %v", err, errBroken)
		}
	})
	r := newRig(t)
	r.provider.keyErrs = map[string]error{"single:n:a": errBroken}
	err := r.SetBulkWithGens(t.Context(), ab, r.SnapshotGens([]string{"a", "b"}), 0)
	if !errors.Is(err, errBroken) {
		t.Errorf("a failure of the provider comes back: got %v, want %v", err, errBroken)
	}
	r.wantEntries(t, "an entry that fails keeps no other from being stored", "single:n:b", bulkOfAB)
}

// rudeSetter answers a SetBulk with another number of outcomes.
type rudeSetter struct{ bulkProvider }

func (rudeSetter) SetBulk(context.Context, []Item) ([]bool, error) { return []bool{true}, nil }

func TestABulkOfOutcomesOfAnotherLength(t *testing.T) {
	h := open(t, Options[string]{Namespace: "n", Codec: String{}, Provider: rudeSetter{newBulkProvider()}})
	if err := h.SetBulkWithGens(t.Context(), ab, h.SnapshotGens([]string{"a", "b"}), 0); err == nil {
		t.Error("an answer that fits no key is an error: got nil")
	}
}

func TestSetBulkOfAnInvalidKeyStoresNothing(t *testing.T) {
	r := newRig(t)
	obs := r.SnapshotGens([]string{"a"})
	if err := r.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "": "2"}, obs, 0); !errors.Is(err, ErrInvalidKey) {
		t.Errorf("an invalid key is refused: got %v, want %v", err, ErrInvalidKey)
	}
	r.wantEntries(t, "a call that is refused stores nothing")
}

func TestSetBulkLeavesTheCallersMapsAlone(t *testing.T) {
	r := newRig(t)
	obs := r.SnapshotGens([]string{"a", "b"})
	items, before := maps.Clone(ab), maps.Clone(obs)
	if err := r.SetBulkWithGens(t.Context(), items, obs, 0); err != nil || !maps.Equal(items, ab) || !maps.Equal(obs, before) {
		t.Errorf("the caller's maps are left alone: got %v, %v, %v", items, obs, err)
	}
}

// endingSetter fails every set and ends the caller's context.
type endingSetter struct {
	*mapProvider
	end context.CancelFunc
}

func (p endingSetter) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	p.end()
	p.setErr = errBroken
	return p.mapProvider.Set(ctx, key, value, cost, ttl)
}

func TestABulkFillStopsWhenItsCallerHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	provider := endingSetter{newMapProvider(), cancel}
	r := newRig(t, func(o *Options[string]) { o.Provider = provider })
	items := map[string]string{"a": "1", "b": "2", "c": "3"}
	gens := r.SnapshotGens([]string{"a", "b", "c"})
	if err := r.SetBulkWithGens(ctx, items, gens, 0); !errors.Is(err, errBroken) {
		t.Errorf("a provider that fails is an error: got %v", err)
	}
	if n := provider.count("set"); n != 1 {
		t.Errorf("nothing more is stored for a caller that has gone: got %d sets, want 1", n)
	}
}
