package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/unkn0wn-root/cascache/wire"
)

var ab = map[string]string{"a": "1", "b": "2"}

// putBulk stores a bulk entry for the keys a and b behind the cache's back.
func (r *rig) putBulk(t testing.TB, items ...wire.BulkItem) {
	t.Helper()
	raw, err := wire.EncodeBulk(items)
	if err != nil {
		t.Fatal(err)
	}
	r.provider.put(bulkOfAB, raw)
}

// dropSingles leaves nothing but bulk entries.
func (r *rig) dropSingles() {
	r.provider.mu.Lock()
	defer r.provider.mu.Unlock()
	maps.DeleteFunc(r.provider.entries, func(entry string, _ mapEntry) bool { return strings.HasPrefix(entry, singlePrefix) })
}

// wantEntries wants exactly these storage keys to be taken.
func (r *rig) wantEntries(t testing.TB, rule string, want ...string) {
	t.Helper()
	r.provider.mu.Lock()
	got := slices.Sorted(maps.Keys(r.provider.entries))
	r.provider.mu.Unlock()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got entries %q, want %q", rule, got, want)
	}
}

func TestGetBulkOrder(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fill(t, r.Handle, "b", "2")
		fill(t, r.Handle, "d", "4")
		wantBulk(t, r.Handle, "missing keys come in the order of the request, each once",
			[]string{"z", "b", "y", "z", "a", "d", "b", "y"}, map[string]string{"b": "2", "d": "4"}, "z", "y", "a")
		for _, keys := range [][]string{nil, {}} {
			values, missing, err := r.GetBulk(t.Context(), keys)
			if values == nil || len(values) != 0 || len(missing) != 0 || err != nil {
				t.Errorf("no keys, nothing missing: got %v, %v, %v", values, missing, err)
			}
		}
		keys := []string{"b", "a", "b"}
		if _, _, err := r.GetBulk(t.Context(), keys); err != nil || !slices.Equal(keys, []string{"b", "a", "b"}) {
			t.Errorf("the caller's slice is left alone: got %q", keys)
		}
	})
}

func TestGetBulkServesTheBulkEntry(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fillBulk(t, r.Handle, ab)
		r.dropSingles()
		for _, keys := range [][]string{{"a", "b"}, {"b", "a"}, {"b", "a", "b"}} {
			wantBulk(t, r.Handle, "a bulk entry serves its set of keys, however it is asked for", keys, ab)
		}
		wantBulk(t, r.Handle, "a bulk entry serves no other set of keys", []string{"a"}, nil, "a")
		wantBulk(t, r.Handle, "a bulk entry serves no other set of keys", []string{"a", "b", "c"}, nil, "a", "b", "c")
	})
}

func TestGetBulkFallsBackToSingles(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fillBulk(t, r.Handle, ab)
		wantBulk(t, r.Handle, "singles serve what no bulk entry is for", []string{"b", "c"}, map[string]string{"b": "2"}, "c")
	})
}

