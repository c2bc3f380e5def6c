package conformance

import (
	"fmt"
	"strings"
)

var genPrefixRules = []rule[*genSubject]{
	{
		name:  "CurrentPrefixedIsCurrent",
		says:  "CurrentPrefixed(prefix, key) is Current(prefix+key), wherever the two are divided and however long they are.",
		harm:  "reads look for a generation where invalidations do not put it.",
		needs: needPrefixer,
		try:   tryCurrentPrefixedIsCurrent,
	},
	{
		name:  "CurrentPrefixedSeesBump",
		says:  "G4: When Bump has returned nil, no CurrentPrefixed that begins later returns an older generation, on any handle.",
		harm:  "a read right after an invalidation is served what was invalidated.",
		needs: needPrefixer,
		try:   tryCurrentPrefixedSeesBump,
	},
	{
		name:  "CurrentPrefixedCreatesNothing",
		says:  "G3: CurrentPrefixed never creates a generation.",
		harm:  "reads of keys that do not exist fill the memory of the store and drive out the others.",
		needs: needPrefixer,
		try:   tryCurrentPrefixedCreatesNothing,
	},
}

func needPrefixer(s *genSubject) string {
	if s.prefixer == nil {
		return "the store is no cascache.PrefixCurrenter"
	}
	return ""
}

func tryCurrentPrefixedIsCurrent(a *attempt, s *genSubject) {
	keys := []string{"single:user:17", "{a}:{b}", "caf\u00e9\x00\xff:1"}
	for _, n := range []int{63, 64, 65, 127, 128, 129, 130, 255, 256, 257, 1000, maxKey} {
		keys = append(keys, "single:"+strings.Repeat("n", n/3)+":"+strings.Repeat("k", n-n/3-8))
	}
	for _, key := range keys {
		for _, at := range splits(len(key)) {
			const rounds = 4
			wrong, last := 0, ""
			for range rounds {
				s.snapshot(a, key)
				want := s.current(a, key)
				if got := s.currentPrefixed(a, key[:at], key[at:]); got != want {
					wrong++
					last = fmt.Sprintf("%d, and Current %d", got, want)
				}
			}
			if wrong == rounds && s.steady(a) {
				a.violated("the same", "of a key of %d bytes, %s, divided after byte %d, CurrentPrefixed returned %s", len(key), quote(key), at, last)
			}
		}
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

func tryCurrentPrefixedSeesBump(a *attempt, s *genSubject) {
	handles := s.handles(a)
	const prefix = "single:user:"
	for i, key := range names("visible", 8) {
		for _, h := range handles {
			h.currentPrefixed(a, prefix, key) // for one that remembers what it read
		}
		gen, ok := handles[i%len(handles)].bump(a, prefix+key)
		if !ok {
			continue
		}
		for j, h := range handles {
			if got := h.currentPrefixed(a, prefix, key); got != 0 && got < gen {
				a.violated(fmt.Sprintf("%d or more, or 0", gen), "Bump of %s returned %d, and CurrentPrefixed on handle %d %s",
					quote(prefix+key), gen, j, stale(got, gen))
			}
		}
	}
}

func tryCurrentPrefixedCreatesNothing(a *attempt, s *genSubject) {
	const prefix = "single:user:"
	for _, key := range names("read", 8) {
		first := s.currentPrefixed(a, prefix, key)
		if again := s.currentPrefixed(a, prefix, key); again != 0 || s.current(a, prefix+key) != 0 {
			a.violated("0", "CurrentPrefixed of %s, which nobody has given a generation, returned %d and then %d", quote(prefix+key), first, again)
		}
	}
}
