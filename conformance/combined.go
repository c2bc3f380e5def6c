package conformance

import (
	"bytes"
	"slices"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A CombinedHarness tells [RunCombined] how to make a value that is both a
// provider and a generation store. New is required. It is called from one
// goroutine at a time.
type CombinedHarness struct {
	// New makes one that nothing else uses, and that is empty. The suite
	// closes it; what else there is to tidy up goes to tb.Cleanup.
	New func(tb testing.TB) cascache.Combined

	// Deadline bounds each case. 0 means 30 seconds.
	Deadline time.Duration
}

// RunCombined holds the calls of a cascache.Combined that take values and
// generations together to what the two do apart. That it is a provider and a
// generation store is for [RunProvider] and [RunGenStore]. Run it with -race.
// Each case is a subtest of t.
func RunCombined(t *testing.T, h CombinedHarness) {
	t.Helper()
	if h.New == nil {
		t.Fatal("conformance: CombinedHarness.New is nil; it is required")
	}
	combinedSuite(h).run(t)
}

func combinedSuite(h CombinedHarness) *suite[*combinedSubject] {
	return &suite[*combinedSubject]{
		rules: combinedRules,
		subject: func(a *attempt) *combinedSubject {
			both := h.New(a)
			if both == nil {
				a.Fatal("CombinedHarness.New returned nil")
			}
			a.Cleanup(func() { _ = both.Close(a.Context()) })
			return &combinedSubject{both}
		},
		deadline: h.Deadline,
	}
}

type combinedSubject struct{ cascache.Combined }

const combinedKey = "single:app:k"

func combinedItem(key, value string) cascache.Item {
	return cascache.Item{Key: key, Value: []byte(value), Cost: int64(len(value)), TTL: lasting}
}

// begin creates the key's generation and stores value under it.
func (s *combinedSubject) begin(a *attempt, key, value string) uint64 {
	gen, err := s.Snapshot(a.Context(), key)
	if err != nil || gen == 0 {
		a.Fatalf("Snapshot answered %d, %v", gen, err)
	}
	if ok, err := s.Set(a.Context(), key, []byte(value), int64(len(value)), lasting); !ok || err != nil {
		a.Fatalf("Set answered %t, %v", ok, err)
	}
	return gen
}

func (s *combinedSubject) value(a *attempt, key string) []byte {
	value, found, err := s.Get(a.Context(), key)
	if err != nil {
		a.Fatalf("Get: %v", err)
	}
	if !found {
		return nil
	}
	return append([]byte{}, value...)
}

func (s *combinedSubject) current(a *attempt, key string) uint64 {
	gen, err := s.Current(a.Context(), key)
	if err != nil {
		a.Fatalf("Current: %v", err)
	}
	return gen
}

var combinedRules = []rule[*combinedSubject]{
	{
		name: "ReadsBoth",
		says: "GetWithGen answers what Get and Current do, for a key that has a value and for one that has none.",
		harm: "values are served under another key's generation, or nothing is served at all.",
		try: func(a *attempt, s *combinedSubject) {
			gen := s.begin(a, combinedKey, "v")
			value, got, valueErr, genErr := s.GetWithGen(a.Context(), combinedKey, false)
			if string(value) != "v" || got != gen || valueErr != nil || genErr != nil {
				a.violated("\"v\" and its generation", "GetWithGen answered %q, %d, %v, %v; the generation is %d", value, got, valueErr, genErr, gen)
			}
			if value, got, _, _ := s.GetWithGen(a.Context(), "single:app:none", false); value != nil || got != 0 {
				a.violated("nil and 0", "GetWithGen of a key that has neither answered %q, %d", value, got)
			}
		},
	},
	{
		name: "SchemasShareGenerations",
		says: "The generation of an entry is kept under cascache.GenKey of its storage key, so that entries of one key with different schemas have it in common.",
		harm: "during a rollout the new version invalidates a key, and the old one serves what it has stored before.",
		try: func(a *attempt, s *combinedSubject) {
			for _, key := range []string{"a", "{b", "{c}d", "e{}f", "}"} {
				plain, v2, v3 := "single:app:"+key, "single:app%@v2:"+key, "single:app%@v3:"+key
				gen := s.begin(a, plain, "v")
				if now, _, err := s.SetIfGen(a.Context(), combinedItem(v2, "v2"), gen); now != gen || err != nil {
					a.violated("the key's generation", "SetIfGen of %s answered %d, %v; the generation is %d", quote(v2), now, err, gen)
				}
				if now, _, err := s.SetBulkIfGens(a.Context(), []cascache.Item{combinedItem(v3, "v3")}, []uint64{gen}); !slices.Equal(now, []uint64{gen}) || err != nil {
					a.violated("the key's generation", "SetBulkIfGens of %s answered %d, %v; the generation is %d", quote(v3), now, err, gen)
				}
				_, want, _, _ := s.GetWithGen(a.Context(), plain, false)
				r, _ := s.GetBulkWithGens(a.Context(), "", []string{plain, v2, v3}, false)
				if _, got, _, _ := s.GetWithGen(a.Context(), v2, false); got != want || !slices.Equal(r.Gens, []uint64{gen, gen, gen}) {
					a.violated("one generation of all", "GetWithGen of %s answered %d, of %s %d, and GetBulkWithGens %d", quote(plain), want, quote(v2), got, r.Gens)
				}
				gens, bumpErr, _ := s.BumpAndDel(a.Context(), []string{v3})
				if bumpErr != nil || len(gens) != 1 || gens[0] <= gen || s.current(a, plain) != gens[0] {
					a.violated("a new generation of all", "BumpAndDel of %s answered %d, %v; the generation was %d and is %d", quote(v3), gens, bumpErr, gen, s.current(a, plain))
				}
			}
		},
	},
	{
		name: "EmptyIsNoMiss",
		says: "A value of no bytes is a hit: an empty slice, not nil.",
		harm: "an entry that some codec encodes to nothing is loaded again for ever.",
		try: func(a *attempt, s *combinedSubject) {
			s.begin(a, combinedKey, "")
			if value, _, _, _ := s.GetWithGen(a.Context(), combinedKey, false); value == nil {
				a.violated("an empty slice", "GetWithGen answered nil for an empty value")
			}
			r, _ := s.GetBulkWithGens(a.Context(), "", []string{combinedKey}, true)
			if len(r.Values) != 1 || r.Values[0] == nil {
				a.violated("an empty slice", "GetBulkWithGens answered %v for an empty value", r.Values)
			}
		},
	},
	{
		name: "ReadsDoNotCreate",
		says: "Reads that are not asked to create leave a key without a generation (G3).",
		harm: "a generation store that is only read grows with every key that anybody asks for.",
		try: func(a *attempt, s *combinedSubject) {
			_, _, _, _ = s.GetWithGen(a.Context(), combinedKey, false)
			_, _ = s.GetBulkWithGens(a.Context(), "bulk:app:b", []string{combinedKey}, true)
			if gen := s.current(a, combinedKey); gen != 0 {
				a.violated("no generation", "after reads the key has generation %d", gen)
			}
		},
	},
	{
		name: "CreateIsASnapshot",
		says: "GetWithGen with create answers the generation, and creates it when there is none (G3).",
		harm: "a load that began without a generation is never stored, and each caller loads anew.",
		try: func(a *attempt, s *combinedSubject) {
			_, gen, _, err := s.GetWithGen(a.Context(), combinedKey, true)
			if now := s.current(a, combinedKey); gen == 0 || gen != now || err != nil {
				a.violated("the generation that is current from then on", "GetWithGen answered %d, %v, and Current %d", gen, err, now)
			}
			if _, again, _, _ := s.GetWithGen(a.Context(), combinedKey, true); again != gen {
				a.violated("the same", "GetWithGen answered %d and then %d", gen, again)
			}
		},
	},
	{
		name: "BulkReadsAll",
		says: "GetBulkWithGens answers the bulk entry, the generations and, if wanted, the values, in the order of the keys.",
		harm: "values are served under another key's generation, or under another key.",
		try: func(a *attempt, s *combinedSubject) {
			keys := []string{"single:app:b", "single:app:none", "single:app:a"}
			gens := []uint64{s.begin(a, keys[0], "vb"), 0, s.begin(a, keys[2], "va")}
			s.begin(a, "bulk:app:b", "all")
			for _, wanted := range []bool{true, false} {
				r, err := s.GetBulkWithGens(a.Context(), "bulk:app:b", keys, wanted)
				if err != nil || r.GenErr != nil || string(r.Bulk) != "all" || !slices.Equal(r.Gens, gens) {
					a.violated("the bulk entry and the generations", "got %q, %v, %v, %v; the generations are %v", r.Bulk, r.Gens, err, r.GenErr, gens)
				}
				if !wanted {
					continue
				}
				if len(r.Values) != 3 || string(r.Values[0]) != "vb" || r.Values[1] != nil || string(r.Values[2]) != "va" {
					a.violated("a value, nil and a value", "got %q", r.Values)
				}
			}
		},
	},
	{
		name: "SetsUnderItsGeneration",
		says: "SetIfGen stores under the current generation, and tells so.",
		harm: "nothing is ever cached.",
		try: func(a *attempt, s *combinedSubject) {
			gen := s.begin(a, combinedKey, "old")
			current, stored, err := s.SetIfGen(a.Context(), combinedItem(combinedKey, "new"), gen)
			if value := s.value(a, combinedKey); current != gen || !stored || err != nil || string(value) != "new" {
				a.violated("it stored", "SetIfGen answered %d, %t, %v, and the value is %q", current, stored, err, value)
			}
		},
	},
	{
		name: "SetsUnderNoOther",
		says: "SetIfGen stores nothing while the generation is another one, or there is none.",
		harm: "a load from before an invalidation takes the place of the one from after it.",
		try: func(a *attempt, s *combinedSubject) {
			gen := s.begin(a, combinedKey, "old")
			for _, wrong := range []uint64{1, gen - 1, gen + 1} {
				current, stored, err := s.SetIfGen(a.Context(), combinedItem(combinedKey, "new"), wrong)
				if value := s.value(a, combinedKey); current != gen || stored || err != nil || string(value) != "old" {
					a.violated("nothing stored, and the generation", "SetIfGen under %d answered %d, %t, %v, and the value is %q; the generation is %d", wrong, current, stored, err, value, gen)
				}
			}
			if current, stored, _ := s.SetIfGen(a.Context(), combinedItem("single:app:none", "new"), gen); current != 0 || stored || s.value(a, "single:app:none") != nil {
				a.violated("nothing stored, and 0", "SetIfGen of a key without a generation answered %d, %t", current, stored)
			}
		},
	},
	{
		name: "BulkSetsWhatHasNotMoved",
		says: "SetBulkIfGens stores the items whose generation is as given, and no other.",
		harm: "one key that is written all the time keeps a whole list from being cached, or is cached as it was.",
		try: func(a *attempt, s *combinedSubject) {
			keys := []string{"single:app:a", "single:app:b", "single:app:c"}
			var gens []uint64
			var items []cascache.Item
			for _, key := range keys {
				gens = append(gens, s.begin(a, key, "old"))
				items = append(items, combinedItem(key, "new"))
			}
			if _, err := s.Bump(a.Context(), keys[1]); err != nil {
				a.Fatalf("Bump: %v", err)
			}
			current, stored, err := s.SetBulkIfGens(a.Context(), items, gens)
			if err != nil || !slices.Equal(stored, []bool{true, false, true}) || len(current) != 3 || current[1] == gens[1] || current[0] != gens[0] {
				a.violated("all but the one that has moved", "SetBulkIfGens answered %v, %v, %v", current, stored, err)
			}
			for i, want := range []string{"new", "old", "new"} {
				if value := s.value(a, keys[i]); string(value) != want {
					a.violated(want, "%s holds %q", keys[i], value)
				}
			}
		},
	},
	{
		name: "BulkOnlyOfAll",
		says: "The bulk entry of a SetBulkIfGens is stored if all generations are as given, and is not left behind otherwise.",
		harm: "bulk entries that nobody can be served from take the place of better ones.",
		try: func(a *attempt, s *combinedSubject) {
			keys := []string{"single:app:a", "single:app:b"}
			gens := []uint64{s.begin(a, keys[0], "old"), s.begin(a, keys[1], "old")}
			items := []cascache.Item{combinedItem(keys[0], "new"), combinedItem(keys[1], "new"), combinedItem("bulk:app:x", "all")}
			if _, stored, err := s.SetBulkIfGens(a.Context(), items, gens); err != nil || !slices.Equal(stored, []bool{true, true, true}) || string(s.value(a, "bulk:app:x")) != "all" {
				a.violated("all stored", "SetBulkIfGens answered %v, %v", stored, err)
			}
			if _, err := s.Bump(a.Context(), keys[1]); err != nil {
				a.Fatalf("Bump: %v", err)
			}
			items[2].Value = []byte("stale")
			_, stored, err := s.SetBulkIfGens(a.Context(), items, gens)
			if value := s.value(a, "bulk:app:x"); err != nil || stored[2] || string(value) == "stale" {
				a.violated("no bulk entry", "one of two has moved, and SetBulkIfGens answered %v, %v; the bulk entry is %q", stored, err, value)
			}
		},
	},
	{
		name: "BumpAndDelDoesBoth",
		says: "After BumpAndDel has returned nil, each key has the new, greater generation, and no value.",
		harm: "invalidated values are served.",
		try: func(a *attempt, s *combinedSubject) {
			keys := []string{combinedKey, "single:app:new"}
			gen := s.begin(a, combinedKey, "old")
			gens, bumpErr, delErr := s.BumpAndDel(a.Context(), keys)
			if bumpErr != nil || delErr != nil || len(gens) != 2 || gens[0] <= gen || gens[1] == 0 {
				a.violated("greater generations", "BumpAndDel from %d answered %v, %v, %v", gen, gens, bumpErr, delErr)
			}
			for i, key := range keys {
				if now := s.current(a, key); now != gens[i] {
					a.violated("the generation that BumpAndDel answered (G4)", "Current answered %d, BumpAndDel %d", now, gens[i])
				}
			}
			if value := s.value(a, combinedKey); value != nil {
				a.violated("no value", "the value is %q", value)
			}
		},
	},
	{
		name: "HeldIsNoGeneration",
		says: "While a key is held, reads answer 0, create nothing, and SetIfGen stores nothing; BumpAndDel succeeds and leaves it held.",
		harm: "values from before a write are served while it is under way.",
		needs: func(s *combinedSubject) string {
			if _, ok := cascache.AbilityOf[cascache.Holder](s.Combined); !ok {
				return "it is no cascache.Holder"
			}
			return ""
		},
		try: func(a *attempt, s *combinedSubject) {
			gen := s.begin(a, combinedKey, "old")
			holder, _ := cascache.AbilityOf[cascache.Holder](s.Combined)
			if err := holder.Hold(a.Context(), []string{combinedKey}, "token", lasting); err != nil {
				a.Fatalf("Hold: %v", err)
			}
			for _, create := range []bool{false, true} {
				if _, now, _, err := s.GetWithGen(a.Context(), combinedKey, create); now != 0 || err != nil {
					a.violated("0", "GetWithGen of a held key answered %d, %v", now, err)
				}
			}
			if r, _ := s.GetBulkWithGens(a.Context(), "", []string{combinedKey}, true); len(r.Gens) != 1 || r.Gens[0] != 0 {
				a.violated("0", "GetBulkWithGens of a held key answered %v", r.Gens)
			}
			if current, stored, err := s.SetIfGen(a.Context(), combinedItem(combinedKey, "new"), gen); current != 0 || stored || err != nil {
				a.violated("nothing stored, and 0", "SetIfGen of a held key answered %d, %t, %v", current, stored, err)
			}
			if gens, bumpErr, _ := s.BumpAndDel(a.Context(), []string{combinedKey}); bumpErr != nil || len(gens) != 1 || gens[0] != 0 {
				a.violated("0 and nil", "BumpAndDel of a held key answered %v, %v", gens, bumpErr)
			}
		},
	},
	{
		name: "DelEqualDeletesThat",
		says: "DelEqual removes a value that is the one given.",
		harm: "entries that cannot be served are read and refused for as long as they live.",
		try: func(a *attempt, s *combinedSubject) {
			gen := s.begin(a, combinedKey, "bad")
			if err := s.DelEqual(a.Context(), []string{"single:app:none", combinedKey}, [][]byte{[]byte("x"), []byte("bad")}); err != nil || s.value(a, combinedKey) != nil {
				a.violated("no value", "after DelEqual (%v) the value is %q", err, s.value(a, combinedKey))
			}
			if now := s.current(a, combinedKey); now != gen {
				a.violated("the generation as it was", "DelEqual changed it from %d to %d", gen, now)
			}
		},
	},
	{
		name: "DelEqualDeletesNoOther",
		says: "DelEqual leaves a value that is not the one given.",
		harm: "a reader that was slow deletes what has been filled since.",
		try: func(a *attempt, s *combinedSubject) {
			s.begin(a, combinedKey, "newer")
			for _, other := range []string{"new", "newer and more", "", "newes"} {
				if err := s.DelEqual(a.Context(), []string{combinedKey}, [][]byte{[]byte(other)}); err != nil || !bytes.Equal(s.value(a, combinedKey), []byte("newer")) {
					a.violated("\"newer\"", "after DelEqual of %q (%v) the value is %q", other, err, s.value(a, combinedKey))
				}
			}
		},
	},
	{
		name:  "WrapperKeepsCombined",
		says:  "A wrapper of a cascache.Combined has what it wraps, down the whole chain.",
		harm:  "every read takes two round trips, since a wrapper was added.",
		needs: func(s *combinedSubject) string { return needWrapper(s.Combined) },
		try: func(a *attempt, s *combinedSubject) {
			tryUnwrap(a, s.Combined)
			if _, has := cascache.AbilityOf[cascache.Combined](s.Combined); !has {
				a.violated("a cascache.Combined within", "%T wraps what is none", s.Combined)
			}
		},
	},
}