// The number of calls, which are round trips where the backend is remote.
func TestWhatAGetBulkCosts(t *testing.T) {
	type calls = map[string]int
	for name, c := range map[string]struct {
		prepare                   func(t *testing.T, r *rig)
		plain, batch              calls
		plainStore, bulkStoreWant calls
	}{
		"a bulk hit": {
			func(t *testing.T, r *rig) { fillBulk(t, r.Handle, ab) },
			calls{"get": 1}, calls{"get": 1}, calls{"current": 2}, calls{"currentBulk": 1},
		},
		"singles": {
			func(t *testing.T, r *rig) { fill(t, r.Handle, "a", "1"); fill(t, r.Handle, "b", "2") },
			calls{"get": 3}, calls{"get": 1, "getBulk": 1}, calls{"current": 2}, calls{"currentBulk": 1},
		},
		"nothing there": {
			func(*testing.T, *rig) {},
			calls{"get": 3}, calls{"get": 1, "getBulk": 1}, calls{}, calls{},
		},
		"a stale bulk, then singles": {
			func(t *testing.T, r *rig) {
				gens := fillBulk(t, r.Handle, ab)
				r.putBulk(t, wire.BulkItem{Key: "a", Gen: gens["a"] - 1, Payload: []byte("0")}, wire.BulkItem{Key: "b", Gen: gens["b"], Payload: []byte("2")})
			},
			calls{"get": 3, "del": 1}, calls{"get": 1, "getBulk": 1, "delBulk": 1}, calls{"current": 2}, calls{"currentBulk": 1},
		},
		"a corrupt bulk and corrupt singles": {
			func(_ *testing.T, r *rig) {
				for _, entry := range []string{bulkOfAB, "single:n:a", "single:n:b"} {
					r.provider.put(entry, []byte("foreign"))
				}
			},
			calls{"get": 3, "del": 3}, calls{"get": 1, "getBulk": 1, "delBulk": 1}, calls{"current": 2}, calls{"currentBulk": 1},
		},
	} {
		for kind, newOne := range rigs {
			t.Run(name+"/"+kind, func(t *testing.T) {
				r := newOne(t)
				c.prepare(t, r)
				r.provider.traffic()
				r.store.traffic()
				if _, _, err := r.GetBulk(t.Context(), []string{"a", "b"}); err != nil {
					t.Fatal(err)
				}
				want, wantStore := c.plain, c.plainStore
				if kind == "batch" {
					want, wantStore = c.batch, c.bulkStoreWant
				}
				if got := r.provider.traffic(); !maps.Equal(got, want) {
					t.Errorf("at most two round trips to the provider, and one to heal: got %v, want %v", got, want)
				}
				if got := r.store.traffic(); !maps.Equal(got, wantStore) {
					t.Errorf("G3: the generations are read once for all keys, and nothing is written: got %v, want %v", got, wantStore)
				}
			})
		}
	}
}

func TestWithoutBulkEntries(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fillBulk(t, r.Handle, ab)
		r.wantEntries(t, "with DisableBulk, only singles are stored", "single:n:a", "single:n:b")
		r.provider.put(bulkOfAB, []byte("foreign"))
		r.provider.traffic()
		wantBulk(t, r.Handle, "with DisableBulk, singles serve", []string{"b", "a"}, ab)
		if got := r.provider.traffic(); got["get"]+2*got["getBulk"] != 2 {
			t.Errorf("with DisableBulk, no bulk entry is asked for: got %v", got)
		}
		obs := r.SnapshotGens([]string{"a", "b"})
		_ = r.Invalidate(t.Context(), "a")
		r.log.reset()
		_ = r.SetBulkWithGens(t.Context(), ab, obs, 0)
		if got := eventsOf[BulkRejectedEvent](r.log); len(got) != 0 {
			t.Errorf("with DisableBulk, no bulk is rejected: got %v", got)
		}
	}, func(o *Options[string]) { o.DisableBulk = true })
}

// What there is besides the keys asked for is no business of theirs.
func TestExtrasInABulkAreIgnored(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		gens := r.SnapshotGens([]string{"a", "b"})
		r.putBulk(t,
			wire.BulkItem{Key: "a", Gen: gens["a"], Payload: []byte("1")},
			wire.BulkItem{Key: "ab", Gen: 7, Payload: []byte("extra, stale")},
			wire.BulkItem{Key: "b", Gen: gens["b"], Payload: []byte("2")},
			wire.BulkItem{Key: "c", Gen: 0, Payload: nil})
		wantBulk(t, r.Handle, "extras in a bulk entry are ignored", []string{"a", "b"}, ab)
		r.wantEntries(t, "a bulk entry with extras is left", bulkOfAB)
	})
}

