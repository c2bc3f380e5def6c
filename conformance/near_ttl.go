package conformance

import (
	"fmt"
	"math"
	"time"
)

func nearTTLRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "TTLEnds",
			says: "An entry is not returned any more when its time to live is over.",
			harm: "entries outlive their bound: what is changed behind the cache's back stays wrong for far too long.",
			try:  tryNearTTLEnds[V],
		},
		{
			name: "TTLLasts",
			says: "An entry is not thrown away for its age before its time to live is over.",
			harm: "entries are gone almost as soon as they are stored, and every read goes on to the provider or the database.",
			try:  tryNearTTLLasts[V],
		},
		{
			name: "TTLBelowASecond",
			says: "A time to live is heeded to the millisecond, also below a second.",
			harm: "a short time to live, cut to whole seconds, becomes none at all, or for ever.",
			lack: SubSecondTTL,
			try:  tryNearTTLBelowASecond[V],
		},
		{
			name: "TTLTiny",
			says: "The smallest time to live, of a nanosecond, is not for ever.",
			harm: "rounded to zero, and taken for \"no limit\", an entry that should be gone at once is never gone.",
			try:  tryNearTTLTiny[V],
		},
		{
			name: "TTLHuge",
			says: "The longest time to live, of months, years or 292 years, is not over at once.",
			harm: "a sum that overflows makes the entries that should last the longest vanish at once.",
			try:  tryNearTTLHuge[V],
		},
		{
			name: "TTLOfTheLastSet",
			says: "A Set replaces the time to live along with the value.",
			harm: "an entry that is filled again dies with the old one, or lives on with the old one's life.",
			try:  tryNearTTLOfTheLastSet[V],
		},
		{
			name: "TTLIsNotExtendedByReads",
			says: "Reading an entry does not prolong its life.",
			harm: "an entry in constant use is never refreshed, whatever its time to live.",
			try:  tryNearTTLIsNotExtendedByReads[V],
		},
	}
}

// ttl returns a time to live that the case can wait for.
func (s *nearSubject[V]) ttl() time.Duration {
	switch {
	case s.h.Advance != nil:
		return 10 * time.Second
	case s.lacks(SubSecondTTL):
		return 2 * time.Second
	}
	return 100 * time.Millisecond
}

// fineSlack is how much longer than its time to live an entry may last: what
// clocks round by.
const fineSlack = 50 * time.Millisecond

// slack is fineSlack, and what a tier rounds by that counts in seconds.
func (s *nearSubject[V]) slack() time.Duration {
	if s.lacks(SubSecondTTL) {
		return time.Second + fineSlack
	}
	return fineSlack
}

// moved tells whether the clock is moved rather than waited for.
func (s *nearSubject[V]) moved() bool { return s.h.Advance != nil }

// pass lets d go by.
func (s *nearSubject[V]) pass(a *attempt, d time.Duration) {
	if s.h.Advance != nil {
		s.h.Advance(a, s.n, d)
		return
	}
	sleep(a, d)
}

// since is how much time may have gone by since then for the tier.
func (s *nearSubject[V]) since(then time.Time) time.Duration {
	if s.h.Advance != nil {
		return 0
	}
	return time.Since(then)
}

// mustExpire ends the case unless entries last and end at all, as far as that
// can be found out without waiting. Where they don't, TTLEnds or TTLLasts says
// so, and the finer rules have nothing to add.
func (s *nearSubject[V]) mustExpire(a *attempt) {
	if s.h.Advance == nil {
		return
	}
	ends, lasts := s.group(a, "mustEnd", s.ttl()), s.group(a, "mustLast", s.ttl())
	s.pass(a, s.ttl()/2)
	if s.count(lasts) == 0 {
		a.inconclusive("entries do not last for half of their time to live; see TTLLasts")
	}
	s.pass(a, s.ttl()/2+s.slack())
	if s.count(ends) > 0 {
		a.inconclusive("entries do not end after their time to live; see TTLEnds")
	}
}

// mustBeOver is that none of keys, which were set for ttl, is found any more.
func (s *nearSubject[V]) mustBeOver(a *attempt, keys []string, ttl, later time.Duration, how string) {
	for _, key := range keys {
		if s.found(key) {
			a.violated("a miss", "%s was set for %v%s, and is still found %v later", quote(key), ttl, how, later)
		}
	}
}

