package conformance

import (
	"time"
)

// ttl returns a time to live that the case can wait for.
func (s *providerSubject) ttl() time.Duration {
	switch {
	case s.h.Advance != nil:
		return 10 * time.Second
	case s.wholeSeconds():
		return 2 * time.Second
	}
	return 250 * time.Millisecond
}

// wholeSeconds reports whether times to live are heeded, and in seconds.
func (s *providerSubject) wholeSeconds() bool {
	return s.lacks(SubSecondTTL) && !s.lacks(PerEntryTTL)
}

// slack is how much longer than its time to live an entry may last: what
// storages and clocks round by.
func (s *providerSubject) slack() time.Duration {
	if s.wholeSeconds() {
		return time.Second + s.fineSlack()
	}
	return s.fineSlack()
}

// fineSlack is slack where a declared lack of fractions of a second is itself
// what is tried.
func (s *providerSubject) fineSlack() time.Duration {
	if s.h.Advance != nil {
		return 50 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// pass lets d go by.
func (s *providerSubject) pass(a *attempt, d time.Duration) {
	if s.h.Advance != nil {
		s.h.Advance(a, s.p, d)
		return
	}
	sleep(a, d)
}

// since is how much time may have gone by since then for the provider.
func (s *providerSubject) since(then time.Time) time.Duration {
	if s.h.Advance != nil {
		return 0
	}
	return time.Since(then)
}

// mustExpire ends the case unless entries last and end at all, as far as that
// can be found out without waiting. Where they don't, TTLEnds or TTLLasts says
// so, and the finer rules have nothing to add.
func (s *providerSubject) mustExpire(a *attempt) {
	if s.h.Advance == nil {
		return
	}
	ends, lasts := s.group(a, "mustEnd", s.ttl()), s.group(a, "mustLast", s.ttl())
	s.pass(a, s.ttl()/2)
	if s.count(a, lasts) == 0 {
		a.inconclusive("entries do not last for half of their time to live; see TTLLasts")
	}
	s.pass(a, s.ttl()/2+s.slack())
	if s.count(a, ends) > 0 {
		a.inconclusive("entries do not end after their time to live; see TTLEnds")
	}
}