// Each way in which a bulk entry cannot be served, and is dropped for it.
func TestABulkThatIsDropped(t *testing.T) {
	item := func(key string, gen uint64, payload string) wire.BulkItem {
		return wire.BulkItem{Key: key, Gen: gen, Payload: []byte(payload)}
	}
	for name, c := range map[string]struct {
		put    func(t *testing.T, r *rig, a, b uint64)
		reason Reason
	}{
		"a member missing": {func(t *testing.T, r *rig, a, _ uint64) { r.putBulk(t, item("a", a, "1")) }, ReasonMemberMissing},
		"another member":   {func(t *testing.T, r *rig, a, b uint64) { r.putBulk(t, item("a", a, "1"), item("c", b, "2")) }, ReasonMemberMissing},
		"no member":        {func(t *testing.T, r *rig, _, _ uint64) { r.putBulk(t) }, ReasonMemberMissing},
		"first stale":      {func(t *testing.T, r *rig, a, b uint64) { r.putBulk(t, item("a", a-1, "1"), item("b", b, "2")) }, ReasonStale},
		"last stale":       {func(t *testing.T, r *rig, a, b uint64) { r.putBulk(t, item("a", a, "1"), item("b", b+1, "2")) }, ReasonStale},
		"generation 0":     {func(t *testing.T, r *rig, a, _ uint64) { r.putBulk(t, item("a", a, "1"), item("b", 0, "2")) }, ReasonStale},
		"foreign":          {func(_ *testing.T, r *rig, _, _ uint64) { r.provider.put(bulkOfAB, []byte("foreign")) }, ReasonCorrupt},
		"empty":            {func(_ *testing.T, r *rig, _, _ uint64) { r.provider.put(bulkOfAB, nil) }, ReasonCorrupt},
		"a single": {func(_ *testing.T, r *rig, a, _ uint64) {
			r.provider.put(bulkOfAB, must2(wire.EncodeSingle(a, []byte("1"))))
		}, ReasonCorrupt},
		"truncated": {func(t *testing.T, r *rig, a, b uint64) {
			r.putBulk(t, item("a", a, "1"), item("b", b, "2"))
			e, _ := r.provider.entry(bulkOfAB)
			r.provider.put(bulkOfAB, e.value[:len(e.value)-1])
		}, ReasonCorrupt},
		"undecodable": {func(t *testing.T, r *rig, a, b uint64) { r.putBulk(t, item("a", a, "1"), item("b", b, "refuse")) }, ReasonDecode},
		"panicking":   {func(t *testing.T, r *rig, a, b uint64) { r.putBulk(t, item("a", a, "1"), item("b", b, "panic")) }, ReasonDecode},
	} {
		t.Run(name, func(t *testing.T) {
			onBothRigs(t, func(t *testing.T, r *rig) {
				gens := r.SnapshotGens([]string{"a", "b"})
				c.put(t, r, gens["a"], gens["b"])
				fill(t, r.Handle, "b", "single")
				r.log.reset()
				wantBulk(t, r.Handle, "a bulk that cannot be served in full is not served at all; singles are",
					[]string{"a", "b"}, map[string]string{"b": "single"}, "a")
				r.wantEntries(t, "a bulk that cannot be served any more is dropped", "single:n:b")
				rejected := BulkRejectedEvent{Namespace: "n", Keys: []string{"a", "b"}, Reason: c.reason}
				healed := SelfHealEvent{Namespace: "n", StorageKey: bulkOfAB, Reason: c.reason}
				if got := eventsOf[BulkRejectedEvent](r.log); len(got) != 1 || got[0].Reason != rejected.Reason || !slices.Equal(got[0].Keys, rejected.Keys) || got[0].Write {
					t.Errorf("a bulk that is not served is told with the reason: got %+v, want %+v", got, rejected)
				}
				if got := eventsOf[SelfHealEvent](r.log); len(got) != 1 || got[0] != healed {
					t.Errorf("a bulk that is dropped is told with the reason: got %+v, want %+v", got, healed)
				}
			}, func(o *Options[string]) {
				o.Codec = &scriptedCodec{decode: func(data []byte) (string, error) {
					switch string(data) {
					case "refuse":
						return "half a value", errRefused
					case "panic":
						panic("at the disco")
					}
					return string(data), nil
				}}
			})
		})
	}
}

