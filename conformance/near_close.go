package conformance

import "sync/atomic"

func nearCloseRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "CloseTwice",
			says: "Further calls of Close return nil and do nothing, also when they come at once.",
			harm: "two caches that share a tier, or a deferred Close, bring the process down as it stops.",
			try:  tryNearCloseTwice[V],
		},
		{
			name: "ClosedGetMisses",
			says: "After Close, Get misses.",
			harm: "a program that closed its cache too early goes on, with data that nobody invalidates any more.",
			try:  tryClosedGetMisses[V],
		},
		{
			name: "ClosedSetKeepsNothing",
			says: "After Close, Set does nothing.",
			harm: "a late fill crashes the process as it stops, or keeps memory that nobody frees.",
			try:  tryClosedSetKeepsNothing[V],
		},
		{
			name: "ClosedDelDoesNothing",
			says: "After Close, Del does nothing.",
			harm: "a late invalidation crashes the process as it stops.",
			try:  tryClosedDelDoesNothing[V],
		},
		{
			name: "CloseUnderLoad",
			says: "Close may come while other calls are under way: they return the right answer or a miss.",
			harm: "every other deployment ends in a crash.",
			try:  tryNearCloseUnderLoad[V],
		},
	}
}

func tryNearCloseTwice[V any](a *attempt, s *nearSubject[V]) {
	s.keep(a, "kept")
	_ = s.n.Close() // the first may have something to say
	for range 2 {
		if err := s.n.Close(); err != nil {
			a.violated("nil", "the second Close returned %v", err)
		}
	}
	another := openNear(a, s.h)
	var failures atomic.Int64
	a.each(8, func(int) {
		if another.Close() != nil {
			failures.Add(1)
		}
	})
	// One of them is the first.
	if n := failures.Load(); n > 1 {
		a.violated("nil, but for the first", "of eight Closes at once, %d returned an error", n)
	}
}

// missAfterClose is that none of keys is found, now that the tier is closed.
func (s *nearSubject[V]) missAfterClose(a *attempt, did string, keys ...string) {
	watch(a, func() {
		for _, key := range keys {
			if v, gen, ok := s.get(key); ok {
				a.violated("a miss", "after Close%s, Get(%s) returned %s under generation %d", did, quote(key), show(v), gen)
			}
		}
	})
}

func tryClosedGetMisses[V any](a *attempt, s *nearSubject[V]) {
	keys := s.group(a, "kept", lasting)
	s.count(keys)
	_ = s.n.Close()
	s.missAfterClose(a, "", append(keys, "missing")...)
}

func tryClosedSetKeepsNothing[V any](a *attempt, s *nearSubject[V]) {
	_ = s.n.Close()
	keys := s.group(a, "late", lasting)
	s.missAfterClose(a, " and a Set that came later", keys...)
}

func tryClosedDelDoesNothing[V any](a *attempt, s *nearSubject[V]) {
	keys := s.group(a, "kept", lasting)
	_ = s.n.Close()
	for _, key := range append(keys, "missing") {
		s.n.Del(key)
	}
}

func tryNearCloseUnderLoad[V any](a *attempt, s *nearSubject[V]) {
	s.mustPair(a)
	value, gen := s.values[0], s.draw()
	closeUnderLoad(a, 4,
		func() *nearSubject[V] { return &nearSubject[V]{h: s.h, n: openNear(a, s.h), values: s.values} },
		func(live *nearSubject[V], _ int) {
			live.n.Set("busy", value, gen, lasting)
			if v, got, ok := live.get("busy"); ok && (got != gen || !live.equal(v, value)) {
				a.violated("what was set, or a miss", "while it was being closed, Get returned %s under generation %d", show(v), got)
			}
			live.n.Del("busy")
		},
		func(live *nearSubject[V]) { _ = live.n.Close() })
}
