package cascache

import (
	"math/rand/v2"
	"sync/atomic"
)

const (
	// minTableSlots is the size of the smallest table; sizes are powers of
	// two.
	minTableSlots = 8

	// evictSample is how many generations are compared to drop the oldest.
	evictSample = 8
)

// localTable is a hash table of generations that is read without a lock:
// linear probing over slots, each of which belongs to one hash for the life of
// the table. A generation that is dropped leaves its slot to its hash, with
// generation 0, until the table is made anew. Writers hold a lock.
//
// A reader that still looks at a table which was replaced meanwhile sees what
// was current when its look-up began, or later.
type localTable struct {
	slots []localSlot
}

type localSlot struct {
	hash atomic.Uint64 // 0: free; published after gen
	gen  atomic.Uint64 // 0: none
}

func newLocalTable(slots int) *localTable { return &localTable{slots: make([]localSlot, slots)} }

// find returns the slot of a hash, or the free one that it would take.
func (t *localTable) find(hash uint64) *localSlot {
	mask := uint64(len(t.slots) - 1)
	// The low bits chose the shard.
	for i := hash / localShards; ; i++ {
		slot := &t.slots[i&mask]
		if h := slot.hash.Load(); h == hash || h == 0 {
			return slot
		}
	}
}

// localGens is a localTable that grows and shrinks. Reading with get needs no
// lock; everything else needs the shard's.
type localGens struct {
	table atomic.Pointer[localTable] // nil while empty
	used  int                        // slots that belong to a hash
	live  int                        // of these, with a generation
}

func (g *localGens) get(hash uint64) uint64 {
	t := g.table.Load()
	if t == nil {
		return 0
	}
	// A free slot has generation 0.
	slot := t.find(hash)
	if slot.hash.Load() != hash {
		return 0
	}
	return slot.gen.Load()
}

// put sets a generation, which is not 0.
func (g *localGens) put(hash, gen uint64) {
	t := g.table.Load()
	if t == nil {
		t = g.rebuild(minTableSlots)
	}
	slot := t.find(hash)
	if slot.hash.Load() == 0 {
		// At most 13 slots of 16 are taken, so that a search ends soon.
		if (g.used+1)*16 > len(t.slots)*13 {
			// A table that is mostly generations doubles: from 3/4 full to
			// 3/8, which is 43 bytes a generation. Otherwise it only loses
			// what was dropped.
			size := len(t.slots)
			if (g.live+1)*4 > size*3 {
				size *= 2
			}
			t = g.rebuild(size)
			slot = t.find(hash)
		}
		g.used++
	}
	if slot.gen.Load() == 0 {
		g.live++
	}
	slot.gen.Store(gen)
	slot.hash.Store(hash)
}

// drop forgets a generation.
func (g *localGens) drop(hash uint64) {
	t := g.table.Load()
	if t == nil {
		return
	}
	if slot := t.find(hash); slot.hash.Load() == hash && slot.gen.Load() != 0 {
		slot.gen.Store(0)
		g.live--
	}
}

// each calls f with every generation. f may drop it.
func (g *localGens) each(f func(hash, gen uint64)) {
	t := g.table.Load()
	if t == nil {
		return
	}
	for i := range t.slots {
		if gen := t.slots[i].gen.Load(); gen != 0 {
			f(t.slots[i].hash.Load(), gen)
		}
	}
}

// older returns the oldest of a few generations, or 0 and 0 if there are none.
func (g *localGens) older() (hash, gen uint64) {
	if g.live == 0 {
		return 0, 0
	}
	t := g.table.Load()
	mask := len(t.slots) - 1
	looked := 0
	for i, n := rand.IntN(len(t.slots)), 0; n < len(t.slots) && looked < evictSample; i, n = i+1, n+1 {
		slot := &t.slots[i&mask]
		at := slot.gen.Load()
		if at == 0 {
			continue
		}
		if looked == 0 || at < gen {
			hash, gen = slot.hash.Load(), at
		}
		looked++
	}
	return hash, gen
}

// shrink gives memory back where most generations are gone.
func (g *localGens) shrink() {
	t := g.table.Load()
	if t == nil || g.live*8 > len(t.slots) {
		return
	}
	if g.live == 0 {
		g.table.Store(nil)
		g.used = 0
		return
	}
	size := minTableSlots
	for size*3 < g.live*8 {
		size *= 2
	}
	if size < len(t.slots) {
		g.rebuild(size)
	}
}

// rebuild moves all generations to a new table and returns it.
func (g *localGens) rebuild(slots int) *localTable {
	t := newLocalTable(slots)
	g.each(func(hash, gen uint64) {
		slot := t.find(hash)
		slot.gen.Store(gen)
		slot.hash.Store(hash)
	})
	g.used = g.live
	g.table.Store(t)
	return t
}
