package conformance

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

var genHoldRules = withNeeds(needHolder, []rule[*genSubject]{
	{
		name: "HoldTakesThePlace",
		says: "While a key is held, Current and Snapshot answer 0, without an error.",
		harm: "while the database is being written, the old value is served, or stored after the write.",
		try:  tryHoldTakesThePlace,
	},
	{
		name: "PeersSeeHold",
		says: "A key that is held on one handle is held on every other, at once.",
		harm: "while one replica writes the database, the others serve and store the old value.",
		lack: Sharing,
		try:  tryPeersSeeHold,
	},
	{
		name: "BulksSeeHold",
		says: "While a key is held, the bulk calls answer 0 for it too, without an error, and a BumpBulk leaves it held.",
		harm: "while the database is being written, lists with the old value are served, or stored after the write.",
		try:  tryBulksSeeHold,
	},
	{
		name: "HeldBumpLeavesItHeld",
		says: "A bump of a held key succeeds, answers 0, and leaves the key held.",
		harm: "an invalidation of one writer ends the hold of another, whose write has not landed yet.",
		try:  tryHeldBumpLeavesItHeld,
	},
	{
		name: "BumpsDoNotBreakAHold",
		says: "A key that is held stays held, however many bumps and Snapshots are under way.",
		harm: "under load, an invalidation that overlaps with a hold gives the key a generation while it is being written.",
		try:  tryBumpsDoNotBreakAHold,
	},
	{
		name: "HoldEnds",
		says: "A hold ends when its lease has passed, whoever has died.",
		harm: "after a crash between hold and release, the key is never cached again.",
		try:  tryHoldEnds,
	},
	{
		name: "ExpiredHoldLeavesNothing",
		says: "When the last hold expires, the key has no generation, and never again one that it had before.",
		harm: "a process dies after its write has landed, and every entry from before the write is served again.",
		try:  tryExpiredHoldLeavesNothing,
	},
	{
		name: "HoldAgainBeginsAnew",
		says: "A token that holds a key already has its lease begun anew.",
		harm: "a hold that was prolonged in time ends all the same, in the middle of the write.",
		try:  tryHoldAgainBeginsAnew,
	},
	{
		name: "HoldAgainIsOneHold",
		says: "A token that holds a key twice holds it once: one release is enough.",
		harm: "when the reply to a hold is lost and the hold repeated, the key stays held long after its write.",
		try:  tryHoldAgainIsOneHold,
	},
	{
		name: "HoldsHaveTheirOwnEnds",
		says: "Each hold ends with its own lease: a shorter one does not shorten the others.",
		harm: "a quick write ends the hold of a slow one, and the old value is stored after the slow one has landed.",
		try:  tryHoldsHaveTheirOwnEnds,
	},
	{
		name: "ExpiredHoldsDoNotCount",
		says: "A hold that has expired does not count: when the last live one is released, the key has a generation.",
		harm: "after one crash, a key that is written often is hardly ever cached again.",
		try:  tryExpiredHoldsDoNotCount,
	},
	{
		name: "ReleaseDrawsGreater",
		says: "G1: After the last release, the key's generation is greater than any it had before.",
		harm: "entries from before the write are served after it.",
		try:  tryReleaseDrawsGreater,
	},
	{
		name: "ReleaseRestores",
		says: "Once the last live hold is released, the key has a generation again.",
		harm: "a release that returned nil left the key held: each write costs the whole lease in misses.",
		try:  tryReleaseRestores,
	},
	{
		name: "ReleaseBumpsWhatVanished",
		says: "A release bumps the key even when its hold has vanished.",
		harm: "a write that took longer than its lease lands, and what was loaded and stored meanwhile is served for ever.",
		try:  tryReleaseBumpsWhatVanished,
	},
	{
		name: "ReleaseLeavesTheHoldsOfOthers",
		says: "A release with a token that does not hold the key leaves the holds of others.",
		harm: "a release that comes late, after its own lease, ends the hold of somebody else in the middle of a write.",
		try:  tryReleaseLeavesTheHoldsOfOthers,
	},
	{
		name: "LastReleaseEnds",
		says: "A key stays held until its last hold is released.",
		harm: "of two writers at once, the first one to be done exposes what the second one is about to change.",
		try:  tryLastReleaseEnds,
	},
	{
		name: "HoldTakesManyKeys",
		says: "Hold and Release are for every key that they are given, also for none.",
		harm: "of the rows that a transaction changes, only some stop being served, or only some are served again.",
		try:  tryHoldTakesManyKeys,
	},
	{
		name: "ConcurrentHoldsAllCount",
		says: "Holds that come at once all count.",
		harm: "of two writers at once, one loses its hold to the other, and its write is exposed.",
		try:  tryConcurrentHoldsAllCount,
	},
})

