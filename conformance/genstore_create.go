package conformance

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

var genCreateRules = []rule[*genSubject]{
	{
		name: "SnapshotCreates",
		says: "G3: Snapshot creates a missing generation: it is the key's from then on.",
		harm: "a fill cannot tell whether the key was invalidated and its generation lost meanwhile: nothing is ever stored, or what is stale is.",
		try:  trySnapshotCreates,
	},
	{
		name: "PeersSeeSnapshot",
		says: "G3: What Snapshot creates on one handle is the key's generation on every other.",
		harm: "no replica can use what another one has cached.",
		lack: Sharing,
		try:  tryPeersSeeSnapshot,
	},
	{
		name: "SnapshotKeeps",
		says: "Snapshot leaves a generation that is there as it is.",
		harm: "each fill invalidates the entry before it, and those of others: the cache never hits.",
		try:  trySnapshotKeeps,
	},
	{
		name: "CurrentOnlyReads",
		says: "G3: Current never creates a generation.",
		harm: "reads of keys that do not exist, or that somebody makes up, fill the memory of the store and drive out the others.",
		try:  tryCurrentOnlyReads,
	},
	{
		name: "ConcurrentSnapshotsAgree",
		says: "G3: Snapshots of a missing key that come at once get the same generation.",
		harm: "when a popular key is filled by many at once, all fills but one are refused, again and again.",
		try:  tryConcurrentSnapshotsAgree,
	},
	{
		name: "SnapshotDoesNotUndoABump",
		says: "G4: A Snapshot that finds nothing does not overwrite what a bump puts there meanwhile.",
		harm: "a fill that began before an invalidation takes its generation back, and what it stores is served.",
		try:  trySnapshotDoesNotUndoABump,
	},
}

func trySnapshotCreates(a *attempt, s *genSubject) {
	tried, created, last := 0, 0, ""
	for _, key := range names("created", genTries) {
		gen, err := s.s.Snapshot(a.Context(), key)
		if err != nil {
			continue
		}
		if gen == 0 {
			a.violated("a generation", "Snapshot of %s, which nobody holds, returned (0, nil)", quote(key))
		}
		tried++
		got := s.current(a, key)
		if got == gen {
			created++
		} else {
			last = fmt.Sprintf("Snapshot of %s returned %d, and Current after it %d", quote(key), gen, got)
		}
	}
	if tried > 0 && created == 0 {
		a.violated("the same", "for none of %d keys did Current return what Snapshot had: %s", tried, last)
	}
}

func tryPeersSeeSnapshot(a *attempt, s *genSubject) {
	peer := s.peer(a)
	tried, agreed, last := 0, 0, ""
	for _, key := range names("created", genTries) {
		gen := s.snapshot(a, key)
		if gen == 0 {
			continue
		}
		tried++
		got := peer.current(a, key)
		if got == gen || peer.snapshot(a, key) == gen {
			agreed++
		} else {
			last = fmt.Sprintf("Snapshot of %s returned %d on one handle, and Current %d on another", quote(key), gen, got)
		}
	}
	if tried > 0 && agreed == 0 {
		a.violated("the same", "for none of %d keys did two handles agree: %s", tried, last)
	}
}

func trySnapshotKeeps(a *attempt, s *genSubject) {
	tried, kept, last := 0, 0, ""
	for _, key := range names("kept", genTries) {
		s.bump(a, key)
		gen := s.current(a, key)
		got := s.snapshot(a, key)
		if gen == 0 || got == 0 {
			continue
		}
		tried++
		after := s.current(a, key)
		if got == gen && (after == gen || after == 0) {
			kept++
		} else {
			last = fmt.Sprintf("%s had generation %d, Snapshot returned %d, and Current after it %d", quote(key), gen, got, after)
		}
	}
	if tried > 0 && kept == 0 {
		a.violated("the same", "Snapshot changed the generation of %d keys of %d: %s", tried, tried, last)
	}
}

func tryCurrentOnlyReads(a *attempt, s *genSubject) {
	keys := names("read", 8)
	handles := append(s.handles(a), s)
	seen := make(map[string][]uint64)
	for _, h := range handles {
		for _, key := range keys {
			seen[key] = append(seen[key], h.current(a, key))
		}
	}
	for _, key := range keys {
		// What is no generation but a number for "missing" has a case of its
		// own.
		if gen := s.snapshot(a, key); gen != 0 && slices.Contains(seen[key], gen) {
			a.violated("0 each time", "Current of %s, which nobody has given a generation, returned %d, and Snapshot then the same", quote(key), seen[key])
		}
	}
}

func tryConcurrentSnapshotsAgree(a *attempt, s *genSubject) {
	const workers, rounds = 6, 40
	handles := s.handles(a)
	keys := names("popular", rounds)
	gens := make([][workers]uint64, rounds)
	a.each(workers, func(w int) {
		for i, key := range keys {
			gens[i][w] = handles[w%len(handles)].snapshot(a, key)
		}
	})
	agreed, last := 0, ""
	for i, key := range keys {
		same := true
		for _, gen := range gens[i] {
			same = same && gen == gens[i][0]
		}
		if same {
			agreed++
		} else {
			last = fmt.Sprintf("of %s they got %d", quote(key), gens[i])
		}
	}
	// A store may drop a generation between two of them.
	if agreed < rounds-rounds/4 && s.steady(a) {
		a.violated("the same for all", "%d goroutines took Snapshots of %d missing keys; for %d keys they did not get the same: %s",
			workers, rounds, rounds-agreed, last)
	}
}

func trySnapshotDoesNotUndoABump(a *attempt, s *genSubject) {
	const snapshotters, rounds = 4, 40
	handles := s.handles(a)
	mustSee(a, handles)
	keys := names("raced", rounds)
	bumped := make([]uint64, rounds)
	var turn, done atomic.Int64
	turn.Store(-1)
	a.each(snapshotters+1, func(w int) {
		h := handles[w%len(handles)]
		for i, key := range keys {
			if w > 0 {
				for turn.Load() < int64(i) && a.Context().Err() == nil {
					runtime.Gosched()
				}
				h.snapshot(a, key)
				done.Add(1)
				continue
			}
			turn.Store(int64(i))
			sleep(a, time.Duration(i%8)*10*time.Microsecond) // for the others to begin
			bumped[i], _ = h.bump(a, key)
			for done.Load() < int64((i+1)*snapshotters) && a.Context().Err() == nil {
				runtime.Gosched()
			}
		}
	})
	for i, key := range keys {
		for _, h := range handles {
			if got := h.current(a, key); got != 0 && got < bumped[i] {
				a.violated(fmt.Sprintf("%d or more, or 0", bumped[i]), "Bump of %s returned %d while others took Snapshots, and Current now returns %s",
					quote(key), bumped[i], stale(got, bumped[i]))
			}
		}
	}
}
