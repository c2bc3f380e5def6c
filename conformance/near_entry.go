package conformance

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// EntryKeeping is an ability that a wrapper of a near tier cannot forward from
// what it wraps.
const EntryKeeping Lack = "EntryKeeping"

func nearEntryRules[V any]() []rule[*nearSubject[V]] {
	rules := []rule[*nearSubject[V]]{
		{
			name: "EntriesComeBackWhole",
			says: "GetEntry returns exactly the entry that SetEntry was given, or it misses.",
			harm: "absence is taken for a value, or a value for absence.",
			try:  tryEntriesComeBackWhole[V],
		},
		{
			name: "AbsenceIsNoValue",
			says: "Get misses an entry that says that the source has no such key.",
			harm: "a zero value that is nowhere in the source is served.",
			try:  tryAbsenceIsNoValue[V],
		},
		{
			name: "EntriesAndValuesReplaceEachOther",
			says: "Set and SetEntry write the same entries: what was set last replaces the other, and is found by Get and GetEntry.",
			harm: "a key that is absent by now is served, or one that is there again is not found.",
			try:  tryEntriesAndValuesReplaceEachOther[V],
		},
		{
			name: "AbsenceIsKept",
			says: "A near tier may lose entries that say that the source has no such key, but not all of them.",
			harm: "every look-up of a key that does not exist goes on to the database.",
			try:  tryAbsenceIsKept[V],
		},
		{
			name: "DelTakesEntries",
			says: "When Del has returned, no entry that SetEntry was given before it began is returned any more.",
			harm: "readers go on being told that a key is absent which was written since.",
			try:  tryDelTakesEntries[V],
		},
		{
			name: "EntryTTLEnds",
			says: "An entry that SetEntry was given is not returned any more when its time to live is over.",
			harm: "a key that was inserted behind the cache's back is absent for far too long.",
			try:  tryEntryTTLEnds[V],
		},
		{
			name: "EntryTTLLasts",
			says: "An entry that SetEntry was given is not thrown away for its age before its time to live is over.",
			harm: "absence is forgotten almost as soon as it is known, and every look-up goes on to the database.",
			try:  tryEntryTTLLasts[V],
		},
		{
			name: "EntryBoundIsKept",
			says: "Entries that say that the source has no such key count against the bound of a near tier.",
			harm: "whoever asks for names at random fills the memory of the process.",
			lack: Bounds,
			try:  tryEntryBoundIsKept[V],
		},
		{
			name: "EntriesKeepTheirDependencies",
			says: "SetEntry keeps the struct that it is given as a whole, with fields that the tier does not know.",
			harm: "values that depend on other keys are never served from memory.",
			try:  tryEntriesKeepTheirDependencies[V],
		},
		{
			name: "ClosedTierHasNoEntries",
			says: "After Close, GetEntry misses, and SetEntry does nothing.",
			harm: "a late load crashes the process as it stops, or keeps memory that nobody frees.",
			try:  tryClosedTierHasNoEntries[V],
		},
		{
			name: "ConcurrentEntriesAreWhole",
			says: "GetEntry and SetEntry may be called concurrently: a GetEntry returns all fields of one and the same entry, or misses.",
			harm: "absence from before a write is believed under the generation that the write drew.",
			try:  tryConcurrentEntriesAreWhole[V],
		},
	}
	for i := range rules {
		rules[i].needs = func(s *nearSubject[V]) string {
			if s.entries == nil {
				return "the near tier is no cascache.EntryNear"
			}
			return ""
		}
	}
	wrapped := func(s *nearSubject[V]) string { return needWrapper(s.n) }
	return append(rules,
		rule[*nearSubject[V]]{
			name:  "UnwrapEnds",
			says:  "Unwrap returns what is wrapped: never nil, and never the wrapper itself or something that wraps it.",
			harm:  "the cache looks for abilities for ever and never starts, or does not find them.",
			needs: wrapped,
			try:   func(a *attempt, s *nearSubject[V]) { tryUnwrap(a, s.n) },
		},
		rule[*nearSubject[V]]{
			name:  "WrapperKeepsEntries",
			says:  "A wrapper of a cascache.EntryNear is one too, or its harness declares that it cannot be.",
			harm:  "absence is not kept near any more, since a wrapper was added.",
			lack:  EntryKeeping,
			needs: wrapped,
			try:   func(a *attempt, s *nearSubject[V]) { tryKeepsAbility[cascache.EntryNear[V]](a, s.n) },
		})
}