func withNeeds(needs func(*genSubject) string, rules []rule[*genSubject]) []rule[*genSubject] {
	for i := range rules {
		rules[i].needs = needs
	}
	return rules
}

// hold holds the keys, or ends the case.
func (s *genSubject) hold(a *attempt, token string, lease time.Duration, keys ...string) {
	if err := s.holder.Hold(a.Context(), keys, token, lease); err != nil {
		a.inconclusive("Hold returned %v", err)
	}
}

// release releases the keys, or ends the case.
func (s *genSubject) release(a *attempt, token string, keys ...string) {
	if err := s.holder.Release(a.Context(), keys, token); err != nil {
		a.inconclusive("Release returned %v", err)
	}
}

// exposed says that the key is not held, or returns "".
func (s *genSubject) exposed(a *attempt, key string) string {
	if gen := s.current(a, key); gen != 0 {
		return fmt.Sprintf("Current of %s returned %d", quote(key), gen)
	}
	if gen := s.snapshot(a, key); gen != 0 {
		return fmt.Sprintf("Snapshot of %s returned %d", quote(key), gen)
	}
	return ""
}

const heldWant = "0: the key is held"

// mustHold ends the case unless a hold works in the simplest of cases. Where
// it does not, HoldTakesThePlace says so.
func (s *genSubject) mustHold(a *attempt) {
	s.hold(a, "simple", longLease, "simple")
	if s.exposed(a, "simple") != "" {
		a.inconclusive("Hold does not hold; see HoldTakesThePlace")
	}
}

// comesBack reports whether one of the keys has a generation, or can have one:
// whether they are not held.
func (s *genSubject) comesBack(a *attempt, keys []string) bool {
	for range genTries {
		for _, key := range keys {
			if s.snapshot(a, key) != 0 {
				return true
			}
		}
	}
	return false
}

func tryHoldTakesThePlace(a *attempt, s *genSubject) {
	keys := names("held", 4)
	for i, key := range keys {
		if i%2 == 0 {
			s.snapshot(a, key)
		}
		s.hold(a, "writer", longLease, key)
		if gen, err := s.s.Current(a.Context(), key); gen != 0 || err != nil {
			a.violated("(0, nil)", "%s is held, and Current returned (%d, %v)", quote(key), gen, err)
		}
		if gen, err := s.s.Snapshot(a.Context(), key); gen != 0 || err != nil {
			a.violated("(0, nil)", "%s is held, and Snapshot returned (%d, %v)", quote(key), gen, err)
		}
	}
}

func tryPeersSeeHold(a *attempt, s *genSubject) {
	s.mustHold(a)
	peer := s.peer(a)
	for _, key := range names("held", 4) {
		s.snapshot(a, key)
		peer.current(a, key) // for one that remembers what it read
		s.hold(a, "writer", longLease, key)
		if what := peer.exposed(a, key); what != "" {
			a.violated(heldWant, "%s is held on one handle, and on another %s", quote(key), what)
		}
		peer.bump(a, key)
		if what := s.exposed(a, key); what != "" {
			a.violated(heldWant, "%s is held on one handle and was bumped on another, and %s", quote(key), what)
		}
	}
}

