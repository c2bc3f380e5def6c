package conformance

import (
	"bytes"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var providerShareRules = []rule[*providerSubject]{
	{
		name: "InstancesStayApart",
		says: "Instances of their own share nothing: the harness makes one for each case, and a program for each cache.",
		harm: "one cache is served the entries of another; and here, no case can be trusted.",
		try:  tryInstancesStayApart,
	},
	{
		name: "SharedIsAdmitted",
		says: "A provider whose entries other processes, or later ones, can see says so: it is a cascache.Sharer that reports true.",
		harm: "nobody is warned when it is paired with local generations, and stale values are served.",
		needs: func(s *providerSubject) string {
			if s.h.Peer == nil {
				return "the harness gives no Peer"
			}
			return ""
		},
		try: trySharedIsAdmitted,
	},
	{
		name: "PeersSeeDel",
		says: "When Del has returned nil, no value set before is returned by any handle on the same storage.",
		harm: "each process keeps its own version of what was thrown out.",
		needs: func(s *providerSubject) string {
			if s.h.Peer == nil {
				return "the harness gives no Peer"
			}
			return ""
		},
		try: tryPeersSeeDel,
	},
}

func tryInstancesStayApart(a *attempt, s *providerSubject) {
	other := &providerSubject{h: s.h, p: openProvider(a, s.h)}
	keys := names("apart", 8)
	for _, key := range keys {
		s.keep(a, key, sample(key, 20))
	}
	for _, key := range keys {
		if got, found := other.get(a, key); found {
			a.violated("a miss", "a second instance from ProviderHarness.New returned %s for %s, which was set in the first", quote(got), quote(key))
		}
	}
}

func (s *providerSubject) peer(a *attempt) *providerSubject {
	p := s.h.Peer(a, s.p)
	if p == nil {
		a.Fatal("ProviderHarness.Peer returned nil")
	}
	closeAfter(a, p)
	return &providerSubject{h: s.h, p: p}
}

func trySharedIsAdmitted(a *attempt, s *providerSubject) {
	peer := s.peer(a)
	s.mustKeep(a, "shared", sample("shared", 20))
	sharer, is := cascache.AbilityOf[cascache.Sharer](s.p)
	if is && sharer.Shared() {
		return
	}
	if got, found := peer.get(a, "shared"); found && bytes.Equal(got, sample("shared", 20)) {
		a.violated("Shared() to report true", "another handle finds what this one has set, and the provider does not say that it is shared (a Sharer: %t)", is)
	}
	a.inconclusive("the other handle does not find what this one has set")
}

func tryPeersSeeDel(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	peer := s.peer(a)
	seen := 0
	var gone []string
	look := func(key string) {
		if got, found := peer.get(a, key); found {
			a.violated("a miss", "Del(%s) returned nil, and another handle on the same storage then returned %s", quote(key), quote(got))
		}
	}
	for _, key := range names("peer", 8) {
		s.mustKeep(a, key, sample(key, 20))
		for range 2 {
			if _, found := peer.get(a, key); found {
				seen++
			}
		}
		if s.del(a, key) {
			gone = append(gone, key)
			look(key)
		}
	}
	watch(a, func() {
		for _, key := range gone {
			look(key)
		}
	})
	if seen == 0 {
		a.inconclusive("the other handle never found anything")
	}
}
