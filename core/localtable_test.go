package cascache

import (
	"math/bits"
	"testing"
)

// checkTable holds a table to what it says of itself.
func checkTable(t *testing.T, g *localGens) {
	t.Helper()
	used, live := 0, 0
	if table := g.table.Load(); table != nil {
		if bits.OnesCount(uint(len(table.slots))) != 1 || len(table.slots) < minTableSlots {
			t.Fatalf("the size of a table is a power of two from %d on: got %d", minTableSlots, len(table.slots))
		}
		if 16*g.used > 13*len(table.slots) {
			t.Fatalf("at most 13 slots of 16 are taken: got %d of %d", g.used, len(table.slots))
		}
		for i := range table.slots {
			if table.slots[i].hash.Load() != 0 {
				used++
			}
			if table.slots[i].gen.Load() != 0 {
				live++
			}
		}
	}
	if g.used != used || g.live != live {
		t.Fatalf("a table counts its slots: got %d used and %d live, and has %d and %d", g.used, g.live, used, live)
	}
}

func TestTableGrowsAndShrinksAsItSays(t *testing.T) {
	var g localGens
	hash := func(i int) uint64 { return uint64(i+1) * localShards }
	const most = 1000
	slots := func() int {
		if table := g.table.Load(); table != nil {
			return len(table.slots)
		}
		return 0
	}
	for i := range most {
		before := slots()
		g.put(hash(i), uint64(i+1))
		checkTable(t, &g)
		if after := slots(); before > 0 && after != before && after != 2*before {
			t.Fatalf("a table that is full doubles: from %d to %d", before, after)
		}
		if n := slots(); n > minTableSlots && 4*g.live < n {
			t.Fatalf("a table that only grows is not mostly empty: %d of %d", g.live, n)
		}
	}
	for i := range most {
		g.drop(hash(i))
		before := slots()
		g.shrink()
		checkTable(t, &g)
		switch after := slots(); {
		case g.live == 0:
			if after != 0 {
				t.Fatalf("an empty table is given back: %d slots are left", after)
			}
		case g.live*8 > before:
			if after != before {
				t.Fatalf("a table of which an eighth is in use stays: from %d slots to %d with %d in use", before, after, g.live)
			}
		default:
			want := minTableSlots
			for want*3 < g.live*8 {
				want *= 2
			}
			if after != min(want, before) {
				t.Fatalf("a table shrinks until 3/8 or more are in use: got %d slots for %d, want %d", after, g.live, min(want, before))
			}
		}
	}
	g.put(hash(0), 1)
	checkTable(t, &g)
}

func TestTableThatIsFullOfTheDroppedKeepsItsSize(t *testing.T) {
	var g localGens
	hash := func(i int) uint64 { return uint64(i+1) * localShards }
	const size = 64 // of which 52 slots can be taken
	for i := range 52 {
		g.put(hash(i), uint64(i+1))
	}
	for i := range 6 {
		g.drop(hash(i)) // 46 are left, less than 3/4
	}
	g.put(hash(100), 1)
	checkTable(t, &g)
	if n := len(g.table.Load().slots); n != size || g.used != g.live {
		t.Errorf("a table of which a part was dropped loses that and does not grow: got %d slots, %d used, %d live", n, g.used, g.live)
	}
}

func TestTableShrinksAsFarAsItMay(t *testing.T) {
	for _, test := range []struct{ live, want int }{{1, 8}, {3, 8}, {4, 16}, {6, 16}, {7, 32}, {12, 32}, {22, 64}, {24, 64}, {25, 128}} {
		var g localGens
		for i := range uint64(1000) {
			g.put((i+1)*localShards, i+1)
		}
		for i := range uint64(1000 - test.live) {
			g.drop((i + 1) * localShards)
		}
		g.shrink()
		checkTable(t, &g)
		if n := len(g.table.Load().slots); n != test.want {
			t.Errorf("a table for %d shrinks until 3/8 or more are in use: got %d slots, want %d", test.live, n, test.want)
		}
	}
}

func TestOlderFindsTheOnlyGeneration(t *testing.T) {
	var g localGens
	for i := range uint64(6) {
		g.put((i+1)*localShards, i+1)
	}
	for i := range uint64(5) {
		g.drop((i + 1) * localShards)
	}
	for range 500 {
		if hash, gen := g.older(); hash != 6*localShards || gen != 6 {
			t.Fatalf("the only generation is found wherever the search begins: got %d, %d", hash, gen)
		}
	}
	g.put(localShards, 1)
	for range 500 {
		if _, gen := g.older(); gen != 1 {
			t.Fatalf("of a few generations the oldest is found: got %d, want 1", gen)
		}
	}
}