func tryBulksSeeHold(a *attempt, s *genSubject) {
	s.mustHold(a)
	keys := []string{"a-held", "b-free", "c-held", "d-free"} // in order, which has a case of its own
	held := func(i int) bool { return i%2 == 0 }
	for _, key := range keys {
		s.snapshot(a, key)
	}
	s.hold(a, "writer", longLease, keys[0], keys[2])
	for kind, bulk := range s.bulks {
		b := genBulkKinds[kind]
		gens, err := bulk(a.Context(), slices.Clone(keys))
		if err != nil {
			a.violated("no error", "%s of two held keys among %d returned %v", b.name, len(keys), err)
		}
		for i, gen := range gens {
			if i < len(keys) && held(i) && gen != 0 {
				a.violated("0", "%s is held, and %s returned %d for it", quote(keys[i]), b.name, gen)
			}
		}
		for i, key := range keys {
			if what := s.exposed(a, key); held(i) && what != "" {
				a.violated(heldWant, "%s is held, and after a %s, %s", quote(key), b.name, what)
			}
		}
	}
}

func tryHeldBumpLeavesItHeld(a *attempt, s *genSubject) {
	s.mustHold(a)
	for _, key := range names("held", 4) {
		s.snapshot(a, key)
		s.hold(a, "writer", longLease, key)
		for range 2 {
			if gen, err := s.s.Bump(a.Context(), key); gen != 0 || err != nil {
				a.violated("(0, nil)", "%s is held, and Bump returned (%d, %v)", quote(key), gen, err)
			}
			if what := s.exposed(a, key); what != "" {
				a.violated(heldWant, "%s is held and was bumped, and %s", quote(key), what)
			}
		}
	}
}

func tryBumpsDoNotBreakAHold(a *attempt, s *genSubject) {
	s.mustHold(a)
	const others, rounds, fewest = 4, 40, 12
	end := time.Now().Add(5 * watchTime)
	handles := s.handles(a)
	keys := names("contested", rounds)
	var turn, calls atomic.Int64
	a.each(others+1, func(w int) {
		if w > 0 {
			h := handles[w%len(handles)]
			for i := 0; i < rounds && a.Context().Err() == nil; i = int(turn.Load()) {
				if w%2 == 0 {
					h.bump(a, keys[i])
				} else {
					h.snapshot(a, keys[i])
				}
				calls.Add(1)
				runtime.Gosched() // lets the one that holds have its turn
			}
			return
		}
		defer turn.Store(rounds)
		for i, key := range keys {
			if i >= fewest && time.Now().After(end) {
				return
			}
			s.snapshot(a, key)
			turn.Store(int64(i))
			sleep(a, time.Duration(i%8)*10*time.Microsecond) // for the others to begin
			s.hold(a, "writer", longLease, key)
			// Until those have landed that were under way when it was held.
			for before, i := calls.Load(), 0; i < 20; i++ {
				if what := s.exposed(a, key); what != "" {
					a.violated(heldWant, "%s is held while others bump it, and %s", quote(key), what)
				}
				if calls.Load() > before+2*others {
					break
				}
				sleep(a, 50*time.Microsecond)
			}
		}
	})
}

func tryHoldEnds(a *attempt, s *genSubject) {
	keys := names("held", genTries)
	s.hold(a, "writer", s.shortLease(), keys...)
	s.outlast(a)
	if !s.comesBack(a, keys) {
		a.violated("a generation sooner or later", "%d keys were held for %v, and after more than that Snapshot returns 0 for all of them",
			len(keys), s.shortLease())
	}
}

