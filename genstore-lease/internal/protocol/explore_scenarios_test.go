package protocol

import (
	"testing"
	"time"
)

var bothJoined = [2]bool{true, true}

// The small scenarios are explored in full by every test run; each is about a
// few of the things that can happen. The large ones have more of everything.
var scenarios = []scenario{
	{name: "a neighbour bumps", keys: 1, joined: bothJoined, beats: [2]int{2, 0}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, ticks: 3},
	{name: "a neighbour bumps and watches", keys: 1, joined: bothJoined, beats: [2]int{1, 1}, changes: [2]int{0, 1}, ticks: 3},
	{name: "a neighbour bumps twice", keys: 1, joined: bothJoined, beats: [2]int{2, 0}, changes: [2]int{0, 2}, ticks: 2, limit: 1},
	{name: "an own bump", keys: 1, joined: bothJoined, beats: [2]int{2, 0}, reads: [2]int{1, 0}, changes: [2]int{1, 0}, ticks: 2},
	{name: "both bump", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, reads: [2]int{1, 0}, changes: [2]int{1, 1}, ticks: 1},
	{name: "two keys", keys: 2, joined: bothJoined, beats: [2]int{1, 0}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, ticks: 2},
	{name: "a loss of everything", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, changes: [2]int{0, 1}, losses: []loss{losesAll}, ticks: 3},
	{name: "a loss of everything, watched", keys: 1, joined: bothJoined, beats: [2]int{0, 2}, changes: [2]int{0, 1}, losses: []loss{losesAll}, ticks: 2},
	{name: "a loss of the hash", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, losses: []loss{losesState}, ticks: 2},
	{name: "a loss of the log", keys: 1, joined: bothJoined, beats: [2]int{2, 0}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, losses: []loss{losesLog}, ticks: 1},
	{name: "a step back", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, losses: []loss{goesBack}, ticks: 2},
	{name: "a crash", keys: 1, joined: bothJoined, beats: [2]int{2, 0}, changes: [2]int{0, 1}, crashes: [2]int{1, 0}, ticks: 1},
	{name: "a leave", keys: 1, joined: bothJoined, beats: [2]int{1, 1}, changes: [2]int{0, 1}, leaves: [2]int{1, 0}, ticks: 1},
	{name: "a silence", keys: 1, joined: bothJoined, beats: [2]int{1, 1}, changes: [2]int{0, 1}, ticks: 4},
	{name: "a hold", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, reads: [2]int{1, 0}, holds: [2]int{0, 1}, ticks: 2},
	{name: "a hold that a context ends", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, changes: [2]int{0, 1}, holds: [2]int{0, 1}, ends: [2]int{0, 1}, ticks: 2},
	{name: "a late start", keys: 1, joined: [2]bool{false, true}, beats: [2]int{2, 0}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, ticks: 1},
	{name: "a repeated heartbeat", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, changes: [2]int{0, 1}, repeats: 1, losses: []loss{losesAll}, ticks: 2},

	{name: "much of a neighbour", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 2}, reads: [2]int{1, 0}, changes: [2]int{0, 2}, ticks: 4},
	{name: "much of two replicas", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 1}, reads: [2]int{1, 0}, changes: [2]int{1, 1}, ticks: 3},
	{name: "much of a loss", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 2}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, losses: []loss{losesAll}, ticks: 3},
	{name: "much of a loss of the hash", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 1}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, losses: []loss{losesState}, ticks: 3},
	{name: "much of an own bump in a new epoch", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 0}, reads: [2]int{2, 0}, changes: [2]int{1, 0}, losses: []loss{losesState}, ticks: 2},
	{name: "much of a crash", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 1}, changes: [2]int{0, 1}, crashes: [2]int{1, 0}, ticks: 3},
	{name: "much of a leave", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 1}, changes: [2]int{0, 1}, leaves: [2]int{1, 0}, ticks: 3},
	{name: "much of a silence", large: true, keys: 1, joined: bothJoined, beats: [2]int{1, 2}, changes: [2]int{0, 2}, ticks: 4},
	{name: "much of a hold", large: true, keys: 1, joined: bothJoined, beats: [2]int{2, 1}, reads: [2]int{1, 0}, changes: [2]int{1, 0}, holds: [2]int{0, 1}, ticks: 2},
}

func TestExplorerFindsNothing(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			if s.large && !*large {
				t.Skip("only with -explore.large")
			}
			if raceEnabled {
				t.Skip("takes too long with -race")
			}
			t.Parallel()
			began := time.Now()
			o := explore(s, new(spoilt))
			if o.stale != "" {
				t.Fatalf("G4: %s, in this order of steps:\n  %v", o.stale, o.trace)
			}
			t.Logf("%d states in %v", o.states, time.Since(began).Round(time.Millisecond))
		})
	}
}

