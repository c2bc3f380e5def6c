package conformance

import (
	"fmt"
	"math"
	"time"
)

var providerTTLRules = []rule[*providerSubject]{
	{
		name: "TTLEnds",
		says: "An entry is not returned any more when its time to live is over.",
		harm: "entries outlive their bound: what is changed behind the cache's back stays wrong for far too long.",
		lack: PerEntryTTL,
		try:  tryTTLEnds,
	},
	{
		name: "TTLLasts",
		says: "An entry is not thrown away for its age before its time to live is over.",
		harm: "entries are gone almost as soon as they are stored, and every read goes to the database.",
		lack: PerEntryTTL,
		try:  tryTTLLasts,
	},
	{
		name: "TTLBelowASecond",
		says: "A time to live is heeded to the millisecond, also below a second.",
		harm: "a short time to live, cut to whole seconds, becomes none at all, or for ever.",
		lack: SubSecondTTL,
		try:  tryTTLBelowASecond,
	},
	{
		name: "TTLTiny",
		says: "The smallest time to live, of a nanosecond, is not for ever.",
		harm: "rounded to zero, which most storages take for \"no limit\", an entry that should be gone at once is never gone.",
		lack: PerEntryTTL,
		try:  tryTTLTiny,
	},
	{
		name: "TTLHuge",
		says: "The longest time to live, of months, years or 292 years, is not over at once, and no error.",
		harm: "an overflow, or a number that the storage takes for a date, makes entries that should last the longest vanish at once.",
		lack: PerEntryTTL,
		try:  tryTTLHuge,
	},
	{
		name: "TTLOfTheLastSet",
		says: "A Set replaces the time to live along with the value.",
		harm: "an entry that is filled again dies with the old one, or lives on with the old one's life.",
		lack: PerEntryTTL,
		try:  tryTTLOfTheLastSet,
	},
	{
		name: "TTLIsNotExtendedByReads",
		says: "Reading an entry does not prolong its life.",
		harm: "an entry in constant use is never refreshed, whatever its time to live.",
		lack: PerEntryTTL,
		try:  tryTTLIsNotExtendedByReads,
	},
}

// moved tells whether the clock is moved rather than waited for.
func (s *providerSubject) moved() bool { return s.h.Advance != nil }

func tryTTLEnds(a *attempt, s *providerSubject) {
	ttl := s.ttl()
	keys := s.group(a, "ends", ttl)
	kept := s.count(a, keys)
	s.pass(a, ttl+s.slack())
	for _, key := range keys {
		if _, found := s.get(a, key); found {
			a.violated("a miss", "%s was set for %v and is still found %v later", quote(key), ttl, ttl+s.slack())
		}
	}
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}

func tryTTLLasts(a *attempt, s *providerSubject) {
	ttlLasts(a, s, func(keys []string) int { return s.count(a, keys) })
}

func tryTTLBelowASecond(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	ttlBelowASecond(a, s, 300*time.Millisecond, s.fineSlack(), func(keys []string) int { return s.count(a, keys) },
		func(keys []string, ttl, later time.Duration) {
			for _, key := range keys {
				if _, found := s.get(a, key); found {
					a.violated("a miss", "%s was set for %v and is still found %v later", quote(key), ttl, later)
				}
			}
		})
}

func tryTTLTiny(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	tiny := []time.Duration{1, time.Microsecond, 999 * time.Microsecond}
	for _, ttl := range tiny {
		s.group(a, "tiny"+ttl.String(), ttl)
	}
	// Storages that count in seconds round up.
	wait := time.Second + s.slack()
	s.pass(a, wait)
	for _, ttl := range tiny {
		for _, key := range names("tiny"+ttl.String(), groupSize) {
			if _, found := s.get(a, key); found {
				a.violated("a miss", "%s was set for %v and is still found %v later", quote(key), ttl, wait)
			}
		}
	}
	if s.count(a, s.group(a, "long", lasting)) == 0 {
		a.inconclusive("nothing is kept, however long its time to live")
	}
}

func tryTTLHuge(a *attempt, s *providerSubject) {
	const day = 24 * time.Hour
	control := s.count(a, s.group(a, "hour", lasting))
	for _, ttl := range []time.Duration{25 * day, 31 * day, 60 * day, 365 * day, 100 * 365 * day, math.MaxInt64} {
		prefix := fmt.Sprintf("days%d", ttl/day)
		keys := names(prefix, groupSize)
		for _, key := range keys {
			if _, err := s.p.Set(a.Context(), key, sample(key, 20), 20, ttl); err != nil {
				a.violated("(true, nil)", "Set for %v, %d days, returned the error %v", ttl, ttl/day, err)
			}
		}
		s.settle(a)
		if s.count(a, keys) == 0 && control >= groupSize/2 {
			a.violated("about as many", "of %d keys that were set for %d days, none was found; of as many set for %v, %d",
				groupSize, ttl/day, lasting, control)
		}
	}
	if control < groupSize/2 {
		a.inconclusive("of %d keys set for %v, %d were kept", groupSize, lasting, control)
	}
}

func tryTTLOfTheLastSet(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	ttl := s.ttl()
	control := s.group(a, "control", lasting)
	again := func(prefix string, first, second time.Duration) []string {
		var accepted []string
		for _, key := range s.group(a, prefix, first) {
			if s.set(a, key, sample(key+"'", 20), second) {
				accepted = append(accepted, key)
			}
		}
		s.settle(a)
		return accepted
	}
	prolonged := again("prolonged", ttl, lasting)
	shortened := again("shortened", lasting, ttl)
	kept := s.count(a, shortened)
	s.pass(a, ttl+s.slack())
	for _, key := range shortened {
		if _, found := s.get(a, key); found {
			a.violated("a miss", "%s was set for %v and then for %v, and is still found after %v", quote(key), lasting, ttl, ttl+s.slack())
		}
	}
	alive, left := s.count(a, control), s.count(a, prolonged)
	if alive < groupSize/2 || len(prolonged) < groupSize/2 || kept == 0 {
		a.inconclusive("of %d keys set for %v, %d were kept", groupSize, lasting, alive)
	}
	if left == 0 {
		a.violated("about as many", "of %d keys that were set for %v and then for %v, none is left after %v; of %d set once, %d",
			len(prolonged), ttl, lasting, ttl+s.slack(), groupSize, alive)
	}
}

func tryTTLIsNotExtendedByReads(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	ttl := s.ttl()
	keys := s.group(a, "read", ttl)
	kept, left := 0, ttl+s.slack()
	for range 4 {
		kept = max(kept, s.count(a, keys))
		s.pass(a, left/2) // each read comes before the end, even the last
		left -= left / 2
	}
	s.pass(a, left)
	for _, key := range keys {
		if _, found := s.get(a, key); found {
			a.violated("a miss", "%s was set for %v, read four times meanwhile, and is still found after %v", quote(key), ttl, ttl+s.slack())
		}
	}
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}
