package conformance

import (
	"fmt"
	"time"
)

// aging is what the cases on times to live need of a provider or a near tier.
type aging interface {
	ttl() time.Duration
	moved() bool // whether the clock is moved rather than waited for
	pass(a *attempt, d time.Duration)
	since(then time.Time) time.Duration
	group(a *attempt, prefix string, ttl time.Duration) []string
}

// ttlLasts is that most of a group can be read when half of their time has
// passed. count tells how many of keys can be read.
func ttlLasts(a *attempt, s aging, count func(keys []string) int) {
	for ttl := s.ttl(); ttl <= time.Hour; ttl *= 4 {
		begun := time.Now()
		before := count(s.group(a, "control", ttl))
		keys := s.group(a, "lasts", ttl)
		s.pass(a, ttl/2)
		after := count(keys)
		if s.since(begun) >= ttl {
			continue // the machine is too busy to tell: once more, with more time
		}
		if before < groupSize/2 && count(s.group(a, "long", lasting)) < groupSize/2 {
			a.inconclusive("of %d keys, %d were kept from the beginning", groupSize, before)
		}
		if after == 0 {
			a.violated("about as many", "of %d keys that were set for %v, none was found %v later; of as many that were looked for at once, %d",
				groupSize, ttl, ttl/2, before)
		}
		return
	}
	a.inconclusive("the machine is too busy to wait for half of %v", time.Hour)
}

// ttlBelowASecond is that the fraction of a second in a time to live counts:
// one of ttl, and others where the clock is moved. count tells how many of keys
// can be read, over makes sure that none can.
func ttlBelowASecond(a *attempt, s aging, ttl, slack time.Duration, count func(keys []string) int, over func(keys []string, ttl, later time.Duration)) {
	ttls := []time.Duration{ttl}
	if s.moved() {
		ttls = append(ttls, 1900*time.Millisecond, 2001*time.Millisecond)
	}
	for _, ttl := range ttls {
		prefix := fmt.Sprintf("ms%d", ttl.Milliseconds())
		begun := time.Now()
		keys := s.group(a, prefix, ttl)
		read := s.group(a, prefix+"-read", ttl) // what is read early is not read late
		long := s.group(a, prefix+"-long", lasting)
		early := ttl * 9 / 10
		if !s.moved() {
			early = ttl / 4 // leaves room for a machine that is busy
		}
		s.pass(a, early)
		kept, control := count(read), count(long)
		if s.since(begun) < ttl && control >= groupSize/2 && kept == 0 {
			a.violated("about as many", "of %d keys that were set for %v, none is left %v later; of as many set for %v, %d",
				groupSize, ttl, early, lasting, control)
		}
		s.pass(a, ttl-early+slack)
		over(keys, ttl, ttl+slack)
		if kept == 0 {
			a.inconclusive("nothing was kept long enough")
		}
	}
}