func tryExpiredHoldLeavesNothing(a *attempt, s *genSubject) {
	keys := names("held", 4)
	newest := make([]uint64, len(keys))
	for i, key := range keys {
		s.snapshot(a, key)
		gen, _ := s.bump(a, key)
		newest[i] = max(gen, s.current(a, key))
	}
	s.hold(a, "writer", s.shortLease(), keys...)
	s.outlast(a)
	for i, key := range keys {
		if gen := s.current(a, key); gen != 0 && gen <= newest[i] {
			a.violated("0", "%s had generation %d and was held; the hold has expired, and Current returned %d", quote(key), newest[i], gen)
		}
		if gen := s.snapshot(a, key); gen != 0 && gen <= newest[i] {
			a.violated(fmt.Sprintf("more than %d", newest[i]), "%s had generation %d and was held; the hold has expired, and Snapshot returned %d",
				quote(key), newest[i], gen)
		}
	}
}

func tryHoldAgainBeginsAnew(a *attempt, s *genSubject) {
	s.mustHold(a)
	keys := names("held", 4)
	s.hold(a, "writer", s.shortLease(), keys...)
	s.hold(a, "writer", longLease, keys...)
	s.outlast(a)
	for _, key := range keys {
		if what := s.exposed(a, key); what != "" {
			a.violated(heldWant, "%s was held for %v, and by the same token again for %v; after more than the first of the two, %s",
				quote(key), s.shortLease(), longLease, what)
		}
	}
}

func tryHoldAgainIsOneHold(a *attempt, s *genSubject) {
	keys := names("held", genTries)
	for range 3 {
		s.hold(a, "writer", longLease, keys...)
	}
	s.release(a, "writer", keys...)
	if !s.comesBack(a, keys) {
		a.violated("a generation", "one token has held %d keys three times and released them once, and Snapshot returns 0 for all of them", len(keys))
	}
}

func tryHoldsHaveTheirOwnEnds(a *attempt, s *genSubject) {
	s.mustHold(a)
	slow, quick := names("slow-first", 3), names("quick-first", 3)
	s.hold(a, "slow", longLease, slow...)
	s.hold(a, "quick", s.shortLease(), slow...)
	s.hold(a, "quick", s.shortLease(), quick...)
	s.hold(a, "slow", longLease, quick...)
	s.outlast(a)
	for _, key := range append(slow, quick...) {
		if what := s.exposed(a, key); what != "" {
			a.violated(heldWant, "%s was held for %v and for %v by two tokens; after the shorter one, %s", quote(key), longLease, s.shortLease(), what)
		}
	}
}

func tryExpiredHoldsDoNotCount(a *attempt, s *genSubject) {
	keys := names("held", genTries)
	s.hold(a, "crashed", s.shortLease(), keys...)
	s.hold(a, "writer", longLease, keys...)
	s.outlast(a)
	s.release(a, "writer", keys...)
	if !s.comesBack(a, keys) {
		a.violated("a generation", "of two holds on %d keys one has expired and the other was released, and Snapshot returns 0 for all of them", len(keys))
	}
}

func tryReleaseDrawsGreater(a *attempt, s *genSubject) {
	for _, key := range names("held", 6) {
		s.snapshot(a, key)
		gen, _ := s.bump(a, key)
		newest := max(gen, s.current(a, key))
		for range 3 {
			s.hold(a, "writer", longLease, key)
			s.release(a, "writer", key)
			got := s.current(a, key)
			if got != 0 && got <= newest {
				a.violated(fmt.Sprintf("more than %d", newest), "%s had generation %d, was held and released, and Current returned %d", quote(key), newest, got)
			}
			if got = s.snapshot(a, key); got != 0 && got <= newest {
				a.violated(fmt.Sprintf("more than %d", newest), "%s had generation %d, was held and released, and Snapshot returned %d", quote(key), newest, got)
			}
			newest = max(newest, got)
		}
	}
}

