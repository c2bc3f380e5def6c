package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

func testSource(t *testing.T) (*board, *source) {
	t.Helper()
	store, err := shop.Create(t.Context(), filepath.Join(t.TempDir(), "products.db"), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	b := newBoard(1, 1, 2)
	s := &source{board: b, store: store}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, s
}

func TestSourceLags(t *testing.T) {
	b, s := testSource(t)
	version := func() (int64, bool) {
		row, err := s.query(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return row.Version, row.Lagged
	}
	b.set(wordLag, int64(time.Hour))
	if v, lagged := version(); v != 1 || !lagged {
		t.Fatalf("the first query sees version 1 of a lagging replica: got %d, %v", v, lagged)
	}
	if _, err := s.store.Write(t.Context(), shop.Change{ID: 1, PriceCents: 100}); err != nil {
		t.Fatal(err)
	}
	if v, lagged := version(); v != 1 || !lagged {
		t.Errorf("a replica that lags does not see a new commit, and says that it lags: got version %d, %v", v, lagged)
	}
	b.set(wordLag, int64(time.Nanosecond))
	if v, lagged := version(); v != 2 || !lagged {
		t.Errorf("a replica catches up once its lag has passed: got version %d, %v", v, lagged)
	}
	b.set(wordLag, 0)
	if v, lagged := version(); v != 2 || lagged {
		t.Errorf("without lag a query sees every commit: got version %d, %v", v, lagged)
	}
}

func TestSourceStampsGrow(t *testing.T) {
	b, s := testSource(t)
	before := b.next()
	first, err := s.query(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.query(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if first.Loaded <= before || second.Loaded <= first.Loaded {
		t.Errorf("every load has a number of its own, in the order in which they returned: got %d, %d after %d", first.Loaded, second.Loaded, before)
	}
}
