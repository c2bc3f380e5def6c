package conformance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

var genLocalRules = []rule[*genSubject]{
	{
		name:  "LocalSeesBump",
		says:  "G4: When Bump has returned nil, no CurrentLocal or CurrentLocalBulk that begins later returns an older generation, on any handle.",
		harm:  "an invalidation has returned, and other replicas go on serving the old value from memory.",
		needs: needLocal,
		try:   tryLocalSeesBump,
	},
	{
		name:  "LocalSeesBumpUnderLoad",
		says:  "G4: A CurrentLocal that begins after a Bump has returned never returns an older generation, however many are under way.",
		harm:  "under load, reads right after an invalidation are served what was invalidated.",
		needs: needLocal,
		try:   tryLocalSeesBumpUnderLoad,
	},
	{
		name:  "LocalIsCurrent",
		says:  "What CurrentLocal answers is the generation of prefix+key, as Current returns it, wherever the two are divided and however long they are; 0 is none.",
		harm:  "entries are judged by the generation of another key, or by none.",
		needs: needLocal,
		try:   tryLocalIsCurrent,
	},
	{
		name:  "LocalBulkIsLocal",
		says:  "CurrentLocalBulk writes each known generation into its key's place, and leaves the others as they are.",
		harm:  "every key of a list is judged by the generation of another: what is stale is served.",
		needs: needLocal,
		try:   tryLocalBulkIsLocal,
	},
	{
		name:  "LocalDoesNotKnowHeld",
		says:  "When Hold has returned nil, CurrentLocal knows no generation of the key, on any handle, until it is released.",
		harm:  "while the source is being written, other replicas serve what is about to be replaced, and fill with it.",
		needs: needLocalHolder,
		try:   tryLocalDoesNotKnowHeld,
	},
	{
		name:  "LocalCreatesNothing",
		says:  "G3: CurrentLocal never creates a generation, and knows none that nobody has created.",
		harm:  "reads of keys that do not exist fill the memory of the store and drive out the others.",
		needs: needLocal,
		try:   tryLocalCreatesNothing,
	},
	{
		name:  "ClosedKnowsNothing",
		says:  "After Close, CurrentLocal and CurrentLocalBulk know nothing.",
		harm:  "a program that closed its cache too early goes on serving, with generations that nobody bumps any more.",
		needs: needLocal,
		try:   tryClosedKnowsNothing,
	},
	{
		name:  "LocalIsQuick",
		says:  "CurrentLocal and CurrentLocalBulk never wait.",
		harm:  "the cache spends nothing on timeouts for them, and every request hangs with the store.",
		needs: needLocal,
		try:   tryLocalIsQuick,
	},
	{
		name:  "LocalKnowsSomething",
		says:  "A store that has CurrentLocal knows the generation of a key that it was asked for, as a rule and after a while.",
		harm:  "every read costs the round trip that was to be saved.",
		needs: needLocal,
		try:   tryLocalKnowsSomething,
	},
}

func needLocal(s *genSubject) string {
	if s.local == nil {
		return "the store is no cascache.LocalReader"
	}
	return ""
}

func needLocalHolder(s *genSubject) string {
	if why := needLocal(s); why != "" {
		return why
	}
	return needHolder(s)
}

const localPrefix = "single:user:"

// learnTime is how long a store may take until it knows a generation: one that
// leases its generations may first have to join those that share them.
const learnTime = 3 * time.Second

// learns gives the handle every reason to know the key's generation, and reports
// whether it does.
func (s *genSubject) learns(a *attempt, key string) bool {
	for end := time.Now().Add(learnTime); ; {
		s.snapshot(a, localPrefix+key)
		s.current(a, localPrefix+key)
		if gen, ok := s.local.CurrentLocal(localPrefix, key); ok && gen != 0 {
			return true
		}
		if a.Context().Err() != nil || time.Now().After(end) {
			return false
		}
		sleep(a, time.Millisecond)
	}
}

// locally returns what both forms know of the key, 0 for nothing.
func (s *genSubject) locally(key string) [2]uint64 {
	var known [2]uint64
	if gen, ok := s.local.CurrentLocal(localPrefix, key); ok {
		known[0] = gen
	}
	s.local.CurrentLocalBulk([]string{localPrefix + key}, known[1:])
	return known
}

