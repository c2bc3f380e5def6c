package conformance

import cascache "github.com/unkn0wn-root/cascache/core"

var genWrapperRules = []rule[*genSubject]{
	{
		name:  "UnwrapEnds",
		says:  "Unwrap returns what is wrapped: never nil, and never the wrapper itself or something that wraps it.",
		harm:  "the cache looks for abilities for ever and never starts, or does not find them.",
		needs: needGenWrapper,
		try:   func(a *attempt, s *genSubject) { tryUnwrap(a, s.s) },
	},
	{
		name:  "WrapperKeepsBulk",
		says:  "A wrapper of a cascache.BulkGenStore is one too, or its harness declares that it cannot be.",
		harm:  "a list of a hundred keys takes a hundred round trips, since a wrapper was added.",
		lack:  BulkGenerations,
		needs: needGenWrapper,
		try:   func(a *attempt, s *genSubject) { tryKeepsAbility[cascache.BulkGenStore](a, s.s) },
	},
	{
		name:  "WrapperKeepsHold",
		says:  "A wrapper of a cascache.Holder is one too, or its harness declares that it cannot be.",
		harm:  "Mutate is refused in production, since a wrapper was added.",
		lack:  Holding,
		needs: needGenWrapper,
		try:   func(a *attempt, s *genSubject) { tryKeepsAbility[cascache.Holder](a, s.s) },
	},
	{
		name:  "WrapperKeepsCurrentLocal",
		says:  "A wrapper of a cascache.LocalReader is one too, or its harness declares that it cannot be.",
		harm:  "every local hit joins two strings and allocates, and every leased one costs a round trip again, since a wrapper was added.",
		lack:  CurrentLocally,
		needs: needGenWrapper,
		try:   func(a *attempt, s *genSubject) { tryKeepsAbility[cascache.LocalReader](a, s.s) },
	},
	{
		name:  "WrapperKeepsCurrentToCommit",
		says:  "A wrapper of a cascache.CommitReader is one too, or its harness declares that it cannot be.",
		harm:  "the generations of keys that are only filled expire in use, since a wrapper was added.",
		lack:  CurrentCommitting,
		needs: needGenWrapper,
		try:   func(a *attempt, s *genSubject) { tryKeepsAbility[cascache.CommitReader](a, s.s) },
	},
	{
		name:  "WrapperBlocksWithItsStore",
		says:  "A wrapper of a store that may block does not report cascache.NonBlocker.",
		harm:  "the cache spends nothing on timeouts, and every request hangs with the store inside.",
		needs: needGenWrapper,
		try:   tryWrapperBlocksWithItsStore,
	},
}

func needGenWrapper(s *genSubject) string { return needWrapper(s.s) }

func tryWrapperBlocksWithItsStore(a *attempt, s *genSubject) {
	chain, ends := unwrapAll(s.s)
	if !ends {
		a.inconclusive("there is no end to the wrappers")
	}
	// AbilityOf asks the outermost one alone what it reports.
	outer, ok := cascache.AbilityOf[cascache.NonBlocker](s.s)
	if !ok || !outer.NonBlocking() {
		return
	}
	for _, inner := range chain[1:] {
		if n, is := inner.(cascache.NonBlocker); is && !n.NonBlocking() {
			a.violated("NonBlocking to report false", "%T reports NonBlocking, and wraps a %T, which does not", s.s, inner)
		}
	}
}