// An unreadable generation proves nothing either way.
func TestABulkWithAnUnreadableMemberIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		b      genCall
		reason Reason
	}{
		"none":  {answer(0, nil), ReasonNoGen},
		"error": {answer(0, errBroken), ReasonGenError},
	} {
		t.Run(name, func(t *testing.T) {
			onBothRigs(t, func(t *testing.T, r *rig) {
				fillBulk(t, r.Handle, ab)
				r.store.replace(GenCurrent, func(ctx context.Context, key string) (uint64, error) {
					if key == "single:n:b" {
						return c.b(ctx, key)
					}
					return r.store.local.Current(ctx, key)
				})
				r.log.reset()
				wantBulk(t, r.Handle, "G2: no generation, no proof: what has one is served all the same", []string{"b", "a"}, map[string]string{"a": "1"}, "b")
				r.wantEntries(t, "G2: without a generation, entries stay where they are", bulkOfAB, "single:n:a", "single:n:b")
				if got := eventsOf[BulkRejectedEvent](r.log); len(got) != 1 || got[0].Reason != c.reason {
					t.Errorf("a bulk that is not served is told with the reason: got %+v, want %v", got, c.reason)
				}
				if got := eventsOf[MissEvent](r.log); len(got) != 1 || got[0] != (MissEvent{Namespace: "n", Key: "b", Reason: c.reason}) {
					t.Errorf("a key that is not served is told with the reason: got %+v, want %v", got, c.reason)
				}
				if got := len(eventsOf[GenStoreErrorEvent](r.log)); got > 1 || got == 1 && c.reason != ReasonGenError {
					t.Errorf("a failure of the store is told once: got %d", got)
				}
				r.store.replace(GenCurrent, nil)
				r.dropSingles()
				wantBulk(t, r.Handle, "a bulk that was left serves again", []string{"a", "b"}, ab)
			})
		})
	}
}

// A member that is known to be stale condemns the bulk, whatever is known of
// the others.
func TestAStaleMemberBesideAnUnreadableOne(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		gens := fillBulk(t, r.Handle, ab)
		r.store.replace(GenCurrent, func(_ context.Context, key string) (uint64, error) {
			if key == "single:n:a" {
				return 0, errBroken
			}
			return gens["b"] + 1, nil
		})
		wantBulk(t, r.Handle, "nothing here is proved", []string{"a", "b"}, nil, "a", "b")
		r.wantEntries(t, "what is known to be stale is dropped, and what is not known is left", "single:n:a")
	})
}

func TestGetBulkOverAHungStore(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOne(t)
				fillBulk(t, r.Handle, ab)
				release := r.store.hang(GenCurrent)
				wantBulk(t, r.Handle, "G2: generations that are late are none", []string{"a", "b"}, nil, "a", "b")
				r.wantEntries(t, "G2: without a generation, entries stay where they are", bulkOfAB, "single:n:a", "single:n:b")
				wantBulk(t, r.Handle, "G2: generations that are late are none", []string{"a", "c"}, nil, "a", "c")
				release()
				wantBulk(t, r.Handle, "what was left serves again", []string{"a", "b"}, ab)
			})
		})
	}
}

