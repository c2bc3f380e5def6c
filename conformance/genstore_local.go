package conformance

import (
	"fmt"
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
		says:  "What CurrentLocal answers is the key's own generation, as Current returns it; 0 is none.",
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

// learnTime is how long a store may take until it knows a generation, such as
// to join those that share it.
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
	for _, key := range append(names("own", 8), "") {
		known, ok := s.local.CurrentLocal(localPrefix, key+"'s neighbour")
		if ok && known == 0 {
			a.violated("a generation, or none", "CurrentLocal of a key without a generation returned (0, true)")
		}
		s.learns(a, key)
		before := s.current(a, localPrefix+key)
		if got, ok := s.local.CurrentLocal(localPrefix, key); ok && before != 0 && got != before {
			if again := s.current(a, localPrefix+key); again == before {
				a.violated("the same", "of %s, CurrentLocal returned %d, and Current %d before and after it", quote(localPrefix+key), got, before)
			}
		}
	}
}

func tryLocalBulkIsLocal(a *attempt, s *genSubject) {
	keys := names("batch", 12)
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

func tryLocalKnowsSomething(a *attempt, s *genSubject) {
	for _, h := range s.handles(a) {
		if !h.learns(a, "asked") && !h.learns(a, "asked too") {
			a.violated("one", "%v after they were created and read, CurrentLocal knows none of two generations", learnTime)
		}
	}
}
