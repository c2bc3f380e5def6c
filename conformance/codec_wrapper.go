package conformance

import cascache "github.com/unkn0wn-root/cascache/core"

func codecWrapperRules[V any]() []rule[*codecSubject[V]] {
	needs := func(s *codecSubject[V]) string { return needWrapper(s.codec) }
	return []rule[*codecSubject[V]]{
		{
			name:  "UnwrapEnds",
			says:  "Unwrap returns what is wrapped: never nil, and never the wrapper itself or something that wraps it.",
			harm:  "the cache looks for abilities for ever and never starts, or does not find them.",
			needs: needs,
			try:   func(a *attempt, s *codecSubject[V]) { tryUnwrap(a, s.codec) },
		},
		{
			name:  "WrapperKeepsAppendEncode",
			says:  "A wrapper of a cascache.AppendEncoder is one too, or its harness declares that it cannot be.",
			harm:  "every fill copies its payload once more, since a wrapper was added.",
			lack:  AppendEncoding,
			needs: needs,
			try:   func(a *attempt, s *codecSubject[V]) { tryKeepsAbility[cascache.AppendEncoder[V]](a, s.codec) },
		},
	}
}