// tryEntriesKeepTheirDependencies uses the tier through a cache, since only that can
// make an entry that has any.
func tryEntriesKeepTheirDependencies[V any](a *attempt, s *nearSubject[V]) {
	cache, err := cascache.New(cascache.Options[V]{Namespace: "suite", Near: s.n})
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() {
		defer func() { _ = recover() }() // how Close behaves has cases of its own
		_ = cache.Close(context.Background())
	})
	loads := 0
	loader, err := cascache.NewLoader(cache, cascache.LoaderOptions[V]{Load: func(ctx context.Context, _ string) (V, error) {
		loads++
		return s.values[loads%2], cascache.DependOn(ctx, cache.TagDep("a tag"))
	}})
	if err != nil {
		a.Fatal(err)
	}
	kept := 0
	for _, key := range names("depends", groupSize) {
		if _, err := loader.Get(a.Context(), key); err != nil {
			a.inconclusive("a load returned %v", err)
		}
		if _, ok, _ := cache.Get(a.Context(), key); ok {
			kept++
		}
	}
	if kept == 0 {
		a.violated("some of them", "%d values that depend on a tag were set, and none of them was found again", groupSize)
	}
	if err := cache.InvalidateTags(a.Context(), "a tag"); err != nil {
		a.inconclusive("InvalidateTags returned %v", err)
	}
	for _, key := range names("depends", groupSize) {
		if _, ok, _ := cache.Get(a.Context(), key); ok {
			a.violated("a miss", "a tag was invalidated, and a value that depends on it is served from the tier: %s", quote(key))
		}
	}
}

// absent is an entry that says that the source has no such key.
func (s *nearSubject[V]) absent() cascache.NearEntry[V] {
	return cascache.NearEntry[V]{Gen: s.draw(), Absent: true}
}

// sameEntry reports whether an entry that was returned is what was set.
func (s *nearSubject[V]) sameEntry(got, want cascache.NearEntry[V]) bool {
	return got.Gen == want.Gen && got.Absent == want.Absent && s.equal(got.Value, want.Value)
}

func (s *nearSubject[V]) entryFound(key string) bool {
	_, ok := s.entries.GetEntry(key)
	return ok
}

// countEntries tells how many of keys are found.
func (s *nearSubject[V]) countEntries(keys []string) int {
	n := 0
	for _, key := range keys {
		if s.entryFound(key) {
			n++
		}
	}
	return n
}

// absences is a nearSubject whose groups are absent.
type absences[V any] struct{ *nearSubject[V] }

// group notes groupSize keys as absent, for ttl.
func (s absences[V]) group(a *attempt, prefix string, ttl time.Duration) []string {
	keys := names(prefix, groupSize)
	for _, key := range keys {
		s.entries.SetEntry(key, s.absent(), ttl)
	}
	s.settle(a)
	return keys
}

func tryEntriesComeBackWhole[V any](a *attempt, s *nearSubject[V]) {
	for _, gen := range awkwardGens {
		for i, value := range s.values {
			for _, absent := range []bool{false, true} {
				key := fmt.Sprintf("whole-%d", i)
				want := cascache.NearEntry[V]{Value: value, Gen: gen, Absent: absent}
				s.entries.SetEntry(key, want, lasting)
				s.settle(a)
				if got, ok := s.entries.GetEntry(key); ok && !s.sameEntry(got, want) {
					a.violated("that entry, or a miss", "SetEntry(%s) was given %s, and GetEntry returned %s", quote(key), show(want), show(got))
				}
				s.n.Del(key)
			}
		}
	}
}

func tryAbsenceIsNoValue[V any](a *attempt, s *nearSubject[V]) {
	for _, key := range (absences[V]{s}).group(a, "absent", lasting) {
		if v, gen, ok := s.n.Get(key); ok {
			a.violated("a miss", "SetEntry(%s) noted that the key is absent, and Get returned %s under generation %d", quote(key), show(v), gen)
		}
	}
}

