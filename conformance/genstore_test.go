package conformance

import (
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestGenStoreRulesAreWellFormed(t *testing.T) { requireWellFormed(t, genStoreRules, genStoreLacks) }

func TestPlainGenStorePasses(t *testing.T) { RunGenStore(t, plainGenHarness(openPlainGens)) }

func TestAbleGenStorePasses(t *testing.T) { RunGenStore(t, plainGenHarness(openAbleGens)) }

func TestForwardingGenStorePasses(t *testing.T) { RunGenStore(t, plainGenHarness(openForwardGens)) }

func TestKnowingGenStorePasses(t *testing.T) { RunGenStore(t, plainGenHarness(openKnowingGens)) }

func TestBlockingKnowingGenStorePasses(t *testing.T) {
	RunGenStore(t, plainGenHarness(openBlockingGens))
}

func TestForwardingKnowingGenStorePasses(t *testing.T) {
	RunGenStore(t, plainGenHarness(openForwardsKnowing))
}

func TestOddGenStorePasses(t *testing.T) {
	h := plainGenHarness(openOddGens)
	h.Lacks = map[Lack]string{
		ContextErrors:  "it does no I/O",
		OwnGenerations: "keys share 64 of them",
	}
	RunGenStore(t, h)
}

// localHarness is the harness of the stores of package cascache.
func localHarness(open func() cascache.GenStore) GenStoreHarness {
	return GenStoreHarness{
		New: func(testing.TB) cascache.GenStore { return open() },
		Lacks: map[Lack]string{
			Sharing:       "it is the memory of one process",
			LostReplies:   "nothing lies between it and its caller",
			ContextErrors: "it does no I/O",
			Failures:      "it is memory",
		},
	}
}

func TestLocalGenStorePasses(t *testing.T) {
	h := localHarness(func() cascache.GenStore { return cascache.NewLocalGenStore(0, 0) })
	h.Losses = []Loss{
		{
			Name: "a prune of all",
			Lose: func(_ testing.TB, s cascache.GenStore) { s.(*cascache.LocalGenStore).Cleanup(0) },
		},
		{
			Name: "a crowd of other keys",
			Lose: func(tb testing.TB, s cascache.GenStore) {
				local := s.(*cascache.LocalGenStore)
				local.SetMaxKeys(1)
				defer local.SetMaxKeys(0)
				for _, key := range names("crowd", 4000) {
					if _, err := local.Snapshot(tb.Context(), key); err != nil {
						tb.Fatal(err)
					}
				}
			},
		},
		{
			Name: "a prune by age",
			Lose: func(tb testing.TB, s cascache.GenStore) {
				time.Sleep(2 * time.Millisecond)
				s.(*cascache.LocalGenStore).Cleanup(time.Millisecond)
			},
		},
	}
	RunGenStore(t, h)
}

func TestCrowdedLocalGenStorePasses(t *testing.T) {
	h := localHarness(func() cascache.GenStore {
		s := cascache.NewLocalGenStore(0, 0)
		s.SetMaxKeys(1)
		return s
	})
	h.Lacks[Losing] = "it loses them all the time"
	RunGenStore(t, h)
}

func TestStripedGenStorePasses(t *testing.T) {
	h := localHarness(func() cascache.GenStore { return cascache.NewStripedGenStore(0) })
	h.Lacks[Losing] = "it never drops a generation"
	RunGenStore(t, h)
}

func TestStripedGenStoreOfAFewSlotsPasses(t *testing.T) {
	h := localHarness(func() cascache.GenStore { return cascache.NewStripedGenStore(1) })
	h.Lacks[Losing] = "it never drops a generation"
	h.Lacks[OwnGenerations] = "it was made with a single slot"
	RunGenStore(t, h)
}

func TestGenStoreHarnessWithoutMeansOrReasonIsToldSo(t *testing.T) {
	for name, spoil := range map[string]func(h *GenStoreHarness){
		"FailedBumpIsAnError":   func(h *GenStoreHarness) { h.Break = nil },
		"PeersSeeBump":          func(h *GenStoreHarness) { h.Peer = nil },
		"LostIsNotReused":       func(h *GenStoreHarness) { h.Losses = nil },
		"RetriedBumpDrawsAgain": func(h *GenStoreHarness) { h.LoseReply = nil },
	} {
		h := plainGenHarness(openPlainGens)
		spoil(&h)
		if o := genStoreSuite(h).box(t)[name]; o.status != failed {
			t.Errorf("%s: got %+v, want a failure that asks for the means or a reason", name, o)
		}
	}
}
