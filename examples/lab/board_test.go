package main

import (
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

func rowOf(version, loaded int64, lagged bool) Row {
	return Row{Product: shop.Product{ID: 1, Version: version}, Loaded: loaded, Lagged: lagged}
}

func TestJudgement(t *testing.T) {
	// The invalidation of version 5 began at 100 and has returned.
	f := floor{version: 5, began: 100}
	for _, c := range []struct {
		what string
		row  Row
		want judgement
	}{
		{"the version itself", rowOf(5, 90, false), fresh},
		{"a newer one, whose invalidation is under way", rowOf(6, 120, false), fresh},
		{"an older one", rowOf(4, 90, false), stale},
		// Its query returned late, but saw what had committed before version 5.
		{"an older one that was stamped late", rowOf(4, 110, false), stale},
		{"an older one, read from a lagging replica before the invalidation began", rowOf(4, 90, true), stale},
		{"an older one, read from a lagging replica after the invalidation began", rowOf(4, 110, true), old},
		{"a current one from a lagging replica", rowOf(5, 90, true), fresh},
	} {
		if got := f.judge(c.row); got != c.want {
			t.Errorf("%s: judged %d, want %d (0 fresh, 1 as old as its source, 2 stale)", c.what, got, c.want)
		}
	}
	if got := (floor{}).judge(rowOf(1, 1, false)); got != fresh {
		t.Errorf("before any invalidation every row is fresh: judged %d", got)
	}
}

func TestFloorNeverFalls(t *testing.T) {
	b := newBoard(2, 1, 3)
	b.invalidated(1, 3, 7, 50)
	b.invalidated(1, 3, 6, 40) // the slower of two writers
	if got, want := b.floor(1, 3), (floor{7, 50}); got != want {
		t.Errorf("the floor is the highest version whose invalidation returned: got %+v, want %+v", got, want)
	}
	for _, other := range []floor{b.floor(0, 3), b.floor(1, 2), b.floor(1, 1)} {
		if other != (floor{}) {
			t.Errorf("lanes and products have floors of their own: got %+v", other)
		}
	}
}

// Whoever learns that an invalidation has returned finds its floor, however
// many raise it.
func TestFloorUnderConcurrency(t *testing.T) {
	b := newBoard(1, 1, 1)
	var raising sync.WaitGroup
	for i := range 8 {
		raising.Go(func() {
			for n := range int64(2_000) {
				version := n*8 + int64(i) + 1
				b.invalidated(0, 1, version, b.next())
				if got := b.floor(0, 1); got.version < version {
					t.Errorf("version %d has been invalidated, and the floor is %d", version, got.version)
					return
				}
			}
		})
	}
	raising.Wait()
	if got := b.floor(0, 1); got.version != 16_000 || got.began != b.get(wordSeq) {
		t.Errorf("the floor is the highest of all: got %+v, want version 16000 begun at %d", got, b.get(wordSeq))
	}
}

func TestTallies(t *testing.T) {
	b := newBoard(2, 3, 1)
	for slot := range 3 {
		tally := b.tally(1, slot)
		tally.add(countReads)
		tally.add(countReads)
		tally.add(countStale)
		tally.took(time.Millisecond)
	}
	c := b.counted(1)
	if c.reads != 6 || c.stale != 3 || c.histogram[bucketOf(time.Millisecond)] != 3 {
		t.Errorf("a lane's count is the sum over all processes: got %d reads, %d stale", c.reads, c.stale)
	}
	if got := b.counted(0); got != (count{}) {
		t.Errorf("lanes are counted apart: got %+v", got)
	}
	if got := c.minus(c); got != (count{}) {
		t.Errorf("nothing was counted since now: got %+v", got)
	}
}

func TestBoardIsSharedThroughItsFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("boards are mapped on Unix only")
	}
	file := filepath.Join(t.TempDir(), "board")
	first, err := mapBoard(file, 2, 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	second, err := mapBoard(file, 2, 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	first.invalidated(1, 10, 4, 2)
	second.tally(1, 1).took(time.Hour) // the last word
	if got := second.floor(1, 10); got.version != 4 {
		t.Errorf("what one process writes the other sees: got %+v", got)
	}
	if got := first.counted(1); got.histogram[histogramBuckets-1] != 1 {
		t.Error("what one process counts the other sees")
	}
	for _, b := range []*board{first, second} {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}
}
