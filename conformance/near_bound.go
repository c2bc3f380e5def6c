package conformance

import "fmt"

func nearBoundRules[V any]() []rule[*nearSubject[V]] {
	return []rule[*nearSubject[V]]{
		{
			name: "BoundIsKept",
			says: "A near tier holds no more entries than its bound, once it has settled.",
			harm: "the process grows with every key that is ever asked for, until it is out of memory.",
			lack: Bounds,
			try:  tryBoundIsKept[V],
		},
	}
}

func tryBoundIsKept[V any](a *attempt, s *nearSubject[V]) {
	most := s.h.MaxEntries
	if most <= 0 {
		if s.lacks(Bounds) {
			a.inconclusive("the harness gives no bound")
		}
		a.Fatalf("the harness gives no MaxEntries, nor declares in Lacks that the tier has no bound (%s)", Bounds)
	}
	keys := names("crowd", 2*most+groupSize)
	for _, key := range keys {
		s.set(key, lasting)
	}
	s.settle(a)
	if got := s.count(keys); got > most {
		a.violated(fmt.Sprintf("%d hits at most", most), "of %d keys set, %d were found", len(keys), got)
	}
}