func tryEntriesAndValuesReplaceEachOther[V any](a *attempt, s *nearSubject[V]) {
	s.mustReplace(a)
	sets := map[string]func(key string) cascache.NearEntry[V]{
		"Set": func(key string) cascache.NearEntry[V] {
			gen := s.set(key, lasting)
			return cascache.NearEntry[V]{Value: s.value(gen), Gen: gen}
		},
		"SetEntry of a value": func(key string) cascache.NearEntry[V] {
			gen := s.draw()
			e := cascache.NearEntry[V]{Value: s.value(gen), Gen: gen}
			s.entries.SetEntry(key, e, lasting)
			return e
		},
		"SetEntry of absence": func(key string) cascache.NearEntry[V] {
			e := s.absent()
			s.entries.SetEntry(key, e, lasting)
			return e
		},
	}
	found := 0
	for first, set := range sets {
		for second, setAgain := range sets {
			for _, key := range names("replaced", 8) {
				set(key)
				s.settle(a)
				want := setAgain(key)
				s.settle(a)
				got, ok := s.entries.GetEntry(key)
				if ok {
					found++
				}
				if ok && !s.sameEntry(got, want) {
					a.violated("what was set last, or a miss", "%s was followed by %s of %s; GetEntry(%s) returned %s",
						first, second, show(want), quote(key), show(got))
				}
				v, gen, ok := s.get(key)
				if ok && (want.Absent || gen != want.Gen || !s.equal(v, want.Value)) {
					a.violated("what was set last, or a miss", "%s was followed by %s of %s; Get(%s) returned %s under generation %d",
						first, second, show(want), quote(key), show(v), gen)
				}
			}
		}
	}
	if found == 0 {
		a.violated("at least one hit", "%d keys were set twice, each was read right after it by GetEntry, and none was found", 8*len(sets)*len(sets))
	}
}

func tryAbsenceIsKept[V any](a *attempt, s *nearSubject[V]) {
	const keys = 256
	for _, key := range names("absent", keys) {
		s.entries.SetEntry(key, s.absent(), lasting)
		s.settle(a)
		if s.entryFound(key) {
			return
		}
	}
	a.violated("at least one hit", "%d keys were noted as absent for %v, each was read right after it, and none was found", keys, lasting)
}

func tryDelTakesEntries[V any](a *attempt, s *nearSubject[V]) {
	look := func(keys []string) {
		for _, key := range keys {
			if e, ok := s.entries.GetEntry(key); ok {
				a.violated("a miss", "SetEntry(%s) was followed by Del, and GetEntry then returned %s", quote(key), show(e))
			}
		}
	}
	keys := absences[V]{s}.group(a, "deleted", lasting)
	for _, key := range keys {
		s.n.Del(key)
		look([]string{key})
	}
	s.settle(a)
	watch(a, func() { look(keys) })
}

func tryEntryTTLEnds[V any](a *attempt, s *nearSubject[V]) {
	ttl := s.ttl()
	keys := absences[V]{s}.group(a, "ends", ttl)
	kept := s.countEntries(keys)
	s.pass(a, ttl+s.slack())
	for _, key := range keys {
		if s.entryFound(key) {
			a.violated("a miss", "%s was noted as absent for %v, and is still found %v later", quote(key), ttl, ttl+s.slack())
		}
	}
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}

func tryEntryTTLLasts[V any](a *attempt, s *nearSubject[V]) {
	ttlLasts(a, absences[V]{s}, s.countEntries)
}

func tryEntryBoundIsKept[V any](a *attempt, s *nearSubject[V]) {
	most := s.h.MaxEntries
	if most <= 0 {
		a.inconclusive("the harness gives no bound; see BoundIsKept")
	}
	keys := names("nobody", 2*most+groupSize)
	for _, key := range keys {
		s.entries.SetEntry(key, s.absent(), lasting)
	}
	s.settle(a)
	if got := s.countEntries(keys); got > most {
		a.violated(fmt.Sprintf("%d hits at most", most), "of %d keys noted as absent, %d were found", len(keys), got)
	}
}

func tryClosedTierHasNoEntries[V any](a *attempt, s *nearSubject[V]) {
	keys := absences[V]{s}.group(a, "kept", lasting)
	_ = s.n.Close()
	keys = append(keys, absences[V]{s}.group(a, "late", lasting)...)
	watch(a, func() {
		for _, key := range keys {
			if e, ok := s.entries.GetEntry(key); ok {
				a.violated("a miss", "after Close, GetEntry(%s) returned %s", quote(key), show(e))
			}
		}
	})
}

func tryConcurrentEntriesAreWhole[V any](a *attempt, s *nearSubject[V]) {
	const workers, rounds = 8, 200
	var drawn atomic.Uint64
	entry := func(gen uint64) cascache.NearEntry[V] {
		if gen%2 == 0 {
			return cascache.NearEntry[V]{Gen: gen, Absent: true}
		}
		return cascache.NearEntry[V]{Value: s.value(gen), Gen: gen}
	}
	keys := names("shared", 4)
	a.each(workers, func(w int) {
		for i := range rounds {
			key := keys[(w+i)%len(keys)]
			s.entries.SetEntry(key, entry(firstGen+drawn.Add(1)), lasting)
			if got, ok := s.entries.GetEntry(key); ok && !s.sameEntry(got, entry(got.Gen)) {
				a.violated("an entry as it was set, or a miss", "GetEntry(%s) returned %s; under that generation %s was set",
					quote(key), show(got), show(entry(got.Gen)))
			}
		}
	})
}
