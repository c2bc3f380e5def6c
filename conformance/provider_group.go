package conformance

import (
	"time"
)

// group sets groupSize keys for ttl.
func (s *providerSubject) group(a *attempt, prefix string, ttl time.Duration) []string {
	keys := names(prefix, groupSize)
	for _, key := range keys {
		s.set(a, key, sample(key, 20), ttl)
	}
	s.settle(a)
	return keys
}

// hits sets groupSize keys, each after before was called with it, and counts
// those that can be read.
func (s *providerSubject) hits(a *attempt, prefix string, before func(key string)) int {
	keys := names(prefix, groupSize)
	for _, key := range keys {
		before(key)
		s.set(a, key, sample(key, 20), lasting)
		s.settle(a)
	}
	return s.count(a, keys)
}

// count tells how many of keys can be read.
func (s *providerSubject) count(a *attempt, keys []string) int {
	n := 0
	for _, key := range keys {
		if _, found := s.get(a, key); found {
			n++
		}
	}
	return n
}