func tryNearTTLEnds[V any](a *attempt, s *nearSubject[V]) {
	ttl := s.ttl()
	keys := s.group(a, "ends", ttl)
	kept := s.count(keys)
	s.pass(a, ttl+s.slack())
	s.mustBeOver(a, keys, ttl, ttl+s.slack(), "")
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}

func tryNearTTLLasts[V any](a *attempt, s *nearSubject[V]) { ttlLasts(a, s, s.count) }

func tryNearTTLBelowASecond[V any](a *attempt, s *nearSubject[V]) {
	s.mustExpire(a)
	ttlBelowASecond(a, s, 200*time.Millisecond, fineSlack, s.count,
		func(keys []string, ttl, later time.Duration) { s.mustBeOver(a, keys, ttl, later, "") })
}

func tryNearTTLTiny[V any](a *attempt, s *nearSubject[V]) {
	s.mustExpire(a)
	tiny := []time.Duration{1, time.Microsecond, 999 * time.Microsecond}
	for _, ttl := range tiny {
		s.group(a, "tiny"+ttl.String(), ttl)
	}
	wait := s.slack()
	if s.h.Advance != nil {
		wait += time.Second // for those that count in seconds; TTLBelowASecond judges them
	}
	s.pass(a, wait)
	for _, ttl := range tiny {
		s.mustBeOver(a, names("tiny"+ttl.String(), groupSize), ttl, wait, "")
	}
	if s.count(s.group(a, "long", lasting)) == 0 {
		a.inconclusive("nothing is kept, however long its time to live")
	}
}

func tryNearTTLHuge[V any](a *attempt, s *nearSubject[V]) {
	const day = 24 * time.Hour
	control := s.count(s.group(a, "hour", lasting))
	for _, ttl := range []time.Duration{25 * day, 31 * day, 60 * day, 365 * day, 100 * 365 * day, math.MaxInt64} {
		keys := s.group(a, fmt.Sprintf("days%d", ttl/day), ttl)
		if s.count(keys) == 0 && control >= groupSize/2 {
			a.violated("about as many", "of %d keys that were set for %d days, none was found; of as many set for %v, %d",
				groupSize, ttl/day, lasting, control)
		}
	}
	if control < groupSize/2 {
		a.inconclusive("of %d keys set for %v, %d were kept", groupSize, lasting, control)
	}
}

func tryNearTTLOfTheLastSet[V any](a *attempt, s *nearSubject[V]) {
	s.mustReplace(a)
	s.mustExpire(a)
	ttl := s.ttl()
	again := func(prefix string, first, second time.Duration) []string {
		s.group(a, prefix, first)
		return s.group(a, prefix, second)
	}
	control := s.group(a, "control", lasting)
	prolonged := again("prolonged", ttl, lasting)
	shortened := again("shortened", lasting, ttl)
	kept := s.count(shortened)
	s.pass(a, ttl+s.slack())
	s.mustBeOver(a, shortened, ttl, ttl+s.slack(), fmt.Sprintf(", after a Set for %v", lasting))
	alive, left := s.count(control), s.count(prolonged)
	if alive < groupSize/2 || kept == 0 {
		a.inconclusive("of %d keys set for %v, %d were kept", groupSize, lasting, alive)
	}
	if left == 0 {
		a.violated("about as many", "of %d keys that were set for %v and then for %v, none is left after %v; of as many set once, %d",
			groupSize, ttl, lasting, ttl+s.slack(), alive)
	}
}

func tryNearTTLIsNotExtendedByReads[V any](a *attempt, s *nearSubject[V]) {
	s.mustExpire(a)
	ttl := s.ttl()
	keys := s.group(a, "read", ttl)
	kept, left := 0, ttl+s.slack()
	for range 4 {
		kept = max(kept, s.count(keys))
		s.pass(a, left/2) // each read comes before the end, even the last
		left -= left / 2
	}
	s.pass(a, left)
	s.mustBeOver(a, keys, ttl, ttl+s.slack(), " and read four times meanwhile")
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}