func tryLocalSeesBump(a *attempt, s *genSubject) {
	handles := s.handles(a)
	for i, key := range names("visible", 4) {
		for round := range 3 {
			for _, h := range handles {
				if !h.learns(a, key) {
					a.inconclusive("a handle knows nothing; see LocalKnowsSomething")
				}
			}
			gen, ok := handles[(i+round)%len(handles)].bump(a, localPrefix+key)
			if !ok {
				continue
			}
			for j, h := range handles {
				for _, got := range h.locally(key) {
					if got != 0 && got < gen {
						a.violated(fmt.Sprintf("%d or more, or none", gen), "Bump of %s returned %d, and what handle %d knows after it is %s",
							quote(localPrefix+key), gen, j, stale(got, gen))
					}
				}
			}
		}
	}
}

func tryLocalSeesBumpUnderLoad(a *attempt, s *genSubject) {
	const readers, rounds = 4, 40
	handles := s.handles(a)
	key := "busy"
	for _, h := range handles {
		if !h.learns(a, key) {
			a.inconclusive("a handle knows nothing; see LocalKnowsSomething")
		}
	}
	end := time.Now().Add(5 * watchTime)
	var bumped highest
	var done atomic.Bool
	a.each(1+readers*len(handles), func(w int) {
		if w == 0 {
			defer done.Store(true)
			for i := 0; i < rounds && (i < 4 || time.Now().Before(end)); i++ {
				if gen, ok := handles[i%len(handles)].bump(a, localPrefix+key); ok {
					bumped.raise(gen)
				}
				for j, h := range handles {
					for _, got := range h.locally(key) {
						if least := bumped.gen.Load(); got != 0 && got < least {
							a.violated(fmt.Sprintf("%d or more, or none", least), "while others were reading, a Bump returned, and what handle %d knows after it is %s",
								j, stale(got, least))
						}
					}
				}
			}
			return
		}
		h := handles[w%len(handles)]
		for !done.Load() {
			least := bumped.gen.Load()
			got, ok := h.local.CurrentLocal(localPrefix, key)
			if !ok {
				h.snapshot(a, localPrefix+key)
				continue
			}
			if got < least {
				a.violated(fmt.Sprintf("%d or more, or none", least), "a Bump had returned %d, and a CurrentLocal that began after it %s", least, stale(got, least))
			}
		}
	})
}

func tryLocalIsCurrent(a *attempt, s *genSubject) {
	if !s.steady(a) {
		a.inconclusive("the store changes generations by itself")
	}
	if gen, ok := s.local.CurrentLocal(localPrefix, "nobody's"); ok && gen == 0 {
		a.violated("a generation, or none", "CurrentLocal of a key without a generation returned (0, true)")
	}
	s.learns(a, "own")
	keys := dividedKeys()
	for _, key := range keys {
		s.snapshot(a, key)
	}
	for _, key := range keys {
		tryLocalWhereverDivided(a, s, key)
	}
}

// dividedKeys are keys of which most are another one cut short, or with
// something put in: a store that looks up the wrong one finds a generation.
func dividedKeys() []string {
	keys := append([]string{localPrefix, "ab", "a:b", "a::b", "{a}:{b}", "caf\u00e9\x00\xff:1"}, names(localPrefix, 8)...)
	longest := localPrefix + strings.Repeat("k", maxKey-len(localPrefix))
	for n := 63; n <= 130; n++ {
		keys = append(keys, longest[:n])
	}
	for _, n := range []int{255, 256, 257, 1000, maxKey} {
		keys = append(keys, longest[:n])
	}
	return keys
}

// tryLocalWhereverDivided compares the answers for all divisions of a key. The
// store need not know the key, but one that knows it knows it wherever it is
// divided.
func tryLocalWhereverDivided(a *attempt, s *genSubject, key string) {
	const rounds = 4
	partly, unknownAt := 0, 0
	for range rounds {
		known := 0
		at := splits(len(key))
		before := s.current(a, key)
		got := make([]uint64, len(at))
		for i, n := range at {
			if gen, ok := s.local.CurrentLocal(key[:n], key[n:]); ok {
				got[i] = gen
				known++
			} else {
				unknownAt = n
			}
		}
		if before == 0 || s.current(a, key) != before {
			continue
		}
		for i, gen := range got {
			if gen != 0 && gen != before {
				a.violated("the same", "of a key of %d bytes, %s, divided after byte %d, CurrentLocal returned %d, and Current %d before and after it",
					len(key), quote(key), at[i], gen, before)
			}
		}
		if known > 0 && known < len(at) {
			partly++
		}
	}
	if partly == rounds {
		a.violated("one answer", "of a key of %d bytes, %s, CurrentLocal knows the generation, but not when the key is divided after byte %d", len(key), quote(key), unknownAt)
	}
}

