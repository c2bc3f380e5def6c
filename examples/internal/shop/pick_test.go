package shop

import (
	"slices"
	"testing"
)

func TestPickerIsDecidedBySeedAndStream(t *testing.T) {
	ids := Popularity(7, 1_000, 1_000)
	draw := func(seed, stream uint64) []Change {
		p := NewPicker(seed, stream, ids)
		changes := make([]Change, 200)
		for i := range changes {
			changes[i] = p.Change()
		}
		return changes
	}
	if !slices.Equal(draw(7, StreamWriters), draw(7, StreamWriters)) {
		t.Error("the same seed and stream give two sequences; all caches must see the same workload")
	}
	if slices.Equal(draw(7, StreamWriters), draw(8, StreamWriters)) {
		t.Error("two seeds give the same sequence")
	}
	if slices.Equal(draw(7, StreamWriters), draw(7, StreamWriters+1)) {
		t.Error("two writers get the same sequence")
	}
	if !slices.Equal(ids, Popularity(7, 1_000, 1_000)) || slices.Equal(ids, Popularity(8, 1_000, 1_000)) {
		t.Error("which products are popular is decided by the seed")
	}
}

func TestPopularityPicksDistinctProducts(t *testing.T) {
	ids := Popularity(1, 10_000, 500)
	if len(ids) != 500 {
		t.Errorf("the workload uses as many products as asked for: got %d, want 500", len(ids))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 500 || ids[0] < 1 || ids[len(ids)-1] > 10_000 {
		t.Error("the workload uses distinct products of the table")
	}
}

func TestPickerIsSkewed(t *testing.T) {
	ids := Popularity(1, 10_000, 10_000)
	p := NewPicker(1, StreamReaders, ids)
	counts := make(map[int64]int)
	const draws = 50_000
	for range draws {
		counts[p.ID()]++
	}
	if share := float64(counts[ids[0]]) / draws; share < 0.12 || share > 0.17 {
		t.Errorf("the most popular product gets about a seventh of all reads: got %.3f", share)
	}
	if len(counts) < 3_000 {
		t.Errorf("the others are read too: got %d products in %d reads", len(counts), draws)
	}
}

func TestPickerOfOneProduct(t *testing.T) {
	p := NewPicker(1, StreamReaders, []int64{42})
	for range 100 {
		if id := p.ID(); id != 42 {
			t.Fatalf("with one product every read is of it: got %d", id)
		}
	}
}