func tryReleaseRestores(a *attempt, s *genSubject) {
	keys := names("held", genTries)
	s.hold(a, "writer", longLease, keys...)
	s.release(a, "writer", keys...)
	restored := 0
	for _, key := range keys {
		if s.current(a, key) != 0 {
			restored++
		}
	}
	if restored == 0 {
		a.violated("a generation", "%d keys were held and released, and Current returns 0 for all of them", len(keys))
	}
}

func tryReleaseBumpsWhatVanished(a *attempt, s *genSubject) {
	keys := names("held", 4)
	s.hold(a, "late", s.shortLease(), keys...)
	s.outlast(a)
	filled := make([]uint64, len(keys))
	for i, key := range keys {
		filled[i] = s.snapshot(a, key)
	}
	s.release(a, "late", keys...)
	for i, key := range keys {
		if gen := s.current(a, key); gen != 0 && gen <= filled[i] {
			a.violated(fmt.Sprintf("more than %d, or 0", filled[i]),
				"the hold on %s expired, a Snapshot returned %d, the holder's release came late and returned nil, and Current then returned %d", quote(key), filled[i], gen)
		}
	}
}

func tryReleaseLeavesTheHoldsOfOthers(a *attempt, s *genSubject) {
	s.mustHold(a)
	for _, key := range names("held", 4) {
		s.snapshot(a, key)
		s.hold(a, "writer", longLease, key)
		s.release(a, "stranger", key)
		if what := s.exposed(a, key); what != "" {
			a.violated(heldWant, "%s is held by one token and was released by another, and %s", quote(key), what)
		}
	}
}

func tryLastReleaseEnds(a *attempt, s *genSubject) {
	s.mustHold(a)
	tokens := []string{"first", "second", "third"}
	for last, who := range tokens {
		key := "held-until-" + who
		for _, token := range tokens {
			s.hold(a, token, longLease, key)
		}
		for i := 1; i < len(tokens); i++ {
			token := tokens[(last+i)%len(tokens)]
			s.release(a, token, key)
			if what := s.exposed(a, key); what != "" {
				a.violated(heldWant, "%s is held by %q still, %q has released it, and %s", quote(key), who, token, what)
			}
		}
	}
}

func tryHoldTakesManyKeys(a *attempt, s *genSubject) {
	s.mustHold(a)
	if err := s.holder.Hold(a.Context(), nil, "writer", longLease); err != nil {
		a.violated("nil", "Hold of no keys returned %v", err)
	}
	if err := s.holder.Release(a.Context(), nil, "writer"); err != nil {
		a.violated("nil", "Release of no keys returned %v", err)
	}
	keys := names("held", 200)
	for _, key := range keys {
		s.snapshot(a, key)
	}
	s.hold(a, "writer", longLease, keys...)
	for i, key := range keys {
		if what := s.exposed(a, key); what != "" {
			a.violated(heldWant, "%d keys are held at once, and of number %d, %s", len(keys), i, what)
		}
	}
	s.release(a, "writer", keys...)
	if first, last := keys[:genTries], keys[len(keys)-genTries:]; s.comesBack(a, first) && !s.comesBack(a, last) {
		a.violated("a generation", "%d keys were held and released at once, and the last %d of them are held still", len(keys), len(last))
	}
}

func tryConcurrentHoldsAllCount(a *attempt, s *genSubject) {
	s.mustHold(a)
	const writers, rounds = 4, 25
	handles := s.handles(a)
	for _, key := range names("contested", rounds) {
		s.snapshot(a, key)
		a.each(writers, func(w int) {
			handles[w%len(handles)].hold(a, fmt.Sprint("writer-", w), longLease, key)
		})
		for w := range writers {
			if what := s.exposed(a, key); what != "" {
				a.violated(heldWant, "%d tokens held %s at once, %d have released it, and %s", writers, quote(key), w, what)
			}
			s.release(a, fmt.Sprint("writer-", w), key)
		}
	}
}