func TestSinglesOfABulkAreHealed(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		gens := r.SnapshotGens([]string{"stale", "absent", "old absence", "good"})
		r.provider.put("single:n:foreign", []byte("foreign"))
		r.provider.put("single:n:empty", nil)
		r.provider.put("single:n:stale", must2(wire.EncodeSingle(gens["stale"]-1, []byte("0"))))
		r.provider.put("single:n:absent", wire.EncodeAbsent(gens["absent"]))
		r.provider.put("single:n:old absence", wire.EncodeAbsent(gens["old absence"]-1))
		r.provider.put("single:n:no generation", must2(wire.EncodeSingle(7, []byte("0"))))
		fill(t, r.Handle, "good", "1")
		r.log.reset()
		keys := []string{"foreign", "stale", "absent", "old absence", "no generation", "good", "nothing"}
		wantBulk(t, r.Handle, "each single stands for itself", keys, map[string]string{"good": "1"},
			"foreign", "stale", "absent", "old absence", "no generation", "nothing")
		r.wantEntries(t, "what cannot be served any more is dropped, and nothing else",
			"single:n:absent", "single:n:no generation", "single:n:good", "single:n:empty")
		wantReasons := map[string]Reason{
			"foreign": ReasonCorrupt, "stale": ReasonStale, "absent": ReasonAbsent, "old absence": ReasonStale,
			"no generation": ReasonNoGen, "nothing": ReasonNotFound,
		}
		reasons := make(map[string]Reason)
		for _, e := range eventsOf[MissEvent](r.log) {
			reasons[e.Key] = e.Reason
		}
		if !maps.Equal(reasons, wantReasons) {
			t.Errorf("each miss is told with its reason: got %v, want %v", reasons, wantReasons)
		}
		healed := make(map[string]Reason)
		for _, e := range eventsOf[SelfHealEvent](r.log) {
			healed[strings.TrimPrefix(e.StorageKey, "single:n:")] = e.Reason
		}
		if want := map[string]Reason{"foreign": ReasonCorrupt, "stale": ReasonStale, "old absence": ReasonStale}; !maps.Equal(healed, want) {
			t.Errorf("each entry that is dropped is told with the reason: got %v, want %v", healed, want)
		}
	})
	plain := newRig(t)
	plain.provider.put("single:n:empty", nil)
	wantBulk(t, plain.Handle, "no bytes are no entry", []string{"empty"}, nil, "empty")
	plain.wantEntries(t, "no bytes are no entry, and dropped")
}

func TestUndecodableSinglesOfABulk(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fill(t, r.Handle, "a", "refuse")
		fill(t, r.Handle, "b", "2")
		wantBulk(t, r.Handle, "what cannot be decoded is a miss", []string{"a", "b"}, map[string]string{"b": "2"}, "a")
		r.wantEntries(t, "what cannot be decoded is dropped", "single:n:b")
	}, func(o *Options[string]) {
		o.Codec = &scriptedCodec{decode: func(data []byte) (string, error) {
			if string(data) == "refuse" {
				panic("at the disco")
			}
			return string(data), nil
		}}
	})
}

// writingProvider has writer come after the bulk entry was read, and with it
// the generations, but before the singles are.
type writingProvider struct {
	Provider
	write func()
}

func (p *writingProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if strings.HasPrefix(key, singlePrefix) && p.write != nil {
		write := p.write
		p.write = nil
		write()
	}
	return p.Provider.Get(ctx, key)
}

// The generations are those of the beginning. What is stored later under a
// newer one is not served, since that is not proved, and not dropped, since it
// is better than what the call knows.
func TestGetBulkDropsOnlyOlderEntries(t *testing.T) {
	r := newRig(t)
	gens := fillBulk(t, r.Handle, ab)
	// A bulk whose first member is stale makes the call read generations first.
	r.putBulk(t, wire.BulkItem{Key: "a", Gen: gens["a"] - 1}, wire.BulkItem{Key: "b", Gen: gens["b"]})
	provider := &writingProvider{Provider: r.provider}
	log := &eventLog{}
	h := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}, GenStore: r.store, Hooks: log.hooks()})
	provider.write = func() {
		if err := r.Invalidate(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		fill(t, r.Handle, "b", "newer")
	}
	wantBulk(t, h, "what was stored under a newer generation than the call knows is not served", []string{"a", "b"}, map[string]string{"a": "1"}, "b")
	r.wantEntries(t, "what was stored under a newer generation is not dropped", "single:n:a", "single:n:b")
	if got := eventsOf[MissEvent](log); len(got) != 1 || got[0].Reason != ReasonNewer {
		t.Errorf("what was stored under a newer generation is told as that: got %+v", got)
	}
	wantHit(t, h, "the newer entry serves the next call", "b", "newer")
}

