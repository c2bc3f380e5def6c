package conformance

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

var genVisibleRules = []rule[*genSubject]{
	{
		name: "BumpIsVisible",
		says: "G4: When Bump has returned nil, no Current that begins later returns an older generation.",
		harm: "a read right after an invalidation is served what was invalidated.",
		try:  tryBumpIsVisible,
	},
	{
		name: "PeersSeeBump",
		says: "G4: A bump that returned nil is visible to every later Current on every other handle, at once.",
		harm: "an invalidation has returned, and other replicas go on serving the old value.",
		lack: Sharing,
		try:  tryPeersSeeBump,
	},
	{
		name: "SnapshotSeesBump",
		says: "G4: When Bump has returned nil, no Snapshot that begins later returns an older generation, on any handle.",
		harm: "what is loaded after an invalidation is stored under a dead generation, and refused.",
		try:  trySnapshotSeesBump,
	},
	{
		name: "BumpIsVisibleUnderLoad",
		says: "G4: A Current that begins after a Bump has returned never returns an older generation, however many are under way.",
		harm: "under load, readers that share a look-up which began before an invalidation are served what was invalidated.",
		try:  tryBumpIsVisibleUnderLoad,
	},
	{
		name: "GenerationsNeverGoBack",
		says: "G4: A Current that begins after another one has returned never returns an older generation.",
		harm: "a value that was replaced shows up again, on every other page view.",
		try:  tryGenerationsNeverGoBack,
	},
}

func tryBumpIsVisible(a *attempt, s *genSubject) {
	for _, key := range names("visible", 8) {
		for range 4 {
			s.current(a, key) // for one that remembers what it read
			gen, ok := s.bump(a, key)
			if !ok {
				continue
			}
			if got := s.current(a, key); got != 0 && got < gen {
				a.violated(fmt.Sprintf("%d or more, or 0", gen), "Bump of %s returned %d, and Current after it %s", quote(key), gen, stale(got, gen))
			}
		}
	}
}

func tryPeersSeeBump(a *attempt, s *genSubject) {
	handles := []*genSubject{s, s.peer(a), s.peer(a)}
	for i, key := range names("visible", 8) {
		for round := range 4 {
			for _, h := range handles {
				h.current(a, key) // for one that remembers what it read
			}
			at := (i + round) % len(handles)
			gen, ok := handles[at].bump(a, key)
			if !ok {
				continue
			}
			for j, h := range handles {
				// What the handle itself sees has a case of its own.
				if got := h.current(a, key); j != at && got != 0 && got < gen {
					a.violated(fmt.Sprintf("%d or more, or 0", gen), "Bump of %s on handle %d returned %d, and Current on handle %d %s",
						quote(key), at, gen, j, stale(got, gen))
				}
			}
		}
	}
}

func trySnapshotSeesBump(a *attempt, s *genSubject) {
	handles := s.handles(a)
	for i, key := range names("visible", 8) {
		for _, h := range handles {
			h.snapshot(a, key)
		}
		at := i % len(handles)
		gen, ok := handles[at].bump(a, key)
		if !ok {
			continue
		}
		for j, h := range handles {
			if got := h.snapshot(a, key); got != 0 && got < gen {
				a.violated(fmt.Sprintf("%d or more", gen), "Bump of %s on handle %d returned %d, and Snapshot on handle %d %s",
					quote(key), at, gen, j, stale(got, gen))
			}
		}
	}
}

func tryBumpIsVisibleUnderLoad(a *attempt, s *genSubject) {
	const readers, rounds, fewest = 6, 60, 16
	end := time.Now().Add(5 * watchTime)
	handles := s.handles(a)
	mustSee(a, handles)
	keys := names("read", 2)
	bumped := make([]highest, len(keys))
	var left atomic.Int64 // bumpers that are not done
	left.Store(int64(len(keys)))
	a.each(len(keys)+readers, func(w int) {
		if w < len(keys) {
			// The only one who bumps this key.
			defer left.Add(-1)
			for i := 0; i < fewest || i < rounds && time.Now().Before(end); i++ {
				gen, ok := handles[w%len(handles)].bump(a, keys[w])
				if !ok {
					continue
				}
				bumped[w].raise(gen)
				for _, h := range handles {
					if got := h.current(a, keys[w]); got != 0 && got < gen {
						a.violated(fmt.Sprintf("%d or more, or 0", gen), "Bump of %s returned %d while others were reading, and Current after it %s",
							quote(keys[w]), gen, stale(got, gen))
					}
				}
				sleep(a, 50*time.Microsecond) // for the others to read it
			}
			return
		}
		k := w % len(keys)
		h := handles[w/len(keys)%len(handles)]
		for left.Load() > 0 && a.Context().Err() == nil {
			before := bumped[k].gen.Load()
			if got := h.current(a, keys[k]); got != 0 && got < before {
				a.violated(fmt.Sprintf("%d or more, or 0", before), "Current of %s began after a Bump had returned %d, while others were reading too, and returned %s",
					quote(keys[k]), before, stale(got, before))
			}
			runtime.Gosched() // lets those that bump have their turn
		}
	})
}

func tryGenerationsNeverGoBack(a *attempt, s *genSubject) {
	const bumpers, readers, rounds = 3, 4, 60
	handles := s.handles(a)
	mustSee(a, handles)
	const key = "busy"
	var seen highest
	var left atomic.Int64
	left.Store(bumpers)
	a.each(bumpers+readers, func(w int) {
		h := handles[w%len(handles)]
		look := func() {
			before := seen.gen.Load()
			got := h.current(a, key)
			if got != 0 && got < before {
				a.violated(fmt.Sprintf("%d or more, or 0", before), "with %d goroutines that bump %s at once, a Current had returned %d, and one that began later %s",
					bumpers, quote(key), before, stale(got, before))
			}
			seen.raise(got)
			runtime.Gosched()
		}
		if w < bumpers {
			defer left.Add(-1)
			for range rounds {
				h.bump(a, key)
				look()
			}
			return
		}
		for left.Load() > 0 && a.Context().Err() == nil {
			look()
		}
	})
}