// TestExplorerFindsTwins gives the explorer a server or a store that lacks one
// rule, and expects it to find a stale look-up.
func TestExplorerFindsTwins(t *testing.T) {
	for _, twin := range []struct {
		name     string
		scenario string
		spoil    func(*spoilt)
	}{
		{"rule 2: a writer counts from when it sent its bump", "a neighbour bumps", func(s *spoilt) { s.writerFromSend = true }},
		{"rule 4: the table is looked up before the lease is checked", "a neighbour bumps", func(s *spoilt) { s.looksFirst = true }},
		{"rule 7: an acknowledgement says what was sent", "a neighbour bumps and watches", func(s *spoilt) { s.acksArrived = true }},
		{"rule 7: an acknowledgement counts in any epoch", "an acknowledgement of another epoch", func(s *spoilt) { s.acksAnyEpoch = true }},
		{"rule 8: members can be lost alone", "a loss of the members", func(s *spoilt) { s.losesMembers = true }},
		{"rule 8: an older copy goes on with its epoch", "a step back", func(s *spoilt) { s.keepsEpoch = true }},
		{"rule 9: a bump in a new epoch returns when its members have it", "a loss of everything, watched", func(s *spoilt) { s.unsettled = true }},
		{"rule 10: a member is removed at once", "a silence and two bumps", func(s *spoilt) { s.removesEarly = true }},
		{"rule 10: a member is removed though it was heard of", "a silence and two bumps", func(s *spoilt) { s.removesAnyway = true }},
		{"rule 10: a process deregisters before it stops", "a leave", func(s *spoilt) { s.leavesServing = true }},
		{"rule 11: a hold does not write the log", "a hold", func(s *spoilt) { s.unloggedHold = true }},
		{"rule 12: a hold is not waited for", "a hold", func(s *spoilt) { s.holdReturns = true }},
		{"rule 13: a context's end is success", "a hold that a context ends", func(s *spoilt) { s.endedIsDone = true }},
		{"no barrier", "a neighbour bumps", func(s *spoilt) { s.noBarrier = true }},
		{"a process takes its own change for seen in an epoch that it has not entered", "an own bump in a new epoch", func(s *spoilt) { s.selfUnreflected = true }},
	} {
		t.Run(twin.name, func(t *testing.T) {
			if raceEnabled {
				t.Skip("takes too long with -race")
			}
			wrong := new(spoilt)
			twin.spoil(wrong)
			for _, s := range append(scenarios, ofTwins...) {
				if s.name != twin.scenario {
					continue
				}
				began := time.Now()
				o := explore(s, wrong)
				if o.stale == "" {
					t.Errorf("the explorer must find a stale look-up: %d states have none", o.states)
				}
				t.Logf("after %d states (%v): %s\n  %v", o.states, time.Since(began).Round(time.Millisecond), o.stale, o.trace)
				return
			}
			t.Fatalf("no scenario %q", twin.scenario)
		})
	}
}

// ofTwins are scenarios that only a twin can meet, or that need more states
// than the small ones before a twin is found.
var ofTwins = []scenario{
	{name: "a loss of the members", keys: 1, joined: bothJoined, changes: [2]int{0, 1}, losses: []loss{losesMembers}, ticks: 1},
	{name: "an own bump in a new epoch", keys: 1, joined: bothJoined, beats: [2]int{1, 0}, reads: [2]int{1, 0}, changes: [2]int{1, 0}, prologue: nobodysEpoch},
	{name: "a silence and two bumps", keys: 1, joined: bothJoined, beats: [2]int{1, 2}, changes: [2]int{0, 2}, ticks: 3},
	{name: "an acknowledgement of another epoch", keys: 1, joined: bothJoined, beats: [2]int{2, 1}, reads: [2]int{1, 0}, changes: [2]int{0, 1}, prologue: secondEpoch},
}

// secondEpoch lets the hash be lost, and the second process join anew and both
// know that epoch for long.
func secondEpoch(w *world) {
	w.srv.lose(losesState)
	w.exchange(1)
	w.exchange(1)
	for i := range w.nodes {
		w.nodes[i].w.Saw(w.srv.epoch, w.now)
		w.nodes[i].w.since = 0
	}
}

// nobodysEpoch lets the hash be lost, and the first process know the epoch that
// followed for long, without having entered it.
func nobodysEpoch(w *world) {
	w.srv.lose(losesState)
	w.srv.ensure()
	w.nodes[0].w.Saw(w.srv.epoch, w.now)
	w.nodes[0].w.since = 0
}