// Without a bulk entry, the generations are read after the entries, and an
// entry that does not carry the current one is dropped whatever its number.
func TestGenerationsReadLastCondemnAllOthers(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		gen := r.SnapshotGen("a")
		r.provider.put("single:n:a", must2(wire.EncodeSingle(gen+1, []byte("from a clock ahead"))))
		wantBulk(t, r.Handle, "only the current generation is proof", []string{"a", "b"}, nil, "a", "b")
		r.wantEntries(t, "an entry that no later read can serve is dropped")
	})
}

func TestGetBulkReturnsTheProvidersError(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		fillBulk(t, r.Handle, ab)
		r.provider.getErr = errBroken
		values, missing, err := r.GetBulk(t.Context(), []string{"b", "a"})
		if len(values) != 0 || !slices.Equal(missing, []string{"b", "a"}) || !errors.Is(err, errBroken) {
			t.Errorf("a failure of the provider comes back: got %v, %v, %v", values, missing, err)
		}
		for _, e := range eventsOf[MissEvent](r.log) {
			if e.Reason != ReasonProviderError {
				t.Errorf("a failure of the provider is a miss, for that reason: got %v", e)
			}
		}
	})
}

func TestGetBulkKeepsWhatItReadBeforeAnError(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "a", "1")
	fill(t, r.Handle, "b", "2")
	r.provider.keyErrs = map[string]error{"single:n:b": errBroken}
	values, missing, err := r.GetBulk(t.Context(), []string{"a", "b", "c"})
	if !maps.Equal(values, map[string]string{"a": "1"}) || !slices.Equal(missing, []string{"b", "c"}) || !errors.Is(err, errBroken) {
		t.Errorf("with an error, the map holds what could be read all the same: got %v, %v, %v", values, missing, err)
	}
}

// rudeProvider answers a bulk call with whatever the test says.
type rudeProvider struct {
	bulkProvider
	raws [][]byte
	err  error
}

func (p rudeProvider) GetBulk(context.Context, []string) ([][]byte, error) { return p.raws, p.err }

func TestABulkOfValuesOfAnotherLength(t *testing.T) {
	base := newRig(t)
	fill(t, base.Handle, "a", "1")
	e, _ := base.provider.entry("single:n:a")
	for name, raws := range map[string][][]byte{"none": nil, "fewer": {e.value}, "more": {e.value, nil, e.value}} {
		t.Run(name, func(t *testing.T) {
			h := open(t, Options[string]{Namespace: "n", Codec: String{}, GenStore: nonClosing{base.store}, Provider: rudeProvider{newBulkProvider(), raws, nil}})
			values, missing, err := h.GetBulk(t.Context(), []string{"b", "a"})
			if len(values) != 0 || len(missing) != 2 || err == nil {
				t.Errorf("an answer that fits no key is an error, and no value: got %v, %v, %v", values, missing, err)
			}
		})
	}
	h := open(t, Options[string]{Namespace: "n", Codec: String{}, GenStore: nonClosing{base.store}, Provider: rudeProvider{newBulkProvider(), [][]byte{nil, e.value}, errBroken}})
	values, _, err := h.GetBulk(t.Context(), []string{"b", "a"})
	if !maps.Equal(values, map[string]string{"a": "1"}) || !errors.Is(err, errBroken) {
		t.Errorf("with an error, the map holds what could be read all the same: got %v, %v", values, err)
	}
}

func TestAHealThatFails(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		r.provider.put(bulkOfAB, []byte("foreign"))
		r.provider.put("single:n:a", []byte("foreign"))
		r.provider.delErr = errBroken
		wantBulk(t, r.Handle, "a heal that fails is no error of the read", []string{"a", "b"}, nil, "a", "b")
		got := eventsOf[SelfHealEvent](r.log)
		if len(got) != 2 || !errors.Is(got[0].Err, errBroken) || !errors.Is(got[1].Err, errBroken) {
			t.Errorf("a heal that fails is told: got %+v", got)
		}
	})
}

