package conformance

import cascache "github.com/unkn0wn-root/cascache/core"

var providerWrapperRules = []rule[*providerSubject]{
	{
		name:  "UnwrapEnds",
		says:  "Unwrap returns what is wrapped: never nil, and never the wrapper itself or something that wraps it.",
		harm:  "the cache looks for abilities for ever and never starts, or does not find them.",
		needs: needProviderWrapper,
		try:   func(a *attempt, s *providerSubject) { tryUnwrap(a, s.p) },
	},
	{
		name:  "WrapperKeepsBulk",
		says:  "A wrapper of a cascache.BulkProvider is one too, or its harness declares that it cannot be.",
		harm:  "a list of a hundred keys takes a hundred round trips, since a wrapper was added.",
		lack:  BulkValues,
		needs: needProviderWrapper,
		try:   func(a *attempt, s *providerSubject) { tryKeepsAbility[cascache.BulkProvider](a, s.p) },
	},
	{
		name:  "WrapperKeepsGetPrefixed",
		says:  "A wrapper of a cascache.PrefixGetter is one too, or its harness declares that it cannot be.",
		harm:  "every hit allocates once more, since a wrapper was added.",
		lack:  PrefixGetting,
		needs: needProviderWrapper,
		try:   func(a *attempt, s *providerSubject) { tryKeepsAbility[cascache.PrefixGetter](a, s.p) },
	},
	{
		name:  "WrapperKeepsShared",
		says:  "A wrapper of a cascache.Sharer is one too, and reports the same.",
		harm:  "nobody is warned any more when a shared provider is paired with local generations, and stale values are served.",
		needs: needProviderWrapper,
		try:   tryWrapperKeepsShared,
	},
}

func needProviderWrapper(s *providerSubject) string { return needWrapper(s.p) }

func tryWrapperKeepsShared(a *attempt, s *providerSubject) {
	tryKeepsAbility[cascache.Sharer](a, s.p)
	chain, _ := unwrapAll(s.p)
	inner, has := cascache.AbilityOf[cascache.Sharer](chain[1])
	if !has {
		return
	}
	outer, _ := cascache.AbilityOf[cascache.Sharer](s.p)
	if outer.Shared() != inner.Shared() {
		a.violated("the same", "the wrapper's Shared reports %t, that of what it wraps %t", outer.Shared(), inner.Shared())
	}
}
