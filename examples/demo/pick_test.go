package main

import (
	"slices"
	"testing"
)

func TestPickerIsDecidedBySeedAndStream(t *testing.T) {
	ids := popularity(7, 1_000, 1_000)
	draw := func(seed, stream uint64) []change {
		p := newPicker(seed, stream, ids)
		changes := make([]change, 200)
		for i := range changes {
			changes[i] = p.change()
		}
		return changes
	}
	if !slices.Equal(draw(7, streamWriters), draw(7, streamWriters)) {
		t.Error("the same seed and stream give two sequences; all caches must see the same workload")
	}
	if slices.Equal(draw(7, streamWriters), draw(8, streamWriters)) {
		t.Error("two seeds give the same sequence")
	}
	if slices.Equal(draw(7, streamWriters), draw(7, streamWriters+1)) {
		t.Error("two writers get the same sequence")
	}
	if !slices.Equal(ids, popularity(7, 1_000, 1_000)) || slices.Equal(ids, popularity(8, 1_000, 1_000)) {
		t.Error("which products are popular is decided by the seed")
	}
}

func TestPopularityPicksDistinctProducts(t *testing.T) {
	ids := popularity(1, 10_000, 500)
	if len(ids) != 500 {
		t.Errorf("the workload uses as many products as asked for: got %d, want 500", len(ids))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 500 || ids[0] < 1 || ids[len(ids)-1] > 10_000 {
		t.Error("the workload uses distinct products of the table")
	}
}

func TestPickerIsSkewed(t *testing.T) {
	ids := popularity(1, 10_000, 10_000)
	p := newPicker(1, streamReaders, ids)
	counts := make(map[int64]int)
	const draws = 50_000
	for range draws {
		counts[p.id()]++
	}
	if share := float64(counts[ids[0]]) / draws; share < 0.12 || share > 0.17 {
		t.Errorf("the most popular product gets about a seventh of all reads: got %.3f", share)
	}
	if len(counts) < 3_000 {
		t.Errorf("the others are read too: got %d products in %d reads", len(counts), draws)
	}
}

func TestPickerOfOneProduct(t *testing.T) {
	p := newPicker(1, streamReaders, []int64{42})
	for range 100 {
		if id := p.id(); id != 42 {
			t.Fatalf("with one product every read is of it: got %d", id)
		}
	}
}