// splits returns where a key of n bytes is divided: everywhere if it is short,
// and otherwise at its ends, in the middle and around the sizes of buffers.
func splits(n int) []int {
	var at []int
	for i := 0; i <= n; i++ {
		if n <= 32 || i < 2 || i > n-2 || i == n/2 || i%64 == 0 && i <= 256 {
			at = append(at, i)
		}
	}
	return at
}

func tryLocalBulkIsLocal(a *attempt, s *genSubject) {
	keys := names("bulk", 12)
	for i, key := range keys {
		if i%3 != 2 {
			s.learns(a, key)
		}
	}
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = localPrefix + key
	}
	const rounds = 4
	wrong, last := 0, ""
	for range rounds {
		gens := make([]uint64, len(keys))
		s.local.CurrentLocalBulk(full, gens)
		for i, key := range keys {
			got, ok := s.local.CurrentLocal(localPrefix, key)
			if ok != (gens[i] != 0) || ok && got != gens[i] {
				wrong++
				last = fmt.Sprintf("in place %d, of %s, %d, and CurrentLocal of it (%d, %t)", i, quote(full[i]), gens[i], got, ok)
				break
			}
		}
	}
	if wrong == rounds && s.steady(a) {
		a.violated("the same", "CurrentLocalBulk of %d keys wrote %s", len(keys), last)
	}
}

func tryLocalDoesNotKnowHeld(a *attempt, s *genSubject) {
	handles := s.handles(a)
	for i, key := range names("held", 3) {
		for _, h := range handles {
			if !h.learns(a, key) {
				a.inconclusive("a handle knows nothing; see LocalKnowsSomething")
			}
		}
		if err := handles[i%len(handles)].holder.Hold(a.Context(), []string{localPrefix + key}, "token", longLease); err != nil {
			continue
		}
		for range 2 {
			for j, h := range handles {
				for _, got := range h.locally(key) {
					if got != 0 {
						a.violated("none", "Hold of %s has returned, and handle %d knows the generation %d", quote(localPrefix+key), j, got)
					}
				}
				h.snapshot(a, localPrefix+key) // teaches nothing either
				h.current(a, localPrefix+key)
			}
		}
	}
}

func tryLocalCreatesNothing(a *attempt, s *genSubject) {
	for _, key := range names("missing", 8) {
		known := s.locally(key)
		if current := s.current(a, localPrefix+key); known != [2]uint64{} || current != 0 {
			a.violated("none", "of %s, which nobody has given a generation, CurrentLocal and CurrentLocalBulk know %d, and Current after it returned %d",
				quote(localPrefix+key), known, current)
		}
	}
}

func tryClosedKnowsNothing(a *attempt, s *genSubject) {
	if !s.learns(a, "kept") {
		a.inconclusive("the store knows nothing; see LocalKnowsSomething")
	}
	_ = s.s.Close(a.Context())
	if known := s.locally("kept"); known != [2]uint64{} {
		a.violated("none", "after Close, CurrentLocal and CurrentLocalBulk know %d", known)
	}
}

func tryLocalIsQuick(a *attempt, s *genSubject) {
	s.learns(a, "kept")
	keys, gens := []string{localPrefix + "kept"}, make([]uint64, 1)
	for name, do := range map[string]func(){
		"CurrentLocal":     func() { s.local.CurrentLocal(localPrefix, "kept") },
		"CurrentLocalBulk": func() { clear(gens); s.local.CurrentLocalBulk(keys, gens) },
	} {
		if best := quickest(do); best > quick {
			a.violated("no waiting", "of 20 calls of %s the quickest took %v", name, best)
		}
	}
}

func tryLocalKnowsSomething(a *attempt, s *genSubject) {
	for _, h := range s.handles(a) {
		if !h.learns(a, "asked") && !h.learns(a, "asked too") {
			a.violated("one", "%v after they were created and read, CurrentLocal knows none of two generations", learnTime)
		}
	}
}