func TestGetBulkWhoseContextEndsMeanwhile(t *testing.T) {
	r := newRig(t)
	fillBulk(t, r.Handle, ab)
	for name, keys := range map[string][]string{"a bulk": {"a", "b"}, "singles": {"a", "c"}} {
		ctx, cancel := context.WithCancel(t.Context())
		h := open(t, Options[string]{Namespace: "n", Provider: endingProvider{r.provider, cancel}, Codec: String{}, GenStore: nonClosing{r.store}})
		values, missing, err := h.GetBulk(ctx, keys)
		if len(values) != 0 || !slices.Equal(missing, keys) || !errors.Is(err, context.Canceled) {
			t.Errorf("the caller's own ended context comes back: %s: got %v, %v, %v", name, values, missing, err)
		}
	}
	r.wantEntries(t, "G2: without a generation, entries stay where they are", bulkOfAB, "single:n:a", "single:n:b")
}

// nonClosing is a store for many caches.
type nonClosing struct{ GenStore }

func (nonClosing) Close(context.Context) error { return nil }

func TestABulkReadSaysWhyItMissed(t *testing.T) {
	for _, bulk := range []bool{true, false} {
		checkReasonOfMisses(t, bulk)
	}
}

func checkReasonOfMisses(t *testing.T, bulk bool) {
	t.Helper()
	r := newBulkRig(t, func(o *Options[string]) { o.DisableBulk = !bulk })
	fill(t, r.Handle, "a", "1")
	r.provider.getErr = errBroken
	r.log.reset()
	if _, _, err := r.GetBulk(t.Context(), []string{"a", "b"}); !errors.Is(err, errBroken) {
		t.Errorf("a provider that fails is an error: got %v", err)
	}
	misses := eventsOf[MissEvent](r.log)
	if len(misses) != 2 {
		t.Fatalf("each key is missed once: got %+v", misses)
	}
	for _, e := range misses {
		if e.Reason != ReasonProviderError {
			t.Errorf("%q is missed since the provider failed: got %q", e.Key, e.Reason)
		}
	}
}

// A provider without bulk reads is asked for every key, also after one has failed.
func TestGetBulkGoesOnAfterAKeyThatFails(t *testing.T) {
	r := newRig(t)
	for key, value := range map[string]string{"a": "1", "b": "2", "c": "3"} {
		fill(t, r.Handle, key, value)
	}
	r.provider.keyErrs = map[string]error{"single:n:a": errBroken}
	values, missing, err := r.GetBulk(t.Context(), []string{"a", "b", "c"})
	if !maps.Equal(values, map[string]string{"b": "2", "c": "3"}) || !slices.Equal(missing, []string{"a"}) || !errors.Is(err, errBroken) {
		t.Errorf("with an error, the map holds what could be read all the same: got %v, %v, %v", values, missing, err)
	}
	r.provider.traffic()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := open(t, Options[string]{Namespace: "n", Codec: String{}, GenStore: nonClosing{r.store}, Provider: endingGetter{r.provider, cancel}, DisableBulk: true})
	if _, _, err := h.GetBulk(ctx, []string{"a", "b", "c"}); !errors.Is(err, errBroken) {
		t.Errorf("a failure of the provider comes back: got %v", err)
	}
	if n := r.provider.count("get"); n != 1 {
		t.Errorf("nothing more is read for a caller that has gone: got %d reads, want 1", n)
	}
}

// endingGetter ends the caller's context in each read.
type endingGetter struct {
	*mapProvider
	end context.CancelFunc
}

func (p endingGetter) Get(ctx context.Context, key string) ([]byte, bool, error) {
	p.end()
	return p.mapProvider.Get(ctx, key)
}
